/* Hours and days of many profiles' renewals, by the functions that decide when (profile/
 * token_schedule.h): outages, an app whose secret is changed, and tokens that end together. */
#include "cmocka_all.h"

#include "profile/token_schedule.h"

#include <stdlib.h>
#include <string.h>

#define S ((int64_t)1000)
#define MIN (60 * S)
#define HOUR (60 * MIN)
#define NOW ((int64_t)1800000000 * S)

enum { PROFILES = 10 * 1000, TRIES_MAX = 400 };

static uint32_t dice;

/* Numerical Recipes' generator: the same run each time. */
static uint32_t roll(void)
{
    dice = dice * 1664525u + 1013904223u;
    return dice >> 8;
}

static struct token_state_row next(const struct token_state_row *row,
                                   const struct token_policy *policy, enum token_outcome outcome,
                                   int64_t now_ms)
{
    const struct token_renewal renewal = {.policy = policy, .by_refresh_token = true};
    return token_state_after(
        row, &renewal,
        &(struct token_event){
            .outcome = outcome, .now_ms = now_ms, .due_at_ms = now_ms + HOUR, .random = roll()});
}

/* What a vendor that does not work may say, with a policy that rotates or one that does not. */
static enum token_outcome some_failure(bool rotates)
{
    static const enum token_outcome all[] = {OUTCOME_VENDOR_DOWN, OUTCOME_THROTTLED, OUTCOME_BUSY,
                                             OUTCOME_NOT_UNDERSTOOD, OUTCOME_REPLY_LOST};
    return all[roll() % (rotates ? 5 : 4)];
}

static void an_outage_of_hours_ends_no_grant(void **state)
{
    static const struct token_policy policies[] = {{0}, {.rotation = ROTATION_NEVER}};
    (void)state;
    for (int i = 0; i < PROFILES; i++) {
        const struct token_policy *policy = &policies[i % 2];
        struct token_state_row row = {.since_ms = NOW,
                                      .works_until_ms = NOW + 20 * MIN,
                                      .next_at_ms = NOW + roll() % (10 * MIN)};
        int tries = 0;
        while (row.next_at_ms < NOW + 6 * HOUR) {
            row = next(&row, policy, some_failure(i % 2 == 0), row.next_at_ms);
            assert_int_equal(row.state, TOKEN_BACKING_OFF);
            assert_true(++tries < TRIES_MAX);
        }
        assert_true(tries > 1);
        assert_true(row.next_at_ms <= NOW + 12 * HOUR + 5 * MIN);
        row = next(&row, policy, OUTCOME_RENEWED, row.next_at_ms);
        assert_int_equal(row.state, TOKEN_FRESH);
    }
}

/* For some minutes the vendor takes the old secret at times, and at times not. */
static void an_app_that_is_refused_for_a_while_heals_by_itself(void **state)
{
    static const struct token_policy policy;
    (void)state;
    for (int i = 0; i < PROFILES; i++) {
        struct token_state_row row = {
            .since_ms = NOW, .works_until_ms = NOW + HOUR, .next_at_ms = NOW + roll() % (12 * MIN)};
        while (row.next_at_ms < NOW + 12 * MIN) {
            row = next(&row, &policy, roll() % 2 ? OUTCOME_CLIENT_REFUSED : OUTCOME_RENEWED,
                       row.next_at_ms);
            assert_int_not_equal(row.state, TOKEN_NEEDS_REAUTHORIZATION);
        }
        assert_true(row.next_at_ms < NOW + 72 * MIN); /* within an hour after it */
        assert_int_equal(next(&row, &policy, OUTCOME_RENEWED, row.next_at_ms).state, TOKEN_FRESH);
    }
}

enum { MINUTES = 60, HERD = 100 * 1000 };

/* Tokens of an hour that were all got at the same moment, by an import: no minute has more than an
 * eighth of them after one cycle, and after three they are no nearer together. */
static void equal_ends_are_spread(void **state)
{
    static const struct token_policy policy;
    const struct token_renewal renewal = {.policy = &policy, .by_refresh_token = true};
    int64_t *got = calloc(HERD, sizeof(*got));
    (void)state;
    for (int cycle = 0; cycle < 3; cycle++) {
        int count[(MINUTES)*4] = {0}, most = 0;
        for (int i = 0; i < HERD; i++) {
            const struct token_times times = {.renewal = &renewal,
                                              .obtained_at_ms = NOW + got[i],
                                              .expires_at_ms = NOW + got[i] + HOUR,
                                              .renewed_at_ms = NOW + got[i],
                                              .spread = roll()};
            int64_t due_ms = token_due_at_ms(&times) - NOW;
            assert_true(due_ms < got[i] + HOUR - MIN);
            got[i] = due_ms;
            int *minute = &count[due_ms / MIN];
            most = ++*minute > most ? *minute : most;
        }
        assert_true(most < HERD / 8);
    }
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_outage_of_hours_ends_no_grant),
        cmocka_unit_test(an_app_that_is_refused_for_a_while_heals_by_itself),
        cmocka_unit_test(equal_ends_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
