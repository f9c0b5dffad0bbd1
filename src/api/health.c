/* Health, readiness and metrics over HTTP. */
#include "api/health.h"

#include "api/metrics.h"
#include "api/service_keys.h"

#include <stdlib.h>

struct health_page {
    int status;
    struct str content_type;
    struct buf body;
};

/* Makes the page; false: somebody else does, and answers then. */
typedef bool page_fn(struct health *health, struct http_exchange *exchange,
                     struct health_page *page);

/* --- pages --- */

static bool health(struct health *health, struct http_exchange *exchange, struct health_page *page)
{
    (void)health, (void)exchange;
    buf_add_cstr(&page->body, "ok\n");
    return true;
}

static void not_ready(struct health_page *page, const char *reason)
{
    page->status = 503;
    buf_add_cstr(&page->body, reason);
    buf_add_char(&page->body, '\n');
}

static void answer(struct http_exchange *exchange, const struct health_page *page)
{
    const struct http_header headers[] = {
        {STR("Content-Type"), page->content_type},
        {STR("Cache-Control"), STR("no-store")},
        {STR("Allow"), STR("GET")},
    };
    http_respond(exchange, &(struct http_response){.status = page->status,
                                                   .headers = headers,
                                                   .header_count = page->status == 405 ? 3 : 2,
                                                   .body = buf_str(&page->body)});
}

struct probe {
    struct health *health;
    struct http_exchange *exchange;
    struct health_page *page;
};

/* A real read, and a real opening of what was read. */
static void look_at_keys(const struct probe *probe)
{
    const struct service_config *config = &probe->health->service->config;
    struct error error = {0};
    if (service_keys_check(config->store, config->keyring, &probe->exchange->arena, &error))
        buf_add_cstr(&probe->page->body, "ready\n");
    else
        not_ready(probe->page, error.message);
}

static void answer_probe(void *argument)
{
    const struct probe *probe = argument;
    answer(probe->exchange, probe->page);
}

static void look_on_reader(void *argument)
{
    struct probe *probe = argument;
    look_at_keys(probe);
    http_post(probe->exchange, 0, answer_probe, probe);
}

/* A database across a network may be silent for long, and the other pages must not wait for it. */
static bool readiness(struct health *health, struct http_exchange *exchange,
                      struct health_page *page)
{
    struct pool *readers = health->service->readers;
    struct probe *probe = arena_new(&exchange->arena, struct probe);
    struct error error = {0};
    *probe = (struct probe){health, exchange, page};
    if (atomic_load(&health->stopping))
        not_ready(page, "The server is stopping.");
    else if (!readers)
        look_at_keys(probe);
    else if (pool_post(readers, STR_NULL, look_on_reader, probe, NULL, &error))
        return false;
    else
        not_ready(page, error.message);
    return true;
}

static bool metrics(struct health *health, struct http_exchange *exchange, struct health_page *page)
{
    (void)exchange;
    page->content_type = STR("text/plain; version=0.0.4; charset=utf-8");
    metrics_page(&page->body, health->service, health->server, health->started_ms);
    return true;
}

static const struct {
    struct str path;
    page_fn *make;
} pages[] = {
    {STR("/healthz"), health},
    {STR("/readyz"), readiness},
    {STR("/metrics"), metrics},
};

static page_fn *find_page(struct str target)
{
    struct str path = target, query;
    str_cut(target, '?', &path, &query);
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        if (str_eq(pages[i].path, path))
            return pages[i].make;
    }
    return NULL;
}

void health_handle(void *context, struct http_exchange *exchange)
{
    struct health_page *page = arena_new(&exchange->arena, struct health_page);
    page_fn *make = find_page(exchange->head.target);
    *page = (struct health_page){.status = 200,
                                 .content_type = STR("text/plain; charset=utf-8"),
                                 .body = buf_in(&exchange->arena, METRICS_TEXT_MAX)};
    if (!str_eq(exchange->head.method, STR("GET"))) {
        page->status = 405;
        buf_add_cstr(&page->body, "Only GET works here.\n");
    } else if (!make) {
        page->status = 404;
        buf_add_cstr(&page->body, "There are /healthz, /readyz and /metrics.\n");
    } else if (!make(context, exchange, page)) {
        return;
    }
    answer(exchange, page);
}
