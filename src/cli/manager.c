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

/* The names stand in the order of the sockets, with colons between. */
static void sort_by_use(int count, struct str names, struct manager_sockets sockets[MANAGER_USES])
{
    for (int i = 0; i < count; i++) {
        struct str name = names, rest = STR("");
        str_cut(names, ':', &name, &rest);
        names = rest;
        bool operations = str_eq(name, STR("operations"));
        struct manager_sockets *of_use = &sockets[operations ? MANAGER_OPERATIONS : MANAGER_API];
        of_use->files[of_use->count++] = MANAGER_SOCKET_FIRST + i;
        fcntl(MANAGER_SOCKET_FIRST + i, F_SETFD, FD_CLOEXEC);
    }
}

bool manager_take_sockets(struct manager_sockets ret_sockets[MANAGER_USES], struct error *error)
{
    unsigned long long count = 0;
    const char *text = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
    bool read = !is_for_us() || !text || str_to_u64(str_from(text), MANAGER_SOCKETS_MAX, &count);
    memset(ret_sockets, 0, MANAGER_USES * sizeof(*ret_sockets));
    if (read)
        sort_by_use((int)count, str_from(names ? names : ""), ret_sockets);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return read || fail(error, ERR_VALIDATION, "LISTEN_FDS is not a number from 0 to %d.",
                        MANAGER_SOCKETS_MAX);
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
