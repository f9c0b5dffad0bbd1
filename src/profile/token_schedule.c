/* Due times, outcomes and the transitions between the states of tokens. */
#include "profile/token_schedule.h"

#include "base/int64.h"

enum {
    MARGIN_MIN_MS = 90 * 1000, /* three tries of a call of 30 s */
    HOUR_MS = 60 * 60 * 1000,
    MARGIN_MAX_MS = 15 * 60 * 1000, /* for lives up to two hours */
    LONG_MARGIN_MAX_MS = 2 * HOUR_MS,
    BEFORE_END_MS = 2 * 60 * 1000, /* when showing a lost refresh token again costs nothing */
};

static const char *const names[OUTCOME_COUNT] = {
    [OUTCOME_RENEWED] = "renewed",
    [OUTCOME_VENDOR_DOWN] = "vendor_down",
    [OUTCOME_THROTTLED] = "throttled",
    [OUTCOME_BUSY] = "busy",
    [OUTCOME_REPLY_LOST] = "reply_lost",
    [OUTCOME_STORE_FAILED] = "store_failed",
    [OUTCOME_SECRET_UNAVAILABLE] = "secret_unavailable",
    [OUTCOME_KEY_UNAVAILABLE] = "key_unavailable",
    [OUTCOME_NOT_UNDERSTOOD] = "not_understood",
    [OUTCOME_CLIENT_REFUSED] = "client_refused",
    [OUTCOME_GRANT_REFUSED] = "grant_refused",
    [OUTCOME_GRANT_SPENT] = "grant_spent",
};

const char *token_outcome_name(enum token_outcome outcome)
{
    return outcome < OUTCOME_COUNT ? names[outcome] : "";
}

/* --- what the vendor's answer means for the credential --- */

/* A refusal that names nothing but the app, or nothing at all, does not make a grant a dead one. */
static enum token_outcome outcome_of_refusal(const struct verdict *verdict)
{
    static const unsigned of_grant = CAUSE_GRANT | CAUSE_CREDENTIAL | CAUSE_USER | CAUSE_ACCOUNT |
                                     CAUSE_SECOND_FACTOR | CAUSE_NEW_PASSWORD;
    if (verdict->in_doubt)
        return OUTCOME_GRANT_SPENT;
    if (verdict->step != STEP_TOKEN)
        return OUTCOME_NOT_UNDERSTOOD;
    if (verdict->causes & of_grant)
        return OUTCOME_GRANT_REFUSED;
    return verdict->causes & CAUSE_CLIENT ? OUTCOME_CLIENT_REFUSED : OUTCOME_NOT_UNDERSTOOD;
}

enum token_outcome token_outcome_of(const struct verdict *verdict)
{
    if (verdict->kind == VERDICT_REJECTED)
        return outcome_of_refusal(verdict);
    if (verdict->in_doubt)
        return OUTCOME_REPLY_LOST;
    switch (verdict->kind) {
    case VERDICT_ACCEPTED:
        return OUTCOME_RENEWED;
    case VERDICT_UNREACHABLE:
        return OUTCOME_VENDOR_DOWN;
    case VERDICT_THROTTLED:
        return OUTCOME_THROTTLED;
    case VERDICT_BUSY:
        return OUTCOME_BUSY;
    case VERDICT_INTERNAL:
        return verdict->transient ? OUTCOME_BUSY : OUTCOME_STORE_FAILED;
    case VERDICT_REJECTED:
    case VERDICT_FORBIDDEN:
    case VERDICT_BLOCKED:
    case VERDICT_MISCONFIGURED:
    case VERDICT_ABSENT:
        break;
    }
    return verdict->step == STEP_APP ? OUTCOME_CLIENT_REFUSED : OUTCOME_NOT_UNDERSTOOD;
}

/* --- due times --- */

/* A part of `most` that the random number chooses. */
static int64_t part(int64_t most, uint32_t random)
{
    return most / 1000 * (random % 1000);
}

static int64_t between(int64_t least, int64_t most, uint32_t random)
{
    return most > least ? least + (int64_t)(random % (uint64_t)(most - least + 1)) : least;
}

/* A third of a life at most, whatever the policy says. */
static int64_t margin_ms(const struct token_policy *policy, int64_t life_ms)
{
    int64_t most_ms = life_ms <= 2 * HOUR_MS ? MARGIN_MAX_MS : LONG_MARGIN_MAX_MS;
    int64_t margin_ms = life_ms / 10 > MARGIN_MIN_MS ? life_ms / 10 : MARGIN_MIN_MS;
    if (margin_ms > most_ms)
        margin_ms = most_ms;
    if (policy->margin_s > 0)
        margin_ms = (int64_t)policy->margin_s * 1000;
    return i64_min(margin_ms, life_ms / 3);
}

