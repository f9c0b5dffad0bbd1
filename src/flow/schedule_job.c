/* One look at a schedule: what is stored of it, what follows from that and the present time, and
 * the write that brings it about. */
#include "flow/schedule_job.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/int64.h"
#include "base/log.h"
#include "flow/definition.h"
#include "flow/flow.h"
#include "flow/incremental.h"
#include "flow/run.h"
#include "flow/run_id.h"
#include "flow/run_notice.h"
#include "flow/schedule_clock.h"
#include "profile/context.h"
#include "wire/json_value.h"
#include "work/memory_limit.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_MAX = 1024, US_A_MS = 1000, SHOWN_MAX = 512 };

/* What a look leads to. */
enum schedule_outcome {
    SCHEDULE_FORGET,     /* there is nothing to start: the job ends */
    SCHEDULE_LATER,      /* the job is due again at next_ms */
    SCHEDULE_ADOPT,      /* nothing is stored of it, as of one from before there were schedules */
    SCHEDULE_SET_BACK,   /* something was done at times after set_back_ms: the clock was set back */
    SCHEDULE_START,      /* a run */
    SCHEDULE_DEACTIVATE, /* the flow, with `message` */
};

/* As metric_schedule_starts counts them. */
enum schedule_event { EVENT_STARTED, EVENT_WAITED, EVENT_ENDED, EVENT_DEACTIVATED, EVENTS };

struct schedule_look {
    const struct flow_schedule_context *config;
    const struct profile_context *context; /* the configuration's profiles */
    const struct job_row *job;
    struct job_row next; /* the job as it is to be */
    struct memory_reservation memory;
    struct arena arena;
    int64_t now_ms;
    struct flow_row flow;
    struct flow_schedule_row row;
    struct flow_run_row newest; /* the flow's; id STR_NULL: it has none */
    bool has_flow, has_row;
    const struct value *definition;
    struct flow_schedule schedule;
    struct flow_schedule_look found;
    struct flow_run_row run;
    enum schedule_outcome outcome;
    enum schedule_event
        event; /* what the outcome counts as, once it is committed; EVENTS: nothing */
    int64_t next_ms;
    int64_t set_back_ms;
    struct str message;
    bool concluded;   /* only the commit is left */
    bool has_no_room; /* for the definition, in the account's memory */
};

/* --- metrics --- */

static const char *const event_names[EVENTS] = {"started", "waited", "ended", "deactivated"};

const struct metric metric_schedule_starts = {
    "headgate_flow_schedules_total",
    "What schedules of flows did, by event: started a run, waited for the end of another, ended, "
    "or "
    "were deactivated after failures.",
    .labels = {{"event", EVENTS, event_names, NULL}},
    METRIC_SERIES(EVENTS),
};

const struct metric metric_schedule_lateness = {
    "headgate_flow_schedule_lateness_seconds",
    "How much later than planned schedules of flows started runs.",
    .scale = &metric_times,
    METRIC_HISTOGRAMS(1),
};

uint64_t flow_schedule_hash(const struct flow_key *flow)
{
    static const unsigned char key[16] = "flow schedules.";
    char text[SHOWN_MAX];
    int len = snprintf(text, sizeof(text), "%.*s %.*s %.*s", STR_ARG(flow->account),
                       STR_ARG(flow->region), STR_ARG(flow->name));
    return siphash(key, (struct str){text, (size_t)i64_min(len, sizeof(text) - 1)});
}

/* --- what is stored --- */

static struct flow_key flow_of(const struct schedule_look *self)
{
    const struct job_key *key = &self->job->key;
    return (struct flow_key){key->account, key->region, key->name};
}

static bool load_with(struct schedule_look *self, struct store_reader *reader, struct error *error)
{
    struct arena *arena = &self->arena;
    struct flow_run_row *runs;
    size_t count = 0;
    bool held = false;
    if (!job_is_held(reader, self->job, &held, error) || !held ||
        !flow_row_find(reader, arena, flow_of(self), &self->flow, &self->has_flow, error) ||
        /* The run comes first: what its end has written of the schedule is then seen as well. */
        !flow_run_list(reader, arena, flow_of(self), STR_NULL, 1, &runs, &count, error) ||
        !flow_schedule_find(reader, arena, flow_of(self), &self->row, &self->has_row, error))
        return false;
    self->newest = count > 0 ? runs[0] : (struct flow_run_row){.id = STR_NULL};
    return true;
}

/* False as well when the lease was lost. */
static bool load(struct schedule_look *self, struct error *error)
{
    struct store_reader *reader;
    if (!store_reader_take(self->context->store, &reader, error))
        return false;
    bool ok = load_with(self, reader, error);
    store_reader_put(self->context->store, reader);
    return ok;
}

