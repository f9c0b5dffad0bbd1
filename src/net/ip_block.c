/* Comparing and reading IP addresses and blocks. */
#include "net/ip_block.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { IP_TEXT_MAX = 64 };

/* Forms that carry an IPv4 address, and at which byte. */
static const struct {
    struct ip_block block;
    int at;
} embeddings[] = {
    {IP_V6(96, 0x00, 0x64, 0xFF, 0x9B), 12}, /* NAT64, RFC 6052 */
    {IP_V6(16, 0x20, 0x02), 2},              /* 6to4, RFC 3056 */
};

bool ip_block_has(const struct ip_block *block, const struct ip *ip)
{
    size_t whole = (size_t)block->bits / 8;
    int rest = block->bits % 8;
    if (memcmp(block->first.bytes, ip->bytes, whole) != 0)
        return false;
    return rest == 0 || (block->first.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

bool ip_any_block_has(const struct ip_block *blocks, size_t count, const struct ip *ip)
{
    for (size_t i = 0; i < count; i++) {
        if (ip_block_has(&blocks[i], ip))
            return true;
    }
    return false;
}

bool ip_block_has_of_family(const struct ip_block *block, const struct ip *ip)
{
    return ip_is_v4(&block->first) == ip_is_v4(ip) && ip_block_has(block, ip);
}

struct ip ip_of_v4(const void *four_bytes)
{
    struct ip ip = {{IP_MAPPED}};
    memcpy(ip.bytes + 12, four_bytes, 4);
    return ip;
}

bool ip_is_v4(const struct ip *ip)
{
    static const struct ip_block mapped = IP_V4(0, 0, 0, 0, 0);
    return ip_block_has(&mapped, ip);
}

bool ip_eq(const struct ip *a, const struct ip *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

bool ip_of_address(const struct sockaddr *address, struct ip *ret_ip)
{
    if (address->sa_family == AF_INET) {
        *ret_ip = ip_of_v4(&((const struct sockaddr_in *)address)->sin_addr);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        memcpy(ret_ip->bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
        return true;
    }
    return false;
}

struct ip ip_unwrap(struct ip ip)
{
    for (size_t i = 0; i < sizeof(embeddings) / sizeof(*embeddings); i++) {
        if (ip_block_has(&embeddings[i].block, &ip))
            return ip_of_v4(ip.bytes + embeddings[i].at);
    }
    return ip;
}

static bool copy_text(struct str text, char out[IP_TEXT_MAX])
{
    if (text.len == 0 || text.len >= IP_TEXT_MAX || memchr(text.data, '\0', text.len))
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

bool ip_parse(struct str text, struct ip *ret_ip, int *ret_width)
{
    char cstr[IP_TEXT_MAX];
    unsigned char four[4];
    if (!copy_text(text, cstr))
        return false;
    if (inet_pton(AF_INET, cstr, four) == 1) {
        *ret_ip = ip_of_v4(four);
        *ret_width = 32;
        return true;
    }
    *ret_width = IP_BITS;
    return inet_pton(AF_INET6, cstr, ret_ip->bytes) == 1;
}

bool ip_parse_host(struct str host, struct ip *ret_ip)
{
    char cstr[IP_TEXT_MAX];
    struct in_addr four;
    int width;
    if (str_ends(host, STR(".")))
        host.len--;
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        return ip_parse((struct str){host.data + 1, host.len - 2}, ret_ip, &width);
    if (ip_parse(host, ret_ip, &width))
        return true;
    if (!copy_text(host, cstr) || inet_aton(cstr, &four) == 0)
        return false;
    *ret_ip = ip_of_v4(&four);
    return true;
}

static bool has_host_bits(const struct ip_block *block)
{
    for (int bit = block->bits; bit < IP_BITS; bit++) {
        if (block->first.bytes[bit / 8] >> (7 - bit % 8) & 1)
            return true;
    }
    return false;
}

/* Addresses that carry an IPv4 address are judged by that one, so a block of them says nothing. */
static bool means_v4(const struct ip_block *block)
{
    struct ip inner = ip_unwrap(block->first);
    return !ip_eq(&inner, &block->first) || ip_is_v4(&block->first);
}

bool ip_block_parse(struct str text, const char *list, struct ip_block *ret_block,
                    struct error *error)
{
    struct str ip = text, prefix = STR_NULL;
    unsigned long long bits;
    int width;
    str_cut(text, '/', &ip, &prefix);
    if (!ip_parse(ip, &ret_block->first, &width))
        return fail(error, ERR_VALIDATION,
                    "\"%.*s\" in the list of %s addresses is neither an IPv4 nor an IPv6 "
                    "address, alone or with /BITS after it.",
                    STR_ARG(text), list);
    bits = (unsigned long long)width;
    if (prefix.data && !str_to_u64(prefix, bits, &bits))
        return fail(error, ERR_VALIDATION,
                    "\"%.*s\" in the list of %s addresses needs a number from 0 to %d after "
                    "the slash.",
                    STR_ARG(text), list, width);
    ret_block->bits = IP_BITS - width + (int)bits;
    if (width == IP_BITS && means_v4(ret_block))
        return fail(error, ERR_VALIDATION,
                    "\"%.*s\" in the list of %s addresses is an IPv4 address in an IPv6 form; "
                    "write it as an IPv4 address, since that is what is checked.",
                    STR_ARG(text), list);
    if (has_host_bits(ret_block))
        return fail(error, ERR_VALIDATION,
                    "\"%.*s\" in the list of %s addresses has bits set past its prefix; write "
                    "the block's first address, or the single address without the slash.",
                    STR_ARG(text), list);
    return true;
}
