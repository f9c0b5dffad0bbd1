/* One renewal: load the profile, ask the vendor through the grant journal, and commit the tokens,
 * the state, the job's next time and an audit entry as one.
 *
 * The job's fence keeps a node that lost its lease from moving a state; tokens that it got still
 * land by the digest of the refresh token that was spent (store/oauth_tokens.h), as no others may
 * work. While the store is away nothing is concluded: what the vendor gave is saved first. */
#include "profile/token_keeper.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "connector/connection.h"
#include "connector/connector.h"
#include "connector/http/http_connector.h"
#include "profile/credentials.h"
#include "profile/grant_journal.h"
#include "profile/provisioning_state.h"
#include "profile/secret_mirror.h"
#include "profile/target.h"
#include "profile/token_clock.h"
#include "profile/token_event.h"
#include "profile/token_fallback.h"
#include "profile/token_lane.h"
#include "profile/token_schedule.h"
#include "profile/token_turn.h"
#include "profile/tokens.h"
#include "store/audit.h"
#include "wire/errors.h"
#include "work/host_breaker.h"
#include "work/memory_limit.h"

#include <stdlib.h>

struct renewal_run {
    const struct profile_context *context;
    const struct job_row *job;
    struct memory_reservation memory; /* of the arena */
    struct arena arena;               /* of one run */
    struct profile profile;
    struct target target;
    struct profile_credentials credentials;
    struct profile_tokens stored;
    struct token_renewal renewal;
    struct token_state_row before, after;
    struct grant_journal journal;
    struct profile_tokens_change tokens_change;
    struct oauth_tokens tokens; /* that the vendor gave, or the stored ones */
    struct token_turn turn;
    struct token_planning planning;      /* of many profiles */
    struct credential_event_plan *event; /* of a state that has moved; NULL: nothing is new */
    enum token_outcome outcome;
    bool away;      /* what the credentials refer to, or the data key, cannot be had: see outcome */
    bool asked;     /* the vendor */
    bool silent;    /* it gave no usable answer */
    bool concluded; /* `after` says what is to be committed */
    bool lost;      /* the lease: another node has the job, or a change replaced it */
};

static struct str outcome_label(size_t value)
{
    return str_from(token_outcome_name((enum token_outcome)value));
}

const struct metric metric_token_renewals = {
    "headgate_token_renewals_total",
    "Renewals of OAuth tokens by the keeper, by outcome.",
    .labels = {{"outcome", OUTCOME_COUNT, .name_of = outcome_label}},
    METRIC_SERIES(OUTCOME_COUNT),
};

static void *begin(void *context, const struct job_row *job)
{
    struct renewal_run *run = xcalloc(1, sizeof(*run));
    *run = (struct renewal_run){.context = context, .job = job, .planning.arena = &run->arena};
    run->turn = (struct token_turn){.lanes = run->context->token_lanes, .lane = job->payload};
    memory_reservation_begin(run->context->memory, job->key.account, &run->memory);
    run->arena.meter = &run->memory.meter;
    return run;
}

static void end(void *state)
{
    struct renewal_run *run = state;
    grant_journal_settle(&run->journal); /* the last time: what is not saved now is lost */
    grant_journal_done(&run->journal);
    arena_done(&run->arena);
    memory_reservation_end(&run->memory);
    free(run);
}

/* --- what is there --- */

static struct profile_key key_of(const struct job_row *job)
{
    return (struct profile_key){job->key.account, job->key.region, job->key.name};
}

static bool load_rows(struct renewal_run *run, bool *ret_found, struct error *error)
{
    struct store *store = run->context->store;
    struct profile_key key = key_of(run->job);
    struct store_reader *reader;
    bool has_state, held = true;
    if (!store_point_reader_take(store, &reader, error))
        return false;
    bool ok = job_is_held(reader, run->job, &held, error) &&
              profile_find(reader, &run->arena, key, &run->profile, ret_found, error) &&
              token_state_find(reader, &run->arena, key, &run->before, &has_state, error);
    store_point_reader_put(store, reader);
    run->lost = !held;
    if (ok && !has_state)
        run->before = (struct token_state_row){.state = TOKEN_FRESH};
    return ok;
}

