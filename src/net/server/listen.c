/* Listening sockets. Each loop has its own on the same port, and the kernel spreads connections. */
#include "net/server/internal.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static void close_at(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static socklen_t address_size(const union address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

static bool address_from(const char *host, int port, union address *ret_address,
                         struct error *error)
{
    *ret_address = (union address){0};
    if (port < 0 || port > 65535)
        return fail(error, ERR_VALIDATION, "%d is not a port.", port);
    if (uv_ip4_addr(host, port, &ret_address->v4) == 0 ||
        uv_ip6_addr(host, port, &ret_address->v6) == 0)
        return true;
    return fail(error, ERR_VALIDATION, "%s is not an IPv4 or IPv6 address.", host);
}

static bool bound(int fd, const union address *address)
{
    return bind(fd, &address->any, address_size(address)) == 0;
}

static bool cannot_listen(const char *host, int port, struct error *error)
{
    return fail(error, ERR_UNAVAILABLE, "Cannot listen on %s port %d: %s.", host, port,
                strerror(errno));
}

/* A shared port would also be shared with another process of the same user, unnoticed. So look
 * whether somebody listens there already, with a socket that does not share. */
static bool port_is_free(const union address *address)
{
    int one = 1;
    _cleanup_(close_at) int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
           bound(fd, address);
}

/* Connections inherit TCP_NODELAY: an answer is one write and must not wait for more. */
static bool prepared(int fd, enum listen_share share)
{
    int one = 1;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
           setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0 &&
           (share == LISTEN_ALONE ||
            setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) == 0);
}

bool listen_open(const char *host, int port, enum listen_share share, int *ret_socket,
                 int *ret_port, struct error *error)
{
    union address address;
    if (!address_from(host, port, &address, error))
        return false;
    if (share == LISTEN_SHARED_FIRST && port != 0 && !port_is_free(&address))
        return cannot_listen(host, port, error);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = sizeof(address);
    if (fd < 0 || !prepared(fd, share) || !bound(fd, &address) ||
        getsockname(fd, &address.any, &size) != 0) {
        cannot_listen(host, port, error);
        close_at(&fd);
        return false;
    }
    *ret_port =
        ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
    *ret_socket = fd;
    return true;
}

static bool is_option_set(int fd, int option)
{
    int value = 0;
    socklen_t size = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value != 0;
}

static bool locate(int fd, int *ret_port, char **ret_host)
{
    union address address = {0};
    socklen_t size = sizeof(address);
    char host[INET6_ADDRSTRLEN] = "";
    if (getsockname(fd, &address.any, &size) != 0)
        return false;
    bool v4 = address.any.sa_family == AF_INET, v6 = address.any.sa_family == AF_INET6;
    if ((v4 && uv_ip4_name(&address.v4, host, sizeof(host)) != 0) ||
        (v6 && uv_ip6_name(&address.v6, host, sizeof(host)) != 0))
        return false;
    *ret_port = ntohs(v6 ? address.v6.sin6_port : address.v4.sin_port);
    if (v4 || v6)
        *ret_host = xstrdup(host);
    return v4 || v6;
}

/* O_NONBLOCK belongs to what all copies share; other holders do not accept meanwhile. */
bool listen_adopt(int inherited, int *ret_socket, int *ret_port, char **ret_host,
                  struct error *error)
{
    int one = 1;
    int fd = fcntl(inherited, F_DUPFD_CLOEXEC, 0);
    if (fd < 0 || !is_option_set(fd, SO_ACCEPTCONN) || fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        !locate(fd, ret_port, ret_host)) {
        close_at(&fd);
        return fail(error, ERR_VALIDATION,
                    "What was handed over as file %d is not a listening TCP socket.", inherited);
    }
    *ret_socket = fd;
    return true;
}
