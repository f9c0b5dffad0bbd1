/* One try of a run, from loading it to its end. */
#include "flow/run_job.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/int64.h"
#include "base/log.h"
#include "flow/definition.h"
#include "flow/incremental.h"
#include "flow/run.h"
#include "flow/run_notice.h"
#include "flow/run_try.h"
#include "flow/run_words.h"
#include "flow/schedule_run.h"
#include "profile/context.h"
#include "wire/json_value.h"
#include "work/memory_limit.h"

#include <stdlib.h>

struct flow_run {
    const struct flow_engine_config *config;
    const struct profile_context *context; /* the configuration's profiles */
    const struct job_row *job;             /* its payload is the run's id */
    struct memory_reservation memory;
    struct arena arena;
    struct flow_run_row row; /* as loaded; then as it ends */
    struct flow_run_try attempt;
    bool is_later;                  /* a try of this run may have been before */
    const struct value *definition; /* in the arena; NULL: it was not read */
    bool concluded;                 /* only the commit is left */
    bool lost;                      /* the lease */
    bool logged;                    /* why it must be tried again */
    int64_t backoff_ms;             /* before the next try of a run that does not pause */
    int64_t again_ms;               /* until the next look at it, as the runner is shown */
    int64_t again_at_ms;            /* on clock_mono_ms(): no look is due before, but of one that
                                     * was woken; of a run that pauses */
    int64_t paused_until_ms; /* on clock_mono_ms(): no try is made before; 0: it does not wait */
    int64_t look_at_ms;      /* likewise: whether it is canceled meanwhile */
    struct flow_run_kept kept;
    int64_t away_since_ms;   /* on clock_mono_ms(): the outage of S3 at hand, as of its first try */
    int64_t away_at_ms;      /* and its last; 0: none */
    enum run_event event;    /* what it ends by, once concluded */
    enum run_state ended_in; /* by the last application of the write; RUN_STATES: nothing ended */
};

/* --- metrics --- */

static const char *const state_names[] = {"Successful", "Error", "Canceled"};
enum { ENDS = sizeof(state_names) / sizeof(*state_names) };

const struct metric metric_flow_runs = {
    "headgate_flow_runs_total",
    "Runs of flows that have ended, by the state that they ended in.",
    .labels = {{"state", ENDS, state_names, NULL}},
    METRIC_SERIES(ENDS),
};

/* --- the run --- */

static void *begin(void *context, const struct job_row *job)
{
    struct flow_run *self = xcalloc(1, sizeof(*self));
    self->config = context;
    self->context = self->config->profiles;
    self->job = job;
    self->backoff_ms = FLOW_RUN_AGAIN_MS / 2;
    memory_reservation_begin(self->context->memory, job->key.account, &self->memory);
    self->arena.meter = self->kept.memory.meter = &self->memory.meter;
    return self;
}

static void end(void *state)
{
    struct flow_run *self = state;
    flow_run_try_done(&self->attempt);
    call_quota_give_up(self->config->quotas, &self->kept.source.place);
    call_quota_give_up(self->config->quotas, &self->kept.destination.place);
    arena_done(&self->kept.memory);
    arena_done(&self->arena);
    memory_reservation_end(&self->memory);
    free(self);
}

static struct flow_key flow_of(const struct flow_run *self)
{
    const struct job_key *key = &self->job->key;
    return (struct flow_key){key->account, key->region, key->name};
}

/* The run has no thread meanwhile. */
static enum job_end wait_on(struct flow_run *self)
{
    int64_t now_ms = clock_mono_ms(), left_ms = self->paused_until_ms - now_ms;
    self->again_ms = i64_min(left_ms > 0 ? left_ms : FLOW_RUN_LINE_MS, FLOW_RUN_LOOK_MS);
    self->again_at_ms = now_ms + self->again_ms;
    return JOB_AGAIN;
}

/* Whether the run waits, as of its last try: for the time to come, then for its turn, so that runs
 * whose turn is late do not take the threads of those before them. */
static bool is_paused(const struct flow_run *self)
{
    int64_t now_ms = clock_mono_ms();
    return self->paused_until_ms > 0 &&
           (now_ms < self->paused_until_ms ||
            !call_quota_is_near(self->config->quotas, &self->kept.source.place, now_ms));
}

/* A run that waits for its turn does not ask the store each time whether it is canceled: one that
 * was comes before it is due (job_runner_wake). */
