/* The background half of a change in Private mode: load, ask the vendor, seal, commit.
 *
 * A private profile is committed as PENDING before its request is answered, in one transaction with
 * a durable job (job/job.h) whose payload is the row's version. The job verifies the credentials as
 * a Public change does, but over the private route, and commits the row's next version by
 * compare-and-swap, together with the end of the job. While the store is away, or another request
 * exchanges the same code, nothing is concluded: the job is run again, and tokens that could not be
 * saved are saved first. Tokens that were got on the way are kept also when the vendor does not
 * accept them in the end, since the code that they came from works once. */
#include "profile/private_connection.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "profile/credentials.h"
#include "profile/previous.h"
#include "profile/provisioning_state.h"
#include "profile/seal.h"
#include "profile/target.h"
#include "profile/tokens.h"
#include "profile/verify.h"
#include "store/audit.h"
#include "wire/errors.h"
#include "work/memory_limit.h"

#include <stdlib.h>

struct private_connection {
    const struct profile_context *context;
    struct memory_reservation memory; /* of both arenas */
    struct arena arena;
    struct profile profile; /* as loaded; then as it is going to be */
    struct arena trial;     /* of the latest try to ask, whose memory goes when another is made */
    int64_t expected_version;
    const struct job_row *job;
    bool loaded;
    bool lost; /* the lease: another node has the job */
    enum verdict_kind verdict;
    struct grant_journal journal;
    struct profile_tokens stored;    /* for the credentials; loaded with the row */
    bool has_tokens;                 /* `stored` was loaded */
    struct str seed;                 /* of the credentials; in the trial */
    const struct data_key *data_key; /* as well */
    bool source_is_away;             /* of a reference, which was logged */
    bool asked;                      /* what follows is set */
    bool unresolved;                 /* a reference led nowhere, so the vendor was not asked */
    struct profile_tokens_change tokens_change;
    struct provisioning result;
    struct str sentence; /* why it failed */
};

static void *begin(void *context, const struct job_row *job)
{
    struct private_connection *connection = xcalloc(1, sizeof(*connection));
    unsigned long long version = 0; /* of no row, when the payload is none */
    str_to_u64(job->payload, INT64_MAX, &version);
    connection->context = context;
    memory_reservation_begin(connection->context->memory, job->key.account, &connection->memory);
    connection->arena.meter = &connection->memory.meter;
    connection->trial.meter = &connection->memory.meter;
    connection->job = job;
    connection->expected_version = (int64_t)version;
    connection->verdict = VERDICT_INTERNAL;
    connection->profile.key =
        (struct profile_key){job->key.account, job->key.region, job->key.name};
    return connection;
}

static void end(void *state)
{
    struct private_connection *connection = state;
    grant_journal_done(&connection->journal);
    arena_done(&connection->trial);
    arena_done(&connection->arena);
    memory_reservation_end(&connection->memory);
    free(connection);
}

/* False when the row is not as it was any more: nothing is left to do. */
static bool load(struct private_connection *connection, bool *ret_found, struct error *error)
{
    struct store *store = connection->context->store;
    struct profile *profile = &connection->profile;
    bool ok = profile_load(store, &connection->arena, profile->key, profile, ret_found, error);
    *ret_found = ok && *ret_found && profile->version == connection->expected_version &&
                 provisioning_is_pending(&profile->provisioning);
    fault_point("private:loaded");
    return ok;
}

/* --- the vendor --- */

static void conclude(struct private_connection *connection, enum verdict_kind verdict,
                     struct str sentence)
{
    connection->asked = true;
    connection->verdict = verdict;
    connection->sentence = sentence;
    connection->result = provisioning_of(&connection->trial, verdict, sentence);
}

static void conclude_internal(struct private_connection *connection, const struct error *error)
{
    conclude(connection, VERDICT_INTERNAL,
             arena_copy(&connection->trial, str_from(error->message)));
}

/* False while the store, or AWS KMS, is away. Tokens that cannot be read count as none: the
 * credentials are good without them, and what is got from them now takes their place. */
static bool load_tokens(struct private_connection *connection)
{
    const struct profile *profile = &connection->profile;
    const struct connector *connector = connector_by_type(profile->connector_type);
    struct error error = {0};
    if (!connector || profile_tokens_load(connection->context, connector, profile,
                                          &connection->arena, &connection->stored, &error))
        return true;
    if (envelope_key_is_away(&error))
        return false;
    log_warn("The OAuth tokens of profile %.*s (account %.*s, %.*s) cannot be read: %s",
             STR_ARG(profile->key.name), STR_ARG(profile->key.account),
             STR_ARG(profile->key.region), error.message);
    return true;
}

