/* Descriptors that are passed to another process, over a Unix socket that keeps messages apart or
 * has one reader and one writer. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { FD_PASS_MAX = 2 }; /* in one message */

/* Sends the message, which is not empty, with `count` descriptors; the caller keeps its own.
 * `flags` are sendmsg's; MSG_NOSIGNAL is added. False: errno says why, and nothing was sent, or,
 * over a stream, a part of the message. */
bool fd_pass_send(int socket, struct str message, const int *fds, size_t count, int flags);

/* Waits for a message. Returns its size: 0 when the other end is closed, -1 with errno. ret_fds has
 * room for `count`: they are the caller's to close and closed on exec; each is -1 unless the
 * message brought exactly as many. */
ssize_t fd_pass_receive(int socket, char *buffer, size_t size, int *ret_fds, size_t count);
