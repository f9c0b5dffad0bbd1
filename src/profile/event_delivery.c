/* One run of the job: the subject's oldest events, one after the other, and one commit for what was
 * taken. */
#include "profile/event_delivery.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/int64.h"
#include "base/log.h"
#include "base/random.h"
#include "connector/http/response.h"
#include "wire/errors.h"
#include "work/host_breaker.h"

#include <stdlib.h>

enum { EVENTS_A_MS = 1000 }; /* of queued_event.seq */

const char *const event_outcome_names[EVENT_OUTCOMES] = {
    [EVENT_DELIVERED] = "delivered",
    [EVENT_FAILED] = "failed",
    [EVENT_DROPPED] = "dropped",
    [EVENT_EXPIRED] = "expired",
};

struct event_delivery {
    struct store *store;
    struct event_receiver receiver;
    struct host_breakers *breakers;
    int64_t count_at_ms; /* monotonic; the scheduler's */
};

struct delivery_run {
    struct event_delivery *delivery;
    const struct job_row *job;
    struct arena arena;
    int64_t done_seq; /* events up to it are delivered or too old; 0: none */
    bool failed;      /* the event behind it was not taken */
    bool held_back;   /* the receiver is left alone */
    bool more;        /* events are left: behind those that were read, or that came meanwhile */
    bool concluded;   /* only the commit is left */
    bool lost;        /* the lease */
    int64_t retry_after_ms;
};

struct event_delivery *event_delivery_new(struct store *store,
                                          const struct event_receiver *receiver)
{
    struct event_delivery *delivery = xcalloc(1, sizeof(*delivery));
    delivery->store = store;
    delivery->receiver = *receiver;
    delivery->breakers = host_breakers_new();
    return delivery;
}

void event_delivery_free(struct event_delivery *delivery)
{
    if (!delivery)
        return;
    host_breakers_free(delivery->breakers);
    free(delivery);
}

/* --- one event --- */

void event_answer_of(const struct client_response *response, struct arena *arena,
                     struct event_answer *ret_answer)
{
    static const struct connector_wait none;
    const struct vendor_response answer = {.http = *response};
    *ret_answer = (struct event_answer){.end = EVENT_REFUSED};
    if (response->outcome == CLIENT_STOPPED) {
        ret_answer->end = EVENT_CUT_OFF;
    } else if (response->outcome != CLIENT_OK) {
        ret_answer->end = EVENT_UNREACHED;
        ret_answer->why = str_from(response->detail);
    } else {
        ret_answer->why = arena_printf(arena, "answered %d", response->status);
        ret_answer->retry_after_ms =
            vendor_response_retry_after_ms(arena, &answer, &none, clock_wall_ms());
    }
}

/* Of the event behind those that were taken. */
static int64_t attempts_of(const struct delivery_run *self)
{
    return self->done_seq == 0 ? self->job->attempts : 0;
}

static struct str host_for(struct delivery_run *self)
{
    const struct event_receiver *receiver = &self->delivery->receiver;
    return receiver->host_of ? receiver->host_of(receiver->context, &self->job->key, &self->arena)
                             : receiver->host;
}

static void note_failure(struct delivery_run *self, const struct event_answer *answer)
{
    const struct job_key *key = &self->job->key;
    const struct event_receiver *receiver = &self->delivery->receiver;
    self->failed = true;
    self->retry_after_ms = answer->retry_after_ms;
    metrics_count(receiver->events, EVENT_FAILED, 0);
    log_warn("An event of %.*s (account %.*s, %.*s) was not delivered to %s at %.*s, try %lld; it "
             "is tried again: %.*s.",
             STR_ARG(key->name), STR_ARG(key->account), STR_ARG(key->region), receiver->name,
             STR_ARG(host_for(self)), (long long)attempts_of(self) + 1, STR_ARG(answer->why));
}