static bool open_row(struct private_connection *connection, struct profile_question *question,
                     struct target **ret_target, const struct value **ret_given,
                     struct error *error)
{
    struct profile *profile = &connection->profile;
    struct target *target = arena_new(&connection->trial, struct target);
    if (!profile_target_of_row(connection->context, NULL, profile, &connection->trial, target,
                               error))
        return false;
    struct profile_sealed sealed;
    if (!profile_unseal(connection->context, profile, &connection->trial, &sealed, error))
        return false;
    *ret_given = sealed.credentials;
    connection->seed = sealed.seed;
    connection->data_key = sealed.data_key;
    *question = (struct profile_question){
        .key = profile->key,
        .target = target,
        .stored = &connection->stored,
        .data_key = connection->data_key,
        .credentials_arn = profile->credentials_arn,
    };
    *ret_target = target;
    return true;
}

/* As they are now: the profile may have waited for long. */
static bool resolve(struct private_connection *connection, struct target *target,
                    const struct value *given, struct error *error)
{
    struct profile_credentials credentials;
    if (!profile_credentials_resolve(connection->context, connection->profile.key,
                                     target->connector->key, given, clock_mono_ms(),
                                     &connection->trial, &credentials, error))
        return false;
    target_set_credentials(target, credentials.resolved);
    /* As long as no tokens are stored, their line begins with what is at the source now. */
    if (connection->stored.version == 0)
        connection->seed = credentials.seed;
    return profile_credentials_check(&credentials, target, error);
}

/* Tokens that a grant gave are kept also when the vendor does not accept them in the end: the
 * code or refresh token that they came from may not work a second time. */
static bool seal(struct private_connection *connection, const struct target *target,
                 const struct value *given, const struct oauth_tokens *tokens, struct error *error)
{
    struct profile *profile = &connection->profile;
    profile->version = connection->expected_version + 1;
    const struct profile_sealed sealed = {given, connection->seed, connection->data_key};
    return profile_seal(connection->context->keyring, profile, &sealed, &connection->trial,
                        &profile->sealed_credentials, error) &&
           profile_tokens_plan(connection->context,
                               &(struct profile_tokens_question){
                                   .profile = profile,
                                   .before = &connection->stored,
                                   .tokens = tokens,
                                   .target = target,
                                   .spent = grant_journal_spent(&connection->journal),
                                   .data_key = connection->data_key,
                               },
                               &connection->trial, &connection->tokens_change, error);
}

/* Whether the source of a reference may be there later. */
static bool waits_for_source(struct private_connection *connection, const struct error *why)
{
    const struct profile *profile = &connection->profile;
    if (!profile_credentials_may_recover(why) ||
        clock_wall_ms() - profile->updated_at_ms >= PRIVATE_CONNECTION_SOURCE_MS)
        return false;
    if (!connection->source_is_away)
        log_warn("The private connection of %.*s (account %.*s, %.*s) waits until its secret can "
                 "be read, for at most an hour: %s",
                 STR_ARG(profile->key.name), STR_ARG(profile->key.account),
                 STR_ARG(profile->key.region), why->message);
    connection->source_is_away = true;
    return true;
}

/* The vendor was not asked. */
static void conclude_unresolved(struct private_connection *connection, const struct value *given,
                                const struct error *why)
{
    struct oauth_tokens tokens = connection->stored.tokens;
    struct error error = {0};
    conclude(connection,
             profile_credentials_may_recover(why) ? VERDICT_UNREACHABLE : VERDICT_MISCONFIGURED,
             arena_copy(&connection->trial, str_from(why->message)));
    connection->unresolved = true;
    if (!seal(connection, NULL, given, &tokens, &error))
        conclude_internal(connection, &error);
}

/* AWS KMS does not unwrap the data key: what is sealed stays as it is. */
static void conclude_locked(struct private_connection *connection, const struct error *why)
{
    struct profile *profile = &connection->profile;
    struct profile before = *profile;
    struct error error = {0};
    if (waits_for_source(connection, why))
        return;
    conclude(connection,
             profile_credentials_may_recover(why) ? VERDICT_UNREACHABLE : VERDICT_MISCONFIGURED,
             arena_copy(&connection->trial, str_from(why->message)));
    connection->unresolved = true;
    profile->version = connection->expected_version + 1;
    if (!profile_seal_again(connection->context->keyring, &before, profile, &connection->trial,
                            &profile->sealed_credentials, &error))
        conclude_internal(connection, &error);
}

