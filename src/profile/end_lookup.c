/* One lookup: load the profile, ask its vendor, and commit what it said with the job's next time.
 * The job's fence keeps a node that lost its lease from writing; an answer about credentials that
 * were replaced meanwhile is dropped. */
#include "profile/end_lookup.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/int64.h"
#include "connector/connection.h"
#include "connector/connector.h"
#include "connector/credential_end.h"
#include "connector/http/http_connector.h"
#include "profile/credentials.h"
#include "profile/end_schedule.h"
#include "profile/provisioning_state.h"
#include "profile/target.h"
#include "profile/tokens.h"
#include "store/credential_ends.h"
#include "wire/errors.h"
#include "work/memory_limit.h"

#include <stdlib.h>

enum lookup_wait { LOOKUP_OVER = 0, LOOKUP_NOT_NOW = -1 }; /* the job ends; the store is away */

enum lookup_outcome { LOOKUP_SAID, LOOKUP_NOT_SAID, LOOKUP_UNANSWERED, LOOKUP_OUTCOMES };

struct end_lookup {
    const struct profile_context *context;
    const struct job_row *job;
    struct memory_reservation memory; /* of the arena */
    struct arena arena;
    struct profile profile;
    struct target target;
    struct profile_tokens stored;
    bool is_answered; /* by the vendor, with `end`; else `verdict` says why it was not */
    struct credential_end end;
    struct verdict verdict;
    struct profile_asked asked; /* version 0: nothing is to be written */
    int64_t next_at_ms;         /* 0: the job ends */
    bool is_concluded;          /* only the commit is left */
    bool lost;                  /* the lease */
    enum job_hosts_said hosts;
};

static const char *const outcome_names[LOOKUP_OUTCOMES] = {
    [LOOKUP_SAID] = "said",
    [LOOKUP_NOT_SAID] = "not_said",
    [LOOKUP_UNANSWERED] = "unanswered",
};

const struct metric metric_end_lookups = {
    "headgate_credential_end_lookups_total",
    "Vendors asked when credentials end, by outcome.",
    .labels = {{"outcome", LOOKUP_OUTCOMES, outcome_names, NULL}},
    METRIC_SERIES(LOOKUP_OUTCOMES),
};

/* --- the vendor --- */

static void ask(struct end_lookup *lookup)
{
    const struct vendor_connection_config config = {
        .target = &lookup->target,
        .stored = &lookup->stored.tokens,
        .withheld = ~0U,
        .region = lookup->profile.key.region,
        .secret_arn = lookup->profile.credentials_arn,
        .arena = &lookup->arena,
        .deadline_ms = clock_mono_ms() + lookup->context->verify_timeout_ms,
        .without_waits = true,
    };
    const struct connector_ops *ops = lookup->target.connector->ops;
    lookup->is_answered = ops->ask_end(&config, &lookup->verdict, &lookup->end);
    lookup->hosts =
        lookup->verdict.kind == VERDICT_UNREACHABLE ? JOB_HOSTS_SILENT : JOB_HOSTS_ANSWERED;
}

/* The vendor was not reached or asks for less, or this side failed: nothing was learned. */
static bool has_learned_nothing(const struct end_lookup *lookup)
{
    enum verdict_kind kind = lookup->verdict.kind;
    return !lookup->is_answered && (kind == VERDICT_UNREACHABLE || kind == VERDICT_THROTTLED ||
                                    kind == VERDICT_BUSY || kind == VERDICT_INTERNAL);
}

static struct str why_not(struct end_lookup *lookup)
{
    return lookup->is_answered
               ? str_from(lookup->end.why_not)
               : verdict_describe(&lookup->arena, lookup->profile.connector_type, &lookup->verdict);
}

static enum lookup_outcome outcome_of(const struct end_lookup *lookup)
{
    if (has_learned_nothing(lookup))
        return LOOKUP_UNANSWERED;
    return lookup->is_answered && lookup->end.is_said ? LOOKUP_SAID : LOOKUP_NOT_SAID;
}

static int64_t conclude(struct end_lookup *lookup)
{
    int64_t now_ms = clock_wall_ms();
    int64_t wait_ms = i64_max(lookup->verdict.retry_after_ms, END_LOOKUP_FAILED_MS);
    enum lookup_outcome outcome = outcome_of(lookup);
    metrics_count(&metric_end_lookups, outcome, 0);
    if (outcome == LOOKUP_UNANSWERED)
        return i64_min(wait_ms, END_LOOKUP_DAY_MS);
    lookup->asked = (struct profile_asked){
        .version = lookup->profile.credentials_version,
        .at_ms = now_ms,
        .end_ms = outcome == LOOKUP_SAID ? lookup->end.end_ms : 0,
        .words = outcome == LOOKUP_SAID ? STR_NULL : why_not(lookup),
    };
    return end_lookup_wait_ms(now_ms, lookup->asked.end_ms);
}

/* --- what is there --- */

static bool load(struct end_lookup *lookup, bool *ret_found, struct error *error)
{
    const struct job_key *job = &lookup->job->key;
    struct profile_key key = {job->account, job->region, job->name};
    return profile_load(lookup->context->store, &lookup->arena, key, &lookup->profile, ret_found,
                        error);
}

static bool open_profile(struct end_lookup *lookup, struct error *error)
{
    struct profile_credentials credentials;
    return profile_credentials_open(lookup->context, &lookup->profile, &lookup->target,
                                    &credentials, error) &&
           profile_tokens_load(lookup->context, lookup->target.connector, &lookup->profile,
                               &lookup->arena, &lookup->stored, error);
}

