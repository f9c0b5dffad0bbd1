/* Tries of a call over a profile's connections. A connection serves some calls; a new one takes up
 * a changed profile and tokens that another renewed. */
#include "flow/run_vendor.h"

#include "base/clock.h"
#include "base/int64.h"
#include "base/log.h"
#include "connector/connector.h"
#include "flow/run_metrics.h"
#include "profile/fallback.h"
#include "wire/errors.h"
#include "work/cpu_slots.h"

enum {
    SHOW_AGAIN_MS = 1000, /* what a run waits for, which the store did not take */
    RENEWALS_MAX = 3,     /* of the access token, in one call */
};

/* How it stands with the call at hand. */
struct attempts {
    int64_t began_ms; /* on clock_mono_ms() */
    int64_t pause_ms; /* before the next try, unless the vendor says how long */
    int renewals;
    bool was_reread; /* what the credentials refer to */
    bool fell_back;  /* to the profile's previous credentials */
};

/* --- the connection --- */

static bool find_profile(struct run_vendor *self, struct error *error)
{
    struct store *store = self->access.context->store;
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool found = vendor_access_find(&self->access, reader, self->profile, error);
    store_reader_put(store, reader);
    return found;
}

/* While a run waits, its profile may be deleted, and be made again for another connector. */
static bool check_connector(struct run_vendor *self, struct error *error)
{
    const struct connector *connector = self->access.target.connector;
    struct str name = connector_name(connector, &self->session);
    if (!str_eq(connector->type, self->type) || (self->name.data && !str_eq(name, self->name)))
        return fail(error, ERR_VALIDATION,
                    "The connector profile %.*s is now one of %.*s, and the run began with one of "
                    "%.*s. Update the flow, or make a profile of this name for that connector.",
                    STR_ARG(self->profile.name), STR_ARG(name),
                    STR_ARG(self->name.data ? self->name : self->type));
    if (!self->name.data)
        self->name = arena_copy(self->run->arena, name);
    return self->use->fits(connector) ||
           fail(error, ERR_NOT_IMPLEMENTED, "no flow %s records of %.*s", self->use->does,
                STR_ARG(connector->type));
}

static bool may_go_on(void *context)
{
    const struct run_vendor *self = context;
    struct error ignored;
    if (self->gate.is_lent)
        return !self->gate.is_over;
    return flow_engine_check(self->run, &ignored) && flow_engine_check_time(self->run, &ignored);
}

static bool wants_answer(void *context)
{
    const struct run_vendor *self = context;
    return self->gate.is_lent ? !self->gate.is_unwanted : !flow_engine_is_to_end(self->run);
}

/* All but the connection; what the one before held is freed. */
static bool load(struct run_vendor *self, struct error *error)
{
    arena_reset(&self->session);
    self->access = (struct vendor_access){
        .context = self->run->config->profiles,
        .arena = &self->session,
        .request_id = self->run->row->id,
        .without_waits = true,
        .caller = {may_go_on, wants_answer, self},
        .gate = &self->gate.gate,
    };
    self->is_loaded = find_profile(self, error) && vendor_access_target(&self->access, error) &&
                      check_connector(self, error) && vendor_access_load(&self->access, error);
    self->gate.connector = self->access.target.connector;
    return self->is_loaded;
}

/* *ret_verdict is that of the last call. False: the tokens could not be stored, and another try of
 * the run finds those that are. */
static bool close_connection(struct run_vendor *self, struct verdict *ret_verdict,
                             struct error *error)
{
    bool is_open = self->access.connection != NULL;
    *ret_verdict = (struct verdict){0};
    self->is_loaded = false;
    if (!is_open || vendor_access_close(&self->access, ret_verdict, error))
        return true;
    error->code = ERR_UNAVAILABLE;
    return false;
}

void run_vendor_done(struct run_vendor *self)
{
    struct verdict ignored;
    struct error error;
    if (!close_connection(self, &ignored, &error))
        log_warn("Tokens of the connector profile %.*s could not be stored; the grant journal has "
                 "them: %s",
                 STR_ARG(self->profile.name), error.message);
    if (self->run && self->run->pause_ms == 0) { /* else it comes back for the same call */
        self->kept->began_ms = self->kept->due_ms = 0;
        self->kept->shows_line = false;
    }
    flow_vendor_gate_done(&self->gate);
    arena_done(&self->session);
    memory_reservation_end(&self->memory);
}

bool run_vendor_close(struct run_vendor *self, struct error *error)
{
    struct verdict ignored;
    return close_connection(self, &ignored, error);
}

/* --- waits --- */

static bool is_to_end(void *run)
{
    return flow_engine_is_to_end(run);
}