static bool is_due_for_look(struct flow_run *self)
{
    int64_t now_ms = clock_mono_ms();
    bool was_woken = now_ms < self->again_at_ms;
    if (!was_woken && now_ms >= self->paused_until_ms && now_ms < self->look_at_ms)
        return false;
    self->look_at_ms = now_ms + FLOW_RUN_LOOK_MS;
    return true;
}

static int64_t next_backoff_ms(const struct flow_run *self)
{
    return i64_min(2 * self->backoff_ms, FLOW_RUN_AGAIN_MAX_MS);
}

/* Another try: the reason is logged once, and each wait is twice as long as the one before. */
static enum job_end try_again(struct flow_run *self, const struct error *error)
{
    const struct flow_key flow = flow_of(self);
    if (self->attempt.pause_ms > 0) {
        self->paused_until_ms = clock_mono_ms() + self->attempt.pause_ms;
        return wait_on(self);
    }
    self->backoff_ms = next_backoff_ms(self);
    self->again_ms = self->backoff_ms;
    if (!self->logged)
        log_warn("Run %.*s of flow %.*s (account %.*s, %.*s) is tried again until it can go on: %s",
                 STR_ARG(self->job->payload), STR_ARG(flow.name), STR_ARG(flow.account),
                 STR_ARG(flow.region), error->message);
    self->logged = true;
    return JOB_AGAIN;
}

static int64_t again_ms(const void *state)
{
    const struct flow_run *self = state;
    return self->again_ms;
}

/* *ret_found false: the run is gone. */
static bool load(struct flow_run *self, bool *ret_found, struct error *error)
{
    struct store *store = self->context->store;
    struct store_reader *reader;
    bool held = false;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = job_is_held(reader, self->job, &held, error) &&
              flow_run_find(reader, &self->arena, flow_of(self), self->job->payload, &self->row,
                            ret_found, error);
    store_reader_put(store, reader);
    self->lost = ok && !held;
    return ok;
}

static void conclude(struct flow_run *self, enum run_event event, struct str message)
{
    self->event = event;
    self->row.message = message;
    self->concluded = true;
}

static void conclude_fault(struct flow_run *self, const char *message)
{
    conclude(self, RUN_FAILS, arena_copy(&self->arena, str_from(message)));
}

/* How a try ended; ENGINE_LEFT is not for this. */
static void conclude_try(struct flow_run *self, enum flow_engine_end ended,
                         const struct error *error)
{
    flow_run_try_conclude(&self->attempt);
    if (ended == ENGINE_SUCCEEDED)
        conclude(self, RUN_SUCCEEDS,
                 run_words_of_success(&self->row, &self->attempt.progress, &self->arena));
    else if (ended == ENGINE_CANCELED)
        conclude(self, RUN_GIVES_UP, STR_NULL);
    else
        conclude_fault(self, error->message);
}

/* False: there is no memory for it at the moment. NULL: the run is concluded. The definition's MAC
 * is checked before it is parsed: this server wrote it. */
static bool read_definition(struct flow_run *self, const struct value **ret_definition,
                            struct error *error)
{
    struct value *definition = NULL;
    *ret_definition = NULL;
    if (!flow_run_check_seal(self->context->service_secret, &self->row, error)) {
        conclude_fault(self, error->message);
        return true;
    }
    switch (json_parse_own(self->row.definition, FLOW_NODES_MAX, &self->arena, &definition)) {
    case JSON_READ:
        flow_incremental_add_filters(&self->row, definition, &self->arena);
        *ret_definition = definition;
        break;
    case JSON_NO_ROOM:
        return fail(error, ERR_UNAVAILABLE, "The account's share of --request-memory is in use.");
    case JSON_UNFIT:
    case JSON_TOO_MANY:
        conclude_fault(self, "The stored definition cannot be read: update the flow, and start it "
                             "again.");
        break;
    }
    return true;
}

/* A try of this process, of one that ended, or of another node: whose objects may be there. */
static bool may_be_later(const struct flow_run *self)
{
    int64_t started_ms = self->row.started_at_ms;
    return self->is_later || started_ms <= self->config->since_ms ||
           clock_wall_ms() - started_ms >= FLOW_RUN_FIRST_TRY_MS;
}

static bool begin_try(struct flow_run *self, struct job_runner *runner, struct error *error)
{
    bool is_later = may_be_later(self);
    self->is_later = true;
    flow_run_try_done(&self->attempt);
    self->attempt = (struct flow_run_try){
        .config = self->config,
        .job = self->job,
        .runner = runner,
        .row = &self->row,
        .arena = &self->arena,
        .kept = &self->kept,
        .is_later = is_later,
    };
    if (flow_run_try_begin(&self->attempt, error))
        return true;
    self->row.progress = STR_NULL;
    conclude_fault(self, error->message);
    return false;
}

