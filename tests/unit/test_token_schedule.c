/* When tokens are renewed, and what follows from each outcome. */
#include "cmocka_all.h"

#include "base/clock.h"
#include "profile/token_schedule.h"

#include <string.h>

enum { S = 1000, MIN = 60 * S, HOUR = 60 * MIN };
#define DAY (24 * (int64_t)HOUR)
#define NOW INT64_C(1700000000000)

static const struct token_policy strict, replays = {.reuse = REUSE_REFUSED},
                                         probes = {.probe = PROBE_INTROSPECTION};

static struct token_renewal renewal_of(const struct token_policy *policy)
{
    return (struct token_renewal){.policy = policy, .by_refresh_token = true};
}

/* --- due times --- */

struct due_case {
    const char *what;
    struct token_policy policy;
    int64_t life_ms; /* 0: the vendor did not say */
    bool by_client;
    int64_t least_ms, most_ms; /* after now */
    int64_t refresh_ms;        /* of the refresh token, as the vendor said; 0: it did not */
};

static const struct due_case due_cases[] = {
    {"an hour", {0}, HOUR, false, 42 * MIN, 54 * MIN, 0},
    {"half an hour", {0}, 30 * MIN, false, 21 * MIN, 27 * MIN, 0},
    {"twelve hours", {0}, 12 * HOUR, false, 8 * HOUR, 11 * HOUR, 0},
    {"five minutes", {0}, 5 * MIN, false, 2 * MIN, 4 * MIN, 0},
    {"two minutes: a third at most", {0}, 2 * MIN, false, MIN, 80 * S, 0},
    {"a minute", {0}, MIN, false, MIN, MIN, 0},
    {"a second: not at once", {0}, S, false, MIN, MIN, 0},
    {"a day, margin of its own", {.margin_s = 3 * 60 * 60}, DAY, false, 16 * HOUR, 21 * HOUR, 0},
    {"the same until its end", {.same_until_end = true}, HOUR, true, HOUR, HOUR + 2 * S, 0},
    {"seconds left of it", {.same_until_end = true}, 2 * S, true, MIN, MIN, 0},
    {"documented life", {.life_s = 2 * 60 * 60}, 0, false, 48 * MIN, HOUR, 0},
    {"no end known", {0}, 0, false, -NOW, -NOW, 0},
    {"kept alive", {.idle_s = 30 * 24 * 60 * 60}, 0, false, 13 * DAY, 15 * DAY, 0},
    {"a client needs no keeping alive", {.idle_s = 30 * 24 * 60 * 60}, 0, true, -NOW, -NOW, 0},
    {"the earlier of both", {.idle_s = 60 * 60}, 2 * HOUR, false, 26 * MIN, 30 * MIN, 0},
    {"replaced at half of its life", {0}, 0, false, 27 * DAY, 30 * DAY, 60 * DAY},
    {"the idle limit comes first", {.idle_s = 60 * 60}, 0, false, 27 * MIN, 30 * MIN, 60 * DAY},
    {"a renewal brings no other", {.rotation = ROTATION_NEVER}, 0, false, -NOW, -NOW, 60 * DAY},
    {"ten years", {0}, 3650 * DAY, false, 2900 * DAY, 3650 * DAY - HOUR, 0},
};

static void due_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(due_cases) / sizeof(*due_cases); i++) {
        const struct due_case *it = &due_cases[i];
        const struct token_renewal renewal = {.policy = &it->policy,
                                              .by_refresh_token = !it->by_client};
        for (uint32_t spread = 0; spread < 1000; spread += 37) {
            int64_t due_ms = token_due_at_ms(&(struct token_times){
                                 .renewal = &renewal,
                                 .obtained_at_ms = NOW,
                                 .expires_at_ms = it->life_ms ? NOW + it->life_ms : 0,
                                 .renewed_at_ms = NOW,
                                 .refresh_expires_at_ms = it->refresh_ms ? NOW + it->refresh_ms : 0,
                                 .spread = spread,
                             }) -
                             NOW;
            if (due_ms < it->least_ms || due_ms > it->most_ms)
                fail_msg("%s: %lld", it->what, (long long)due_ms);
        }
    }
}

