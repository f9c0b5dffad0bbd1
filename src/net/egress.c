/* Judging an address: which ones are public is a table, and the operator's lists come to it. */
#include "net/egress_internal.h"
#include "net/own_addresses.h"

#include <netinet/in.h>
#include <string.h>

/* IANA's IPv4 special-purpose registry (RFC 6890 and what came after it), without those of its
 * blocks that are reachable from everywhere, and multicast (RFC 5771). */
static const struct ip_block special_v4[] = {
    IP_V4(0, 0, 0, 0, 8),       /* "this network", RFC 791 */
    IP_V4(10, 0, 0, 0, 8),      /* private, RFC 1918 */
    IP_V4(100, 64, 0, 0, 10),   /* shared by carriers, RFC 6598 */
    IP_V4(127, 0, 0, 0, 8),     /* loopback, RFC 1122 */
    IP_V4(169, 254, 0, 0, 16),  /* link-local, RFC 3927 */
    IP_V4(172, 16, 0, 0, 12),   /* private, RFC 1918 */
    IP_V4(192, 0, 0, 0, 24),    /* protocol assignments, RFC 6890 */
    IP_V4(192, 0, 2, 0, 24),    /* documentation, RFC 5737 */
    IP_V4(192, 88, 99, 0, 24),  /* 6to4 relays, withdrawn by RFC 7526 */
    IP_V4(192, 168, 0, 0, 16),  /* private, RFC 1918 */
    IP_V4(198, 18, 0, 0, 15),   /* benchmarks, RFC 2544 */
    IP_V4(198, 51, 100, 0, 24), /* documentation, RFC 5737 */
    IP_V4(203, 0, 113, 0, 24),  /* documentation, RFC 5737 */
    IP_V4(224, 0, 0, 0, 4),     /* multicast */
    IP_V4(240, 0, 0, 0, 4),     /* reserved, RFC 1112, and broadcast, RFC 8190 */
};

/* IPv6 is judged the other way round: only 2000::/3 has been given out for global use, so loopback,
 * unspecified, discard (100::/64), local NAT64 (64:ff9b:1::/48), segment routing (5f00::/16),
 * unique local (fc00::/7), link-local (fe80::/10), site-local (fec0::/10), multicast (ff00::/8) and
 * all that is yet to be assigned are outside. */
static const struct ip_block global_v6 = IP_V6(3, 0x20);
static const struct ip_block special_v6[] = {
    IP_V6(23, 0x20, 0x01),             /* protocol assignments with Teredo and ORCHID, RFC 2928 */
    IP_V6(32, 0x20, 0x01, 0x0D, 0xB8), /* documentation, RFC 3849 */
    IP_V6(16, 0x3F, 0xFE),             /* the 6bone, given back by RFC 3701 */
    IP_V6(20, 0x3F, 0xFF),             /* documentation, RFC 9637 */
};

static const struct ip_block loopback_v4 = IP_V4(127, 0, 0, 0, 8);
static const struct ip_block loopback_v6 = IP_V6(128, [15] = 1);

/* Services that hand credentials to whatever runs on a machine of a cloud. A wide block in the
 * operator's list ("169.254.0.0/16") does not open them: it must name the one address. */
