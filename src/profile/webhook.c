/* One run of the job: the subject's oldest events, one after the other, and one commit for what was
 * taken. */
#include "profile/webhook.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "base/url.h"
#include "connector/http/response.h"
#include "wire/errors.h"
#include "work/host_breaker.h"

#include <stdlib.h>

enum { EVENTS_A_MS = 1000 }; /* of credential_event.seq */

struct webhook {
    struct webhook_config config;
    struct host_breakers *breakers;
    struct arena arena;  /* of `host` */
    struct str host;     /* for messages: the URL's path may be a secret */
    bool is_plain;       /* http */
    int64_t count_at_ms; /* monotonic; the scheduler's */
};

struct webhook_run {
    struct webhook *webhook;
    const struct job_row *job;
    struct arena arena;
    int64_t done_seq; /* events up to it are delivered or too old; 0: none */
    bool failed;      /* the event behind it was not taken */
    bool held_back;   /* the receiver is left alone */
    bool more;        /* there are events behind the ones that were read */
    bool concluded;   /* only the commit is left */
    bool lost;        /* the lease */
    int64_t retry_after_ms;
};

/* --- metrics --- */

enum webhook_outcome { EVENT_DELIVERED, EVENT_FAILED, EVENT_DROPPED, EVENT_EXPIRED, OUTCOMES };

static const char *const outcome_names[OUTCOMES] = {
    [EVENT_DELIVERED] = "delivered",
    [EVENT_FAILED] = "failed",
    [EVENT_DROPPED] = "dropped",
    [EVENT_EXPIRED] = "expired",
};

const struct metric metric_webhook_events = {
    "headgate_webhook_events_total",
    "Events for the webhook: delivered, a delivery that failed, dropped over the limit, too old.",
    .labels = {{"outcome", OUTCOMES, outcome_names, NULL}},
    METRIC_SERIES(OUTCOMES),
};

const struct metric metric_webhook_waiting = {
    "headgate_webhook_events_waiting", "Events that wait for the webhook's receiver, in the store.",
    METRIC_GAUGE, METRIC_SERIES(1)};

/* --- the webhook --- */

struct webhook *webhook_new(const struct webhook_config *config)
{
    struct webhook *webhook = xcalloc(1, sizeof(*webhook));
    struct url_parts parts = {0};
    webhook->config = *config;
    webhook->breakers = host_breakers_new();
    if (url_split(config->url, &parts)) /* the option's check has seen it */
        webhook->host = arena_copy(&webhook->arena, parts.authority);
    webhook->is_plain = str_eq_nocase(parts.scheme, STR("http"));
    return webhook;
}

void webhook_free(struct webhook *webhook)
{
    if (!webhook)
        return;
    host_breakers_free(webhook->breakers);
    arena_done(&webhook->arena);
    free(webhook);
}

/* --- one event --- */

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
static void post_event(struct webhook_run *self, struct str body,
                       struct client_response *ret_response)
{
    const struct webhook *webhook = self->webhook;
    struct arena *arena = &self->arena;
    int64_t now_s = clock_wall_ms() / 1000;
    const struct http_header headers[] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("Headgate-Timestamp"), arena_printf(arena, "%lld", (long long)now_s)},
        {STR("Headgate-Signature"), webhook_signature(webhook->config.secrets, now_s, body, arena)},
    };
    struct client_response head = {0};
    const struct client_sink sink = {
        .head = keep_head, .push = discard, .context = &head, .size_max = WEBHOOK_ANSWER_MAX};
    const struct client_request request = {
        .method = STR("POST"),
        .url = webhook->config.url,
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(*headers),
        .body = body,
        .sink = &sink,
        .deadline_ms = clock_mono_ms() + WEBHOOK_TIMEOUT_MS,
        .opened_only = webhook->is_plain,
    };
    client_call(webhook->config.client, arena, &request, ret_response);
    if (ret_response->outcome == CLIENT_TOO_LARGE && head.status != 0)
        *ret_response = head; /* CLIENT_OK */
}

/* Of the event behind those that were taken. */
static int64_t attempts_of(const struct webhook_run *self)
{
    return self->done_seq == 0 ? self->job->attempts : 0;
}

static void note_failure(struct webhook_run *self, const struct client_response *response)
{
    static const struct connector_wait none;
    const struct job_key *key = &self->job->key;
    const struct vendor_response answer = {.http = *response};
    struct str why = response->outcome == CLIENT_OK
                         ? arena_printf(&self->arena, "answered %d", response->status)
                         : str_from(response->detail);
    self->failed = true;
    if (response->outcome == CLIENT_OK)
        self->retry_after_ms =
            vendor_response_retry_after_ms(&self->arena, &answer, &none, clock_wall_ms());
    metrics_count(&metric_webhook_events, EVENT_FAILED, 0);
    log_warn("An event of %.*s (account %.*s, %.*s) was not delivered to the webhook at "
             "%.*s, try %lld; it is tried again: %.*s.",
             STR_ARG(key->name), STR_ARG(key->account), STR_ARG(key->region),
             STR_ARG(self->webhook->host), (long long)attempts_of(self) + 1, STR_ARG(why));
}