static void begin_trial(struct private_connection *connection)
{
    grant_journal_done(&connection->journal);
    arena_done(&connection->trial);
}

/* Nothing is concluded as long as the store is away, or another request exchanges the same code:
 * what came of it until then is in the journal. */
static void ask(struct private_connection *connection)
{
    struct profile_question question = {0};
    struct verdict verdict = {0};
    struct oauth_tokens tokens = {0};
    struct error error = {0};
    struct arena *arena = &connection->trial;
    const struct value *given;
    struct target *target;
    if (!grant_journal_settle(&connection->journal))
        return;
    begin_trial(connection);
    if (!open_row(connection, &question, &target, &given, &error)) {
        if (envelope_key_is_away(&error))
            conclude_locked(connection, &error);
        else
            conclude_internal(connection, &error);
        return;
    }
    if (!connection->has_tokens && !load_tokens(connection))
        return;
    connection->has_tokens = true;
    if (!resolve(connection, target, given, &error)) {
        if (!waits_for_source(connection, &error))
            conclude_unresolved(connection, given, &error);
        return;
    }
    profile_verify(connection->context, &question, arena, &connection->journal, &verdict, &tokens);
    fault_point("private:verified");
    if (verdict.transient || connection->journal.has_unsaved)
        return;
    struct str sentence =
        verdict.kind == VERDICT_ACCEPTED
            ? STR("")
            : verdict_describe(arena, connection->profile.connector_type, &verdict);
    conclude(connection, verdict.kind, sentence);
    if (!seal(connection, target, given, &tokens, &error))
        conclude_internal(connection, &error);
    fault_point("private:sealed");
}

/* --- the commit --- */

static struct audit_entry audit_of(const struct private_connection *connection)
{
    bool accepted = connection->verdict == VERDICT_ACCEPTED;
    int code =
        connection->verdict == VERDICT_INTERNAL ? ERR_INTERNAL : ERR_CONNECTOR_AUTHENTICATION;
    return (struct audit_entry){
        .at_ms = clock_wall_ms(),
        .account = connection->profile.key.account,
        .region = connection->profile.key.region,
        .operation = STR("PrivateConnectionProvisioning"),
        .resource = connection->profile.key.name,
        .outcome = accepted ? STR("ok") : str_from(error_kind(code)->exception),
        .detail = connection->sentence,
        .version = connection->profile.version,
    };
}

/* Fails the write when another node has the job. */
static bool finish_job(struct db *db, struct private_connection *connection, struct error *error)
{
    bool held;
    if (!job_finish(db, connection->job, &held, error))
        return false;
    connection->lost = !held;
    return held || fail(error, ERR_LOST_RACE, "The lease of the job was lost.");
}

static bool apply(struct db *db, void *argument, struct error *error)
{
    struct private_connection *connection = argument;
    struct audit_entry entry = audit_of(connection);
    return finish_job(db, connection, error) &&
           profile_replace(db, &connection->profile, connection->expected_version, error) &&
           profile_tokens_apply(db, &connection->profile.key, &connection->tokens_change, error) &&
           grant_journal_consume(db, &connection->journal, error) && audit_add(db, &entry, error);
}

static bool apply_discard(struct db *db, void *argument, struct error *error)
{
    struct private_connection *connection = argument;
    return finish_job(db, connection, error) &&
           grant_journal_consume(db, &connection->journal, error);
}

/* The profile was changed or deleted meanwhile: the job ends, and what was got for the profile must
 * not stay behind. */
static enum job_end discard(struct private_connection *connection)
{
    struct error error = {0};
    if (store_apply(connection->context->store, apply_discard, connection, true, &error) ||
        connection->lost)
        return JOB_DONE;
    return JOB_AGAIN;
}

static void log_failure(const struct private_connection *connection)
{
    const struct profile_key *key = &connection->profile.key;
    log_warn("The private connection of %.*s (account %.*s, %.*s) failed: %.*s", STR_ARG(key->name),
             STR_ARG(key->account), STR_ARG(key->region), STR_ARG(connection->sentence));
}