static bool open_profile(struct renewal_run *run, struct error *error)
{
    const struct profile_context *context = run->context;
    if (!profile_target_of_row(context, NULL, &run->profile, &run->arena, &run->target, error))
        return false;
    if (!profile_credentials_open(context, &run->profile, &run->target, &run->credentials, error)) {
        run->away = error->code != ERR_INTERNAL; /* else the seal did not open */
        run->outcome =
            run->credentials.key_is_away ? OUTCOME_KEY_UNAVAILABLE : OUTCOME_SECRET_UNAVAILABLE;
        return false;
    }
    return profile_tokens_load(context, run->target.connector, &run->profile, &run->arena,
                               &run->stored, error);
}

/* --- the vendor --- */

static struct verdict ask_vendor(struct renewal_run *run, struct oauth_tokens *ret_tokens)
{
    struct token_grant_journal grants;
    grant_journal_init(&run->journal, run->context, &run->arena, run->profile.key, &grants);
    grant_journal_follow(&run->journal, run->target.connector, &run->profile, &run->stored);
    grant_journal_seal_under(&run->journal, run->credentials.data_key);
    /* What the user sent once is not sent again and again, and a password could lock its user out
     * where it is not what the tokens are renewed by. */
    const struct vendor_connection_config config = {
        .target = &run->target,
        .stored = &run->stored.tokens,
        .withheld =
            GRANT_CODE | GRANT_JWT_BEARER |
            (run->renewal.by_refresh_token || run->renewal.by_key ? (unsigned)GRANT_PASSWORD : 0),
        .journal = &grants,
        .region = run->profile.key.region,
        .secret_arn = run->profile.credentials_arn,
        .arena = &run->arena,
        .deadline_ms = clock_mono_ms() + run->context->verify_timeout_ms,
        .without_waits = run->turn.lane.len > 0, /* else there is nothing that makes it wait */
    };
    struct vendor_connection *connection = vendor_connection_new(&config);
    bool renewed = run->target.connector->ops->open(connection) &&
                   (vendor_is_renewed(connection) || vendor_renew(connection));
    vendor_close(connection);
    struct verdict verdict = vendor_verdict(connection);
    *ret_tokens = vendor_tokens(connection);
    if (renewed)
        verdict = (struct verdict){.kind = VERDICT_ACCEPTED, .step = STEP_TOKEN};
    return verdict;
}

static struct verdict breaker_verdict(struct renewal_run *run)
{
    return (struct verdict){
        .kind = VERDICT_UNREACHABLE,
        .step = STEP_TOKEN,
        .message = arena_printf(&run->arena, "%.*s did not answer the last calls.",
                                STR_ARG(run->renewal.host)),
        .hint = STR("It is called again from time to time until it does."),
    };
}

/* An account that names a host, or a port of one, that does not answer keeps no other account from
 * it, nor a private route that fails the public way. */
static struct str breaker_key(struct renewal_run *run)
{
    return arena_printf(&run->arena, "%.*s %.*s:%d %.*s", STR_ARG(run->job->key.account),
                        STR_ARG(run->renewal.host), run->renewal.port, STR_ARG(run->renewal.route));
}

static struct verdict ask(struct renewal_run *run, struct oauth_tokens *ret_tokens)
{
    struct host_breakers *hosts = run->context->token_hosts;
    struct str key = breaker_key(run);
    *ret_tokens = run->stored.tokens;
    if (!host_breaker_allows(hosts, key, clock_mono_ms()))
        return breaker_verdict(run);
    fault_point("keeper:asking");
    struct verdict verdict = ask_vendor(run, ret_tokens);
    if (verdict.kind == VERDICT_REJECTED &&
        profile_credentials_reread(run->context, run->profile.key, &run->target,
                                   &run->credentials)) {
        grant_journal_done(&run->journal);
        verdict = ask_vendor(run, ret_tokens);
    }
    fault_point("keeper:asked");
    run->asked = verdict.kind != VERDICT_INTERNAL && verdict.step != STEP_APP;
    run->silent = verdict.kind == VERDICT_UNREACHABLE;
    if (run->asked)
        token_turn_tell(&run->turn, &verdict);
    if (run->asked) /* any status is an answer, also one that is of no use */
        host_breaker_note(hosts, key, !run->silent || verdict.status != 0, clock_mono_ms());
    return verdict;
}