/* After a try that S3 has ended, by being away: whether there is to be another. Tries that are far
 * apart, since they read much again, are not of the same outage. */
static bool outage_may_pass(struct flow_run *self)
{
    int64_t now_ms = clock_mono_ms();
    bool is_new = self->attempt.has_moved || self->away_at_ms == 0 ||
                  now_ms - self->away_at_ms >= FLOW_RUN_OUTAGE_MAX_MS;
    if (is_new)
        self->away_since_ms = now_ms;
    self->away_at_ms = now_ms;
    return now_ms - self->away_since_ms < FLOW_RUN_OUTAGE_MAX_MS;
}

static void show_outage(struct flow_run *self, const struct error *error)
{
    char until[CLOCK_TEXT_SIZE];
    clock_text(clock_wall_ms() + next_backoff_ms(self), until);
    flow_run_try_show(&self->attempt,
                      arena_printf(&self->arena,
                                   "The run waits until %s, then it is tried again. %s", until,
                                   error->message));
}

/* After a try: whether another one is made. */
static bool is_left(struct flow_run *self, enum flow_engine_end ended)
{
    if (self->attempt.has_moved) {
        self->backoff_ms = FLOW_RUN_AGAIN_MS / 2;
        self->logged = false;
    }
    return ended == ENGINE_LEFT || (ended == ENGINE_AWAY && outage_may_pass(self));
}

/* Of a run that ends. What S3 does not abort is left to the bucket's own rules, so that the run
 * comes to its end. False: another node has the run; or the server stops, or the store is away, and
 * a run that was not successful comes here again. */
static bool clean_up(struct flow_run *self, struct job_runner *runner,
                     const struct value *definition, bool is_successful, struct error *error)
{
    struct error cleaning;
    if (flow_run_try_clean(&self->attempt, definition, &cleaning))
        return true;
    bool may_wait = cleaning.code == ERR_UNAVAILABLE || job_is_stopping(runner);
    self->lost = self->attempt.lost;
    if (self->lost || (may_wait && !is_successful)) {
        *error = cleaning;
        return false;
    }
    log_warn("Run %.*s of flow %.*s has ended, and may have left an object, or parts of one, that "
             "its manifest does "
             "not have: %s",
             STR_ARG(self->row.id), STR_ARG(self->row.flow.name), cleaning.message);
    return true;
}

/* False: the run is left to another try, or another node. */
static bool move_records(struct flow_run *self, struct job_runner *runner, struct error *error)
{
    const struct value *definition;
    if (!read_definition(self, &definition, error))
        return false;
    if (!definition || !begin_try(self, runner, error))
        return true;
    self->definition = definition;
    enum flow_engine_end ended = flow_run_try_move(&self->attempt, definition, error);
    self->lost = self->attempt.lost;
    bool is_again = !self->lost && is_left(self, ended);
    if (is_again && ended == ENGINE_AWAY)
        show_outage(self, error);
    if (self->lost || is_again ||
        !clean_up(self, runner, definition, ended == ENGINE_SUCCEEDED, error))
        return false;
    if (ended == ENGINE_SUCCEEDED && !flow_run_try_register(&self->attempt, definition, error)) {
        self->lost = self->attempt.lost;
        return false;
    }
    fault_point("move:manifest");
    conclude_try(self, ended, error);
    return true;
}

/* A run that is canceled between two tries. */
static bool give_up(struct flow_run *self, struct job_runner *runner, struct error *error)
{
    const struct value *definition;
    if (!read_definition(self, &definition, error))
        return false;
    if (!definition || !begin_try(self, runner, error))
        return true;
    self->definition = definition;
    if (!clean_up(self, runner, definition, false, error))
        return false;
    conclude_try(self, ENGINE_CANCELED, error);
    return true;
}

/* --- the commit --- */

/* One event, in the write that ends the run. */
static bool notify(struct db *db, struct flow_run *self, struct error *error)
{
    return flow_run_notice_end(db, self->context, &self->row, self->ended_in,
                               &self->attempt.progress, self->definition, &self->arena, error);
}