static const struct ip_block metadata[] = {
    IP_V4(169, 254, 169, 254, 32),                         /* AWS, Azure, Google, Oracle, others */
    IP_V4(169, 254, 170, 2, 32),                           /* AWS, of a container task */
    IP_V4(169, 254, 170, 23, 32),                          /* AWS, of a pod */
    IP_V4(168, 63, 129, 16, 32),                           /* Azure; looks public */
    IP_V4(192, 0, 0, 192, 32),                             /* Oracle, its older one */
    IP_V4(100, 100, 100, 200, 32),                         /* Alibaba */
    IP_V6(128, 0xFD, 0x00, 0x0E, 0xC2, [14] = 0x02, 0x54), /* AWS over IPv6, fd00:ec2::254 */
    IP_V6(128, 0xFD, 0x00, 0x0E, 0xC2, [15] = 0x23),       /* AWS, of a pod */
    IP_V6(128, 0xFD, 0x20, 0x00, 0xCE, [14] = 0x02, 0x54), /* Google over IPv6, fd20:ce::254 */
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* --- judging --- */

/* ISATAP (RFC 5214, 6.1): the last 32 bits of such an interface identifier are an IPv4 address, and
 * a machine with such an interface sends there. */
static bool isatap_of(const struct ip *ip, struct ip *ret_inner)
{
    const unsigned char *id = ip->bytes + 8;
    if (ip_is_v4(ip) || (id[0] & ~0x02) != 0 || id[1] != 0 || id[2] != 0x5E || id[3] != 0xFE)
        return false;
    *ret_inner = ip_of_v4(ip->bytes + 12);
    return true;
}

static bool is_public(const struct ip *ip)
{
    struct ip inner;
    if (ip_is_v4(ip))
        return !ip_any_block_has(special_v4, COUNT(special_v4), ip);
    return ip_block_has(&global_v6, ip) && !ip_any_block_has(special_v6, COUNT(special_v6), ip) &&
           (!isatap_of(ip, &inner) || is_public(&inner));
}

static bool is_metadata(const struct ip *ip)
{
    return ip_any_block_has(metadata, COUNT(metadata), ip);
}

static bool is_loopback(const struct ip *ip)
{
    return ip_block_has(&loopback_v4, ip) || ip_block_has(&loopback_v6, ip);
}

static bool is_closed_own(const struct egress *egress, const struct ip *ip)
{
    return egress->closes_own && !is_loopback(ip) && own_addresses_have(ip);
}

/* A block that denies may be written in either form of an address that has two. */
static bool is_denied(const struct egress *egress, const struct ip *ip, const struct ip *unwrapped)
{
    for (size_t i = 0; i < egress->denied_count; i++) {
        if (ip_block_has_of_family(&egress->denied[i], ip) ||
            ip_block_has_of_family(&egress->denied[i], unwrapped))
            return true;
    }
    return false;
}

/* `ip` is unwrapped. */
static bool is_listed(const struct egress *egress, const struct ip *ip)
{
    bool listed = false, listed_alone = false;
    for (size_t i = 0; i < egress->allowed_count; i++) {
        const struct ip_block *entry = &egress->allowed[i];
        bool has = ip_block_has_of_family(entry, ip);
        listed = listed || has;
        listed_alone = listed_alone || (has && entry->bits == IP_BITS);
    }
    return listed_alone || (listed && !is_metadata(ip) && !is_closed_own(egress, ip));
}

static bool opens(const struct egress *egress, const struct ip *ip)
{
    struct ip unwrapped = ip_unwrap(*ip);
    return is_listed(egress, &unwrapped) && !is_denied(egress, ip, &unwrapped);
}

bool egress_has_port(const struct egress *egress, int port)
{
    for (size_t i = 0; i < egress->port_count; i++) {
        if (port >= egress->ports[i].first && port <= egress->ports[i].last)
            return true;
    }
    return egress->port_count == 0;
}

static bool allows(const struct egress *egress, const struct ip *ip, int port)
{
    struct ip unwrapped = ip_unwrap(*ip);
    bool port_is_good = egress_has_port(egress, port);
    if (is_denied(egress, ip, &unwrapped))
        return false;
    if (is_listed(egress, &unwrapped))
        return port_is_good || !egress->ports_for_allowed;
    return port_is_good && is_public(&unwrapped) && !is_metadata(&unwrapped) &&
           !is_closed_own(egress, &unwrapped) &&
           (ip_eq(ip, &unwrapped) || !is_closed_own(egress, ip));
}

static int port_of(const struct sockaddr *address)
{
    return ntohs(address->sa_family == AF_INET ? ((const struct sockaddr_in *)address)->sin_port
                                               : ((const struct sockaddr_in6 *)address)->sin6_port);
}

bool egress_allows(const struct egress *egress, const struct sockaddr *address)
{
    struct ip ip;
    return ip_of_address(address, &ip) && allows(egress, &ip, port_of(address));
}

/* --- hosts of URLs --- */

/* The host is the domain, or within it. Letter case does not count. */
static bool is_within(struct str host, struct str domain)
{
    if (host.len < domain.len)
        return false;
    struct str end = {host.data + host.len - domain.len, domain.len};
    return str_eq_nocase(end, domain) &&
           (host.len == domain.len || host.data[host.len - domain.len - 1] == '.');
}

/* Names that mean the machine itself, its cloud's metadata or its own network wherever they are
 * resolved: RFC 6761 (localhost), RFC 6762 (local), RFC 8375 (home.arpa), ICANN's resolution of
 * 2024-07-29 (internal, which metadata services use). */
static bool is_private_name(struct str host)
{
    static const struct str domains[] = {STR("localhost"), STR("localdomain"),
                                         STR("local"),     STR("internal"),
                                         STR("home.arpa"), STR("metadata.goog")};
    if (!memchr(host.data, '.', host.len))
        return true;
    for (size_t i = 0; i < COUNT(domains); i++) {
        if (is_within(host, domains[i]))
            return true;
    }
    return false;
}

bool egress_is_literal(struct str host)
{
    struct ip ip;
    return ip_parse_host(host, &ip);
}

bool egress_denies_host(const struct egress *egress, struct str host)
{
    struct ip ip;
    if (ip_parse_host(host, &ip)) {
        struct ip unwrapped = ip_unwrap(ip);
        return is_denied(egress, &ip, &unwrapped);
    }
    for (size_t i = 0; i < egress->denied_name_count; i++) {
        if (is_within(egress_name(host), egress->denied_names[i]))
            return true;
    }
    return false;
}

bool egress_allows_host(const struct egress *egress, struct str host, int port)
{
    struct ip ip;
    if (ip_parse_host(host, &ip))
        return allows(egress, &ip, port);
    host = egress_name(host);
    return host.len > 0 && !is_private_name(host) && !egress_denies_host(egress, host) &&
           egress_has_port(egress, port);
}

bool egress_opens(const struct egress *egress, const struct sockaddr *address)
{
    struct ip ip;
    return ip_of_address(address, &ip) && opens(egress, &ip);
}

bool egress_is_empty(const struct egress *egress)
{
    return egress->allowed_count == 0;
}

bool egress_opens_host(const struct egress *egress, struct str host)
{
    struct ip ip;
    return ip_parse_host(host, &ip) && opens(egress, &ip);
}

bool egress_hides(const struct egress *egress, const struct sockaddr *address)
{
    struct ip ip;
    if (!egress->hides_allowed || !ip_of_address(address, &ip) || !opens(egress, &ip))
        return false;
    ip = ip_unwrap(ip);
    return !is_public(&ip) || is_metadata(&ip) || is_closed_own(egress, &ip);
}

bool egress_block_names(struct str text, struct str host)
{
    struct str ip = text, prefix = STR_NULL;
    struct ip_block block;
    struct ip address;
    unsigned long long bits;
    int width;
    str_cut(text, '/', &ip, &prefix);
    if (str_starts(ip, STR("[")) && str_ends(ip, STR("]")))
        ip = (struct str){ip.data + 1, ip.len - 2};
    if (!ip_parse(ip, &block.first, &width) || !ip_parse_host(host, &address))
        return false;
    bits = (unsigned long long)width;
    if (prefix.data && !str_to_u64(prefix, bits, &bits))
        return false;
    block.bits = IP_BITS - width + (int)bits;
    return ip_block_has_of_family(&block, &address);
}
