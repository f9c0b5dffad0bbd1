/* Which addresses are public is a table; what the operator adds to it is a list of blocks. */
#include "net/egress.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* An address as 16 bytes, an IPv4 one in its mapped form ::ffff:a.b.c.d, so that one comparison
 * serves both families. */
struct ip {
    unsigned char bytes[16];
};

struct block {
    struct ip first;
    int bits; /* leading bits that count; an IPv4 block's prefix plus V4_BITS */
};

enum { V4_BITS = 96, IP_BITS = 128, IP_TEXT_MAX = 64 };

struct egress {
    size_t count;
    struct block allowed[];
};

#define MAPPED 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF
/* Written a.b.c.d/bits, as the registries print them. */
#define V4(a, b, c, d, n)                                                                          \
    {                                                                                              \
        {{MAPPED, a, b, c, d}}, V4_BITS + (n)                                                      \
    }
#define V6(n, ...)                                                                                 \
    {                                                                                              \
        {{__VA_ARGS__}}, n                                                                         \
    }

/* IANA's IPv4 special-purpose registry (RFC 6890 and what came after it), without those of its
 * blocks that are reachable from everywhere, and multicast (RFC 5771). */
static const struct block special_v4[] = {
    V4(0, 0, 0, 0, 8),       /* "this network", RFC 791 */
    V4(10, 0, 0, 0, 8),      /* private, RFC 1918 */
    V4(100, 64, 0, 0, 10),   /* shared by carriers, RFC 6598 */
    V4(127, 0, 0, 0, 8),     /* loopback, RFC 1122 */
    V4(169, 254, 0, 0, 16),  /* link-local, RFC 3927 */
    V4(172, 16, 0, 0, 12),   /* private, RFC 1918 */
    V4(192, 0, 0, 0, 24),    /* protocol assignments, RFC 6890 */
    V4(192, 0, 2, 0, 24),    /* documentation, RFC 5737 */
    V4(192, 88, 99, 0, 24),  /* 6to4 relays, withdrawn by RFC 7526 */
    V4(192, 168, 0, 0, 16),  /* private, RFC 1918 */
    V4(198, 18, 0, 0, 15),   /* benchmarks, RFC 2544 */
    V4(198, 51, 100, 0, 24), /* documentation, RFC 5737 */
    V4(203, 0, 113, 0, 24),  /* documentation, RFC 5737 */
    V4(224, 0, 0, 0, 4),     /* multicast */
    V4(240, 0, 0, 0, 4),     /* reserved, RFC 1112, and broadcast, RFC 8190 */
};

/* IPv6 is judged the other way round: only 2000::/3 has been given out for global use, so loopback,
 * unspecified, discard (100::/64), local NAT64 (64:ff9b:1::/48), segment routing (5f00::/16),
 * unique local (fc00::/7), link-local (fe80::/10), site-local (fec0::/10), multicast (ff00::/8) and
 * all that is yet to be assigned are outside. */
static const struct block global_v6 = V6(3, 0x20);
static const struct block special_v6[] = {
    V6(23, 0x20, 0x01),             /* protocol assignments with Teredo and ORCHID, RFC 2928 */
    V6(32, 0x20, 0x01, 0x0D, 0xB8), /* documentation, RFC 3849 */
    V6(16, 0x3F, 0xFE),             /* the 6bone, given back by RFC 3701 */
    V6(20, 0x3F, 0xFF),             /* documentation, RFC 9637 */
};

/* Forms that carry an IPv4 address, and at which byte. */
static const struct {
    struct block block;
    int at;
} embeddings[] = {
    {V6(96, 0x00, 0x64, 0xFF, 0x9B), 12}, /* NAT64, RFC 6052 */
    {V6(16, 0x20, 0x02), 2},              /* 6to4, RFC 3056 */
};

/* Services that hand credentials to whatever runs on a machine of a cloud. A wide block in the
 * operator's list ("169.254.0.0/16") does not open them: it must name the one address. */