/* --- what comes of it --- */

static bool plan_tokens(struct renewal_run *run, const struct oauth_tokens *tokens,
                        struct error *error)
{
    const struct profile_tokens_question question = {
        .connector = run->target.connector,
        .profile = &run->profile,
        .before = &run->stored,
        .tokens = tokens,
        .spent = grant_journal_spent(&run->journal),
        .data_key = run->credentials.data_key,
    };
    return profile_tokens_plan(run->context, &question, &run->arena, &run->tokens_change, error);
}

/* What is said of a reference that cannot be resolved says all, and is not the vendor's. */
static struct str words_of(struct renewal_run *run, const struct verdict *verdict)
{
    return run->away ? verdict->message
                     : verdict_describe(&run->arena, run->profile.connector_type, verdict);
}

static void conclude(struct renewal_run *run, const struct verdict *verdict,
                     const struct oauth_tokens *tokens)
{
    int64_t now_ms = clock_wall_ms();
    run->outcome = run->away ? run->outcome : token_outcome_of(verdict);
    const struct token_event event = {
        .outcome = run->outcome,
        .now_ms = now_ms,
        .retry_after_ms = verdict->retry_after_ms,
        .due_at_ms = token_follow_due_at_ms(&run->renewal, tokens, now_ms),
        .random = random_u32(),
        .words = words_of(run, verdict),
    };
    run->concluded = true;
    run->before.works_until_ms = token_follow_end_ms(&run->renewal, tokens);
    run->after = token_state_after(&run->before, &run->renewal, &event);
}

/* --- the commit --- */

static bool has_moved(const struct renewal_run *run)
{
    return run->after.state != run->before.state;
}

static bool add_audit(struct db *db, const struct renewal_run *run, struct error *error)
{
    bool fresh = run->after.state == TOKEN_FRESH;
    bool refused = run->after.state == TOKEN_NEEDS_REAUTHORIZATION;
    int code = refused ? ERR_CONNECTOR_AUTHENTICATION : ERR_CONNECTOR_SERVER;
    const struct audit_entry entry = {
        .at_ms = clock_wall_ms(),
        .account = run->job->key.account,
        .region = run->job->key.region,
        .operation = STR("TokenRenewal"),
        .resource = run->job->key.name,
        .outcome = fresh ? STR("ok") : str_from(error_kind(code)->exception),
        .detail = fresh ? STR("") : run->after.words,
    };
    return !has_moved(run) || audit_add(db, &entry, error);
}

static bool end_job(struct db *db, struct renewal_run *run, struct error *error)
{
    bool held;
    int64_t next_at_ms = run->after.next_at_ms;
    struct job_row job = *run->job;
    /* The lane is known now, also of a job that was written without it. */
    if (run->renewal.host.len > 0)
        job.payload = token_lane_name(&run->arena, &run->renewal);
    if (next_at_ms != 0 ? !job_retry(db, &job, next_at_ms, &held, error)
                        : !job_finish(db, run->job, &held, error))
        return false;
    run->lost = !held;
    return held || fail(error, ERR_LOST_RACE, "The lease of the job was lost.");
}

static bool put_tokens(struct db *db, const struct renewal_run *run, struct error *error)
{
    return profile_tokens_apply(db, &run->profile.key, &run->tokens_change, error) &&
           (run->tokens_change.what != TOKENS_PUT ||
            secret_mirror_follow(db, run->context, run->target.connector, &run->profile, error)) &&
           grant_journal_consume(db, &run->journal, error);
}

static bool apply(struct db *db, void *argument, struct error *error)
{
    struct renewal_run *run = argument;
    return end_job(db, run, error) && token_state_put(db, run->profile.key, &run->after, error) &&
           put_tokens(db, run, error) && add_audit(db, run, error) &&
           (!run->event || credential_event_apply(db, run->event, error));
}

