/* Planning and writing what the keeper is to do next. */
#include "profile/token_follow.h"

#include "base/clock.h"
#include "base/random.h"
#include "connector/credential_end.h"
#include "connector/target.h"
#include "job/job.h"
#include "profile/end_schedule.h"
#include "profile/provisioning_state.h"
#include "profile/token_event.h"
#include "profile/token_lane.h"
#include "profile/token_schedule.h"

int64_t token_follow_end_ms(const struct token_renewal *renewal, const struct oauth_tokens *tokens)
{
    int64_t life_ms = (int64_t)renewal->policy->life_s * 1000;
    if (tokens->expires_at_ms != 0)
        return tokens->expires_at_ms;
    return life_ms != 0 && tokens->obtained_at_ms != 0 ? tokens->obtained_at_ms + life_ms : 0;
}

int64_t token_follow_due_at_ms(const struct token_renewal *renewal,
                               const struct oauth_tokens *tokens, int64_t now_ms)
{
    int64_t obtained_at_ms = tokens->obtained_at_ms != 0 ? tokens->obtained_at_ms : now_ms;
    return token_due_at_ms(&(struct token_times){
        .renewal = renewal,
        .obtained_at_ms = obtained_at_ms,
        .expires_at_ms = tokens->expires_at_ms,
        .renewed_at_ms = obtained_at_ms,
        .refresh_expires_at_ms = tokens->refresh_expires_at_ms,
        .spread = random_u32(),
    });
}

void token_follow_plan(const struct target *target, const struct oauth_tokens *tokens,
                       struct token_follow *ret_follow)
{
    struct token_renewal renewal;
    int64_t now_ms = clock_wall_ms();
    *ret_follow = (struct token_follow){.what = FOLLOW_DROP};
    if (!token_renewal_of(target, tokens, &renewal)) {
        ret_follow->asks = credential_end_is_asked(target, tokens);
        return;
    }
    ret_follow->what = FOLLOW_PUT;
    ret_follow->lane = token_lane_name(target->arena, &renewal);
    ret_follow->state = (struct token_state_row){
        .state = TOKEN_FRESH,
        .since_ms = now_ms,
        .renewed_at_ms = tokens->obtained_at_ms != 0 ? tokens->obtained_at_ms : now_ms,
        .works_until_ms = token_follow_end_ms(&renewal, tokens),
        .next_at_ms = token_follow_due_at_ms(&renewal, tokens, now_ms),
    };
}

/* A profile that works has no reported state, and costs nothing here. */
void token_follow_report(const struct profile_context *context, const struct target *target,
                         const struct profile *profile, const struct oauth_tokens *tokens,
                         struct arena *arena, struct token_follow *follow)
{
    if (follow->what == FOLLOW_PUT && profile->reported.state.data &&
        !provisioning_is_pending(&profile->provisioning))
        follow->event = token_event_plan(context, target, profile, tokens, &follow->state, arena);
}

static bool apply_state(struct db *db, struct profile_key key, const struct token_follow *follow,
                        struct error *error)
{
    return token_state_put(db, key, &follow->state, error) &&
           (!follow->event || credential_event_apply(db, follow->event, error));
}

struct job_row token_follow_job(struct profile_key key, const struct token_follow *follow)
{
    return (struct job_row){
        .key = {TOKEN_KEEPER_JOB, key.account, key.region, key.name},
        .due_at_ms = follow->state.next_at_ms,
        .fence = job_new_fence(),
        .payload = follow->lane,
    };
}

bool token_follow_apply(struct db *db, struct profile_key key, const struct token_follow *follow,
                        struct error *error)
{
    const struct job_row job = token_follow_job(key, follow);
    if (follow->asks && !end_lookup_plan(db, key, error))
        return false;
    switch (follow->what) {
    case FOLLOW_NOT:
        return true;
    case FOLLOW_PUT:
        return apply_state(db, key, follow, error) &&
               (job.due_at_ms != 0 ? job_insert(db, &job, STR(""), error)
                                   : job_drop(db, &job.key, error));
    case FOLLOW_DROP:
        return token_state_delete(db, key, error);
    }
    return true;
}

void token_follow_wake(const struct profile_context *context, const struct token_follow *follow)
{
    int64_t due_at_ms = follow->what == FOLLOW_PUT ? follow->state.next_at_ms : 0;
    if (context->token_keeper && due_at_ms != 0 &&
        due_at_ms < clock_wall_ms() + TOKEN_KEEPER_LOOK_MS)
        job_runner_look(context->token_keeper);
    credential_event_say(context, follow->event, true);
}