/* NULL: it can be used. */
static const char *read_schedule(struct schedule_look *self, struct error *error)
{
    struct value *definition;
    if (!flow_check_seal(self->context->service_secret, &self->flow, error))
        return error->message;
    enum json_fault fault =
        json_parse_own(self->flow.definition, FLOW_NODES_MAX, &self->arena, &definition);
    self->has_no_room = fault == JSON_NO_ROOM;
    if (fault != JSON_READ)
        return "The stored definition cannot be read. Update the flow.";
    self->definition = definition;
    return flow_schedule_read(value_get(definition, "triggerConfig"), &self->schedule)
               ? NULL
               : "The stored schedule cannot be read. Update the flow.";
}

/* --- what follows --- */

static void conclude(struct schedule_look *self, enum schedule_outcome outcome, int64_t next_ms)
{
    self->outcome = outcome;
    self->next_ms = next_ms;
    self->concluded = true;
}

static void deactivate(struct schedule_look *self, enum schedule_event event, struct str message)
{
    self->message = message;
    self->event = event;
    conclude(self, SCHEDULE_DEACTIVATE, 0);
}

static void deactivate_failed(struct schedule_look *self)
{
    /* A run that no schedule started, such as one over a past window, is none of the row. */
    bool is_last = self->newest.slot_ms != 0 && self->newest.message.data;
    struct str why = is_last ? utf8_cut(self->newest.message, MESSAGE_MAX) : STR("");
    deactivate(self, EVENT_DEACTIVATED,
               arena_printf(&self->arena,
                            "The flow was deactivated after %lld failed runs in a row, as its "
                            "flowErrorDeactivationThreshold says.%s%.*s",
                            (long long)self->row.failures, is_last ? " The last one: " : "",
                            STR_ARG(why)));
}

static bool is_running(const struct schedule_look *self)
{
    return self->newest.id.data && (str_eq(self->newest.state, FLOW_RUN_IN_PROGRESS) ||
                                    str_eq(self->newest.state, FLOW_RUN_CANCEL_STARTED));
}

static void wait_for_end(struct schedule_look *self)
{
    self->event = str_eq(self->job->payload, FLOW_SCHEDULE_WAITS) ? EVENTS : EVENT_WAITED;
    self->next.payload = FLOW_SCHEDULE_WAITS;
    conclude(self, SCHEDULE_LATER, self->now_ms + FLOW_SCHEDULE_BUSY_MS);
}

static int64_t start_ms(const struct schedule_look *self, int64_t slot_ms)
{
    const struct flow_key flow = flow_of(self);
    return flow_schedule_start_ms(&self->schedule, self->row.anchor_ms, slot_ms,
                                  flow_schedule_hash(&flow));
}

static void prepare_run(struct schedule_look *self)
{
    char id[UUID_SIZE];
    int64_t started_ms = clock_wall_ms(); /* as of all runs; the slot is by the store's clock */
    flow_run_id_make(started_ms, self->newest.id, id);
    self->run = (struct flow_run_row){
        .flow = flow_of(self),
        .id = arena_copy(&self->arena, str_from(id)),
        .started_at_ms = started_ms,
        .definition = self->flow.definition,
        .slot_ms = self->found.slot_ms,
    };
    if (self->schedule.is_incremental && flow_incremental_is_possible(self->definition)) {
        struct flow_window window =
            flow_schedule_window(&self->schedule, self->found.slot_ms, self->row.pulled_to_ms);
        self->run.window_from_ms = window.from_ms;
        self->run.window_to_ms = window.to_ms;
    }
    flow_run_seal(self->context->service_secret, &self->run, &self->arena);
    self->event = EVENT_STARTED;
    conclude(self, SCHEDULE_START,
             self->found.has_next ? start_ms(self, self->found.next_ms) : self->now_ms);
}

/* The clock's steps are heeded before (schedule_clock.h). This is for what was committed by the
 * time before the step and after that, by a thread that was held up or by another node. */
static bool is_ahead(struct schedule_look *self)
{
    const struct flow_schedule_row *row = &self->row;
    bool is_far = flow_schedule_was_set_back(row->done_until_ms, self->now_ms);
    if (is_far || row->pulled_to_ms > self->now_ms + FLOW_SCHEDULE_STEP_MS)
        self->set_back_ms = self->now_ms;
    else if (self->found.is_due && row->pulled_to_ms > self->found.slot_ms)
        self->set_back_ms = self->found.slot_ms; /* no later slot was done by the right time */
    else
        return false;
    self->found.done_until_ms = is_far ? self->now_ms : row->done_until_ms;
    return true;
}