/* False: the run is to end. */
static bool nap(struct run_vendor *self, int64_t duration_ms, struct error *error)
{
    return slot_nap(duration_ms, is_to_end, self->run) ||
           fail(error, ERR_UNAVAILABLE, "The run ends while it waits for its vendor.");
}

static bool show(struct run_vendor *self, struct str text)
{
    const struct flow_engine_job *job = &self->run->job;
    return job->show(job->context, text);
}

static struct str wait_text(struct run_vendor *self, int64_t pause_ms, const struct error *error,
                            struct arena *arena)
{
    char until[CLOCK_TEXT_SIZE];
    self->kept->shows_line = self->gate.has_held && self->gate.is_in_line;
    if (self->kept->shows_line)
        return arena_printf(arena, "The run waits for its turn at its vendor. %s", error->message);
    clock_text(clock_wall_ms() + pause_ms, until);
    return arena_printf(arena, "The run waits until %s, then it continues. %s", until,
                        error->message);
}

/* A run in a line shows that over its tries, until one has its turn. */
static void show_turn(struct run_vendor *self)
{
    if (self->kept->shows_line)
        self->kept->shows_line = !show(self, STR_NULL);
}

/* A wait that the run's record shows, with what it is for. */
static bool wait_shown(struct run_vendor *self, int64_t pause_ms, struct error *error)
{
    flow_vendor_gate_away(&self->gate, pause_ms);
    if (pause_ms < RUN_VENDOR_SHOWN_MS)
        return nap(self, pause_ms, error);
    struct arena texts = {.kind = ARENA_PLAIN};
    struct str text = wait_text(self, pause_ms, error, &texts);
    int64_t until_ms = clock_mono_ms() + pause_ms, left_ms;
    bool waited = true;
    while (waited && (left_ms = until_ms - clock_mono_ms()) > 0)
        waited = nap(self, show(self, text) ? left_ms : i64_min(SHOW_AGAIN_MS, left_ms), error);
    if (waited && !self->kept->shows_line)
        ignore_failure(show(self, STR_NULL));
    arena_done(&texts);
    return waited;
}

/* Whether the run may leave its thread and lose nothing that it did. False with *ret_failed: what
 * was to be done before has failed. */
static bool may_leave(const struct run_vendor *self, int64_t pause_ms, bool *ret_failed,
                      struct error *error)
{
    const struct flow_engine_run *run = self->run;
    bool is_settled = run->is_at_checkpoint;
    *ret_failed = false;
    if (pause_ms < VENDOR_HOLD_MS)
        return false;
    if (!is_settled && self->use->is_source && pause_ms >= RUN_VENDOR_SETTLE_MS && run->settle)
        *ret_failed = !run->settle(run->engine, &is_settled, error);
    return !*ret_failed && is_settled;
}

/* The try ends; the next one continues with the call that was not taken. On the thread instead,
 * which tries again, while it cannot be shown for what. */
static bool leave(struct run_vendor *self, int64_t pause_ms, struct error *error)
{
    struct arena texts = {.kind = ARENA_PLAIN};
    bool is_shown = show(self, wait_text(self, pause_ms, error, &texts));
    arena_done(&texts);
    if (!is_shown)
        return wait_shown(self, pause_ms, error);
    self->kept->due_ms = clock_mono_ms() + pause_ms;
    self->run->pause_ms = pause_ms;
    return fail(error, ERR_UNAVAILABLE, "The run waits for its vendor.");
}

/* For a vendor; on the thread, or by ending the try. */
static bool wait_or_leave(struct run_vendor *self, int64_t pause_ms, struct error *error)
{
    struct error settling;
    bool has_failed;
    metrics_count(&metric_vendor_waits, connector_type_index(self->access.target.connector), 0);
    if (may_leave(self, pause_ms, &has_failed, &settling))
        return leave(self, pause_ms, error);
    if (!has_failed)
        return wait_shown(self, pause_ms, error);
    *error = settling;
    return false;
}

/* Whether the vendor may answer otherwise later. */
static bool may_pass(const struct verdict *verdict)
{
    return verdict->kind == VERDICT_THROTTLED || verdict->kind == VERDICT_BUSY ||
           verdict->kind == VERDICT_UNREACHABLE || verdict->kind == VERDICT_INTERNAL ||
           verdict->transient;
}

/* Before another try. False: `most_ms` have passed since the first. */
static bool is_patient(struct attempts *attempts, int64_t pause_ms, int64_t most_ms)
{
    attempts->pause_ms = i64_min(2 * attempts->pause_ms, RUN_VENDOR_PAUSE_MAX_MS);
    return clock_mono_ms() - attempts->began_ms + pause_ms <= most_ms;
}

