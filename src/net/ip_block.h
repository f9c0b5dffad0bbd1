/* An IP address of either family as 16 bytes, an IPv4 one in its mapped form ::ffff:a.b.c.d, so
 * that one comparison serves both; and a block of addresses. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct ip {
    unsigned char bytes[16];
};

struct ip_block {
    struct ip first;
    int bits; /* leading bits that count; an IPv4 block's prefix plus IP_V4_BITS */
};

enum { IP_V4_BITS = 96, IP_BITS = 128 };

#define IP_MAPPED 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF
/* Written a.b.c.d/bits, as the registries print them. */
#define IP_V4(a, b, c, d, n)                                                                       \
    {                                                                                              \
        {{IP_MAPPED, a, b, c, d}}, IP_V4_BITS + (n)                                                \
    }
#define IP_V6(n, ...)                                                                              \
    {                                                                                              \
        {{__VA_ARGS__}}, n                                                                         \
    }

bool ip_block_has(const struct ip_block *block, const struct ip *ip);
/* "::/0" has every IPv6 address, and not the IPv4 ones that only our own form puts inside it. */
bool ip_block_has_of_family(const struct ip_block *block, const struct ip *ip);
bool ip_any_block_has(const struct ip_block *blocks, size_t count, const struct ip *ip);

struct ip ip_of_v4(const void *four_bytes);
bool ip_is_v4(const struct ip *ip);
bool ip_eq(const struct ip *a, const struct ip *b);
/* False for another family than AF_INET and AF_INET6. */
bool ip_of_address(const struct sockaddr *address, struct ip *ret_ip);
/* The IPv4 address inside of the forms that carry one: NAT64 (RFC 6052) and 6to4 (RFC 3056). Any
 * other address is returned as it is. */
struct ip ip_unwrap(struct ip ip);

/* "10.1.2.3" or "fd00::1", and nothing else. `ret_width` is 32 or 128 bits. */
bool ip_parse(struct str text, struct ip *ret_ip, int *ret_width);
/* What a resolver takes for an address without a look-up: "0x7f.1" and "2130706433" too, with a dot
 * at the end or, for IPv6, in brackets. */
bool ip_parse_host(struct str host, struct ip *ret_ip);
/* ADDRESS or ADDRESS/BITS. ERR_VALIDATION names the text and `list`, where it stands. */
_must_use_ bool ip_block_parse(struct str text, const char *list, struct ip_block *ret_block,
                               struct error *error);
