/* From a new state of tokens to its event. */
#include "profile/token_event.h"

#include "base/clock.h"
#include "base/log.h"
#include "connector/target.h"

struct credential_event_plan *
token_event_plan(const struct profile_context *context, const struct target *target,
                 const struct profile *profile, const struct oauth_tokens *tokens,
                 const struct token_state_row *state, struct arena *arena)
{
    int64_t now_ms = clock_wall_ms();
    struct profile_forecast forecast = {0};
    struct token_state_row committed = *state;
    committed.lease_until_ms = 0; /* the job's lease ends with the write of the state */
    if (target->http)
        forecast_of_target(target, profile, tokens, NULL, true, now_ms, &forecast);
    forecast_heed_keeper(&forecast, &committed, now_ms, arena);
    forecast_heed_row(&forecast, profile);
    struct credential_event_plan *plan =
        credential_event_plan(context, profile, &forecast, now_ms, arena);
    if (plan)
        plan->decides = true;
    return plan;
}

void token_event_log_move(const struct profile_key *key, const struct token_state_row *before,
                          const struct token_state_row *after)
{
    struct str from = token_state_name(before->state), to = token_state_name(after->state);
    if (after->state == TOKEN_FRESH)
        log_info("The tokens of profile %.*s (account %.*s, %.*s) are %.*s again; they were %.*s.",
                 STR_ARG(key->name), STR_ARG(key->account), STR_ARG(key->region), STR_ARG(to),
                 STR_ARG(from));
    else
        log_warn("The tokens of profile %.*s (account %.*s, %.*s): %.*s (%.*s). %.*s",
                 STR_ARG(key->name), STR_ARG(key->account), STR_ARG(key->region), STR_ARG(to),
                 STR_ARG(after->reason), STR_ARG(after->words));
}
