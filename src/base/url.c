/* Splitting of URLs, and parsing of base URLs, which is stricter than RFC 3986: what two readers
 * could take for different hosts is refused, since credentials are sent there. */
#include "base/url.h"

#include <string.h>

enum { HOST_MAX = 253, LABEL_MAX = 63 }; /* RFC 1035, 2.3.4 */

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

/* Only the form: whether it is an address is found out when it is connected to. */
static bool ipv6_is_good(struct str host)
{
    if (host.len < 4 || host.len > 47 || !str_ends(host, STR("]")))
        return false;
    for (size_t i = 1; i + 1 < host.len; i++) {
        char c = host.data[i];
        if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'f') && c != ':' && c != '.')
            return false;
    }
    return true;
}

static bool port_is_good(struct str text, int *ret_port)
{
    unsigned long long port;
    if (text.len == 0 || text.data[0] == '0' || !str_to_u64(text, 65535, &port))
        return false;
    *ret_port = (int)port;
    return true;
}

static bool path_is_good(struct str path)
{
    struct str segment, rest = path;
    bool more = path.len > 0;
    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] <= ' ' || path.data[i] > '~' || strchr("\"<>\\^`{|}", path.data[i]))
            return false;
    }
    while (more) {
        more = str_cut(rest, '/', &segment, &rest);
        struct str part = more ? segment : rest;
        if (str_eq(part, STR(".")) || str_eq(part, STR("..")))
            return false;
    }
    return true;
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
    return path_is_good(path) ? NULL : "has a path that no URL has";
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
