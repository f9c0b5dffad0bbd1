/* What a service manager hands over and wants to hear, in systemd's manner: environment variables
 * and a datagram, no library (sd_listen_fds(3), sd_notify(3)). Without a manager nothing happens.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

enum {
    MANAGER_SOCKET_FIRST = 3, /* the file that the first one comes as */
    MANAGER_SOCKETS_MAX = 64,
};

/* What a socket is for: its name in LISTEN_FDNAMES says it (FileDescriptorName= of a socket unit).
 */
enum manager_use {
    MANAGER_API,        /* any name but the next */
    MANAGER_OPERATIONS, /* "operations" */
    MANAGER_USES,
};

struct manager_sockets {
    int files[MANAGER_SOCKETS_MAX];
    int count;
};

/* The listening sockets that were meant for this process: LISTEN_PID, LISTEN_FDS. They are the
 * caller's, and no child's. Clears the variables, so a second call finds none. ERR_VALIDATION when
 * there are more than MANAGER_SOCKETS_MAX. */
_must_use_ bool manager_take_sockets(struct manager_sockets ret_sockets[MANAGER_USES],
                                     struct error *error);

/* "READY=1", "STOPPING=1": to NOTIFY_SOCKET. Whether anybody hears it is not our concern. */
void manager_notify(const char *state);
