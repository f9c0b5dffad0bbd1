/* The job's name is the connector's ARN. It keeps no place among the profiles: after kill -9 it
 * begins again, since a copy that is made what the store says once more is the same. */
#include "profile/secret_mirror_label.h"

#include "base/clock.h"
#include "base/log.h"
#include "connector/connector.h"
#include "connector/custom/function.h"
#include "connector/env.h"
#include "profile/registration.h"
#include "store/profiles.h"
#include "wire/errors.h"

/* --- the job is written --- */

static bool copies(const struct profile_context *context, struct str function)
{
    return function.data && function_copies_secrets(context->connectors->functions, function);
}

bool secret_mirror_follow_label(struct db *db, const struct profile_context *context,
                                const struct connector_key *key, struct str function_before,
                                struct str function_now, struct arena *arena, struct error *error)
{
    bool needs_copies = copies(context, function_now);
    if (!context->secret_mirror || (function_before.data && function_now.data &&
                                    copies(context, function_before) == needs_copies))
        return true;
    const struct job_row row = {
        .key = {SECRET_MIRROR_JOB, key->account, key->region, registration_arn(arena, key)},
        .due_at_ms = clock_wall_ms() + (needs_copies ? 0 : SECRET_MIRROR_REST_MS),
        .fence = job_new_fence(),
        .payload = STR(""),
    };
    return job_insert(db, &row, STR(""), error);
}

/* --- the job runs --- */

bool secret_mirror_is_of_label(const struct job_key *key)
{
    return str_starts(key->name, STR("arn:aws:appflow:"));
}

struct copies_page {
    const struct job_row *job;
    const struct profile *profiles;
    size_t count;
    bool lost; /* the lease */
};

static bool hold(struct db *db, struct copies_page *page, struct error *error)
{
    bool held, last = page->count < SECRET_MIRROR_PAGE;
    if (!(last ? job_finish(db, page->job, &held, error)
               : job_extend(db, page->job, clock_wall_ms() + JOB_LEASE_MS, &held, error)))
        return false;
    page->lost = !held;
    return held || fail(error, ERR_LOST_RACE, "The lease of the job was lost.");
}

static bool apply_page(struct db *db, void *argument, struct error *error)
{
    struct copies_page *page = argument;
    if (!hold(db, page, error))
        return false;
    for (size_t i = 0; i < page->count; i++) {
        const struct profile *profile = &page->profiles[i];
        const struct job_row row = {
            .key = {SECRET_MIRROR_JOB, profile->key.account, profile->key.region,
                    profile->credentials_arn},
            .due_at_ms = clock_wall_ms(),
            .fence = job_new_fence(),
            .payload = profile->key.name,
        };
        if (!job_insert(db, &row, STR(""), error))
            return false;
    }
    return true;
}

static bool read_page(struct store *store, const struct profile_filter *filter, struct arena *arena,
                      struct copies_page *page, struct error *error)
{
    struct store_reader *reader;
    struct profile *profiles;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok =
        profile_list(reader, arena, filter, SECRET_MIRROR_PAGE, &profiles, &page->count, error);
    store_reader_put(store, reader);
    page->profiles = profiles;
    return ok;
}

/* *ret_last, in the arena, becomes the name of the page's last profile; STR_NULL: it was the last
 * page. */
static bool make_page(const struct profile_context *context, const struct profile_filter *filter,
                      struct arena *arena, struct copies_page *page, struct str *ret_last,
                      struct error *error)
{
    *ret_last = STR_NULL;
    if (!read_page(context->store, filter, arena, page, error) ||
        !store_apply(context->store, apply_page, page, false, error))
        return false;
    if (page->count == SECRET_MIRROR_PAGE)
        *ret_last = page->profiles[page->count - 1].key.name;
    return true;
}

enum job_end secret_mirror_run_label(const struct profile_context *context,
                                     const struct job_row *job, struct job_runner *runner)
{
    struct copies_page page = {.job = job};
    struct arena arenas[2] = {{0}, {0}}; /* of this page, and of that before: it has `last` */
    struct error error = {0};
    struct str last = STR("");
    bool ok = true;
    for (int i = 0; ok && last.data && !job_is_stopping(runner); i ^= 1) {
        const struct profile_filter filter = {
            .account = job->key.account,
            .region = job->key.region,
            .connector_type = CUSTOM_CONNECTOR,
            .connector_label = str_behind(job->key.name, '/', 1),
            .after_name = last,
        };
        arena_reset(&arenas[i]);
        ok = make_page(context, &filter, &arenas[i], &page, &last, &error);
        job_runner_look(runner);
    }
    arena_done(&arenas[0]);
    arena_done(&arenas[1]);
    if (!ok && !page.lost)
        log_warn("The copies of secrets for %.*s are not current; they are tried again: %s",
                 STR_ARG(job->key.name), error.message);
    if (ok && last.data)
        return JOB_STOPPED;
    return ok || page.lost ? JOB_DONE : JOB_AGAIN;
}