static void decide_on_slots(struct schedule_look *self)
{
    const struct flow_schedule_past past = {self->row.anchor_ms, self->row.done_until_ms};
    flow_schedule_look(&self->schedule, &past, self->now_ms, &self->found);
    if (is_ahead(self)) {
        conclude(self, SCHEDULE_SET_BACK, self->now_ms);
        return;
    }
    int64_t due_ms = self->found.is_due ? start_ms(self, self->found.slot_ms) : 0;
    if (self->found.is_due && due_ms > self->now_ms)
        conclude(self, SCHEDULE_LATER, due_ms);
    else if (self->found.is_due && is_running(self))
        wait_for_end(self);
    else if (self->found.is_due)
        prepare_run(self);
    else if (self->found.has_next)
        conclude(self, SCHEDULE_LATER, start_ms(self, self->found.next_ms));
    else
        deactivate(self, EVENT_ENDED,
                   STR("The schedule has ended: no time is left at which it starts a run."));
}

static void decide(struct schedule_look *self)
{
    const struct flow_key flow = flow_of(self);
    struct error error = {0};
    bool is_active = self->has_flow && str_eq(self->flow.status, STR("Active")) &&
                     str_eq(self->flow.trigger_type, STR("Scheduled"));
    const char *fault = is_active ? read_schedule(self, &error) : NULL;
    if (self->has_no_room)
        return;
    if (!is_active) {
        conclude(self, SCHEDULE_FORGET, 0);
    } else if (fault) {
        log_warn("The schedule of flow %.*s (account %.*s, %.*s) starts no runs: %s",
                 STR_ARG(flow.name), STR_ARG(flow.account), STR_ARG(flow.region), fault);
        conclude(self, SCHEDULE_LATER, self->now_ms + FLOW_SCHEDULE_BROKEN_MS);
    } else if (!self->has_row) {
        conclude(self, SCHEDULE_ADOPT, self->now_ms);
    } else if (self->schedule.failures_max > 0 &&
               self->row.failures >= self->schedule.failures_max) {
        deactivate_failed(self);
    } else {
        decide_on_slots(self);
    }
}

/* --- the commit --- */

/* A first window that follows from the slot alone: it is kept, so that a later slot takes what this
 * one may not have taken. */
static bool begins_window(const struct schedule_look *self)
{
    return self->run.window_to_ms != 0 && self->row.pulled_to_ms == 0 &&
           self->schedule.first_from_ms == INT64_MIN;
}

static bool apply_start(struct db *db, struct schedule_look *self, struct error *error)
{
    return flow_run_insert(db, &self->run, self->flow.version, error) &&
           flow_run_notice_start(db, self->context, &self->run, self->definition, &self->arena,
                                 error) &&
           (!begins_window(self) ||
            flow_schedule_begin_window(db, self->run.flow, self->run.window_from_ms, error)) &&
           flow_schedule_done(db, &self->row, self->found.done_until_ms, error);
}

/* When it was activated is not known; the time of its last change tells it apart from others that
 * come with the same database, so that they do not all run at the same time. */
static bool apply_adoption(struct db *db, const struct schedule_look *self, struct error *error)
{
    return flow_schedule_adopt(db, flow_of(self), i64_min(self->flow.updated_at_ms, self->now_ms),
                               self->now_ms, error);
}

/* The flow's version grows, as with every change of its state. */
static bool apply_deactivation(struct db *db, struct schedule_look *self, struct error *error)
{
    struct flow_row flow = self->flow;
    flow.version++;
    flow.status = STR("Suspended");
    flow_seal(self->context->service_secret, &flow, &self->arena);
    return flow_row_set_status(db, &flow, self->flow.version, error) &&
           (self->event != EVENT_DEACTIVATED ||
            flow_notice_deactivated(db, self->context, flow.key, clock_wall_ms(), self->message,
                                    self->definition, &self->arena, error)) &&
           flow_schedule_deactivate(db, flow.key, self->message, error);
}

static bool apply(struct db *db, void *argument, struct error *error)
{
    struct schedule_look *self = argument;
    bool held = true;
    switch (self->outcome) {
    case SCHEDULE_FORGET:
        return job_finish(db, &self->next, &held, error);
    case SCHEDULE_DEACTIVATE:
        return apply_deactivation(db, self, error);
    case SCHEDULE_START:
        if (!apply_start(db, self, error))
            return false;
        break;
    case SCHEDULE_ADOPT:
        if (!apply_adoption(db, self, error))
            return false;
        break;
    case SCHEDULE_SET_BACK:
        if (!flow_schedule_set_back(db, flow_of(self), self->set_back_ms, error) ||
            !flow_schedule_done(db, &self->row, self->found.done_until_ms, error))
            return false;
        break;
    case SCHEDULE_LATER:
        break;
    }
    return job_retry(db, &self->next, self->next_ms, &held, error) &&
           (held || fail(error, ERR_LOST_RACE, "The lease of the job was lost."));
}