/* A vendor that counts the seconds of one token down is asked twice a life, not a thousand times.
 */
static void a_countdown_does_not_spin(void **state)
{
    static const struct token_policy countdown = {.same_until_end = true};
    const struct token_renewal renewal = {.policy = &countdown};
    int64_t now_ms = NOW, ends_ms = NOW + HOUR;
    int calls = 0;
    (void)state;
    for (; now_ms < NOW + 10 * HOUR; calls++) {
        if (now_ms >= ends_ms)
            ends_ms = now_ms + HOUR;
        now_ms = token_due_at_ms(&(struct token_times){
            .renewal = &renewal, .obtained_at_ms = now_ms, .expires_at_ms = ends_ms});
    }
    assert_in_range(calls, 9, 20);
}

/* A plan that is made anew puts no renewal off, nor past the end of its token. */
static void what_is_overdue_is_spread_in_time(void **state)
{
    static const struct {
        const char *what;
        int64_t before_ms, ends_ms; /* from NOW; 0: there is none */
        int64_t least_ms, most_ms;
    } rows[] = {
        {"nothing is known", 0, 0, 0, TOKEN_SPREAD_MS},
        {"it was due later", HOUR, 0, 0, TOKEN_SPREAD_MS},
        {"it was due soon", MIN, 7 * MIN, 0, MIN},
        {"it was due already", -1000, 7 * MIN, -1000, -1000},
        {"the token ends soon", 0, 7 * MIN, 0, 7 * MIN - 90 * 1000},
        {"the token ends before it was due", 9 * MIN, 7 * MIN, 0, 7 * MIN - 90 * 1000},
        {"the token ends now", 0, 1000, 0, 0},
        {"the token has ended", 0, -HOUR, 0, TOKEN_SPREAD_MS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (uint32_t random = 0; random < 2 * TOKEN_SPREAD_MS; random += 7919) {
            int64_t due_ms =
                token_overdue_at_ms(NOW, rows[i].before_ms != 0 ? NOW + rows[i].before_ms : 0,
                                    rows[i].ends_ms != 0 ? NOW + rows[i].ends_ms : 0, random) -
                NOW;
            if (due_ms < rows[i].least_ms || due_ms > rows[i].most_ms)
                fail_msg("%s: %lld", rows[i].what, (long long)due_ms);
        }
    }
}

/* --- outcomes --- */

static void outcomes(void **state)
{
    static const struct {
        struct verdict verdict;
        enum token_outcome outcome;
    } rows[] = {
        {{.kind = VERDICT_ACCEPTED}, OUTCOME_RENEWED},
        {{.kind = VERDICT_UNREACHABLE, .step = STEP_TOKEN}, OUTCOME_VENDOR_DOWN},
        {{.kind = VERDICT_UNREACHABLE, .step = STEP_TOKEN, .in_doubt = true}, OUTCOME_REPLY_LOST},
        {{.kind = VERDICT_INTERNAL, .transient = true, .in_doubt = true}, OUTCOME_REPLY_LOST},
        {{.kind = VERDICT_INTERNAL}, OUTCOME_STORE_FAILED},
        {{.kind = VERDICT_THROTTLED, .step = STEP_TOKEN}, OUTCOME_THROTTLED},
        {{.kind = VERDICT_BUSY, .step = STEP_TOKEN, .transient = true}, OUTCOME_BUSY},
        {{.kind = VERDICT_BLOCKED, .step = STEP_TOKEN}, OUTCOME_NOT_UNDERSTOOD},
        {{.kind = VERDICT_MISCONFIGURED, .step = STEP_TOKEN}, OUTCOME_NOT_UNDERSTOOD},
        {{.kind = VERDICT_MISCONFIGURED, .step = STEP_APP}, OUTCOME_CLIENT_REFUSED},
        {{.kind = VERDICT_REJECTED, .step = STEP_TOKEN, .causes = CAUSE_CLIENT},
         OUTCOME_CLIENT_REFUSED},
        {{.kind = VERDICT_REJECTED, .step = STEP_TOKEN, .causes = CAUSE_GRANT},
         OUTCOME_GRANT_REFUSED},
        {{.kind = VERDICT_REJECTED, .step = STEP_TOKEN, .causes = CAUSE_GRANT | CAUSE_CLIENT},
         OUTCOME_GRANT_REFUSED},
        {{.kind = VERDICT_REJECTED, .step = STEP_TOKEN, .causes = CAUSE_USER},
         OUTCOME_GRANT_REFUSED},
        {{.kind = VERDICT_REJECTED, .step = STEP_TOKEN}, OUTCOME_NOT_UNDERSTOOD},
        {{.kind = VERDICT_REJECTED, .step = STEP_TOKEN, .causes = CAUSE_PERMISSION},
         OUTCOME_NOT_UNDERSTOOD},
        {{.kind = VERDICT_REJECTED, .step = STEP_TOKEN, .in_doubt = true}, OUTCOME_GRANT_SPENT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_string_equal(token_outcome_name(token_outcome_of(&rows[i].verdict)),
                            token_outcome_name(rows[i].outcome));
}

/* --- transitions --- */

static struct token_state_row after(const struct token_state_row *before,
                                    const struct token_policy *policy, enum token_outcome outcome,
                                    uint32_t random)
{
    const struct token_renewal renewal = renewal_of(policy);
    return token_state_after(
        before, &renewal,
        &(struct token_event){
            .outcome = outcome, .now_ms = NOW, .due_at_ms = NOW + HOUR, .random = random});
}

static void what_needs_a_person_may_revive_where_no_one_is_locked_out(void **state)
{
    (void)state;
    static const struct {
        struct token_renewal renewal;
        int64_t next_at_ms;
    } rows[] = {
        {{.policy = &strict, .by_refresh_token = true}, NOW + DAY},
        {{.policy = &strict, .by_key = true}, NOW + DAY},
        {{.policy = &strict}, 0}, /* by a password */
    };
    const struct token_event refused = {.outcome = OUTCOME_GRANT_REFUSED, .now_ms = NOW};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct token_state_row row = {0};
        for (int time = 0; time < 2; time++)
            row = token_state_after(&row, &rows[i].renewal, &refused);
        assert_int_equal(row.state, TOKEN_NEEDS_REAUTHORIZATION);
        assert_int_equal(row.next_at_ms, rows[i].next_at_ms);
    }
}

static void assert_waits(const struct token_state_row *row, int64_t least_ms, int64_t most_ms)
{
    assert_in_range(row->next_at_ms - NOW, least_ms, most_ms);
}

static const struct token_state_row fresh = {.since_ms = 5, .works_until_ms = NOW + HOUR};

static void failures_back_off(void **state)
{
    struct token_state_row row = fresh;
    (void)state;
    for (int i = 0; i < 100; i++) {
        row = after(&row, &strict, OUTCOME_VENDOR_DOWN, (uint32_t)i * 7919);
        assert_int_equal(row.state, TOKEN_BACKING_OFF);
        assert_int_equal(row.attempts, i + 1);
        assert_int_equal(row.since_ms, NOW);
        assert_true(str_eq(row.reason, STR("vendor_down")));
        assert_waits(&row, TOKEN_RETRY_MIN_MS, TOKEN_RETRY_MAX_MS);
    }
    row = after(&row, &strict, OUTCOME_RENEWED, 0);
    assert_int_equal(row.state, TOKEN_FRESH);
    assert_int_equal(row.attempts, 0);
    assert_int_equal(row.wait_ms, 0);
    assert_null(row.reason.data);
    assert_int_equal(row.renewed_at_ms, NOW);
    assert_int_equal(row.next_at_ms, NOW + HOUR);
}

/* What ends first is tried again first. */
static void the_nearer_the_end_the_shorter_the_wait(void **state)
{
    static const struct {
        int64_t left_ms, least_ms, most_ms;
    } rows[] = {
        {HOUR, TOKEN_RETRY_MIN_MS, TOKEN_RETRY_MAX_MS},
        {4 * MIN, TOKEN_RETRY_MIN_MS, MIN},
        {40 * S, TOKEN_RETRY_MIN_MS, 10 * S},
        {4 * S, TOKEN_RETRY_MIN_MS, TOKEN_RETRY_MIN_MS},
        {-HOUR, TOKEN_RETRY_MIN_MS, TOKEN_RETRY_MAX_MS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct token_state_row row = fresh;
        int64_t longest_ms = 0;
        row.works_until_ms = NOW + rows[i].left_ms;
        for (uint32_t turn = 0; turn < 100; turn++) {
            row = after(&row, &strict, OUTCOME_VENDOR_DOWN, turn * 7919);
            assert_waits(&row, rows[i].least_ms, rows[i].most_ms);
            longest_ms = row.wait_ms > longest_ms ? row.wait_ms : longest_ms;
        }
        assert_true(longest_ms > rows[i].most_ms / 2);
    }
}

static void each_kind_of_failure_has_its_wait(void **state)
{
    (void)state;
    for (uint32_t random = 0; random < 100000; random += 997) {
        struct token_state_row row = after(&fresh, &strict, OUTCOME_BUSY, random);
        assert_waits(&row, 1 * S, 5 * S);
        row = after(&fresh, &strict, OUTCOME_CLIENT_REFUSED, random);
        assert_int_equal(row.state, TOKEN_BACKING_OFF);
        assert_waits(&row, 15 * MIN, 45 * MIN);
        for (int i = 0; i < 20; i++)
            row = after(&row, &strict, OUTCOME_NOT_UNDERSTOOD, random + (uint32_t)i * 104729);
        assert_int_equal(row.state, TOKEN_BACKING_OFF);
        assert_waits(&row, 15 * MIN, 6 * HOUR);
    }
}

static void the_vendors_wait_is_the_least(void **state)
{
    const struct token_renewal renewal = renewal_of(&strict);
    (void)state;
    struct token_state_row row = token_state_after(
        &fresh, &renewal,
        &(struct token_event){
            .outcome = OUTCOME_THROTTLED, .now_ms = NOW, .retry_after_ms = 10 * MIN});
    assert_int_equal(row.next_at_ms, NOW + 10 * MIN);
}

/* A date in a far year would end the renewals for good. */
static void the_vendors_wait_has_an_end(void **state)
{
    const struct token_renewal renewal = renewal_of(&strict);
    (void)state;
    struct token_state_row row = token_state_after(
        &fresh, &renewal,
        &(struct token_event){
            .outcome = OUTCOME_THROTTLED, .now_ms = NOW, .retry_after_ms = 3650 * DAY});
    assert_int_equal(row.next_at_ms, NOW + 6 * HOUR);
}

static struct token_state_row after_words(const struct token_state_row *before,
                                          enum token_outcome outcome, const char *words)
{
    const struct token_renewal renewal = renewal_of(&strict);
    return token_state_after(
        before, &renewal,
        &(struct token_event){.outcome = outcome, .now_ms = NOW, .words = str_from(words)});
}

/* State, reason and words tell the same, whatever else fails meanwhile. */
static void a_dead_grant_keeps_its_words(void **state)
{
    (void)state;
    struct token_state_row row = after_words(&fresh, OUTCOME_VENDOR_DOWN, "no answer");
    assert_true(str_eq(row.words, STR("no answer")));
    row = after_words(&row, OUTCOME_GRANT_REFUSED, "expired");
    row = after_words(&row, OUTCOME_GRANT_REFUSED, "expired, too");
    assert_int_equal(row.state, TOKEN_NEEDS_REAUTHORIZATION);
    row = after_words(&row, OUTCOME_VENDOR_DOWN, "no answer");
    assert_int_equal(row.state, TOKEN_NEEDS_REAUTHORIZATION);
    assert_true(str_eq(row.reason, STR("grant_refused")));
    assert_true(str_eq(row.words, STR("expired, too")));
    row = after_words(&row, OUTCOME_GRANT_REFUSED, "revoked");
    assert_true(str_eq(row.words, STR("revoked")));
    assert_null(after_words(&row, OUTCOME_RENEWED, "good").words.data);
}

static void a_refused_grant_is_confirmed(void **state)
{
    (void)state;
    struct token_state_row row = after(&fresh, &strict, OUTCOME_GRANT_REFUSED, 17);
    assert_int_equal(row.state, TOKEN_BACKING_OFF);
    assert_waits(&row, MIN, 2 * MIN);
    struct token_state_row dead = after(&row, &strict, OUTCOME_GRANT_REFUSED, 17);
    assert_int_equal(dead.state, TOKEN_NEEDS_REAUTHORIZATION);
    assert_int_equal(dead.works_until_ms, NOW + HOUR);
    assert_waits(&dead, DAY, DAY);
    /* An outage does not make a dead one alive, and a success does. */
    assert_int_equal(after(&dead, &strict, OUTCOME_VENDOR_DOWN, 1).state,
                     TOKEN_NEEDS_REAUTHORIZATION);
    assert_int_equal(after(&dead, &strict, OUTCOME_RENEWED, 1).state, TOKEN_FRESH);
    /* Between the two refusals something else happened: it begins anew. */
    row = after(&row, &strict, OUTCOME_VENDOR_DOWN, 3);
    assert_int_equal(after(&row, &strict, OUTCOME_GRANT_REFUSED, 3).state, TOKEN_BACKING_OFF);
    /* A password is not tried again: its user would be locked out. */
    const struct token_renewal password = {.policy = &strict};
    const struct token_state_row refused = {.state = TOKEN_BACKING_OFF,
                                            .reason = STR("grant_refused")};
    row = token_state_after(&refused, &password,
                            &(struct token_event){.outcome = OUTCOME_GRANT_REFUSED, .now_ms = NOW});
    assert_int_equal(row.state, TOKEN_NEEDS_REAUTHORIZATION);
    assert_int_equal(row.next_at_ms, 0);
}

static void a_lost_answer_waits_as_the_policy_says(void **state)
{
    (void)state;
    /* Showing it again may end everything: when the access token has nearly ended. */
    struct token_state_row row = after(&fresh, &strict, OUTCOME_REPLY_LOST, 5);
    assert_int_equal(row.state, TOKEN_BACKING_OFF);
    assert_int_equal(row.next_at_ms, NOW + HOUR - 2 * MIN);
    /* It can be found out, or costs nothing: soon. */
    row = after(&fresh, &probes, OUTCOME_REPLY_LOST, 5);
    assert_waits(&row, TOKEN_RETRY_MIN_MS, 3 * TOKEN_RETRY_MIN_MS);
    struct token_state_row second = after(&row, &probes, OUTCOME_REPLY_LOST, 5);
    assert_int_equal(second.next_at_ms, NOW + HOUR - 2 * MIN); /* it could not be found out */
    row = after(&fresh, &replays, OUTCOME_REPLY_LOST, 5);
    assert_waits(&row, TOKEN_RETRY_MIN_MS, 3 * TOKEN_RETRY_MIN_MS);
    /* What it was stays known while the vendor is away; the next refusal is its end. */
    row = after(&row, &strict, OUTCOME_VENDOR_DOWN, 5);
    assert_true(str_eq(row.reason, STR("reply_lost")));
    assert_int_equal(after(&row, &strict, OUTCOME_GRANT_REFUSED, 5).state,
                     TOKEN_NEEDS_REAUTHORIZATION);
    row = after(&fresh, &probes, OUTCOME_GRANT_SPENT, 5);
    assert_int_equal(row.state, TOKEN_NEEDS_REAUTHORIZATION);
    assert_int_equal(row.next_at_ms, 0); /* it is never shown again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due_times),
        cmocka_unit_test(a_countdown_does_not_spin),
        cmocka_unit_test(what_is_overdue_is_spread_in_time),
        cmocka_unit_test(outcomes),
        cmocka_unit_test(what_needs_a_person_may_revive_where_no_one_is_locked_out),
        cmocka_unit_test(failures_back_off),
        cmocka_unit_test(the_nearer_the_end_the_shorter_the_wait),
        cmocka_unit_test(each_kind_of_failure_has_its_wait),
        cmocka_unit_test(the_vendors_wait_is_the_least),
        cmocka_unit_test(the_vendors_wait_has_an_end),
        cmocka_unit_test(a_dead_grant_keeps_its_words),
        cmocka_unit_test(a_refused_grant_is_confirmed),
        cmocka_unit_test(a_lost_answer_waits_as_the_policy_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
