/* What the token keeper has met counts in forecasts. */
#include "cmocka_all.h"

#include "profile/forecast.h"

#include <string.h>

#define DAY (24 * 60 * 60 * 1000LL)
#define NOW (1000 * DAY)

static void what_the_keeper_met_counts_more(void **state)
{
    (void)state;
    static const struct credential_life life;
    static const struct token_policy policy = {.idle_s = 30 * LIFE_DAY_S};
    const struct forecast_facts facts = {
        .life = &life,
        .policy = &policy,
        .has = {[CREDENTIAL_REFRESH_TOKEN] = true, [CREDENTIAL_ACCESS_TOKEN] = true},
        .access_expires_ms = NOW + DAY / 24,
        .obtained_ms = NOW - DAY / 24,
        .given_ms = NOW - DAY,
        .verified_ms = NOW - DAY / 24,
        .now_ms = NOW,
    };
    struct token_state_row row = {.state = TOKEN_BACKING_OFF,
                                  .since_ms = NOW - 1000,
                                  .attempts = 3,
                                  .works_until_ms = NOW + DAY / 24,
                                  .next_at_ms = NOW + 5000,
                                  .reason = STR("vendor_down")};
    struct arena arena = {0};
    struct profile_forecast forecast;
    forecast_compute(&facts, &forecast);
    forecast_heed_keeper(&forecast, &row, NOW, &arena);
    assert_int_equal(forecast.state, FORECAST_BACKING_OFF);
    assert_int_equal(forecast.works_until_ms, NOW + DAY / 24);
    assert_non_null(strstr(forecast.first->because, "3 times: vendor_down"));
    row.state = TOKEN_NEEDS_REAUTHORIZATION;
    forecast_compute(&facts, &forecast);
    forecast_heed_keeper(&forecast, &row, NOW, &arena);
    assert_int_equal(forecast.state, FORECAST_NEEDS_REAUTHORIZATION);
    assert_int_equal(forecast.first->confidence, FORECAST_KNOWN);
    assert_non_null(strstr(forecast.first->because, "authorize again"));
    row.works_until_ms = 0;
    forecast_compute(&facts, &forecast);
    forecast_heed_keeper(&forecast, &row, NOW, &arena);
    assert_int_equal(forecast.works_until_ms, row.since_ms);
    row.state = TOKEN_BACKING_OFF; /* the access token's end is not known: it may still work */
    forecast_compute(&facts, &forecast);
    forecast_heed_keeper(&forecast, &row, NOW, &arena);
    assert_int_equal(forecast.state, FORECAST_BACKING_OFF);
    assert_int_equal(forecast.works_until_ms, 0);
    row.state = TOKEN_FRESH;
    forecast_compute(&facts, &forecast);
    forecast_heed_keeper(&forecast, &row, NOW, &arena);
    assert_int_equal(forecast.state, FORECAST_FRESH);
    assert_int_equal(forecast.first->confidence, FORECAST_DOCUMENTED);
    arena_done(&arena);
}

static void an_end_stays_when_the_keeper_met_nothing(void **state)
{
    (void)state;
    static const struct credential_life life;
    static const struct token_policy policy = {.absolute_s = 100 * LIFE_DAY_S};
    const struct forecast_facts facts = {
        .life = &life,
        .policy = &policy,
        .has = {[CREDENTIAL_REFRESH_TOKEN] = true, [CREDENTIAL_ACCESS_TOKEN] = true},
        .access_expires_ms = NOW + DAY / 24,
        .obtained_ms = NOW - 2 * DAY,
        .given_ms = NOW - 101 * DAY,
        .verified_ms = NOW - 2 * DAY,
        .now_ms = NOW,
    };
    const struct token_state_row rows[] = {
        {.state = TOKEN_FRESH, .next_at_ms = NOW + DAY},
        {.state = TOKEN_FRESH, .next_at_ms = NOW - DAY}, /* due */
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct profile_forecast forecast;
        forecast_compute(&facts, &forecast);
        forecast_heed_keeper(&forecast, &rows[i], NOW, &arena);
        assert_int_equal(forecast.state, FORECAST_NEEDS_REAUTHORIZATION);
        assert_int_equal(forecast.works_until_ms, NOW - DAY);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_keeper_met_counts_more),
        cmocka_unit_test(an_end_stays_when_the_keeper_met_nothing),
    };
    return cmocka_run_group_tests_name("forecast and keeper", tests, NULL, NULL);
}
