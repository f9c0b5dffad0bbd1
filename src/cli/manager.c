/* Sockets from a service manager, and words to it. */
#include "cli/manager.h"

#include "base/str.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool is_for_us(void)
{
    unsigned long long pid;
    const char *text = getenv("LISTEN_PID");
    return text && str_to_u64(str_from(text), INT32_MAX, &pid) && (pid_t)pid == getpid();
}

bool manager_take_sockets(int ret_sockets[MANAGER_SOCKETS_MAX], int *ret_count, struct error *error)
{
    unsigned long long count = 0;
    const char *text = getenv("LISTEN_FDS");
    bool read = !is_for_us() || !text || str_to_u64(str_from(text), MANAGER_SOCKETS_MAX, &count);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (!read)
        return fail(error, ERR_VALIDATION, "LISTEN_FDS is not a number from 0 to %d.",
                    MANAGER_SOCKETS_MAX);
    *ret_count = (int)count;
    for (int i = 0; i < *ret_count; i++) {
        ret_sockets[i] = MANAGER_SOCKET_FIRST + i;
        fcntl(ret_sockets[i], F_SETFD, FD_CLOEXEC);
    }
    return true;
}

void manager_notify(const char *state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t len = path ? strlen(path) : 0;
    if (len < 2 || len >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, path, len);
    if (path[0] == '@') /* a name that is in no file system begins with a zero byte */
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    ssize_t sent =
        sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
    (void)sent;
    close(fd);
}