static void note_start(const struct schedule_look *self)
{
    metrics_observe(&metric_schedule_lateness, 0,
                    US_A_MS *
                        (store_clock_ms(self->context->store) - start_ms(self, self->run.slot_ms)));
    job_runner_look(self->config->flow_runs);
}

static void note_commit(const struct schedule_look *self)
{
    if (self->event != EVENTS)
        metrics_count(&metric_schedule_starts, self->event, 0);
    if (self->outcome == SCHEDULE_START)
        note_start(self);
    if (self->outcome == SCHEDULE_DEACTIVATE)
        log_info("Flow %.*s (account %.*s, %.*s) is Suspended: %.*s", STR_ARG(self->flow.key.name),
                 STR_ARG(self->flow.key.account), STR_ARG(self->flow.key.region),
                 STR_ARG(self->message));
    if (self->event == EVENT_STARTED || self->event == EVENT_DEACTIVATED)
        flow_notices_look(self->context);
}

/* A run that begins meanwhile, or an account with as many as it may have: the slot waits. What else
 * was changed has made the job due again. */
static enum job_end after_refusal(struct schedule_look *self, const struct error *error)
{
    self->concluded = false;
    if (error->code == ERR_LOST_RACE || error->code == ERR_NOT_FOUND)
        return JOB_DONE;
    if (self->outcome != SCHEDULE_START ||
        (error->code != ERR_CONFLICT && error->code != ERR_QUOTA))
        return error->code == ERR_CONFLICT ? JOB_DONE : JOB_AGAIN;
    wait_for_end(self);
    return JOB_AGAIN;
}

static enum job_end commit(struct schedule_look *self, struct job_runner *runner)
{
    struct error error = {0};
    fault_point("schedule:due");
    if (store_clock_ms(self->context->store) < self->now_ms - FLOW_SCHEDULE_STEP_MS) {
        self->concluded = false; /* the clock was set back meanwhile: what was decided is wrong */
        return JOB_AGAIN;
    }
    if (!store_apply(self->context->store, apply, self, false, &error))
        return after_refusal(self, &error);
    fault_point("schedule:committed");
    note_commit(self);
    if (self->next_ms > 0 &&
        self->next_ms - store_clock_ms(self->context->store) < FLOW_SCHEDULE_LOOK_MS)
        job_runner_look(runner); /* its next look by itself may be later than the job is due */
    return JOB_DONE;
}

/* --- the kind --- */

static enum job_end run(void *state, struct job_runner *runner)
{
    struct schedule_look *self = state;
    struct error error = {0};
    if (!self->concluded) {
        arena_reset(&self->arena);
        self->next = *self->job;
        self->next.payload = STR("");
        self->now_ms = store_clock_ms(self->context->store);
        self->event = EVENTS;
        self->found = (struct flow_schedule_look){0};
        if (!load(self, &error))
            return error.code == ERR_NONE    ? JOB_DONE
                   : job_is_stopping(runner) ? JOB_STOPPED
                                             : JOB_AGAIN;
        self->has_no_room = false;
        decide(self);
    }
    return self->concluded ? commit(self, runner) : JOB_AGAIN;
}

static void *begin(void *context, const struct job_row *job)
{
    struct schedule_look *self = xcalloc(1, sizeof(*self));
    self->config = context;
    self->context = self->config->profiles;
    self->job = job;
    memory_reservation_begin(self->context->memory, job->key.account, &self->memory);
    self->arena.meter = &self->memory.meter;
    return self;
}

static void end(void *state)
{
    struct schedule_look *self = state;
    arena_done(&self->arena);
    memory_reservation_end(&self->memory);
    free(self);
}

static struct str hosts(void *context, const struct job_row *row, struct arena *arena)
{
    (void)context, (void)row, (void)arena;
    return STR_NULL;
}

static enum job_hosts_said hosts_said(const void *state)
{
    (void)state;
    return JOB_HOSTS_NOT_ASKED;
}

static bool look_at_clock(void *context)
{
    static struct flow_schedule_clock clock; /* of the one scheduler's thread */
    const struct flow_schedule_context *config = context;
    struct store *store = config->profiles->store;
    return flow_schedule_clock_note(&clock, store, store_clock_ms(store), clock_mono_ms());
}

const struct job_kind flow_schedule_kind = {
    .name = FLOW_SCHEDULE_JOB,
    .threads_max = FLOW_SCHEDULE_THREADS,
    .slots_max = FLOW_SCHEDULE_SLOTS,
    .retry_ms = FLOW_SCHEDULE_AGAIN_MS,
    .look_ms = FLOW_SCHEDULE_LOOK_MS,
    .hosts = hosts,
    .begin = begin,
    .run = run,
    .hosts_said = hosts_said,
    .free = end,
    .by_store_clock = true,
    .looking = look_at_clock,
};
