/* Health, readiness and metrics over HTTP. */
#include "api/health.h"

#include "api/operation.h"
#include "api/service_keys.h"
#include "base/metrics.h"
#include "connector/connector.h"
#include "job/job.h"
#include "wire/errors.h"
#include "wire/shape.h"

#include <stdlib.h>

_Static_assert((int)ERR_COUNT <= (int)METRIC_OUTCOMES_MAX, "each error has a cell of its own");
_Static_assert((int)VERDICT_INTERNAL < (int)METRIC_VERDICTS_MAX, "and each verdict");

struct health_page {
    int status;
    struct str content_type;
    struct buf body;
};

/* Makes the page; false: somebody else does, and answers then. */
typedef bool page_fn(struct health *health, struct http_exchange *exchange,
                     struct health_page *page);

/* --- names of what is counted --- */

static struct str outcome_name(size_t value)
{
    if (value == ERR_NONE)
        return STR("ok");
    return value < ERR_COUNT ? str_from(error_kind((enum err)value)->exception) : STR_NULL;
}

static struct str connector_name(size_t value)
{
    return value < connector_count() ? connector_at(value)->type : STR_NULL;
}

static struct str verdict_name(size_t value)
{
    return value <= VERDICT_INTERNAL ? str_from(verdict_kind_name((enum verdict_kind)value))
                                     : STR_NULL;
}

static struct str connection_name(size_t value)
{
    static const struct str names[] = {
        [CONNECTION_OF_NEW] = STR("new"),
        [CONNECTION_OF_REUSED] = STR("reused"),
        [CONNECTION_OF_NONE] = STR("none"),
    };
    return value < sizeof(names) / sizeof(*names) ? names[value] : STR_NULL;
}

static struct str limit_name(size_t value)
{
    static const struct str names[] = {
        [LIMIT_QUEUE] = STR("queue"),
        [LIMIT_ACCOUNT_UPDATES] = STR("account-updates"),
        [LIMIT_ACCOUNT_READ_RATE] = STR("account-read-rate"),
        [LIMIT_ACCOUNT_CHANGE_RATE] = STR("account-change-rate"),
        [LIMIT_PRIVATE_CONNECTIONS] = STR("private-connections"),
        [LIMIT_COMMITTER] = STR("committer"),
    };
    return value < sizeof(names) / sizeof(*names) ? names[value] : STR_NULL;
}

static struct str stage_name(size_t value)
{
    static const struct str names[] = {
        [STAGE_SIGNATURE] = STR("signature"), [STAGE_DECODE] = STR("decode"),
        [STAGE_HAND_OVER] = STR("hand-over"), [STAGE_CHECK] = STR("check"),
        [STAGE_LOAD] = STR("load"),           [STAGE_VERIFY] = STR("verify"),
        [STAGE_SEAL] = STR("seal"),           [STAGE_COMMIT] = STR("commit"),
        [STAGE_HAND_BACK] = STR("hand-back"), [STAGE_ANSWER] = STR("answer"),
    };
    return value < sizeof(names) / sizeof(*names) ? names[value] : STR_NULL;
}

static const struct metric_names value_names = {.of = {
                                                    [LABEL_OPERATION] = operation_metric_name,
                                                    [LABEL_OUTCOME] = outcome_name,
                                                    [LABEL_CONNECTOR] = connector_name,
                                                    [LABEL_VERDICT] = verdict_name,
                                                    [LABEL_CONNECTION] = connection_name,
                                                    [LABEL_LIMIT] = limit_name,
                                                    [LABEL_STAGE] = stage_name,
                                                }};

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
    else if (pool_post(readers, STR_NULL, look_on_reader, probe, &error))
        return false;
    else
        not_ready(page, error.message);
    return true;
}

static void look_around(struct health *health)
{
    struct pool_counts workers = pool_counts(health->service->workers);
    struct job_counts provisioning =
        job_runner_counts(health->service->profiles.private_connections);
    struct store_counts store = store_counts(health->service->config.store);
    struct server_counts server = server_counts(health->server);
    metrics_set(METRIC_CONNECTIONS_OPEN, (int64_t)server.connections_open);
    metrics_set(METRIC_HTTP_LARGE_BYTES, (int64_t)server.large_bytes);
    metrics_set(METRIC_HTTP_REFUSED, (int64_t)server.refused);
    metrics_set(METRIC_WORKERS, workers.threads);
    metrics_set(METRIC_WORKERS_BUSY, workers.busy);
    metrics_set(METRIC_WORKERS_QUEUED, (int64_t)workers.queued);
    metrics_set(METRIC_WORKERS_HELD, (int64_t)workers.held);
    metrics_set(METRIC_PROVISIONING, (int64_t)provisioning.slots);
    metrics_set(METRIC_PROVISIONING_QUEUED, (int64_t)provisioning.queued);
    metrics_set(METRIC_PROVISIONING_HELD, (int64_t)provisioning.held);
    metrics_set(METRIC_COMMITTER_QUEUED, (int64_t)store.queued);
    metrics_set(METRIC_STORE_FAILING, store.failing);
    metrics_set(METRIC_STORE_BYTES, store.bytes);
}

static bool metrics(struct health *health, struct http_exchange *exchange, struct health_page *page)
{
    (void)exchange;
    look_around(health);
    page->content_type = STR("text/plain; version=0.0.4; charset=utf-8");
    buf_printf(&page->body,
               "# HELP headgate_build_info The program that is running.\n"
               "# TYPE headgate_build_info gauge\n"
               "headgate_build_info{version=\"%s\"} 1\n"
               "# HELP process_start_time_seconds When the server started, since the epoch.\n"
               "# TYPE process_start_time_seconds gauge\n"
               "process_start_time_seconds %lld.%03d\n",
               HEADGATE_VERSION, (long long)(health->started_ms / 1000),
               (int)(health->started_ms % 1000));
    metrics_write(&page->body, &value_names);
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
