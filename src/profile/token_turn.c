/* Waiting for a turn, and what the verdict of a call says of its lane. */
#include "profile/token_turn.h"

#include "base/clock.h"
#include "profile/context.h"
#include "profile/target.h"
#include "profile/token_lane.h"
#include "store/profiles.h"

enum {
    NAP_US = 100 * 1000,  /* of a wait, between looks for the server's end */
    LATE_US = 100 * 1000, /* behind its turn */
    TAKES_MAX = 3,        /* turns, one after another */
};

/* *ret_late: how long after its turn it is. False: there is none, or the server ends. */
static bool wait_for_turn(struct token_turn *turn, struct job_runner *runner, int64_t *ret_late_us)
{
    turn->taken_us = clock_mono_us();
    int64_t wait_us = token_lane_enter(turn->lanes, turn->lane, turn->taken_us);
    if (wait_us < 0)
        return false;
    turn->begins_us = turn->taken_us + wait_us;
    while (wait_us > 0 && !job_is_stopping(runner)) {
        clock_nap_us(wait_us < NAP_US ? wait_us : NAP_US);
        wait_us = turn->begins_us - clock_mono_us();
    }
    *ret_late_us = -wait_us;
    return wait_us <= 0;
}

/* A turn that was missed is not made up for: after a moment in which this server stood still, all
 * that waited would call at once. */
bool token_turn_take(struct token_turn *turn, struct job_runner *runner)
{
    turn->taken_us = turn->begins_us = clock_mono_us();
    if (turn->lane.len == 0)
        return true;
    int64_t late_us = LATE_US + 1;
    for (int i = 0; late_us > LATE_US && i < TAKES_MAX; i++) {
        if (!wait_for_turn(turn, runner, &late_us))
            return false;
    }
    /* The lane may have begun a pause meanwhile. */
    return token_lane_limit(turn->lanes, turn->lane, clock_mono_us()) > 0;
}

static enum token_lane_answer answer_of(const struct verdict *verdict)
{
    if (verdict->kind == VERDICT_THROTTLED && verdict->status != 0)
        return LANE_THROTTLED;
    if (verdict->kind == VERDICT_BUSY)
        return LANE_BUSY;
    return verdict->kind == VERDICT_UNREACHABLE && verdict->status == 0 ? LANE_SILENT
                                                                        : LANE_ANSWERED;
}

/* What failed before a call was made says nothing of how long calls take. */
static bool was_called(const struct verdict *verdict)
{
    return verdict->status != 0 || verdict->kind == VERDICT_ACCEPTED ||
           verdict->kind == VERDICT_UNREACHABLE || verdict->kind == VERDICT_BUSY;
}

void token_turn_tell(const struct token_turn *turn, const struct verdict *verdict)
{
    const struct token_lane_call call = {
        .answer = answer_of(verdict),
        .taken_us = turn->taken_us,
        .begun_us = turn->begins_us,
        .retry_after_ms = verdict->retry_after_ms,
    };
    if (turn->lane.len > 0 && was_called(verdict))
        token_lane_note(turn->lanes, turn->lane, &call, clock_mono_us());
}

/* One that is to wait for longer gives its slot back. */
bool token_turn_may_defer(struct token_turn *turn, const struct verdict *verdict)
{
    enum token_lane_answer answer = answer_of(verdict);
    return turn->lane.len > 0 && (answer == LANE_THROTTLED || answer == LANE_BUSY) &&
           !verdict->in_doubt && verdict->retry_after_ms <= TOKEN_LANE_PAUSE_MAX_MS &&
           turn->deferrals++ < TOKEN_TURN_DEFERRALS_MAX;
}

/* --- for the scheduler --- */

/* A job whose profile cannot be read calls no host, and says why when it runs. */
static struct str hosts_of_profile(const struct profile_context *profiles,
                                   const struct job_row *job, struct arena *arena)
{
    struct profile_key key = {job->key.account, job->key.region, job->key.name};
    struct store_reader *reader;
    struct profile profile;
    struct target target;
    struct error ignored;
    bool found = false;
    if (job->key.account.len == 0 || !store_point_reader_take(profiles->store, &reader, &ignored))
        return STR_NULL;
    bool ok = profile_find(reader, arena, key, &profile, &found, &ignored);
    store_point_reader_put(profiles->store, reader);
    if (!ok || !found || !profile_target_of_row(profiles, NULL, &profile, arena, &target, &ignored))
        return STR_NULL;
    return target_hosts(&target);
}

struct str token_turn_hosts(void *context, const struct job_row *job, struct arena *arena)
{
    return job->payload.len > 0 ? job->payload : hosts_of_profile(context, job, arena);
}

size_t token_turn_limit(void *context, struct str lane)
{
    const struct profile_context *profiles = context;
    return token_lane_limit(profiles->token_lanes, lane, clock_mono_us());
}

int64_t token_turn_limits_grow_at_ms(void *context)
{
    const struct profile_context *profiles = context;
    return token_lanes_resume_at_ms(profiles->token_lanes, clock_mono_ms());
}