/* Of a profile that was deleted nothing is kept. */
static bool apply_late(struct db *db, void *argument, struct error *error)
{
    struct renewal_run *run = argument;
    enum profile_tokens_owner owner;
    return profile_tokens_find_owner(db, &run->profile, &run->arena, &owner, error) &&
           (owner == TOKENS_OWNER_HERE ? put_tokens(db, run, error)
                                       : owner == TOKENS_OWNER_PREVIOUS ||
                                             grant_journal_consume(db, &run->journal, error));
}

/* Nothing is left to keep: the profile is gone, or its tokens cannot be renewed any more. */
static bool apply_end(struct db *db, void *argument, struct error *error)
{
    struct renewal_run *run = argument;
    struct profile_key key = key_of(run->job);
    return end_job(db, run, error) && token_state_delete(db, key, error);
}

static enum job_end end_at(struct renewal_run *run, int64_t next_at_ms, store_apply_fn *how)
{
    struct error error;
    run->after.next_at_ms = next_at_ms;
    return store_apply(run->context->store, how, run, false, &error) || run->lost ? JOB_DONE
                                                                                  : JOB_AGAIN;
}

/* The state and the job follow the tokens that landed: what the holder of the lease wrote of those
 * of before is not true any more. */
static bool commit_late(struct renewal_run *run, struct error *error)
{
    struct token_follow *follow = &run->tokens_change.follow;
    token_follow_plan(&run->target, &run->tokens, follow);
    bool done = store_apply(run->context->store, apply_late, run, false, error);
    if (done)
        token_follow_wake(run->context, follow);
    return done;
}

static enum job_end commit(struct renewal_run *run)
{
    struct store *store = run->context->store;
    struct error error;
    run->event = has_moved(run) ? token_event_plan(run->context, &run->target, &run->profile,
                                                   &run->tokens, &run->after, &run->arena)
                                : NULL;
    fault_point("keeper:committing");
    bool done = store_apply(store, apply, run, false, &error);
    bool late = !done && run->lost;
    if (late && run->tokens_change.what == TOKENS_PUT)
        done = commit_late(run, &error);
    if (!done && !late)
        return JOB_AGAIN;
    fault_point("keeper:committed");
    metrics_count(&metric_token_renewals, run->outcome, 0);
    if (!late && has_moved(run)) {
        token_event_log_move(&run->profile.key, &run->before, &run->after);
        credential_event_say(run->context, run->event, false);
    }
    if (run->tokens_change.what == TOKENS_PUT)
        secret_mirror_wake(run->context);
    return done || run->tokens_change.what != TOKENS_PUT ? JOB_DONE : JOB_AGAIN;
}

/* --- a run --- */

/* What failed before the vendor was asked, on this side. */
static enum job_end set_back(struct renewal_run *run, const struct error *why)
{
    static const struct token_policy none;
    if (!run->away && (why->code == ERR_UNAVAILABLE || why->code == ERR_THROTTLING))
        return JOB_AGAIN;
    if (why->code == ERR_NOT_FOUND) /* its connector was unregistered; a new one brings a change */
        return end_at(run, 0, apply_end);
    const struct verdict verdict = {.kind = VERDICT_MISCONFIGURED,
                                    .message = arena_copy(&run->arena, str_from(why->message))};
    int64_t works_until_ms = run->before.works_until_ms;
    run->renewal = (struct token_renewal){.policy = &none, .by_refresh_token = true};
    conclude(run, &verdict, &run->stored.tokens);
    run->after.works_until_ms = works_until_ms; /* the tokens may not have been opened */
    return commit(run);
}

static bool apply_wait(struct db *db, void *argument, struct error *error)
{
    return end_job(db, argument, error);
}

