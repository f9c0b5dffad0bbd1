/* A job's name is the secret's ARN, or the name of a copy that was made for one call; its payload
 * the profile's name, or nothing: then the copy goes. The ARN in the row decides whether the
 * profile is still the one that the job is about. Jobs with a connector's name are those of
 * profile/secret_mirror_label.h. */
#include "profile/secret_mirror.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "connector/custom/declared.h"
#include "connector/custom/secret_text.h"
#include "profile/credentials.h"
#include "profile/secret_mirror_label.h"
#include "profile/target.h"
#include "profile/tokens.h"
#include "wire/errors.h"

#include <stdlib.h>

struct mirroring {
    const struct profile_context *context;
    const struct job_row *job;
    struct arena arena;
    bool lost; /* the lease */
};

/* --- the job is written --- */

static bool insert(struct db *db, const struct job_key *key, struct str payload, int64_t due_at_ms,
                   struct error *error)
{
    const struct job_row row = {
        .key = *key, .due_at_ms = due_at_ms, .fence = job_new_fence(), .payload = payload};
    return job_insert(db, &row, STR(""), error);
}

static bool needs_copy(const struct profile_context *context, const struct connector *connector)
{
    const struct custom_connector *custom = connector ? connector->custom : NULL;
    return !custom || function_copies_secrets(context->connectors->functions, custom->function_arn);
}

bool secret_mirror_follow(struct db *db, const struct profile_context *context,
                          const struct connector *connector, const struct profile *profile,
                          struct error *error)
{
    const struct job_key key = {secret_mirror_kind.name, profile->key.account, profile->key.region,
                                profile->credentials_arn};
    if (!context->secret_mirror || profile->connector_label.len == 0 ||
        !needs_copy(context, connector))
        return true;
    return insert(db, &key, profile->key.name, clock_wall_ms(), error);
}

bool secret_mirror_drop(struct db *db, const struct profile_context *context,
                        struct profile_key key, struct arena *arena, struct error *error)
{
    struct profile_secret_row row;
    if (!context->secret_mirror)
        return true;
    if (!profile_read_secret(db, key, arena, &row, error))
        return false;
    const struct profile profile = {
        .key = key, .credentials_arn = row.arn, .connector_label = row.label};
    return secret_mirror_follow(db, context, NULL, &profile, error);
}

void secret_mirror_wake(const struct profile_context *context)
{
    if (context->secret_mirror)
        job_runner_look(context->secret_mirror);
}

struct later {
    struct job_key key;
    int64_t at_ms;
};

static bool apply_later(struct db *db, void *argument, struct error *error)
{
    const struct later *later = argument;
    return insert(db, &later->key, STR(""), later->at_ms, error);
}

bool secret_mirror_remove_later(void *context, const struct function_secret *secret, int64_t at_ms,
                                struct error *error)
{
    const struct profile_context *profiles = context;
    struct str region = str_field(secret->arn, ':', 3);
    struct later later = {{secret_mirror_kind.name, secret->account, region, secret->copy}, at_ms};
    if (!store_apply(profiles->store, apply_later, &later, false, error))
        return false;
    secret_mirror_wake(profiles);
    return true;
}

/* --- the job runs --- */

static bool load(struct mirroring *mirroring, struct profile *ret_profile, bool *ret_found,
                 struct error *error)
{
    const struct job_key *key = &mirroring->job->key;
    struct store *store = mirroring->context->store;
    struct store_reader *reader;
    *ret_found = false;
    if (mirroring->job->payload.len == 0)
        return true;
    if (!store_point_reader_take(store, &reader, error))
        return false;
    struct profile_key profile = {key->account, key->region, mirroring->job->payload};
    bool ok = profile_find(reader, &mirroring->arena, profile, ret_profile, ret_found, error);
    store_point_reader_put(store, reader);
    *ret_found = ok && *ret_found && str_eq(ret_profile->credentials_arn, key->name);
    return ok;
}