static void deliver(struct delivery_run *self, const struct queued_event *event)
{
    struct event_delivery *delivery = self->delivery;
    const struct event_receiver *receiver = &delivery->receiver;
    struct event_answer answer = {0};
    struct str host = host_for(self);
    if (!host_breaker_allows(delivery->breakers, host, clock_mono_ms())) {
        self->held_back = true;
        return;
    }
    fault_point("event:sending");
    receiver->send(receiver->context, &self->job->key, event, &self->arena, &answer);
    fault_point("event:sent");
    if (answer.end == EVENT_CUT_OFF) {
        self->held_back = true;
        return;
    }
    if (answer.end != EVENT_NOT_SENT)
        host_breaker_note(delivery->breakers, host, answer.end != EVENT_UNREACHED, clock_mono_ms());
    if (answer.end != EVENT_TAKEN) {
        note_failure(self, &answer);
        return;
    }
    metrics_count(receiver->events, EVENT_DELIVERED, 0);
    self->done_seq = event->seq;
}

static int64_t age_s(int64_t seq)
{
    return (clock_wall_ms() - seq / EVENTS_A_MS) / 1000;
}

static bool is_too_old(const struct queued_event *event)
{
    return age_s(event->seq) > EVENT_AGE_MAX_S;
}

static void deliver_all(struct delivery_run *self, const struct queued_event *events, size_t count,
                        struct job_runner *runner)
{
    for (size_t i = 0; i < count && !self->failed && !self->held_back; i++) {
        if (is_too_old(&events[i])) {
            metrics_count(self->delivery->receiver.events, EVENT_EXPIRED, 0);
            self->done_seq = events[i].seq;
        } else if (job_is_stopping(runner)) {
            self->held_back = true;
        } else {
            deliver(self, &events[i]);
        }
    }
    self->concluded = true;
}

/* --- the commit --- */

static struct event_key key_of(const struct delivery_run *self)
{
    const struct job_key *key = &self->job->key;
    return (struct event_key){key->account, key->region, key->name};
}

/* Half of it at random, so that not all profiles come back at once. */
static int64_t wait_ms(const struct delivery_run *self)
{
    int64_t wait_ms = EVENT_RETRY_MAX_MS, attempts = attempts_of(self);
    if (attempts < 10 && ((int64_t)EVENT_RETRY_MS << attempts) < wait_ms)
        wait_ms = (int64_t)EVENT_RETRY_MS << attempts;
    wait_ms = wait_ms / 2 + random_u32() % (wait_ms / 2);
    int64_t asked_ms = self->retry_after_ms;
    if (asked_ms > EVENT_AFTER_MAX_MS)
        asked_ms = EVENT_AFTER_MAX_MS;
    return asked_ms > wait_ms ? asked_ms : wait_ms;
}

