/* File descriptors: closed at the end of their scope, or all but one. */
#pragma once

#include "base/cleanup.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FD_PATH_SIZE = 4352 };

#define _cleanup_close_ _cleanup_(close_fd)

/* The caller closes it from now on. */
static inline int fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* A descriptor below 0 is none. */
static inline void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* As openat, whose `mode` counts where a file is made. The thread sanitizer knows nothing of it,
 * nor of descriptors that libuv closes: it would take this one for an earlier one of the same
 * number, which another thread had. It knows open. */
static inline int fd_open_at(int folder, const char *path, int flags, mode_t mode)
{
#ifdef __SANITIZE_THREAD__
    char whole[FD_PATH_SIZE];
    if (snprintf(whole, sizeof(whole), "/proc/self/fd/%d/%s", folder, path) < FD_PATH_SIZE)
        return open(whole, flags | O_CLOEXEC, mode);
#endif
    return openat(folder, path, flags | O_CLOEXEC, mode);
}

/* Closes all descriptors but `fd` and the three standard ones. For a process that was forked:
 * sockets and pipes that it inherits stay open for their other ends for as long as it has them. */
static inline void fd_close_others(int fd)
{
    if (fd > STDERR_FILENO + 1)
        syscall(SYS_close_range, STDERR_FILENO + 1, fd - 1, 0);
    syscall(SYS_close_range, fd + 1, ~0U, 0);
}