/* STR_NULL: the connector needs no copy any more. */
static bool read_text(struct mirroring *mirroring, const struct profile *profile,
                      struct str *ret_text, int64_t *ret_version, struct error *error)
{
    const struct profile_context *context = mirroring->context;
    struct arena *arena = &mirroring->arena;
    struct profile_credentials credentials;
    struct profile_tokens stored;
    struct target target;
    *ret_text = STR_NULL;
    if (!profile_target_of_row(context, NULL, profile, arena, &target, error))
        return error->code == ERR_NOT_FOUND; /* it was unregistered by force, and reads no copy */
    *ret_version = target.connector->version;
    if (!needs_copy(context, target.connector))
        return true;
    if (!profile_credentials_open(context, profile, &target, &credentials, error) ||
        !profile_tokens_load(context, target.connector, profile, arena, &stored, error))
        return false;
    *ret_text = secret_text(arena, credentials.resolved, &stored.tokens);
    return ret_text->data || fail(error, ERR_INTERNAL, "The secret is too long.");
}

/* `copy`: of a job for one call; its name is no ARN, of which only the region is needed then. */
static struct function_secret secret_of(struct mirroring *mirroring, struct str text)
{
    const struct job_key *key = &mirroring->job->key;
    bool is_arn = str_starts(key->name, STR("arn:"));
    return (struct function_secret){
        .account = key->account,
        .arn = is_arn ? key->name
                      : arena_printf(&mirroring->arena,
                                     "arn:aws:secretsmanager:%.*s:", STR_ARG(key->region)),
        .text = text,
        .copy = is_arn ? STR_NULL : key->name,
        .deadline_ms = clock_mono_ms() + SECRET_MIRROR_TIME_MS,
    };
}

static bool follow(struct mirroring *mirroring, struct error *error)
{
    struct profile profile;
    struct str text = STR_NULL;
    int64_t version = 0;
    struct function_answer answer;
    bool found;
    if (!load(mirroring, &profile, &found, error))
        return false;
    if (found && !read_text(mirroring, &profile, &text, &version, error))
        return false;
    struct function_secret secret = secret_of(mirroring, text);
    secret.connector_version = version;
    return function_keep_secret(mirroring->context->connectors->functions, &secret,
                                &mirroring->arena, &answer) ||
           fail(error, ERR_CONNECTOR_SERVER, "%.*s", STR_ARG(answer.message));
}

static bool apply_finish(struct db *db, void *argument, struct error *error)
{
    struct mirroring *mirroring = argument;
    bool held;
    if (!job_finish(db, mirroring->job, &held, error))
        return false;
    mirroring->lost = !held;
    return held || fail(error, ERR_LOST_RACE, "The lease of the job was lost.");
}

static bool apply_retry(struct db *db, void *argument, struct error *error)
{
    struct mirroring *mirroring = argument;
    int64_t wait_ms = SECRET_MIRROR_RETRY_MAX_MS, attempts = mirroring->job->attempts;
    bool held;
    if (attempts < 8 && (SECRET_MIRROR_RETRY_MS << attempts) < wait_ms)
        wait_ms = SECRET_MIRROR_RETRY_MS << attempts;
    if (!job_retry(db, mirroring->job, clock_wall_ms() + wait_ms, &held, error))
        return false;
    mirroring->lost = !held;
    return held || fail(error, ERR_LOST_RACE, "The lease of the job was lost.");
}

/* The fence guards the row, not what was sent to Secrets Manager: a put of a lost lease may have
 * come after that of the job that took over. Later than any call of either, the copy is made what
 * the store says once more. */
static bool apply_again(struct db *db, void *argument, struct error *error)
{
    const struct mirroring *mirroring = argument;
    struct job_row row = *mirroring->job;
    row.due_at_ms = clock_wall_ms() + SECRET_MIRROR_TIME_MS;
    row.fence = job_new_fence();
    row.lease_until_ms = 0;
    return job_insert_again(db, &row, error);
}

