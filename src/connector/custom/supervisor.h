/* Starts processes for a server that has given up the right to start programs (cli/harden.h).
 *
 * The supervisor is a process that the server forks before its first thread, its first secret and
 * its restrictions. For each launch it forks a keeper, which forks the command's process (the
 * leader) in a session of its own, waits for its end and then ends all that it left behind:
 *
 *     server ── socket pair ── supervisor
 *        │                        ├── keeper ── leader ── what it forks
 *        └── life socket, one a launch ──┘
 *
 * The life socket carries orders to the keeper and its reports. When the server's end is closed,
 * because the server says so or was killed, the keeper kills the leader and all its descendants: it
 * is their subreaper, so that a process with a session of its own does not escape. */
#pragma once

#include "base/error.h"
#include "connector/custom/launch.h"

#include <stdbool.h>

struct supervisor;

/* What no process that it starts may read: the server's data and keys. They need not exist yet. The
 * texts live as long as the supervisor. See isolate.c. */
struct supervisor_config {
    enum isolation isolation;
    const char *hidden[HIDDEN_PATHS_MAX];
    size_t hidden_count;
};

/* Call while the process has one thread. The supervisor and its processes inherit nothing of what
 * the server restricts or opens later. */
_must_use_ bool supervisor_start(const struct supervisor_config *config,
                                 struct supervisor **ret_supervisor, struct error *error);

/* Any thread; does not wait. `ret_life` is the life socket, `ret_output` a pipe that the process's
 * standard output and error go to; both are non-blocking, and the caller's to close.
 * ERR_THROTTLING when the supervisor has too many launches in hand, ERR_UNAVAILABLE when it is
 * gone, ERR_VALIDATION when the texts are too long. */
_must_use_ bool supervisor_launch(struct supervisor *supervisor, const struct launch *launch,
                                  int *ret_life, int *ret_output, struct error *error);

/* Waits for the supervisor to end, which it does when all launches have. NULL is fine. */
void supervisor_stop(struct supervisor *supervisor);
