/* Splitting of URLs, and parsing of base URLs, which is stricter than RFC 3986: what two readers
 * could take for different hosts is refused, since credentials are sent there. */
#include "base/url.h"

#include "base/encode.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum {
    HOST_MAX = 253, /* bytes, as the next: RFC 1035, 2.3.4 */
    LABEL_MAX = 63,
    DECODED_TIMES_MAX = 8, /* of a path that is looked at: one with more escapes is refused */
};

static bool label_is_good(struct str label)
{
    if (label.len == 0 || label.len > LABEL_MAX)
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!ascii_is_lower_alnum(label.data[i]) && label.data[i] != '-' && label.data[i] != '_')
            return false;
    }
    return label.data[0] != '-' && label.data[label.len - 1] != '-';
}

static bool name_is_good(struct str host)
{
    struct str label, rest = host;
    if (host.len == 0 || host.len > HOST_MAX)
        return false;
    while (str_cut(rest, '.', &label, &rest)) {
        if (!label_is_good(label))
            return false;
    }
    return label_is_good(rest);
}

/* In its brackets. No zone: which interface an address is behind is not for a URL to say. */
static bool ipv6_is_good(struct str host)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    if (host.len < 4 || host.len - 2 >= sizeof(text) || !str_ends(host, STR("]")) ||
        memchr(host.data, '\0', host.len))
        return false;
    memcpy(text, host.data + 1, host.len - 2);
    text[host.len - 2] = '\0';
    return inet_pton(AF_INET6, text, bytes) == 1;
}

static bool port_is_good(struct str text, int *ret_port)
{
    unsigned long long port;
    if (text.len == 0 || text.data[0] == '0' || !str_to_u64(text, 65535, &port))
        return false;
    *ret_port = (int)port;
    return true;
}

/* "." and "..", and what a server that drops a segment's parameters takes for them: "..;x". */
static bool is_dot_segment(struct str segment)
{
    struct str name = segment, parameters;
    str_cut(segment, ';', &name, &parameters);
    return str_eq(name, STR(".")) || str_eq(name, STR(".."));
}

static bool has_dot_segment(struct str path)
{
    struct str segment, rest = path;
    while (str_cut(rest, '/', &segment, &rest)) {
        if (is_dot_segment(segment))
            return true;
    }
    return is_dot_segment(rest);
}

/* The byte that the escape at text[at] stands for; -1: none begins there. */
static int escaped_at(struct str text, size_t at)
{
    if (text.data[at] != '%' || at + 2 >= text.len)
        return -1;
    int high = ascii_hex_digit(text.data[at + 1]), low = ascii_hex_digit(text.data[at + 2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* The path with its escapes decoded once. False when one of them stands for a separator or a
 * control character, so that its reader sees another path. */
static bool decode_once(struct arena *arena, struct str path, struct str *ret_decoded)
{
    char *out = arena_alloc(arena, path.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        int c = escaped_at(path, i);
        if (c >= 0 && (c < ' ' || c == 0x7F || c == '/' || c == '\\'))
            return false;
        out[len++] = c < 0 ? path.data[i] : (char)c;
        i += c < 0 ? 0 : 2;
    }
    *ret_decoded = (struct str){out, len};
    return true;
}

static bool has_stray_percent(struct str path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] == '%' && escaped_at(path, i) < 0)
            return true;
    }
    return false;
}

/* Whether there is a separator or a dot segment in the path however often a reader decodes it:
 * each of several proxies and servers may do so once. */
static bool hides_segments(struct arena *arena, struct str path)
{
    if (!memchr(path.data, '%', path.len))
        return false;
    for (int times = 0; times < DECODED_TIMES_MAX; times++) {
        size_t before = path.len;
        if (!decode_once(arena, path, &path) || !utf8_is_valid(path) || has_dot_segment(path))
            return true;
        if (path.len == before)
            return false;
    }
    return true;
}

static bool path_is_good(struct arena *arena, struct str path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] <= ' ' || path.data[i] > '~' || strchr("\"<>\\^`{|}", path.data[i]))
            return false;
    }
    return !has_dot_segment(path) && !has_stray_percent(path) && !hides_segments(arena, path);
}

/* Everything up to the first of `ends`. */
static struct str take_until(struct str *text, const char *ends)
{
    size_t len = 0;
    while (len < text->len && !strchr(ends, text->data[len]))
        len++;
    struct str taken = {text->data, len};
    text->data += len;
    text->len -= len;
    return taken;
}

bool url_split(struct str url, struct url_parts *ret_parts)
{
    struct str scheme, rest;
    if (!str_cut(url, ':', &scheme, &rest) || !str_starts(rest, STR("//")))
        return false;
    rest = (struct str){rest.data + 2, rest.len - 2};
    *ret_parts = (struct url_parts){.scheme = scheme, .authority = take_until(&rest, "/?#")};
    ret_parts->rest = rest;
    return true;
}

struct str url_without_path(struct str url)
{
    struct url_parts parts;
    return url_split(url, &parts) ? (struct str){url.data, url.len - parts.rest.len} : url;
}