/* What a connector cannot say needs no look at the credentials. */
static bool can_be_asked(const struct connector *connector)
{
    return connector->http && connector->http->end && connector->ops->ask_end;
}

/* A connector that was unregistered; a new one brings a change of the profile. */
static int64_t wait_after(const struct error *error)
{
    if (error->code == ERR_UNAVAILABLE || error->code == ERR_THROTTLING)
        return LOOKUP_NOT_NOW;
    return error->code == ERR_NOT_FOUND ? LOOKUP_OVER : END_LOOKUP_FAILED_MS;
}

/* Of credentials that cannot be opened: why not is kept, unless it may be over soon. */
static int64_t conclude_unopened(struct end_lookup *lookup, const struct error *error)
{
    metrics_count(&metric_end_lookups, LOOKUP_UNANSWERED, 0);
    if (error->code == ERR_UNAVAILABLE || error->code == ERR_THROTTLING)
        return END_LOOKUP_FAILED_MS;
    lookup->asked = (struct profile_asked){
        .version = lookup->profile.credentials_version,
        .at_ms = clock_wall_ms(),
        .words = arena_copy(&lookup->arena, str_from(error->message)),
    };
    return END_LOOKUP_FAILED_MS;
}

/* How long until the next one, or one of enum lookup_wait. */
static int64_t look_up(struct end_lookup *lookup)
{
    const struct job_row *job = lookup->job;
    int64_t put_off_ms = end_lookup_put_off_ms(clock_wall_ms(), job->due_at_ms, job->attempts);
    struct error error = {0};
    bool found = false;
    if (put_off_ms != 0)
        return put_off_ms;
    if (!load(lookup, &found, &error))
        return LOOKUP_NOT_NOW;
    if (!found)
        return LOOKUP_OVER;
    if (provisioning_is_pending(&lookup->profile.provisioning))
        return END_LOOKUP_FIRST_MS;
    if (!profile_target_of_row(lookup->context, NULL, &lookup->profile, &lookup->arena,
                               &lookup->target, &error))
        return wait_after(&error);
    if (!can_be_asked(lookup->target.connector))
        return LOOKUP_OVER;
    if (!open_profile(lookup, &error))
        return conclude_unopened(lookup, &error);
    if (!credential_end_is_asked(&lookup->target, &lookup->stored.tokens))
        return LOOKUP_OVER;
    ask(lookup);
    return conclude(lookup);
}

/* --- the commit --- */

/* The profile's row first, as where it is changed or deleted: in another order the two could wait
 * for each other. */
static bool apply(struct db *db, void *argument, struct error *error)
{
    struct end_lookup *lookup = argument;
    const struct job_row *job = lookup->job;
    bool held;
    if (lookup->asked.version != 0 &&
        !profile_asked_put(db, lookup->profile.key, &lookup->asked, error))
        return false;
    if (lookup->next_at_ms != 0 ? !job_retry(db, job, lookup->next_at_ms, &held, error)
                                : !job_finish(db, job, &held, error))
        return false;
    lookup->lost = !held;
    return held || fail(error, ERR_LOST_RACE, "The lease of the job was lost.");
}

static enum job_end run(void *state, struct job_runner *runner)
{
    struct end_lookup *lookup = state;
    struct error error;
    if (!lookup->is_concluded) {
        arena_done(&lookup->arena);
        int64_t wait_ms = look_up(lookup);
        bool is_cut_short = job_is_stopping(runner) && has_learned_nothing(lookup);
        if (is_cut_short || wait_ms == LOOKUP_NOT_NOW)
            return job_is_stopping(runner) ? JOB_STOPPED : JOB_AGAIN;
        lookup->next_at_ms = wait_ms == LOOKUP_OVER ? 0 : clock_wall_ms() + wait_ms;
        lookup->is_concluded = true;
    }
    return store_apply(lookup->context->store, apply, lookup, false, &error) || lookup->lost
               ? JOB_DONE
               : JOB_AGAIN;
}

/* --- the kind --- */

static void *begin(void *context, const struct job_row *job)
{
    struct end_lookup *lookup = xcalloc(1, sizeof(*lookup));
    lookup->context = context;
    lookup->job = job;
    memory_reservation_begin(lookup->context->memory, job->key.account, &lookup->memory);
    lookup->arena.meter = &lookup->memory.meter;
    return lookup;
}

static void end(void *state)
{
    struct end_lookup *lookup = state;
    arena_done(&lookup->arena);
    memory_reservation_end(&lookup->memory);
    free(lookup);
}

static enum job_hosts_said hosts_said(const void *state)
{
    const struct end_lookup *lookup = state;
    return lookup->hosts;
}

/* A job whose profile cannot be read calls no host. */
static struct str hosts(void *context, const struct job_row *job, struct arena *arena)
{
    const struct profile_context *profiles = context;
    struct profile_key key = {job->key.account, job->key.region, job->key.name};
    struct profile profile;
    struct target target;
    struct error ignored;
    bool found = false;
    if (!profile_load(profiles->store, arena, key, &profile, &found, &ignored) || !found ||
        !profile_target_of_row(profiles, NULL, &profile, arena, &target, &ignored))
        return STR_NULL;
    return target_hosts(&target);
}

const struct job_kind end_lookup_kind = {
    .name = CREDENTIAL_END_JOB,
    .threads_max = END_LOOKUP_THREADS,
    .slots_max = END_LOOKUP_MAX,
    .retry_ms = END_LOOKUP_RETRY_MS,
    .look_ms = END_LOOKUP_LOOK_MS,
    .hosts = hosts,
    .begin = begin,
    .run = run,
    .hosts_said = hosts_said,
    .free = end,
};
