/* Any text as a profile's URL, at each place where one enters: what is taken has one reading. It is
 * written and read again to the same, its host is a name or an address that the egress policy
 * judges as the resolver reads it, and its path has no dot segment however often it is decoded. */
#include "base/encode.h"
#include "base/url.h"
#include "net/egress.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct egress *egress;

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void check_again(struct arena *arena, const struct url *url)
{
    struct url again;
    struct str text = url_text(arena, url);
    if (text.len > URL_MAX) /* with the scheme that was left out */
        return;
    must(url_parse(arena, text, NULL, &again, NULL));
    must(url_same_origin(url, &again) && str_eq(url->path, again.path));
    must(url->port >= 1 && url->port <= 65535);
}

/* A literal address is judged the same by its text and by what the resolver makes of it. */
static void check_host(struct arena *arena, const struct url *url)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct str host = url->host;
    if (host.data[0] == '[')
        host = (struct str){host.data + 1, host.len - 2};
    bool by_text = egress_allows_host(egress, url->host, 443);
    if (getaddrinfo(arena_cstr(arena, host), "443", &hints, &list) != 0) {
        must(!egress_is_literal(url->host));
        return;
    }
    must(egress_is_literal(url->host));
    must(egress_allows(egress, list->ai_addr) == by_text);
    freeaddrinfo(list);
}

static bool has_dots(struct str path)
{
    struct str segment, rest = path;
    for (bool more = path.len > 0; more;) {
        more = str_cut(rest, '/', &segment, &rest);
        struct str part = more ? segment : rest;
        if (str_eq(part, STR("..")) || str_eq(part, STR(".")))
            return true;
    }
    return false;
}

static void check_path(struct arena *arena, struct str path)
{
    struct str decoded = path;
    must(!has_dots(path) && !memchr(path.data, '?', path.len) && !memchr(path.data, '#', path.len));
    for (int times = 0; times < 8 && decode_percent(arena, decoded, &decoded); times++)
        must(!has_dots(decoded) && !memchr(decoded.data, '\\', decoded.len) &&
             !memchr(decoded.data, '\0', decoded.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const bare_domains[] = {NULL, "example.com"};
    struct arena arena = {0};
    struct str text = {(const char *)data, size};
    if (!egress)
        must(egress_new(&(struct egress_config){0}, &egress, NULL));
    for (size_t i = 0; i < sizeof(bare_domains) / sizeof(*bare_domains); i++) {
        const char *fault = NULL;
        struct url url;
        if (!url_parse(&arena, text, bare_domains[i], &url, &fault)) {
            must(fault != NULL);
            continue;
        }
        check_again(&arena, &url);
        check_host(&arena, &url);
        check_path(&arena, url.path);
    }
    (void)egress_denies_host(egress, text);
    arena_done(&arena);
    return 0;
}
