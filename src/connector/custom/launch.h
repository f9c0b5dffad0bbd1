/* What the server, the supervisor and the keepers say to each other (supervisor.h). */
#pragma once

#include <stddef.h>
#include <sys/types.h>

enum isolation {
    ISOLATION_ON,       /* as far as the kernel permits it */
    ISOLATION_REQUIRED, /* or no process starts */
    ISOLATION_OFF,
};

enum {
    HIDDEN_PATHS_MAX = 32,
    LAUNCH_TEXT_MAX = 48 * 1024, /* bytes of a launch's texts together, with their ends */
    LAUNCH_VARIABLES_MAX = 128,  /* of its environment */
};

/* A command and what its process gets. The keeper adds TMPDIR and HOME, a directory that exists as
 * long as the process. */
struct launch {
    const char *command;          /* for /bin/sh -c */
    const char *directory;        /* to run it in */
    const char *const *variables; /* "NAME=value"; the whole environment */
    size_t variable_count;
    size_t memory_max; /* bytes of a process's private memory (RLIMIT_DATA); 0: no limit */
};

/* The keeper's reports, one a message. */
enum keeper_event {
    KEEPER_STARTED,     /* `pid` runs the command's shell */
    KEEPER_NOT_STARTED, /* `code` is the errno of what `step` names */
    KEEPER_ENDED,       /* with wait status `code`; no process of the launch is left */
};

struct keeper_report {
    enum keeper_event event;
    pid_t pid;
    int code;
    char step[32];
};

/* Orders to the keeper, one byte each. Closing the socket is KEEPER_KILL. */
enum keeper_order {
    KEEPER_TERMINATE =
        'T',           /* SIGTERM to the process group, and KEEPER_KILL after KEEPER_GRACE_MS */
    KEEPER_KILL = 'K', /* SIGKILL to all processes of the launch */
};

enum { KEEPER_GRACE_MS = 1500 };