static bool is_taken(const struct client_response *response)
{
    return response->outcome == CLIENT_OK && response->status / 100 == 2;
}

static void deliver(struct webhook_run *self, const struct webhook_event *event)
{
    struct webhook *webhook = self->webhook;
    struct client_response response = {0};
    if (!host_breaker_allows(webhook->breakers, webhook->host, clock_mono_ms())) {
        self->held_back = true;
        return;
    }
    fault_point("webhook:sending");
    post_event(self, event->body, &response);
    fault_point("webhook:sent");
    if (response.outcome == CLIENT_STOPPED) {
        self->held_back = true;
        return;
    }
    host_breaker_note(webhook->breakers, webhook->host, response.outcome == CLIENT_OK,
                      clock_mono_ms());
    if (!is_taken(&response)) {
        note_failure(self, &response);
        return;
    }
    metrics_count(&metric_webhook_events, EVENT_DELIVERED, 0);
    self->done_seq = event->seq;
}

static bool is_too_old(const struct webhook_event *event)
{
    int64_t age_ms = clock_wall_ms() - event->seq / EVENTS_A_MS;
    return age_ms / 1000 > WEBHOOK_AGE_MAX_S;
}

static void deliver_all(struct webhook_run *self, const struct webhook_event *events, size_t count,
                        struct job_runner *runner)
{
    for (size_t i = 0; i < count && !self->failed && !self->held_back; i++) {
        if (is_too_old(&events[i])) {
            metrics_count(&metric_webhook_events, EVENT_EXPIRED, 0);
            self->done_seq = events[i].seq;
        } else if (job_is_stopping(runner)) {
            self->held_back = true;
        } else {
            deliver(self, &events[i]);
        }
    }
    self->more = count == WEBHOOK_EVENTS_A_RUN;
    self->concluded = true;
}

/* --- the commit --- */

static struct webhook_key key_of(const struct webhook_run *self)
{
    const struct job_key *key = &self->job->key;
    return (struct webhook_key){key->account, key->region, key->name};
}

/* Half of it at random, so that not all profiles come back at once. */
static int64_t wait_ms(const struct webhook_run *self)
{
    int64_t wait_ms = WEBHOOK_RETRY_MAX_MS, attempts = attempts_of(self);
    if (attempts < 10 && ((int64_t)WEBHOOK_RETRY_MS << attempts) < wait_ms)
        wait_ms = (int64_t)WEBHOOK_RETRY_MS << attempts;
    wait_ms = wait_ms / 2 + random_u32() % (wait_ms / 2);
    int64_t asked_ms = self->retry_after_ms;
    if (asked_ms > WEBHOOK_AFTER_MAX_MS)
        asked_ms = WEBHOOK_AFTER_MAX_MS;
    return asked_ms > wait_ms ? asked_ms : wait_ms;
}

/* A try of another event than the last one's is the first one: it has another job. */
static bool begin_anew(struct db *db, const struct webhook_run *self, bool *ret_held,
                       struct error *error)
{
    const struct job_row job = {
        .key = self->job->key,
        .due_at_ms = clock_wall_ms() + wait_ms(self),
        .fence = job_new_fence(),
        .payload = STR(""),
    };
    return job_finish(db, self->job, ret_held, error) &&
           (!*ret_held || job_insert(db, &job, STR(""), error));
}

static bool end_job(struct db *db, const struct webhook_run *self, bool *ret_held,
                    struct error *error)
{
    if (self->failed && self->done_seq != 0)
        return begin_anew(db, self, ret_held, error);
    if (self->failed)
        return job_retry(db, self->job, clock_wall_ms() + wait_ms(self), ret_held, error);
    return job_finish(db, self->job, ret_held, error);
}

static bool apply(struct db *db, void *argument, struct error *error)
{
    struct webhook_run *self = argument;
    struct webhook_key key = key_of(self);
    bool held;
    if (!end_job(db, self, &held, error))
        return false;
    self->lost = !held;
    if (!held)
        return fail(error, ERR_LOST_RACE, "The lease of the job was lost.");
    return (self->done_seq == 0 || webhook_event_drop(db, key, self->done_seq, error)) &&
           (self->failed || webhook_event_continue(db, key, error));
}

static enum job_end commit(struct webhook_run *self, struct job_runner *runner)
{
    struct error error;
    bool committed = store_apply(self->webhook->config.store, apply, self, false, &error);
    if (!committed && !self->lost)
        return JOB_AGAIN;
    if (self->more || self->failed)
        job_runner_look(runner); /* for when the next try is due */
    return JOB_DONE;
}

