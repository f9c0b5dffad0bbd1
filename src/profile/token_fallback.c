/* A refusal is confirmed by a second one (profile/token_schedule.h). That holds for the OAuth app
 * here, too: a secret that was just changed is refused by some of a vendor's servers for minutes.
 */
#include "profile/token_fallback.h"

#include "base/clock.h"

static bool is_confirmed(const struct token_fallback *fallback, const struct token_state_row *after)
{
    struct str reason = str_from(token_outcome_name(OUTCOME_CLIENT_REFUSED));
    return after->state == TOKEN_NEEDS_REAUTHORIZATION ||
           (fallback->outcome == OUTCOME_CLIENT_REFUSED &&
            str_eq(fallback->before->reason, reason));
}

/* A credential that is not tried again by itself is not sent sooner either. */
static void come_sooner(struct token_state_row *after, int64_t at_ms)
{
    if (after->next_at_ms > at_ms)
        after->next_at_ms = at_ms;
}

bool token_fallback(const struct token_fallback *fallback, struct token_state_row *after,
                    struct arena *arena)
{
    if (!is_confirmed(fallback, after))
        return false;
    enum fallback_end end = profile_fall_back(fallback->context, fallback->profile,
                                              fallback->verdict, STR_NULL, 0, arena);
    if (end == FALLBACK_LATER)
        come_sooner(after, clock_wall_ms() + TOKEN_RETRY_MAX_MS);
    return end == FALLBACK_DONE;
}