static int64_t access_due_ms(const struct token_times *times)
{
    const struct token_policy *policy = times->renewal->policy;
    int64_t life_ms = times->expires_at_ms - times->obtained_at_ms;
    if (times->expires_at_ms == 0 && policy->life_s == 0)
        return 0;
    if (times->expires_at_ms == 0) {
        life_ms = (int64_t)policy->life_s * 1000;
        return times->obtained_at_ms + life_ms / 2 - part(life_ms / 10, times->spread);
    }
    if (policy->same_until_end)
        return times->expires_at_ms + part(2000, times->spread);
    if (life_ms <= 0)
        return times->expires_at_ms;
    return times->expires_at_ms - margin_ms(policy, life_ms) - part(life_ms / 5, times->spread);
}

/* Half of what the vendor lets a refresh token lie unused. One that has an end which the vendor
 * said is replaced at half of its life, where a renewal brings another. */
static int64_t idle_due_ms(const struct token_times *times)
{
    const struct token_policy *policy = times->renewal->policy;
    int64_t idle_ms = (int64_t)policy->idle_s * 1000;
    int64_t left_ms = times->refresh_expires_at_ms - times->renewed_at_ms;
    if (policy->rotation != ROTATION_NEVER && left_ms > 0 && (idle_ms == 0 || left_ms < idle_ms))
        idle_ms = left_ms;
    if (!times->renewal->by_refresh_token || idle_ms == 0)
        return 0;
    return times->renewed_at_ms + idle_ms / 2 - part(idle_ms / 20, times->spread);
}

int64_t token_due_at_ms(const struct token_times *times)
{
    int64_t access_ms = access_due_ms(times), idle_ms = idle_due_ms(times);
    int64_t due_ms = access_ms == 0 ? idle_ms : access_ms;
    if (due_ms == 0)
        return 0;
    if (idle_ms != 0)
        due_ms = i64_min(due_ms, idle_ms);
    int64_t earliest_ms = times->obtained_at_ms + TOKEN_INTERVAL_MIN_MS;
    return due_ms > earliest_ms ? due_ms : earliest_ms;
}

int64_t token_overdue_at_ms(int64_t now_ms, int64_t before_ms, int64_t works_until_ms,
                            uint32_t random)
{
    int64_t due_ms = now_ms + random % TOKEN_SPREAD_MS;
    if (works_until_ms > now_ms)
        due_ms = i64_min(due_ms, i64_max(works_until_ms - MARGIN_MIN_MS, now_ms));
    return before_ms != 0 ? i64_min(due_ms, before_ms) : due_ms;
}

/* --- transitions --- */

/* Decorrelated jitter: between `least` and three times the wait before, so that profiles that
 * failed together do not come again together. */
static int64_t next_wait_ms(const struct token_state_row *before, int64_t least, int64_t most,
                            uint32_t random)
{
    int64_t widest = before->wait_ms > least ? before->wait_ms * 3 : least * 3;
    return between(least, i64_min(widest, most), random);
}

static void move(struct token_state_row *row, enum token_state state,
                 const struct token_event *event)
{
    if (row->state != state)
        row->since_ms = event->now_ms;
    row->state = state;
    row->reason =
        event->outcome == OUTCOME_RENEWED ? STR_NULL : str_from(token_outcome_name(event->outcome));
    row->words = event->outcome == OUTCOME_RENEWED ? STR_NULL : event->words;
}

static void wait(struct token_state_row *row, const struct token_event *event, int64_t wait_ms)
{
    int64_t asked_ms = i64_min(event->retry_after_ms, TOKEN_SLOW_MAX_MS);
    row->wait_ms = wait_ms > asked_ms ? wait_ms : asked_ms;
    row->next_at_ms = event->now_ms + row->wait_ms;
}

/* A person must act. What was revoked by mistake may be restored, so a refresh token, or a key
 * that signs assertions, is tried once a day; a password is not, since vendors lock out its user.
 */
static void give_up(struct token_state_row *row, const struct token_renewal *renewal,
                    const struct token_event *event)
{
    move(row, TOKEN_NEEDS_REAUTHORIZATION, event);
    row->wait_ms = 0;
    bool may_revive =
        (renewal->by_refresh_token || renewal->by_key) && event->outcome != OUTCOME_GRANT_SPENT;
    row->next_at_ms = may_revive ? event->now_ms + TOKEN_REVIVE_MS : 0;
}

static bool had_reason(const struct token_state_row *before, enum token_outcome outcome)
{
    return str_eq(before->reason, str_from(token_outcome_name(outcome)));
}

/* One refusal alone may be a mistake of the vendor's, or of a moment; after a lost answer it says
 * what had become of the refresh token. */
