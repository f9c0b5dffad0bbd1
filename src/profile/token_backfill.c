/* Jobs of many profiles: those of before the keeper get their first ones, and those whose policy
 * has changed another due time. A page is read, its credentials are opened to see which have tokens
 * that can be renewed, and their jobs and states are written in one transaction. */
#include "profile/token_keeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "profile/seal.h"
#include "profile/target.h"
#include "profile/token_schedule.h"
#include "profile/tokens.h"
#include "store/job_times.h"

enum { PAGE = 100 };

struct backfill {
    const struct profile_context *context;
    /* By connector_type_index: whose renewals are planned anew. NULL: those that have no plan. */
    const bool *types;
    struct arena arena; /* of a page */
    struct profile_key keys[PAGE];
    struct token_follow follow[PAGE];
    int64_t before_ms[PAGE]; /* the due time that is planned anew; 0: none was */
    size_t count;
    struct token_planning *planning;
};

static bool apply_page(struct db *db, void *argument, struct error *error)
{
    const struct backfill *backfill = argument;
    bool ok = true;
    for (size_t i = 0; ok && i < backfill->count; i++) {
        const struct profile_key *key = &backfill->keys[i];
        const struct token_follow *follow = &backfill->follow[i];
        const struct job_row job = token_follow_job(*key, follow);
        ok = backfill->types ? job_replan(db, &job, backfill->before_ms[i], error)
                             : token_state_add(db, *key, &follow->state, error) &&
                                   (job.due_at_ms == 0 || job_insert_new(db, &job, error));
    }
    return ok;
}

/* One that cannot be opened is left out: the profile's next change brings it. References are not
 * resolved: nothing is sent, and what counts is that a credential is there. */
static bool open_profile(const struct backfill *backfill, const struct profile *profile,
                         struct arena *arena, struct target *ret_target,
                         struct profile_tokens *ret_stored)
{
    const struct profile_context *context = backfill->context;
    const struct value *credentials;
    struct error ignored;
    if (!profile_target_of_row(context, NULL, profile, arena, ret_target, &ignored) ||
        !profile_unseal_outline(context->keyring, profile, arena, &credentials, &ignored) ||
        !profile_tokens_load(context, ret_target->connector, profile, arena, ret_stored, &ignored))
        return false;
    target_set_credentials(ret_target, credentials);
    return true;
}

/* The due time first: where it is still the same when the new one is written, nothing that follows
 * here has changed. *ret_is_wanted false: the policy is the same, or the wait has another reason.
 */
static bool read_plan(const struct backfill *backfill, struct arena *arena, struct profile *profile,
                      int64_t *ret_before_ms, bool *ret_is_wanted, struct error *error)
{
    const struct connector *connector = connector_by_type(profile->connector_type);
    struct store *store = backfill->context->store;
    struct store_reader *reader;
    struct token_state_row state;
    *ret_is_wanted = false;
    if (!connector || !backfill->types[connector_type_index(connector)])
        return true;
    if (!store_point_reader_take(store, &reader, error))
        return false;
    bool ok = token_state_find(reader, arena, profile->key, &state, ret_is_wanted, error);
    if (ok && *ret_is_wanted)
        ok = profile_find(reader, arena, profile->key, profile, ret_is_wanted, error);
    store_point_reader_put(store, reader);
    *ret_is_wanted = *ret_is_wanted && state.state == TOKEN_FRESH;
    *ret_before_ms = state.next_at_ms;
    return ok;
}

static bool plan(struct backfill *backfill, struct profile profile, struct error *error)
{
    struct arena arena = {0};
    struct target target;
    struct profile_tokens stored;
    struct token_follow *follow = &backfill->follow[backfill->count];
    int64_t now_ms = clock_wall_ms();
    bool is_wanted = true;
    bool ok =
        !backfill->types || read_plan(backfill, &arena, &profile,
                                      &backfill->before_ms[backfill->count], &is_wanted, error);
    if (ok && is_wanted && open_profile(backfill, &profile, &arena, &target, &stored)) {
        token_follow_plan(&target, &stored.tokens, follow);
        if (follow->state.next_at_ms != 0 && follow->state.next_at_ms < now_ms)
            follow->state.next_at_ms =
                token_overdue_at_ms(now_ms, backfill->before_ms[backfill->count],
                                    follow->state.works_until_ms, random_u32());
        follow->lane = arena_copy(&backfill->arena, follow->lane);
        if (follow->what == FOLLOW_PUT)
            backfill->keys[backfill->count++] = profile_key_copy(&backfill->arena, profile.key);
    }
    arena_done(&arena);
    return ok;
}

/* A reader is held for the reading of a page only. */
static bool do_page(struct backfill *backfill, bool *ret_more, struct error *error)
{
    struct token_planning *planning = backfill->planning;
    struct store *store = backfill->context->store;
    struct store_reader *reader;
    struct profile *profiles;
    size_t count = 0;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = profile_list_all(reader, &backfill->arena, planning->after, STR_NULL, PAGE, &profiles,
                               &count, error);
    store_reader_put(store, reader);
    for (size_t i = 0; ok && i < count; i++)
        ok = plan(backfill, profiles[i], error);
    *ret_more = count == PAGE;
    if (!ok || (backfill->count > 0 && !store_apply(store, apply_page, backfill, false, error)))
        return false;
    if (count > 0)
        planning->after = profile_key_copy(planning->arena, profiles[count - 1].key);
    planning->done += backfill->count;
    return true;
}

/* Once for each time that pages begin to fail: the page is tried again every few seconds. */
static void log_failure(struct token_planning *planning, const struct error *error)
{
    const struct profile_key *after = &planning->after;
    if (!planning->failed)
        log_warn("Renewals of tokens cannot be planned and are tried again, from after the profile "
                 "\"%.*s\" of account \"%.*s\" in \"%.*s\": %s",
                 STR_ARG(after->name), STR_ARG(after->account), STR_ARG(after->region),
                 error->message);
    planning->failed = true;
}

static bool do_all(struct backfill *backfill, struct job_runner *runner)
{
    struct token_planning *planning = backfill->planning;
    struct error error = {0};
    bool more = true, ok = true;
    if (!planning->after.account.data)
        planning->after = (struct profile_key){STR(""), STR(""), STR("")};
    while (ok && more && !job_is_stopping(runner)) {
        ok = do_page(backfill, &more, &error);
        backfill->count = 0;
        arena_reset(&backfill->arena);
        if (ok)
            planning->failed = false;
        else
            log_failure(planning, &error);
    }
    arena_done(&backfill->arena);
    return ok && !more;
}

bool token_backfill(const struct profile_context *context, struct job_runner *runner,
                    struct token_planning *planning)
{
    struct backfill backfill = {.context = context, .planning = planning};
    if (!do_all(&backfill, runner))
        return false;
    log_info("The token keeper has found %zu profiles whose tokens it keeps.", planning->done);
    return true;
}

bool token_replan(const struct profile_context *context, struct job_runner *runner,
                  struct token_planning *planning)
{
    struct backfill backfill = {.context = context, .planning = planning};
    struct arena arena = {0};
    struct error ignored; /* logged by the store, and tried again */
    bool ok = token_replan_types(context->store, &arena, &backfill.types, &ignored) &&
              do_all(&backfill, runner);
    if (ok)
        log_info("The renewals of %zu profiles' tokens are planned by changed token policies.",
                 planning->done);
    arena_done(&arena);
    return ok;
}