static const struct block metadata[] = {
    V4(169, 254, 169, 254, 32),                         /* AWS, Azure, Google, Oracle and others */
    V4(169, 254, 170, 2, 32),                           /* AWS, credentials of a container task */
    V4(169, 254, 170, 23, 32),                          /* AWS, credentials of a pod */
    V4(168, 63, 129, 16, 32),                           /* Azure; looks public */
    V4(192, 0, 0, 192, 32),                             /* Oracle, its older one */
    V4(100, 100, 100, 200, 32),                         /* Alibaba */
    V6(128, 0xFD, 0x00, 0x0E, 0xC2, [14] = 0x02, 0x54), /* AWS over IPv6, fd00:ec2::254 */
    V6(128, 0xFD, 0x00, 0x0E, 0xC2, [15] = 0x23),       /* AWS, credentials of a pod */
    V6(128, 0xFD, 0x20, 0x00, 0xCE, [14] = 0x02, 0x54), /* Google over IPv6, fd20:ce::254 */
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static bool block_has(const struct block *block, const struct ip *ip)
{
    size_t whole = (size_t)block->bits / 8;
    int rest = block->bits % 8;
    if (memcmp(block->first.bytes, ip->bytes, whole) != 0)
        return false;
    return rest == 0 || (block->first.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

static bool any_has(const struct block *blocks, size_t count, const struct ip *ip)
{
    for (size_t i = 0; i < count; i++) {
        if (block_has(&blocks[i], ip))
            return true;
    }
    return false;
}

static struct ip map_v4(const void *four_bytes)
{
    struct ip ip = {{MAPPED}};
    memcpy(ip.bytes + 12, four_bytes, 4);
    return ip;
}

static bool is_v4(const struct ip *ip)
{
    static const struct block mapped = V4(0, 0, 0, 0, 0);
    return block_has(&mapped, ip);
}

/* The IPv4 address that is meant, if one is inside. */
static struct ip unwrap(struct ip ip)
{
    for (size_t i = 0; i < COUNT(embeddings); i++) {
        if (block_has(&embeddings[i].block, &ip))
            return map_v4(ip.bytes + embeddings[i].at);
    }
    return ip;
}

static bool is_public(const struct ip *ip)
{
    if (is_v4(ip))
        return !any_has(special_v4, COUNT(special_v4), ip);
    return block_has(&global_v6, ip) && !any_has(special_v6, COUNT(special_v6), ip);
}

static bool read_address(const struct sockaddr *address, struct ip *ret_ip)
{
    if (address->sa_family == AF_INET) {
        *ret_ip = map_v4(&((const struct sockaddr_in *)address)->sin_addr);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        memcpy(ret_ip->bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
        return true;
    }
    return false;
}

/* "::/0" names every IPv6 address, and not the IPv4 ones that only our own form puts inside it. */
static bool entry_has(const struct block *entry, const struct ip *ip)
{
    return is_v4(&entry->first) == is_v4(ip) && block_has(entry, ip);
}

/* `ip` is unwrapped. */
static bool is_opened(const struct egress *egress, const struct ip *ip)
{
    bool is_metadata = any_has(metadata, COUNT(metadata), ip);
    for (size_t i = 0; i < egress->count; i++) {
        const struct block *entry = &egress->allowed[i];
        if ((!is_metadata || entry->bits == IP_BITS) && entry_has(entry, ip))
            return true;
    }
    return false;
}

static bool allows(const struct egress *egress, struct ip ip)
{
    ip = unwrap(ip);
    return (is_public(&ip) && !any_has(metadata, COUNT(metadata), &ip)) || is_opened(egress, &ip);
}

bool egress_allows(const struct egress *egress, const struct sockaddr *address)
{
    struct ip ip;
    return read_address(address, &ip) && allows(egress, ip);
}

static bool parse_ip(struct str text, struct ip *ret_ip, int *ret_width)
{
    char cstr[IP_TEXT_MAX];
    unsigned char four[4];
    if (text.len >= sizeof(cstr) || memchr(text.data, '\0', text.len))
        return false;
    memcpy(cstr, text.data, text.len);
    cstr[text.len] = '\0';
    if (inet_pton(AF_INET, cstr, four) == 1) {
        *ret_ip = map_v4(four);
        *ret_width = 32;
        return true;
    }
    *ret_width = IP_BITS;
    return inet_pton(AF_INET6, cstr, ret_ip->bytes) == 1;
}

/* What a resolver takes for an address without asking anybody: "0x7f.1" and "2130706433" too. */
static bool parse_host(struct str host, struct ip *ret_ip)
{
    char cstr[IP_TEXT_MAX];
    struct in_addr four;
    int width;
    if (str_ends(host, STR(".")))
        host.len--;
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        return parse_ip((struct str){host.data + 1, host.len - 2}, ret_ip, &width);
    if (parse_ip(host, ret_ip, &width))
        return true;
    if (host.len >= sizeof(cstr) || host.len == 0)
        return false;
    memcpy(cstr, host.data, host.len);
    cstr[host.len] = '\0';
    if (inet_aton(cstr, &four) == 0)
        return false;
    *ret_ip = map_v4(&four);
    return true;
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
        size_t len = domains[i].len;
        if (host.len < len)
            continue;
        struct str end = {host.data + host.len - len, len};
        if (str_eq_nocase(end, domains[i]) &&
            (host.len == len || host.data[host.len - len - 1] == '.'))
            return true;
    }
    return false;
}

bool egress_allows_host(const struct egress *egress, struct str host)
{
    struct ip ip;
    if (parse_host(host, &ip))
        return allows(egress, ip);
    if (str_ends(host, STR(".")))
        host.len--;
    return host.len > 0 && !is_private_name(host);
}

bool egress_opens(const struct egress *egress, const struct sockaddr *address)
{
    struct ip ip;
    if (!read_address(address, &ip))
        return false;
    ip = unwrap(ip);
    return is_opened(egress, &ip);
}

bool egress_is_empty(const struct egress *egress)
{
    return egress->count == 0;
}

bool egress_opens_host(const struct egress *egress, struct str host)
{
    struct ip ip;
    if (!parse_host(host, &ip))
        return false;
    ip = unwrap(ip);
    return is_opened(egress, &ip);
}

bool egress_block_names(struct str text, struct str host)
{
    struct str ip = text, prefix = STR_NULL;
    struct block block;
    struct ip address;
    unsigned long long bits;
    int width;
    str_cut(text, '/', &ip, &prefix);
    if (str_starts(ip, STR("[")) && str_ends(ip, STR("]")))
        ip = (struct str){ip.data + 1, ip.len - 2};
    if (!parse_ip(ip, &block.first, &width) || !parse_host(host, &address))
        return false;
    bits = (unsigned long long)width;
    if (prefix.data && !str_to_u64(prefix, bits, &bits))
        return false;
    block.bits = IP_BITS - width + (int)bits;
    return entry_has(&block, &address);
}

static bool has_host_bits(const struct block *block)
{
    for (int bit = block->bits; bit < IP_BITS; bit++) {
        if (block->first.bytes[bit / 8] >> (7 - bit % 8) & 1)
            return true;
    }
    return false;
}

/* Addresses that carry an IPv4 address are judged by that one, so a block of them says nothing. */
static bool means_v4(const struct block *block)
{
    struct ip inner = unwrap(block->first);
    return memcmp(&inner, &block->first, sizeof(inner)) != 0 || is_v4(&block->first);
}

static bool parse_block(struct str entry, struct block *ret_block, struct error *error)
{
    struct str ip = entry, prefix = STR_NULL;
    unsigned long long bits;
    int width;
    str_cut(entry, '/', &ip, &prefix);
    if (!parse_ip(ip, &ret_block->first, &width))
        return fail(error, ERR_VALIDATION,
                    "\"%.*s\" in the list of allowed addresses is neither an IPv4 nor an IPv6 "
                    "address, alone or with /BITS after it.",
                    STR_ARG(entry));
    bits = (unsigned long long)width;
    if (prefix.data && !str_to_u64(prefix, bits, &bits))
        return fail(error, ERR_VALIDATION,
                    "\"%.*s\" in the list of allowed addresses needs a number from 0 to %d after "
                    "the slash.",
                    STR_ARG(entry), width);
    ret_block->bits = IP_BITS - width + (int)bits;
    if (width == IP_BITS && means_v4(ret_block))
        return fail(error, ERR_VALIDATION,
                    "\"%.*s\" in the list of allowed addresses is an IPv4 address in an IPv6 form; "
                    "write it as an IPv4 address, since that is what is checked.",
                    STR_ARG(entry));
    if (has_host_bits(ret_block))
        return fail(error, ERR_VALIDATION,
                    "\"%.*s\" in the list of allowed addresses has bits set past its prefix; write "
                    "the block's first address, or the single address without the slash.",
                    STR_ARG(entry));
    return true;
}

static size_t count_entries(struct str list)
{
    size_t count = list.len > 0;
    for (size_t i = 0; i < list.len; i++)
        count += list.data[i] == ',';
    return count;
}

bool egress_new(const char *allowed, struct egress **ret_egress, struct error *error)
{
    struct str rest = str_trim(str_from(allowed));
    size_t count = count_entries(rest);
    if (count > EGRESS_ENTRIES_MAX)
        return fail(error, ERR_VALIDATION,
                    "The list of allowed addresses has %zu entries; at most %d are taken.", count,
                    EGRESS_ENTRIES_MAX);
    struct egress *egress = xcalloc(1, sizeof(*egress) + count * sizeof(egress->allowed[0]));
    while (egress->count < count) {
        struct str entry = rest;
        str_cut(rest, ',', &entry, &rest);
        if (!parse_block(str_trim(entry), &egress->allowed[egress->count], error)) {
            egress_free(egress);
            return false;
        }
        egress->count++;
    }
    *ret_egress = egress;
    return true;
}

void egress_free(struct egress *egress)
{
    free(egress);
}