/* What credentials refer to could not be read. */
static bool wait_for_secrets(struct run_vendor *self, struct attempts *attempts,
                             struct error *error)
{
    int64_t pause_ms = attempts->pause_ms;
    return profile_credentials_may_recover(error) &&
           is_patient(attempts, pause_ms, RUN_VENDOR_PATIENCE_MS) &&
           wait_shown(self, pause_ms, error);
}

/* A later try of the run continues from there. */
static void keep_attempts(struct run_vendor *self, const struct attempts *attempts)
{
    self->kept->began_ms = attempts->began_ms;
    self->kept->pause_ms = attempts->pause_ms;
}

/* For the vendor's answer to another run: this one's patience does not end by it. */
static bool wait_for_others(struct run_vendor *self, struct attempts *attempts, int64_t wait_ms,
                            struct error *error)
{
    attempts->began_ms += wait_ms;
    keep_attempts(self, attempts);
    return flow_engine_check_time(self->run, error) && wait_or_leave(self, wait_ms, error);
}

static bool wait_for_vendor(struct run_vendor *self, struct attempts *attempts,
                            const struct verdict *verdict, struct error *error)
{
    bool says_when = verdict->retry_after_ms > 0;
    int64_t wait_ms = says_when ? verdict->retry_after_ms : attempts->pause_ms;
    int64_t pause_ms = i64_max(1, wait_ms - self->gate.passed_ms);
    int64_t most_ms = says_when ? RUN_VENDOR_RETRY_AFTER_MAX_MS : RUN_VENDOR_PATIENCE_MS;
    ignore_failure(run_vendor_fail(self, verdict, error));
    attempts->began_ms += self->gate.waited_ms;
    self->gate.waited_ms = 0;
    if (self->gate.has_held)
        return wait_for_others(self, attempts, pause_ms, error);
    bool is_first = is_patient(attempts, pause_ms, most_ms);
    keep_attempts(self, attempts);
    return is_first && wait_or_leave(self, pause_ms, error);
}

static int64_t call_deadline_ms(const struct run_vendor *self)
{
    const struct flow_engine_view *view = self->run->view;
    int64_t deadline_ms = clock_mono_ms() + self->use->call_ms;
    return view ? i64_min(deadline_ms, view->deadline_ms) : deadline_ms;
}

/* --- a try --- */

/* Credentials that are refused may not be the newest. */
static bool has_others(struct run_vendor *self, struct attempts *attempts,
                       const struct verdict *verdict)
{
    struct error ignored;
    if (!attempts->was_reread && verdict->kind == VERDICT_REJECTED) {
        attempts->was_reread = true;
        if (vendor_access_reread(&self->access, &ignored))
            return true;
    }
    if (attempts->fell_back)
        return false;
    attempts->fell_back = true;
    return profile_fall_back(self->access.context, &self->access.profile, verdict, STR_NULL,
                             call_deadline_ms(self), &self->session) == FALLBACK_DONE;
}

/* After a call that failed, and whose connection is closed: true when another try is to be made. */
static bool goes_on(struct run_vendor *self, struct attempts *attempts,
                    const struct verdict *verdict, struct error *error)
{
    if (may_pass(verdict))
        return wait_for_vendor(self, attempts, verdict, error);
    return has_others(self, attempts, verdict) || run_vendor_fail(self, verdict, error);
}

/* The access token ended: the next try has a connection with the new one, which is stored. */
static bool renew(struct run_vendor *self, struct attempts *attempts)
{
    return vendor_state(self->access.connection) == VENDOR_STALE &&
           attempts->renewals++ < RENEWALS_MAX && vendor_renew(self->access.connection);
}

static struct attempts first_attempt(void)
{
    return (struct attempts){.began_ms = clock_mono_ms(), .pause_ms = RUN_VENDOR_PAUSE_MS};
}

static bool connect_vendor(struct run_vendor *self)
{
    int64_t deadline_ms = call_deadline_ms(self);
    if (self->access.connection) {
        vendor_access_extend(&self->access, deadline_ms);
        return true;
    }
    const struct connector_ops *ops = self->access.target.connector->ops;
    struct vendor_connection *connection = vendor_access_connect(&self->access, deadline_ms);
    self->calls_left = RUN_VENDOR_CONNECTION_CALLS;
    return !ops->open || ops->open(connection);
}

void run_vendor_lend(struct run_vendor *self)
{
    vendor_access_extend(&self->access, call_deadline_ms(self));
    self->gate.has_held = false;
    self->gate.is_over = self->gate.is_unwanted = false;
    self->gate.is_lent = true;
}

void run_vendor_hurry(struct run_vendor *self)
{
    self->gate.is_over = true;
}

void run_vendor_abandon(struct run_vendor *self)
{
    self->gate.is_unwanted = true;
    run_vendor_hurry(self);
}