/* A try of another event than the last one's is the first one: it has another job. */
static bool begin_anew(struct db *db, const struct delivery_run *self, bool *ret_held,
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

static bool end_job(struct db *db, const struct delivery_run *self, bool *ret_held,
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
    struct delivery_run *self = argument;
    struct event_key key = key_of(self);
    bool held;
    if (!end_job(db, self, &held, error))
        return false;
    self->lost = !held;
    if (!held)
        return fail(error, ERR_LOST_RACE, "The lease of the job was lost.");
    return (self->done_seq == 0 || event_queue_drop(db, key, self->done_seq, error)) &&
           (self->failed || event_queue_continue(db, key, &self->more, error));
}

static enum job_end commit(struct delivery_run *self, struct job_runner *runner)
{
    struct error error;
    bool committed = store_apply(self->delivery->store, apply, self, false, &error);
    if (!committed && !self->lost)
        return JOB_AGAIN;
    if (self->more || self->failed)
        job_runner_look(runner); /* for when the next try is due */
    return JOB_DONE;
}

/* --- the kind --- */

static void *begin(void *context, const struct job_row *job)
{
    struct delivery_run *self = xcalloc(1, sizeof(*self));
    self->delivery = context;
    self->job = job;
    return self;
}

static void end(void *state)
{
    struct delivery_run *self = state;
    arena_done(&self->arena);
    free(self);
}

static bool load(struct delivery_run *self, struct queued_event **ret_events, size_t *ret_count,
                 struct error *error)
{
    struct store *store = self->delivery->store;
    struct store_reader *reader;
    bool held;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = job_is_held(reader, self->job, &held, error) &&
              event_queue_list(reader, &self->arena, key_of(self), EVENTS_A_RUN, ret_events,
                               ret_count, error);
    store_reader_put(store, reader);
    self->lost = ok && !held;
    return ok;
}

static enum job_end run(void *state, struct job_runner *runner)
{
    struct delivery_run *self = state;
    struct queued_event *events;
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
    const struct event_queue_count *count;
    int64_t removed; /* by the last application */
};

static bool apply_trim(struct db *db, void *argument, struct error *error)
{
    struct trim *trim = argument;
    return event_queue_trim(db, trim->count->account, trim->count->kind, EVENTS_WAITING_MAX,
                            &trim->removed, error);
}

static void bound_account(struct event_delivery *delivery, const struct event_queue_count *count)
{
    struct trim trim = {count, 0};
    struct error ignored; /* logged by the store, and tried again */
    if (!store_apply(delivery->store, apply_trim, &trim, false, &ignored) ||
        trim.removed == 0) /* another node was faster */
        return;
    for (int64_t i = 0; i < trim.removed; i++)
        metrics_count(delivery->receiver.events, EVENT_DROPPED, 0);
    log_warn("%lld events of %s of account %.*s were dropped, the oldest: more than %d waited for "
             "%s.",
             (long long)trim.removed,
             count->kind == EVENTS_OF_CREDENTIALS ? "credentials" : "flows",
             STR_ARG(count->account), EVENTS_WAITING_MAX, delivery->receiver.name);
}

static bool read_counts(struct event_delivery *delivery, struct arena *arena,
                        struct event_queue_count **ret_counts, size_t *ret_count)
{
    struct store_reader *reader;
    struct error ignored;
    if (!store_reader_take(delivery->store, &reader, &ignored))
        return false;
    bool ok = event_queue_count(reader, arena, ret_counts, ret_count, &ignored);
    store_reader_put(delivery->store, reader);
    return ok;
}

static void looked(void *context)
{
    struct event_delivery *delivery = context;
    struct event_queue_count *counts;
    struct arena arena = {0};
    int64_t waiting = 0, oldest_s = 0;
    size_t count;
    if (clock_mono_ms() < delivery->count_at_ms)
        return;
    delivery->count_at_ms = clock_mono_ms() + EVENT_COUNT_MS;
    bool ok = read_counts(delivery, &arena, &counts, &count);
    for (size_t i = 0; ok && i < count; i++) {
        bool over = counts[i].waiting > EVENTS_WAITING_MAX;
        if (!(delivery->receiver.kinds & 1U << counts[i].kind))
            continue;
        waiting += over ? EVENTS_WAITING_MAX : counts[i].waiting;
        oldest_s = i64_max(oldest_s, age_s(counts[i].oldest_seq));
        if (over)
            bound_account(delivery, &counts[i]);
    }
    if (ok) {
        metrics_set(delivery->receiver.waiting, waiting);
        metrics_set(delivery->receiver.age, oldest_s);
    }
    arena_done(&arena);
}

#define DELIVERY_KIND(NAME)                                                                        \
    {                                                                                              \
        .name = (NAME), .threads_max = EVENT_THREADS, .slots_max = EVENT_JOBS_MAX,                 \
        .retry_ms = EVENT_AGAIN_MS, .look_ms = EVENT_COUNT_MS, .hosts = hosts, .begin = begin,     \
        .run = run, .hosts_said = hosts_said, .free = end, .looked = looked,                       \
    }

const struct job_kind webhook_kind = DELIVERY_KIND(WEBHOOK_JOB);
const struct job_kind event_bus_kind = DELIVERY_KIND(EVENT_BUS_JOB);