/* A copy for one call is only removed, by whichever job holds the lease now. */
static void follow_again(struct mirroring *mirroring, struct job_runner *runner)
{
    const struct job_row *job = mirroring->job;
    struct error error;
    if (job->payload.len == 0)
        return;
    if (!store_apply(mirroring->context->store, apply_again, mirroring, false, &error))
        log_warn("The copy of the secret %.*s may not be current: %s", STR_ARG(job->key.name),
                 error.message);
    job_runner_look(runner);
}

const char *secret_mirror_fault(const struct job_row *job)
{
    struct str name = job->key.name;
    bool is_arn = str_starts(name, STR("arn:"));
    if (job->payload.len > 0 && !is_arn)
        return "is for the secret of a profile, but names none.";
    if (is_arn && (!str_eq(str_field(name, ':', 3), job->key.region) ||
                   !str_eq(str_field(name, ':', 4), job->key.account)))
        return "is for the secret of another account or region than its own.";
    return NULL;
}

/* --- the kind --- */

static void *begin(void *context, const struct job_row *job)
{
    struct mirroring *mirroring = xcalloc(1, sizeof(*mirroring));
    mirroring->context = context;
    mirroring->job = job;
    return mirroring;
}

/* Jobs of copies for one call have a limit, since every call makes one: where AWS refuses the
 * server's identity, or the role, they would only grow in number. */
static bool gives_up(const struct mirroring *mirroring)
{
    const struct job_row *job = mirroring->job;
    if (job->payload.len > 0 || job->attempts < SECRET_MIRROR_TRIES_MAX)
        return false;
    log_error("The copy %.*s of a secret could not be removed. Remove it in AWS Secrets Manager.",
              STR_ARG(job->key.name));
    return true;
}

static enum job_end run_copy(struct mirroring *mirroring, struct job_runner *runner)
{
    struct error error = {0}, ignored;
    bool done = follow(mirroring, &error);
    arena_done(&mirroring->arena); /* it held the secret */
    if (!done && job_is_stopping(runner))
        return JOB_STOPPED;
    done = done || gives_up(mirroring);
    if (!done)
        log_warn("The copy of the secret %.*s is not current; it is tried again: %s",
                 STR_ARG(mirroring->job->key.name), error.message);
    bool committed = store_apply(mirroring->context->store, done ? apply_finish : apply_retry,
                                 mirroring, false, &ignored);
    if (committed && !done)
        job_runner_look(runner);
    if (!committed && mirroring->lost)
        follow_again(mirroring, runner);
    return committed || mirroring->lost ? JOB_DONE : JOB_AGAIN;
}

static enum job_end run(void *state, struct job_runner *runner)
{
    struct mirroring *mirroring = state;
    if (secret_mirror_is_of_label(&mirroring->job->key))
        return secret_mirror_run_label(mirroring->context, mirroring->job, runner);
    return run_copy(mirroring, runner);
}

static void end(void *state)
{
    struct mirroring *mirroring = state;
    arena_done(&mirroring->arena);
    free(mirroring);
}

static struct str hosts(void *context, const struct job_row *row, struct arena *arena)
{
    (void)context;
    (void)row;
    (void)arena;
    return STR_NULL;
}

static enum job_hosts_said hosts_said(const void *state)
{
    (void)state;
    return JOB_HOSTS_NOT_ASKED;
}

const struct job_kind secret_mirror_kind = {
    .name = SECRET_MIRROR_JOB,
    .threads_max = SECRET_MIRROR_THREADS,
    .slots_max = SECRET_MIRROR_MAX,
    .retry_ms = SECRET_MIRROR_RETRY_MS,
    .hosts = hosts,
    .begin = begin,
    .run = run,
    .hosts_said = hosts_said,
    .free = end,
};
