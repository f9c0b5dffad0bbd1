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
#include "base/metrics.h"
#include "profile/provisioning_state.h"
#include "profile/seal.h"
#include "profile/target.h"
#include "profile/tokens.h"
#include "profile/verify.h"
#include "store/audit.h"
#include "wire/errors.h"

#include <stdlib.h>

struct private_connection {
    const struct profile_context *context;
    struct arena arena;
    struct profile profile; /* as loaded; then as it is going to be */
    struct arena trial;     /* of the latest try to ask, whose memory goes when another is made */
    int64_t expected_version;
    const struct job_row *job;
    bool loaded;
    bool lost; /* the lease: another node has the job */
    enum verdict_kind verdict;
    struct grant_journal journal;
    struct profile_tokens stored; /* for the credentials; loaded with the row */
    bool asked;                   /* what follows is set */
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
    free(connection);
}

/* False when the row is not as it was any more: nothing is left to do. */
static bool load(struct private_connection *connection, bool *ret_found, struct error *error)
{
    struct store *store = connection->context->store;
    struct profile *profile = &connection->profile;
    struct store_reader *reader;
    if (!store_point_reader_take(store, &reader, error))
        return false;
    bool ok = profile_find(reader, &connection->arena, profile->key, profile, ret_found, error);
    store_point_reader_put(store, reader);
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

/* False while the store is away. Tokens that cannot be read count as none: the credentials are good
 * without them, and what is got from them now takes their place. */
static bool load_tokens(struct private_connection *connection)
{
    const struct profile *profile = &connection->profile;
    const struct connector *connector = connector_by_type(profile->connector_type);
    struct error error = {0};
    if (!connector || profile_tokens_load(connection->context, connector, profile,
                                          &connection->arena, &connection->stored, &error))
        return true;
    if (error.code == ERR_UNAVAILABLE)
        return false;
    log_warn("The OAuth tokens of profile %.*s (account %.*s, %.*s) cannot be read: %s",
             STR_ARG(profile->key.name), STR_ARG(profile->key.account),
             STR_ARG(profile->key.region), error.message);
    return true;
}

static bool open_row(struct private_connection *connection, struct profile_question *question,
                     struct error *error)
{
    struct profile *profile = &connection->profile;
    struct target *target = arena_new(&connection->trial, struct target);
    const struct value *credentials;
    if (!profile_target_of_row(connection->context, profile, &connection->trial, target, error))
        return false;
    if (!profile_unseal(connection->context->keyring, profile, &connection->trial, &credentials,
                        NULL, error))
        return false;
    *question = (struct profile_question){
        .key = profile->key,
        .target = target,
        .stored = &connection->stored.tokens,
    };
    target_set_credentials(target, credentials);
    return true;
}

/* Tokens that an exchange gave are kept also when the vendor does not accept them in the end: the
 * code or refresh token that they came from may not work a second time. */
static bool seal(struct private_connection *connection, const struct value *credentials,
                 const struct oauth_tokens *tokens, struct error *error)
{
    struct profile *profile = &connection->profile;
    profile->version = connection->expected_version + 1;
    return profile_seal(connection->context->keyring, profile, credentials, &connection->trial,
                        &profile->sealed_credentials, error) &&
           profile_tokens_plan(connection->context,
                               &(struct profile_tokens_question){
                                   .profile = profile,
                                   .before = &connection->stored,
                                   .tokens = tokens,
                               },
                               &connection->trial, &connection->tokens_change, error);
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
    if (!grant_journal_settle(&connection->journal))
        return;
    begin_trial(connection);
    if (!open_row(connection, &question, &error)) {
        conclude_internal(connection, &error);
        return;
    }
    profile_verify(connection->context, &question, arena, &connection->journal, &verdict, &tokens);
    fault_point("private:verified");
    if (verdict.transient)
        return;
    struct str sentence =
        verdict.kind == VERDICT_ACCEPTED
            ? STR("")
            : verdict_describe(arena, connection->profile.connector_type, &verdict);
    conclude(connection, verdict.kind, sentence);
    if (!seal(connection, question.target->credentials, &tokens, &error))
        conclude_internal(connection, &error);
    fault_point("private:sealed");
}

/* --- the commit --- */

static struct audit_entry audit_of(const struct private_connection *connection)
{
    bool accepted = connection->verdict == VERDICT_ACCEPTED;
    enum err code =
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
    connection->profile.provisioning = connection->result;
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
    if (!connection->loaded && !load_tokens(connection))
        return JOB_AGAIN;
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
    if (connection->verdict == VERDICT_INTERNAL)
        return JOB_HOSTS_NOT_ASKED;
    return connection->verdict == VERDICT_UNREACHABLE ? JOB_HOSTS_SILENT : JOB_HOSTS_ANSWERED;
}

/* --- the kind --- */

static bool find_profile(struct store *store, const struct job_row *job, struct arena *arena,
                         struct profile *ret_profile)
{
    struct profile_key key = {job->key.account, job->key.region, job->key.name};
    struct store_reader *reader;
    struct error ignored;
    bool found = false;
    if (!store_point_reader_take(store, &reader, &ignored))
        return false;
    bool ok = profile_find(reader, arena, key, ret_profile, &found, &ignored);
    store_point_reader_put(store, reader);
    return ok && found;
}

/* A job whose profile cannot be read calls no host, and says why when it runs. */
static struct str hosts(void *context, const struct job_row *job, struct arena *arena)
{
    const struct profile_context *profiles = context;
    struct profile profile;
    struct target target;
    if (!find_profile(profiles->store, job, arena, &profile) ||
        !profile_target_of_row(profiles, &profile, arena, &target, NULL))
        return STR_NULL;
    return target_hosts(&target);
}

const struct job_kind private_connection_kind = {
    .name = STR("private-connection"),
    .threads_max = PRIVATE_CONNECTION_THREADS,
    .slots_max = PRIVATE_CONNECTION_MAX,
    .retry_ms = PRIVATE_CONNECTION_RETRY_MS,
    .hosts = hosts,
    .begin = begin,
    .run = run,
    .hosts_said = hosts_said,
    .free = end,
};

bool private_connection_reserve(const struct profile_context *context, struct str hosts_called,
                                struct job_slot **ret_slot, struct error *error)
{
    enum host_share_room room = job_reserve(context->private_connections, hosts_called, ret_slot);
    if (room == HOST_SHARE_ROOM)
        return true;
    metrics_count(METRIC_THROTTLED, LIMIT_PRIVATE_CONNECTIONS, 0);
    return fail(error, ERR_THROTTLING,
                "Rate exceeded: too many private connections%s are being made (at most %d).",
                room == HOST_SHARE_HOST_FULL ? " to this vendor" : "", PRIVATE_CONNECTION_MAX);
}

void private_connection_set(struct job_slot *slot, const struct profile *profile,
                            struct arena *arena)
{
    const struct profile_key *key = &profile->key;
    struct str payload = arena_printf(arena, "%lld", (long long)profile->version);
    job_slot_set(slot, key->account, key->region, key->name, payload);
}
