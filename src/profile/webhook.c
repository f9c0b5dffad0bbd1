/* One event is one POST. */
#include "profile/webhook.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/url.h"

#include <stdlib.h>

struct webhook {
    struct webhook_config config;
    struct arena arena; /* of `host` */
    struct str host;    /* for messages: the URL's path may be a secret */
    bool is_plain;      /* http */
};

const struct metric metric_webhook_events = {
    "headgate_webhook_events_total",
    "Events for the webhook: delivered, a delivery that failed, dropped over the limit, too old.",
    .labels = {{"outcome", EVENT_OUTCOMES, event_outcome_names, NULL}},
    METRIC_SERIES(EVENT_OUTCOMES),
};

const struct metric metric_webhook_age = {"headgate_webhook_oldest_event_seconds",
                                          "Age of the oldest event that waits for the webhook.",
                                          METRIC_GAUGE, METRIC_SERIES(1)};

const struct metric metric_webhook_waiting = {
    "headgate_webhook_events_waiting", "Events that wait for the webhook's receiver, in the store.",
    METRIC_GAUGE, METRIC_SERIES(1)};

struct webhook *webhook_new(const struct webhook_config *config)
{
    struct webhook *webhook = xcalloc(1, sizeof(*webhook));
    struct url_parts parts = {0};
    webhook->config = *config;
    if (url_split(config->url, &parts)) /* the option's check has seen it */
        webhook->host = arena_copy(&webhook->arena, parts.authority);
    webhook->is_plain = str_eq_nocase(parts.scheme, STR("http"));
    return webhook;
}

void webhook_free(struct webhook *webhook)
{
    if (!webhook)
        return;
    arena_done(&webhook->arena);
    free(webhook);
}

/* Headers are in the call's arena. */
static bool keep_head(void *context, const struct client_response *head)
{
    *(struct client_response *)context = *head;
    return true;
}

static bool discard(void *context, struct str bytes)
{
    (void)context;
    (void)bytes;
    return true;
}

/* The status counts, also of an answer whose body is larger than what is read of it. */
static void post_event(const struct webhook *webhook, struct str body, struct arena *arena,
                       struct client_response *ret_response)
{
    int64_t now_s = clock_wall_ms() / 1000;
    const struct http_header headers[] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("Headgate-Timestamp"), arena_printf(arena, "%lld", (long long)now_s)},
        {STR("Headgate-Signature"), webhook_signature(webhook->config.secrets, now_s, body, arena)},
    };
    struct client_response head = {0};
    const struct client_sink sink = {
        .head = keep_head, .push = discard, .context = &head, .size_max = EVENT_ANSWER_MAX};
    const struct client_request request = {
        .method = STR("POST"),
        .url = webhook->config.url,
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(*headers),
        .body = body,
        .sink = &sink,
        .deadline_ms = clock_mono_ms() + EVENT_TIMEOUT_MS,
        .opened_only = webhook->is_plain,
    };
    client_call(webhook->config.client, arena, &request, ret_response);
    if (ret_response->outcome == CLIENT_TOO_LARGE && head.status != 0)
        *ret_response = head; /* CLIENT_OK */
}

static void send_event(void *context, const struct job_key *subject,
                       const struct queued_event *event, struct arena *arena,
                       struct event_answer *ret_answer)
{
    struct client_response response = {0};
    (void)subject;
    post_event(context, event->body, arena, &response);
    event_answer_of(&response, arena, ret_answer);
    if (response.outcome == CLIENT_OK && response.status / 100 == 2)
        ret_answer->end = EVENT_TAKEN;
}

struct event_receiver webhook_receiver(struct webhook *webhook)
{
    return (struct event_receiver){
        .name = "the webhook",
        .host = webhook->host,
        .kinds = 1U << EVENTS_OF_CREDENTIALS | 1U << EVENTS_OF_FLOWS,
        .send = send_event,
        .context = webhook,
        .events = &metric_webhook_events,
        .waiting = &metric_webhook_waiting,
        .age = &metric_webhook_age,
    };
}