void run_vendor_take_back(struct run_vendor *self)
{
    self->gate.is_lent = false;
}

/* After a call that needs no other try, though one within it may have been refused: a connection
 * with nothing left to authenticate with takes no more calls. */
static bool close_refused(struct run_vendor *self, struct error *error)
{
    struct verdict ignored;
    enum vendor_state state = vendor_state(self->access.connection);
    return (state != VENDOR_STALE && state != VENDOR_FAILED) ||
           close_connection(self, &ignored, error);
}

/* *ret_again: another try is to be made. */
static bool try_call(struct run_vendor *self, run_vendor_fn *call, void *context,
                     struct attempts *attempts, bool *ret_again, struct error *error)
{
    struct verdict verdict;
    *ret_again = false;
    flow_vendor_gate_reset(&self->gate);
    self->has_moved = false;
    if (self->access.connection && self->calls_left == 0 &&
        !close_connection(self, &verdict, error))
        return false;
    if (!self->is_loaded && !load(self, error)) {
        *ret_again = wait_for_secrets(self, attempts, error);
        return false;
    }
    if (connect_vendor(self) && call(context, self->access.connection)) {
        self->calls_left--;
        return close_refused(self, error);
    }
    if (self->has_moved)
        *attempts = first_attempt();
    bool is_renewed = renew(self, attempts);
    if (!close_connection(self, &verdict, error))
        return false;
    *ret_again = is_renewed || goes_on(self, attempts, &verdict, error);
    return false;
}

/* Of a call that the vendor may not have taken in an earlier try of the run. What the run was late
 * by, since it had no thread or it was not its turn, is not the vendor's time. */
static struct attempts next_attempt(struct run_vendor *self)
{
    struct flow_vendor_kept *kept = self->kept;
    if (kept->began_ms == 0)
        return first_attempt();
    if (kept->due_ms > 0)
        kept->began_ms += i64_max(0, clock_mono_ms() - kept->due_ms);
    kept->due_ms = 0;
    return (struct attempts){.began_ms = kept->began_ms, .pause_ms = kept->pause_ms};
}

static bool note_taken(struct run_vendor *self)
{
    self->kept->began_ms = 0;
    show_turn(self);
    return true;
}

bool run_vendor_do(struct run_vendor *self, run_vendor_fn *call, void *context, struct error *error)
{
    struct attempts attempts = next_attempt(self);
    bool again = true;
    while (again) {
        if (flow_engine_is_to_end(self->run))
            return fail(error, ERR_UNAVAILABLE, "The run is to end.");
        if (!flow_engine_check_time(self->run, error))
            return false;
        if (try_call(self, call, context, &attempts, &again, error))
            return note_taken(self);
    }
    return false;
}

/* --- what needs no connection --- */

static bool ask_in_tries(struct run_vendor *self, run_vendor_question_fn *ask, void *context,
                         struct attempts attempts, struct error *error)
{
    for (bool again = true; again;) {
        struct verdict verdict = {0};
        if (flow_engine_is_to_end(self->run))
            return fail(error, ERR_UNAVAILABLE, "The run is to end.");
        flow_vendor_gate_reset(&self->gate);
        if (ask(context, &verdict, error))
            return true;
        bool was_asked = verdict.kind != VERDICT_ACCEPTED;
        again = was_asked ? may_pass(&verdict) && wait_for_vendor(self, &attempts, &verdict, error)
                          : wait_for_secrets(self, &attempts, error);
        if (!again && was_asked && !may_pass(&verdict))
            return run_vendor_name_profile(self, error);
    }
    return false;
}

bool run_vendor_ask(struct run_vendor *self, run_vendor_question_fn *ask, void *context,
                    struct error *error)
{
    return ask_in_tries(self, ask, context, next_attempt(self), error) && note_taken(self);
}

static bool load_first(void *context, struct verdict *verdict, struct error *error)
{
    (void)verdict;
    return load(context, error);
}

bool run_vendor_open(struct run_vendor *self, struct flow_engine_run *run,
                     const struct run_vendor_use *use, const struct flow_end *end,
                     struct str entity, struct error *error)
{
    *self = (struct run_vendor){
        .run = run,
        .use = use,
        .profile = {run->row->flow.account, run->row->flow.region, end->profile},
        .type = end->type,
        .entity = entity,
    };
    memory_reservation_begin(run->config->profiles->memory, self->profile.account, &self->memory);
    self->session.meter = &self->memory.meter;
    self->kept = use->is_source ? &run->kept->source : &run->kept->destination;
    flow_vendor_gate_init(&self->gate, run, &self->profile, &self->kept->place);
    return ask_in_tries(self, load_first, self, first_attempt(), error);
}
