/* Loaded before a connector (LD_PRELOAD): leads its connections to vendors to the sandbox, whatever
 * language it is in. Every name is looked up as 127.0.0.2, and a connection to port P of that
 * address goes to the port of 127.0.0.1 that SANDBOX_PORT_P names. Names in TLS and in Host stay
 * the connector's own, which is how the sandbox tells vendors apart. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define VENDORS "127.0.0.2"

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    int (*usual)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    struct in_addr address;
    struct addrinfo wanted = {0};
    if (!node || inet_pton(AF_INET, node, &address) == 1 || strcmp(node, "localhost") == 0)
        return usual(node, service, hints, result);
    if (hints)
        wanted = *hints;
    wanted.ai_family = AF_INET;
    return usual(VENDORS, service, &wanted, result);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    int (*usual)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    struct sockaddr_in led;
    char name[32];
    if (size < sizeof(led) || address->sa_family != AF_INET)
        return usual(fd, address, size);
    memcpy(&led, address, sizeof(led));
    if (led.sin_addr.s_addr != inet_addr(VENDORS))
        return usual(fd, address, size);
    snprintf(name, sizeof(name), "SANDBOX_PORT_%d", ntohs(led.sin_port));
    const char *port = getenv(name);
    if (!port) {
        errno = ECONNREFUSED;
        return -1;
    }
    led.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    led.sin_port = htons((unsigned short)atoi(port));
    return usual(fd, (const struct sockaddr *)&led, sizeof(led));
}