struct str url_host_of(struct str authority)
{
    for (size_t i = authority.len; i-- > 0 && authority.data[i] != ']';) {
        if (authority.data[i] == ':')
            authority.len = i;
    }
    return authority;
}

static bool read_scheme(struct arena *arena, struct str *text, struct str *ret_scheme)
{
    struct url_parts parts;
    *ret_scheme = STR("https");
    if (!str_contains(*text, STR("://")))
        return true;
    if (!url_split(*text, &parts))
        return false;
    *ret_scheme = arena_lower(arena, parts.scheme);
    *text = (struct str){parts.authority.data, parts.authority.len + parts.rest.len};
    return str_eq(*ret_scheme, STR("https")) || str_eq(*ret_scheme, STR("http"));
}

static bool read_host(struct arena *arena, struct str authority, const char *bare_domain,
                      struct url *url, const char **ret_fault)
{
    struct str host = authority, port = STR_NULL;
    if (authority.len > 0 && authority.data[0] == '[') {
        port = authority;
        host = take_until(&port, "]");
        host.len += port.len > 0;
        port = (struct str){port.data + (port.len > 0), port.len - (port.len > 0)};
        *ret_fault = "has no good host";
        if (port.len > 0 && port.data[0] != ':')
            return false;
        port = port.len > 0 ? (struct str){port.data + 1, port.len - 1} : STR_NULL;
    } else {
        str_cut(authority, ':', &host, &port);
    }
    *ret_fault = "has no good port";
    url->port = str_eq(url->scheme, STR("https")) ? 443 : 80;
    if (port.data && !port_is_good(port, &url->port))
        return false;
    *ret_fault = "has no good host";
    url->host = arena_lower(arena, host);
    if (str_starts(url->host, STR("[")))
        return ipv6_is_good(url->host);
    if (str_ends(url->host, STR("."))) /* the root's own dot names the same host */
        url->host.len--;
    if (bare_domain && !port.data && label_is_good(url->host))
        url->host = arena_printf(arena, "%.*s.%s", STR_ARG(url->host), bare_domain);
    return name_is_good(url->host);
}

static const char *find_fault(struct arena *arena, struct str text, const char *bare_domain,
                              struct url *url)
{
    const char *fault = NULL;
    if (text.len == 0 || text.len > URL_MAX)
        return "is empty or too long";
    if (memchr(text.data, '\0', text.len))
        return "has a character that no URL has";
    bool has_scheme = str_contains(text, STR("://"));
    if (!read_scheme(arena, &text, &url->scheme))
        return "must begin with https:// or http://";
    struct str authority = take_until(&text, "/?#\\");
    if (memchr(authority.data, '@', authority.len))
        return "must not hold a user name or password";
    if (!read_host(arena, authority, has_scheme ? NULL : bare_domain, url, &fault))
        return fault;
    while (str_ends(text, STR("/")))
        text.len--;
    url->path = text;
    struct str path = take_until(&text, "?#");
    if (text.len > 0)
        return "must not hold a query or a fragment";
    return path_is_good(arena, path) ? NULL : "has a path that no URL has";
}

bool url_parse(struct arena *arena, struct str text, const char *bare_domain, struct url *ret_url,
               const char **ret_fault)
{
    struct url url = {0};
    const char *fault = find_fault(arena, text, bare_domain, &url);
    if (ret_fault)
        *ret_fault = fault;
    if (!fault)
        *ret_url = url;
    return !fault;
}

static bool port_is_usual(const struct url *url)
{
    return url->port == (str_eq(url->scheme, STR("https")) ? 443 : 80);
}

struct str url_text(struct arena *arena, const struct url *url)
{
    if (port_is_usual(url))
        return arena_printf(arena, "%.*s://%.*s%.*s", STR_ARG(url->scheme), STR_ARG(url->host),
                            STR_ARG(url->path));
    return arena_printf(arena, "%.*s://%.*s:%d%.*s", STR_ARG(url->scheme), STR_ARG(url->host),
                        url->port, STR_ARG(url->path));
}

struct str url_origin(struct arena *arena, const struct url *url)
{
    return arena_printf(arena, "%.*s://%.*s:%d", STR_ARG(url->scheme), STR_ARG(url->host),
                        url->port);
}

bool url_is_loopback(const struct url *url)
{
    return str_eq(url->host, STR("127.0.0.1")) || str_eq(url->host, STR("localhost")) ||
           str_eq(url->host, STR("[::1]"));
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return str_eq(a->scheme, b->scheme) && str_eq(a->host, b->host) && a->port == b->port;
}

bool url_in_domain(const struct url *url, struct str domain)
{
    if (str_eq(url->host, domain))
        return true;
    return url->host.len > domain.len && str_ends(url->host, domain) &&
           url->host.data[url->host.len - domain.len - 1] == '.';
}

bool url_host_matches(struct str host, struct str pattern)
{
    struct str label, rest;
    if (!str_starts(pattern, STR("*.")))
        return str_eq_nocase(host, pattern);
    return str_cut(host, '.', &label, &rest) && label.len > 0 &&
           str_eq_nocase(rest, (struct str){pattern.data + 2, pattern.len - 2});
}