static enum job_end renew(struct renewal_run *run, struct job_runner *runner)
{
    struct error error = {0};
    struct verdict verdict = ask(run, &run->tokens);
    if (run->journal.has_unsaved) /* what the vendor gave is saved before anything is concluded */
        return job_is_stopping(runner) ? JOB_STOPPED : JOB_AGAIN;
    bool here = verdict.kind == VERDICT_INTERNAL && !verdict.in_doubt;
    if (here && job_is_stopping(runner))
        return JOB_STOPPED;
    if ((here && verdict.transient) || token_turn_may_defer(&run->turn, &verdict))
        return JOB_AGAIN;
    if (!plan_tokens(run, &run->tokens, &error))
        return set_back(run, &error);
    conclude(run, &verdict, &run->tokens);
    const struct token_fallback refused = {run->context, &run->profile, &verdict, run->outcome,
                                           &run->before};
    return token_fallback(&refused, &run->after, &run->arena) ? JOB_DONE : commit(run);
}

static enum job_end keep(struct renewal_run *run, struct job_runner *runner)
{
    struct error error = {0};
    bool found = false;
    if (!load_rows(run, &found, &error))
        return JOB_AGAIN;
    if (run->lost) /* another node renews them, or a change has moved the job */
        return JOB_DONE;
    if (!found)
        return end_at(run, 0, apply_end);
    /* The verification of a private profile comes first. */
    if (provisioning_is_pending(&run->profile.provisioning))
        return end_at(run, clock_wall_ms() + TOKEN_KEEPER_PENDING_MS, apply_wait);
    if (!open_profile(run, &error))
        return run->away && job_is_stopping(runner) ? JOB_STOPPED : set_back(run, &error);
    if (!token_renewal_of(&run->target, &run->stored.tokens, &run->renewal))
        return end_at(run, 0, apply_end);
    return renew(run, runner);
}

static bool apply_replanned(struct db *db, void *argument, struct error *error)
{
    return end_job(db, argument, error) && token_replan_note(db, error);
}

/* Of many profiles: a job without an account. */
static enum job_end plan_many(struct renewal_run *run, struct job_runner *runner)
{
    bool replans = str_eq(run->job->key.name, TOKEN_REPLAN_JOB);
    if (!(replans ? token_replan : token_backfill)(run->context, runner, &run->planning))
        return job_is_stopping(runner) ? JOB_STOPPED : JOB_AGAIN;
    enum job_end ended = end_at(run, 0, replans ? apply_replanned : apply_end);
    job_runner_look(runner);
    return ended;
}

static enum job_end run(void *state, struct job_runner *runner)
{
    struct renewal_run *run = state;
    if (run->job->key.account.len == 0)
        return plan_many(run, runner);
    if (run->concluded) { /* only the commit failed: the vendor is not asked again */
        run->lost = false;
        return commit(run);
    }
    if (!grant_journal_settle(&run->journal)) /* its tokens are in the arena */
        return JOB_AGAIN;
    if (!token_turn_take(&run->turn, runner))
        return job_is_stopping(runner) ? JOB_STOPPED : JOB_AGAIN;
    grant_journal_done(&run->journal);
    arena_done(&run->arena);
    run->journal = (struct grant_journal){.attempt = run->journal.attempt}; /* known as its own */
    run->tokens_change = (struct profile_tokens_change){0};
    run->stored = (struct profile_tokens){0};
    run->target = (struct target){0};
    run->renewal = (struct token_renewal){0};
    run->asked = run->silent = run->lost = run->away = false;
    return keep(run, runner);
}

/* --- the kind --- */

static enum job_hosts_said hosts_said(const void *state)
{
    const struct renewal_run *run = state;
    if (!run->asked)
        return JOB_HOSTS_NOT_ASKED;
    return run->silent ? JOB_HOSTS_SILENT : JOB_HOSTS_ANSWERED;
}

const struct job_kind token_keeper_kind = {
    .name = TOKEN_KEEPER_JOB,
    .threads_max = TOKEN_KEEPER_THREADS,
    .slots_max = TOKEN_KEEPER_MAX,
    .retry_ms = TOKEN_KEEPER_RETRY_MS,
    .look_ms = TOKEN_KEEPER_LOOK_MS,
    .hosts = token_turn_hosts,
    .begin = begin,
    .run = run,
    .hosts_said = hosts_said,
    .free = end,
    .looking = token_clock_look,
    .looked = token_keeper_looked,
    .host_limit = token_turn_limit,
    .limits_grow_at_ms = token_turn_limits_grow_at_ms,
};
