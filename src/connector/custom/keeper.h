/* The processes below the supervisor, for its files only. Code here runs in single-threaded
 * children of the server. */
#pragma once

#include "connector/custom/launch.h"

#include <stdbool.h>

/* A launch as the supervisor has received it; texts end with NUL. `variables` has room for those
 * that the keeper adds, and a NULL at its end. */
struct launch_received {
    char *command;
    char *directory;
    char *variables[LAUNCH_VARIABLES_MAX + 4];
    size_t variable_count;
    size_t memory_max;
    enum isolation isolation;
    const char *const *hidden;
    size_t hidden_count;
    const char *scratch; /* the directory for temporary files */
};

/* Starts the leader, keeps it until it or the server ends, ends all that is left, and exits. */
_Noreturn void keeper_run(struct launch_received *launch, int life, int output);

/* In the leader, a child of `keeper`: its limits, its files, its restrictions, and the command.
 * Returns only when that fails: what did, in words; errno says why. */
const char *leader_become(const struct launch_received *launch, int output, pid_t keeper);

/* In the leader: gives up what isolate.c says. False: it is required and not possible; errno says
 * why. */
bool isolate(const struct launch_received *launch);

/* Sends SIGKILL to each child of the calling process. False: it has none left. */
bool kill_children(void);
