/* A list that is read again after a while, and a question to the system's routing. */
#include "net/own_addresses.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANY_PORT = 9 }; /* "discard"; nothing is sent to it */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct ip *addresses;
static size_t address_count;
static int64_t read_at_ms = -1; /* on clock_mono_ms() */

static size_t count_of(const struct ifaddrs *list)
{
    size_t count = 0;
    for (; list && count < OWN_ADDRESSES_MAX; list = list->ifa_next)
        count += list->ifa_addr != NULL;
    return count;
}

static void keep(const struct ifaddrs *list)
{
    size_t room = count_of(list);
    addresses = xrealloc(addresses, (room + 1) * sizeof(*addresses));
    address_count = 0;
    for (; list && address_count < room; list = list->ifa_next)
        address_count += list->ifa_addr && ip_of_address(list->ifa_addr, &addresses[address_count]);
}

/* When the system does not say, the earlier list stays. */
static void refresh(void)
{
    struct ifaddrs *list = NULL;
    int64_t now_ms = clock_mono_ms();
    if (read_at_ms >= 0 && now_ms - read_at_ms < OWN_ADDRESSES_REFRESH_MS)
        return;
    read_at_ms = now_ms;
    if (getifaddrs(&list) != 0)
        return;
    keep(list);
    freeifaddrs(list);
}

static bool is_listed(const struct ip *ip)
{
    bool found = false;
    pthread_mutex_lock(&lock);
    refresh();
    for (size_t i = 0; i < address_count && !found; i++)
        found = ip_eq(&addresses[i], ip);
    pthread_mutex_unlock(&lock);
    return found;
}

static socklen_t address_of(const struct ip *ip, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(ANY_PORT)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(ANY_PORT)};
    *ret_address = (struct sockaddr_storage){0};
    if (!ip_is_v4(ip)) {
        memcpy(&in6.sin6_addr, ip->bytes, sizeof(in6.sin6_addr));
        memcpy(ret_address, &in6, sizeof(in6));
        return sizeof(in6);
    }
    memcpy(&in.sin_addr, ip->bytes + 12, sizeof(in.sin_addr));
    memcpy(ret_address, &in, sizeof(in));
    return sizeof(in);
}

/* connect(2) on a datagram socket chooses the address to send from, and sends nothing. */
static bool is_its_own_source(const struct ip *ip)
{
    struct sockaddr_storage to, from;
    socklen_t len = address_of(ip, &to), from_len = sizeof(from);
    struct ip source;
    int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool own = fd >= 0 && connect(fd, (const struct sockaddr *)&to, len) == 0 &&
               getsockname(fd, (struct sockaddr *)&from, &from_len) == 0 &&
               ip_of_address((const struct sockaddr *)&from, &source) && ip_eq(&source, ip);
    if (fd >= 0)
        close(fd);
    return own;
}

bool own_addresses_have(const struct ip *ip)
{
    return is_listed(ip) || is_its_own_source(ip);
}