static void refuse(struct token_state_row *row, const struct token_state_row *before,
                   const struct token_renewal *renewal, const struct token_event *event)
{
    bool confirmed = before->state == TOKEN_NEEDS_REAUTHORIZATION ||
                     had_reason(before, OUTCOME_GRANT_REFUSED) ||
                     had_reason(before, OUTCOME_REPLY_LOST);
    if (confirmed) {
        give_up(row, renewal, event);
        return;
    }
    move(row, TOKEN_BACKING_OFF, event);
    wait(row, event, between(TOKEN_CONFIRM_MIN_MS, TOKEN_CONFIRM_MAX_MS, event->random));
}

/* Soon, where it can be found out what became of it or where showing it again is not punished;
 * else when the access token has nearly ended. */
static int64_t doubt_wait_ms(const struct token_state_row *row, const struct token_renewal *renewal,
                             const struct token_event *event)
{
    const struct token_policy *policy = renewal->policy;
    int64_t left_ms = row->works_until_ms - BEFORE_END_MS - event->now_ms;
    bool is_first = !had_reason(row, OUTCOME_REPLY_LOST);
    bool soon = policy->reuse == REUSE_REFUSED || (is_first && (policy->probe || policy->grace_s));
    if (!soon && left_ms > TOKEN_RETRY_MAX_MS)
        return left_ms;
    return next_wait_ms(row, TOKEN_RETRY_MIN_MS, TOKEN_RETRY_MAX_MS, event->random);
}

static void lose(struct token_state_row *row, const struct token_renewal *renewal,
                 const struct token_event *event)
{
    int64_t wait_ms = doubt_wait_ms(row, renewal, event);
    move(row, TOKEN_BACKING_OFF, event);
    wait(row, event, wait_ms);
    if (row->wait_ms > TOKEN_RETRY_MAX_MS)
        row->wait_ms = 0; /* it was no step of a back-off */
}

/* The nearer the end of the access token, the sooner the next try. */
static int64_t most_before_end(const struct token_state_row *row, const struct token_event *event,
                               int64_t least, int64_t most)
{
    int64_t quarter_ms = (row->works_until_ms - event->now_ms) / 4;
    if (quarter_ms <= 0 || quarter_ms >= most) /* it has no known end, or has ended */
        return most;
    return quarter_ms > least ? quarter_ms : least;
}

static void fail_for_now(struct token_state_row *row, const struct token_event *event,
                         int64_t least, int64_t most)
{
    /* What became of a lost answer stays the question, whatever else fails meanwhile. */
    bool in_doubt = had_reason(row, OUTCOME_REPLY_LOST);
    int64_t wait_ms =
        next_wait_ms(row, least, most_before_end(row, event, least, most), event->random);
    struct str reason = row->reason;
    if (row->state != TOKEN_NEEDS_REAUTHORIZATION)
        move(row, TOKEN_BACKING_OFF, event);
    if (in_doubt)
        row->reason = reason;
    wait(row, event, wait_ms);
}

struct token_state_row token_state_after(const struct token_state_row *before,
                                         const struct token_renewal *renewal,
                                         const struct token_event *event)
{
    struct token_state_row row = *before;
    row.attempts++;
    switch (event->outcome) {
    case OUTCOME_RENEWED:
        move(&row, TOKEN_FRESH, event);
        row.attempts = row.wait_ms = 0;
        row.renewed_at_ms = event->now_ms;
        row.next_at_ms = event->due_at_ms;
        break;
    case OUTCOME_VENDOR_DOWN:
    case OUTCOME_THROTTLED:
    case OUTCOME_STORE_FAILED:
    case OUTCOME_SECRET_UNAVAILABLE:
    case OUTCOME_KEY_UNAVAILABLE:
        fail_for_now(&row, event, TOKEN_RETRY_MIN_MS, TOKEN_RETRY_MAX_MS);
        break;
    case OUTCOME_BUSY:
        fail_for_now(&row, event, TOKEN_BUSY_MIN_MS, TOKEN_BUSY_MAX_MS);
        break;
    case OUTCOME_NOT_UNDERSTOOD:
    case OUTCOME_CLIENT_REFUSED:
        fail_for_now(&row, event, TOKEN_SLOW_MIN_MS, TOKEN_SLOW_MAX_MS);
        break;
    case OUTCOME_REPLY_LOST:
        lose(&row, renewal, event);
        break;
    case OUTCOME_GRANT_REFUSED:
        refuse(&row, before, renewal, event);
        break;
    case OUTCOME_GRANT_SPENT:
    case OUTCOME_COUNT:
        give_up(&row, renewal, event);
        break;
    }
    return row;
}
