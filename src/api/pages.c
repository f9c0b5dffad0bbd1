/* Looks a path up in the routes, and answers with the headers that every page has. */
#include "api/pages.h"

#include "base/buf.h"
#include "base/encode.h"
#include "vault/crypto.h"

enum { HASH_SIZE = 32, ETAG_BYTES = 16, ETAG_SIZE = 2 * ETAG_BYTES + 3 };

static const struct page_route *find_route(const struct page_route *routes, struct str path)
{
    for (const struct page_route *route = routes; route->handler; route++) {
        bool whole = str_eq(route->prefix, STR("/"));
        if (whole ? str_eq(path, route->prefix) : str_starts(path, route->prefix))
            return route;
    }
    return NULL;
}

/* A strong validator (RFC 9110 8.8.3): the start of the body's hash, in quotes. */
static struct str etag_of(struct str body, struct arena *arena)
{
    unsigned char hash[HASH_SIZE];
    char hex[2 * ETAG_BYTES + 1];
    crypto_sha256(body, hash);
    encode_hex(hash, ETAG_BYTES, hex);
    return arena_printf(arena, "\"%s\"", hex);
}

static void respond_text(struct http_exchange *exchange, int status, struct str text)
{
    static const struct http_header headers[] = {
        {STR("Content-Type"), STR("text/plain; charset=utf-8")},
        {STR("Cache-Control"), STR("no-store")},
        {STR("Allow"), STR("GET, HEAD")},
    };
    http_respond(exchange, &(struct http_response){.status = status,
                                                   .headers = headers,
                                                   .header_count = status == 405 ? 3 : 2,
                                                   .body = text});
}

static void respond_page(struct http_exchange *exchange, const struct page *page)
{
    struct str etag = etag_of(page->body, &exchange->arena);
    const struct str *known = http_find_header(&exchange->head, STR("If-None-Match"));
    const struct http_header headers[] = {
        {STR("Content-Type"), page->content_type},
        {STR("Cache-Control"), page->cache_control},
        {STR("ETag"), etag},
        {STR("X-Content-Type-Options"), STR("nosniff")},
        {STR("Referrer-Policy"), STR("no-referrer")},
        {STR("Content-Security-Policy"),
         STR("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")},
    };
    http_respond(exchange,
                 &(struct http_response){.status = known && str_contains(*known, etag) ? 304 : 200,
                                         .headers = headers,
                                         .header_count = sizeof(headers) / sizeof(*headers),
                                         .body = page->body});
}

bool page_respond(const struct page_route *routes, struct http_exchange *exchange)
{
    const struct http_head *head = &exchange->head;
    struct str path = head->target, query;
    (void)str_cut(head->target, '?', &path, &query);
    const struct page_route *route = find_route(routes, path);
    bool reads = str_eq(head->method, STR("GET")) || str_eq(head->method, STR("HEAD"));
    bool is_root = str_eq(path, STR("/"));
    if (!route || (is_root && !reads) || http_find_header(head, STR("Authorization")))
        return false;
    struct str rest = {path.data + route->prefix.len, path.len - route->prefix.len};
    struct page page = {0};
    if (!reads)
        respond_text(exchange, 405, STR("Only GET and HEAD work here.\n"));
    else if (!route->handler(rest, &exchange->arena, &page))
        respond_text(exchange, 404, STR("There is no such page.\n"));
    else if (page.body.len > PAGE_BODY_MAX)
        respond_text(exchange, 500, STR("The page is too large to be sent.\n"));
    else
        respond_page(exchange, &page);
    return true;
}

/* --- the pages that there are --- */

static bool start_page(struct str rest, struct arena *arena, struct page *ret_page)
{
    static const char html[] =
        "<!doctype html>\n"
        "<html lang=\"en\">\n"
        "<meta charset=\"utf-8\">\n"
        "<title>Headgate</title>\n"
        "<style>body{font:16px/1.5 sans-serif;max-width:40em;margin:3em auto;padding:0 1em}"
        "pre{background:#f4f4f4;padding:.7em;overflow:auto}</style>\n"
        "<h1>Headgate " HEADGATE_VERSION "</h1>\n"
        "<p>This is the API of a self-hosted Amazon AppFlow. It is for AWS clients: configure this "
        "address as their endpoint, with an access key that <code>headgate access-key "
        "create</code> "
        "made.</p>\n"
        "<pre>aws appflow describe-connector-profiles --endpoint-url ADDRESS</pre>\n"
        "<p>The documentation comes with the program's source: <code>README.md</code> for a start, "
        "<code>docs/api.md</code> for what the API does, <code>docs/operations.md</code> for "
        "running "
        "it. <code>headgate --help</code> lists the commands.</p>\n"
        "</html>\n";
    (void)rest, (void)arena;
    *ret_page = (struct page){
        .content_type = STR("text/html; charset=utf-8"),
        .cache_control = STR("no-cache"),
        .body = {html, sizeof(html) - 1},
    };
    return true;
}

const struct page_route page_routes[] = {
    {STR("/"), start_page},
    {STR_NULL, NULL},
};