static enum job_end commit(struct private_connection *connection)
{
    struct error error = {0};
    provisioning_end(&connection->profile.provisioning, &connection->result);
    connection->profile.version = connection->expected_version + 1;
    if (store_apply(connection->context->store, apply, connection, false, &error)) {
        fault_point("private:committed");
        if (connection->verdict != VERDICT_ACCEPTED)
            log_failure(connection);
        return JOB_DONE;
    }
    if (connection->lost)
        return JOB_DONE;
    bool changed = error.code == ERR_NOT_FOUND || error.code == ERR_CONFLICT;
    return changed ? discard(connection) : JOB_AGAIN;
}

static enum job_end run(void *state, struct job_runner *runner)
{
    struct private_connection *connection = state;
    struct error error = {0};
    bool found = true;
    if (!connection->loaded && !load(connection, &found, &error))
        return JOB_AGAIN;
    if (!found)
        return discard(connection);
    connection->loaded = true;
    if (!connection->asked)
        ask(connection);
    if (!connection->asked)
        return JOB_AGAIN;
    if (connection->verdict == VERDICT_INTERNAL && job_is_stopping(runner))
        return JOB_STOPPED;
    return commit(connection);
}

/* What ended on this side says nothing of the vendor. */
static enum job_hosts_said hosts_said(const void *state)
{
    const struct private_connection *connection = state;
    if (connection->verdict == VERDICT_INTERNAL || connection->unresolved)
        return JOB_HOSTS_NOT_ASKED;
    return connection->verdict == VERDICT_UNREACHABLE ? JOB_HOSTS_SILENT : JOB_HOSTS_ANSWERED;
}

/* --- the kind --- */

static bool find_profile(struct store *store, const struct job_row *job, struct arena *arena,
                         struct profile *ret_profile)
{
    struct profile_key key = {job->key.account, job->key.region, job->key.name};
    struct error ignored;
    bool found = false;
    return profile_load(store, arena, key, ret_profile, &found, &ignored) && found;
}

/* A job whose profile cannot be read calls no host, and says why when it runs. */
static struct str hosts(void *context, const struct job_row *job, struct arena *arena)
{
    const struct profile_context *profiles = context;
    struct profile profile;
    struct target target;
    if (!find_profile(profiles->store, job, arena, &profile) ||
        !profile_target_of_row(profiles, NULL, &profile, arena, &target, NULL))
        return STR_NULL;
    return target_hosts(&target);
}

const struct job_kind private_connection_kind = {
    .name = STR("private-connection"),
    .threads_max = PRIVATE_CONNECTION_THREADS,
    .slots_max = PRIVATE_CONNECTION_MAX,
    .retry_ms = PRIVATE_CONNECTION_RETRY_MS,
    .look_ms = PREVIOUS_SWEEP_MS,
    .hosts = hosts,
    .begin = begin,
    .run = run,
    .hosts_said = hosts_said,
    .free = end,
    .looked = previous_sweep_look, /* here, since every node has this runner */
};

static const char *const limit_name[] = {"private-connections"};

const struct metric metric_private_connections_throttled = {
    "headgate_throttled_total",
    .labels = {{"limit", 1, limit_name, NULL}},
    METRIC_SERIES(1),
};

bool private_connection_reserve(const struct profile_context *context, struct str account,
                                struct str hosts_called, struct job_slot **ret_slot,
                                struct error *error)
{
    static const char *const whose[] = {
        [HOST_SHARE_FULL] = "",
        [HOST_SHARE_ACCOUNT_FULL] = " of this account",
        [HOST_SHARE_HOST_FULL] = " to this vendor",
    };
    enum host_share_room room =
        job_reserve(context->private_connections, account, hosts_called, ret_slot);
    if (room == HOST_SHARE_ROOM)
        return true;
    metrics_count(&metric_private_connections_throttled, 0, 0);
    return fail(error, ERR_THROTTLING,
                "Rate exceeded: too many private connections%s are being made (at most %d in all, "
                "shared by accounts and vendor hosts).",
                whose[room], PRIVATE_CONNECTION_MAX);
}

void private_connection_set(struct job_slot *slot, const struct profile *profile,
                            struct arena *arena)
{
    const struct profile_key *key = &profile->key;
    struct str payload = arena_printf(arena, "%lld", (long long)profile->version);
    job_slot_set(slot, key->account, key->region, key->name, payload);
}
