/* Reading the proxy's URL, and the list of hosts that are called without it. */
#include "net/client/proxy.h"

#include "net/egress.h"

#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoded into a C string. False: too long, malformed, or a control character in it. */
static bool decode(struct str text, char *out, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int c = (unsigned char)text.data[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        }
        if (c < ' ' || c == 0x7F || len + 1 >= size)
            return false;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return true;
}

static bool read_user(struct str text, struct proxy *proxy)
{
    struct str user = text, password = STR_NULL;
    str_cut(text, ':', &user, &password);
    return user.len > 0 && decode(user, proxy->user, sizeof(proxy->user)) &&
           !strchr(proxy->user, ':') && decode(password, proxy->password, sizeof(proxy->password));
}

static bool is_host(struct str host)
{
    bool bracketed = str_starts(host, STR("[")) && str_ends(host, STR("]"));
    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool edge = i == 0 || i + 1 == host.len;
        if (!letter && !(bracketed ? edge || c == ':' || c == '.' : strchr("-._", c) != NULL))
            return false;
    }
    return host.len > (bracketed ? 2 : 0) && host.len <= PROXY_HOST_MAX;
}

/* Cuts ":PORT" off a host, which may be an IPv6 address in brackets. */
static bool cut_port(struct str *host, int *ret_port)
{
    unsigned long long port;
    for (size_t i = host->len; i-- > 0 && host->data[i] != ']';) {
        if (host->data[i] != ':')
            continue;
        struct str digits = {host->data + i + 1, host->len - i - 1};
        host->len = i;
        if (digits.len == 0 || !str_to_u64(digits, 65535, &port) || port == 0)
            return false;
        *ret_port = (int)port;
        return true;
    }
    return true;
}

static bool read_proxy(struct str text, struct proxy *proxy)
{
    struct str scheme = STR("http://");
    if (text.len >= scheme.len && str_eq_nocase((struct str){text.data, scheme.len}, scheme))
        text = (struct str){text.data + scheme.len, text.len - scheme.len};
    if (str_ends(text, STR("/")))
        text.len--;
    if (str_contains(text, STR("://"))) /* another scheme */
        return false;
    for (size_t i = text.len; i-- > 0;) { /* the last one: a password may have others */
        if (text.data[i] != '@')
            continue;
        if (!read_user((struct str){text.data, i}, proxy))
            return false;
        text = (struct str){text.data + i + 1, text.len - i - 1};
        break;
    }
    proxy->port = 80;
    if (!cut_port(&text, &proxy->port) || !is_host(text))
        return false;
    memcpy(proxy->host, text.data, text.len);
    return true;
}

bool proxy_parse(struct str text, struct proxy *ret_proxy, struct error *error)
{
    *ret_proxy = (struct proxy){0};
    text = str_trim(text);
    if (read_proxy(text, ret_proxy))
        return true;
    explicit_bzero(ret_proxy, sizeof(*ret_proxy));
    return fail(error, ERR_VALIDATION,
                "http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT with both percent-encoded; "
                "proxies over https or SOCKS are not supported");
}

/* --- hosts without proxy --- */

static bool is_within(struct str host, struct str domain)
{
    if (str_starts(domain, STR(".")))
        domain = (struct str){domain.data + 1, domain.len - 1};
    if (domain.len == 0 || host.len < domain.len)
        return false;
    struct str end = {host.data + host.len - domain.len, domain.len};
    return str_eq_nocase(end, domain) &&
           (host.len == domain.len || host.data[host.len - domain.len - 1] == '.');
}

static bool entry_names(struct str entry, struct str host, int port)
{
    struct str bare = entry;
    int entry_port = 0;
    if (str_eq(entry, STR("*")))
        return true;
    if (egress_block_names(entry, host)) /* also an IPv6 address without brackets */
        return true;
    if (!cut_port(&bare, &entry_port) || (entry_port != 0 && entry_port != port))
        return false;
    return egress_block_names(bare, host) || is_within(host, bare);
}

bool proxy_excepts(struct str exceptions, struct str host, int port)
{
    size_t start = 0;
    if (str_ends(host, STR(".")))
        host.len--;
    for (size_t i = 0; exceptions.data && i <= exceptions.len; i++) {
        if (i < exceptions.len && !strchr(", \t\r\n", exceptions.data[i]))
            continue;
        struct str entry = {exceptions.data + start, i - start};
        if (entry.len > 0 && entry_names(entry, host, port))
            return true;
        start = i + 1;
    }
    return false;
}