/* The run's row comes before its job's, as in all writes that change both. */
static bool apply(struct db *db, void *argument, struct error *error)
{
    struct flow_run *self = argument;
    bool held;
    if (!flow_run_conclude(db, &self->row, self->event, &self->ended_in, error) ||
        (self->ended_in != RUN_STATES &&
         (!flow_run_try_insert_objects(db, &self->attempt, error) ||
          !flow_run_objects_trim_later(db, self->row.flow, error) || !notify(db, self, error))) ||
        !flow_schedule_run_ended(db, &self->row, self->ended_in, error) ||
        !job_finish(db, self->job, &held, error) ||
        !flow_schedule_run_gone(db, &self->row, self->ended_in,
                                store_clock_ms(self->context->store), error))
        return false;
    self->lost = !held;
    return held || fail(error, ERR_LOST_RACE, "The lease of the job was lost.");
}

static void note_end(const struct flow_run *self)
{
    const struct flow_key flow = flow_of(self);
    if (self->ended_in == RUN_STATES)
        return;
    struct str name = run_state_name(self->ended_in);
    metrics_count(&metric_flow_runs, self->ended_in - RUN_SUCCESSFUL, 0);
    log_info("Run %.*s of flow %.*s (account %.*s, %.*s) ended as %.*s with %lld records%s%.*s",
             STR_ARG(self->row.id), STR_ARG(flow.name), STR_ARG(flow.account), STR_ARG(flow.region),
             STR_ARG(name), (long long)self->row.counts.records,
             self->ended_in == RUN_ERROR ? ": " : ".",
             STR_ARG(self->ended_in == RUN_ERROR ? self->row.message : STR("")));
}

static enum job_end commit(struct flow_run *self)
{
    struct error error;
    self->row.updated_at_ms = clock_wall_ms();
    bool committed = store_apply(self->context->store, apply, self, false, &error);
    fault_point("run:committed");
    if (!committed && !self->lost)
        return try_again(self, &error);
    if (!committed)
        return JOB_DONE;
    note_end(self);
    job_runner_look(self->config->objects);
    job_runner_look(self->config->flow_schedules);
    flow_notices_look(self->context);
    if (self->definition && self->ended_in == RUN_CANCELED)
        flow_run_try_cancel_load(&self->attempt, self->definition);
    if (self->definition && self->ended_in != RUN_STATES)
        flow_run_try_end_source(&self->attempt, self->definition);
    return JOB_DONE;
}

/* --- the kind --- */

/* False: nothing is concluded. */
static bool work_on(struct flow_run *self, struct job_runner *runner, bool found,
                    struct error *error)
{
    if (found && !str_eq(self->row.state, FLOW_RUN_CANCEL_STARTED))
        return move_records(self, runner, error);
    if (found)
        return give_up(self, runner, error);
    /* the job alone is left */
    self->row = (struct flow_run_row){.flow = flow_of(self), .id = self->job->payload};
    conclude(self, RUN_GIVES_UP, STR_NULL);
    return true;
}

static enum job_end run(void *state, struct job_runner *runner)
{
    struct flow_run *self = state;
    struct error error;
    bool found = false;
    if (self->concluded) /* only the commit failed */
        return commit(self);
    bool was_paused = is_paused(self);
    if (was_paused && !is_due_for_look(self))
        return wait_on(self);
    self->definition = NULL;
    self->attempt.pause_ms = 0;
    arena_reset(&self->arena);
    bool loaded = load(self, &found, &error);
    if (loaded && self->lost)
        return JOB_DONE;
    bool still_waits = found && str_eq(self->row.state, FLOW_RUN_IN_PROGRESS);
    if (was_paused && (!loaded || still_waits))
        return wait_on(self);
    self->paused_until_ms = 0;
    fault_point("run:loaded");
    if (loaded && work_on(self, runner, found, &error))
        return commit(self);
    if (self->lost)
        return JOB_DONE;
    return job_is_stopping(runner) ? JOB_STOPPED : try_again(self, &error);
}

/* None: shares of hosts keep jobs that hang from taking all threads, and a run whose hosts answer
 * holds its thread for hours, too. Runs have threads of their own, in shares of accounts. */
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

const struct job_kind flow_run_kind = {
    .name = FLOW_RUN_JOB,
    .threads_max = FLOW_RUN_THREADS,
    .slots_max = FLOW_RUN_SLOTS,
    .retry_ms = FLOW_RUN_AGAIN_MS,
    .again_ms = again_ms,
    .hosts = hosts,
    .begin = begin,
    .run = run,
    .hosts_said = hosts_said,
    .free = end,
};