/* --- the kind --- */

static void *begin(void *context, const struct job_row *job)
{
    struct webhook_run *self = xcalloc(1, sizeof(*self));
    self->webhook = context;
    self->job = job;
    return self;
}

static void end(void *state)
{
    struct webhook_run *self = state;
    arena_done(&self->arena);
    free(self);
}

static bool load(struct webhook_run *self, struct webhook_event **ret_events, size_t *ret_count,
                 struct error *error)
{
    struct store *store = self->webhook->config.store;
    struct store_reader *reader;
    bool held;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = job_is_held(reader, self->job, &held, error) &&
              webhook_event_list(reader, &self->arena, key_of(self), WEBHOOK_EVENTS_A_RUN,
                                 ret_events, ret_count, error);
    store_reader_put(store, reader);
    self->lost = ok && !held;
    return ok;
}

static enum job_end run(void *state, struct job_runner *runner)
{
    struct webhook_run *self = state;
    struct webhook_event *events;
    struct error error;
    size_t count;
    if (self->concluded) /* only the commit failed: nothing is sent again for it */
        return commit(self, runner);
    arena_done(&self->arena);
    self->held_back = false;
    if (!load(self, &events, &count, &error))
        return JOB_AGAIN;
    if (self->lost)
        return JOB_DONE;
    deliver_all(self, events, count, runner);
    bool nothing_done = self->held_back && self->done_seq == 0;
    if (!nothing_done)
        return commit(self, runner);
    self->concluded = false;
    return job_is_stopping(runner) ? JOB_STOPPED : JOB_AGAIN;
}

static struct str hosts(void *context, const struct job_row *row, struct arena *arena)
{
    (void)context;
    (void)row;
    (void)arena;
    return STR_NULL; /* all jobs call the one receiver */
}

static enum job_hosts_said hosts_said(const void *state)
{
    (void)state;
    return JOB_HOSTS_NOT_ASKED;
}

/* --- the bound --- */

struct trim {
    const struct webhook_event_count *count;
    int64_t removed; /* by the last application */
};

static bool apply_trim(struct db *db, void *argument, struct error *error)
{
    struct trim *trim = argument;
    return webhook_event_trim(db, trim->count->account, trim->count->of_flows, WEBHOOK_WAITING_MAX,
                              &trim->removed, error);
}

static void bound_account(struct webhook *webhook, const struct webhook_event_count *count)
{
    struct trim trim = {count, 0};
    struct error ignored; /* logged by the store, and tried again */
    if (!store_apply(webhook->config.store, apply_trim, &trim, false, &ignored) ||
        trim.removed == 0) /* another node was faster */
        return;
    for (int64_t i = 0; i < trim.removed; i++)
        metrics_count(&metric_webhook_events, EVENT_DROPPED, 0);
    log_warn("%lld events of %s of account %.*s were dropped, the oldest: more than %d waited for "
             "the webhook.",
             (long long)trim.removed, count->of_flows ? "flows" : "credentials",
             STR_ARG(count->account), WEBHOOK_WAITING_MAX);
}

static bool read_counts(struct webhook *webhook, struct arena *arena,
                        struct webhook_event_count **ret_counts, size_t *ret_count)
{
    struct store *store = webhook->config.store;
    struct store_reader *reader;
    struct error ignored;
    if (!store_reader_take(store, &reader, &ignored))
        return false;
    bool ok = webhook_event_count(reader, arena, ret_counts, ret_count, &ignored);
    store_reader_put(store, reader);
    return ok;
}

static void looked(void *context)
{
    struct webhook *webhook = context;
    struct webhook_event_count *counts;
    struct arena arena = {0};
    int64_t waiting = 0;
    size_t count;
    if (clock_mono_ms() < webhook->count_at_ms)
        return;
    webhook->count_at_ms = clock_mono_ms() + WEBHOOK_COUNT_MS;
    bool ok = read_counts(webhook, &arena, &counts, &count);
    for (size_t i = 0; ok && i < count; i++) {
        bool over = counts[i].waiting > WEBHOOK_WAITING_MAX;
        waiting += over ? WEBHOOK_WAITING_MAX : counts[i].waiting;
        if (over)
            bound_account(webhook, &counts[i]);
    }
    if (ok)
        metrics_set(&metric_webhook_waiting, waiting);
    arena_done(&arena);
}

const struct job_kind webhook_kind = {
    .name = WEBHOOK_JOB,
    .threads_max = WEBHOOK_THREADS,
    .slots_max = WEBHOOK_JOBS_MAX,
    .retry_ms = WEBHOOK_AGAIN_MS,
    .look_ms = WEBHOOK_COUNT_MS,
    .hosts = hosts,
    .begin = begin,
    .run = run,
    .hosts_said = hosts_said,
    .free = end,
    .looked = looked,
};
