/* How fast renewals are sent to one token endpoint as one client, in simulated time. */
#include "cmocka_all.h"

#include "connector/token_policy.h"
#include "profile/token_lane.h"

#include <stdio.h>
#include <string.h>

enum { MS = 1000, S = 1000 * MS };

#define LANE STR("login.example.com:443 0123456789abcdef")

/* --- a vendor that limits by a token bucket --- */

enum { CALLS_MAX = 128 };

struct vendor {
    double per_s; /* 0: no such limit */
    double burst;
    int at_once; /* more are busy; 0: no such limit */
    int64_t latency_us;
    int64_t retry_after_ms;
    int64_t stalls_every_us,
        stall_us; /* calls that come meanwhile are taken at its end; 0: never */
    double left;
    int64_t filled_us;
};

struct flight {
    int64_t taken_us, begun_us, seen_us, ends_us;
    bool decided;
    struct token_lane_call call;
};

struct trial {
    struct token_lanes *lanes;
    struct vendor vendor;
    struct flight flights[CALLS_MAX];
    size_t in_flight;
    int64_t now_us, again_us;
    int good, throttled, busy;
};

static enum token_lane_answer decide(struct trial *t, int64_t at_us)
{
    struct vendor *vendor = &t->vendor;
    int at_once = 0;
    for (size_t i = 0; i < t->in_flight; i++)
        at_once += t->flights[i].begun_us <= at_us && t->flights[i].ends_us > at_us;
    if (vendor->at_once > 0 && at_once > vendor->at_once)
        return LANE_BUSY;
    if (vendor->per_s == 0)
        return LANE_ANSWERED;
    vendor->left += (double)(at_us - vendor->filled_us) / S * vendor->per_s;
    vendor->filled_us = at_us;
    if (vendor->left > vendor->burst)
        vendor->left = vendor->burst;
    if (vendor->left < 1)
        return LANE_THROTTLED;
    vendor->left--;
    return LANE_ANSWERED;
}

/* When the vendor looks at a call. */
static int64_t taken_at(const struct vendor *vendor, int64_t begun_us)
{
    if (vendor->stalls_every_us == 0)
        return begun_us;
    int64_t into_us = (begun_us + vendor->stalls_every_us / 2) % vendor->stalls_every_us;
    return into_us < vendor->stall_us ? begun_us - into_us + vendor->stall_us : begun_us;
}

static void begin_calls(struct trial *t)
{
    while (t->in_flight < CALLS_MAX && t->in_flight < token_lane_limit(t->lanes, LANE, t->now_us)) {
        int64_t wait_us = token_lane_enter(t->lanes, LANE, t->now_us);
        if (wait_us < 0)
            return;
        int64_t begun_us = t->now_us + wait_us;
        int64_t seen_us = taken_at(&t->vendor, begun_us);
        t->flights[t->in_flight++] = (struct flight){.taken_us = t->now_us,
                                                     .begun_us = begun_us,
                                                     .seen_us = seen_us,
                                                     .ends_us = seen_us + t->vendor.latency_us};
    }
}

/* The calls that have begun by now are decided in the order of their beginning. */
static void decide_calls(struct trial *t)
{
    while (true) {
        struct flight *first = NULL;
        for (size_t i = 0; i < t->in_flight; i++) {
            struct flight *each = &t->flights[i];
            if (!each->decided && each->seen_us <= t->now_us &&
                (!first || each->begun_us < first->begun_us))
                first = each;
        }
        if (!first)
            return;
        first->decided = true;
        first->call = (struct token_lane_call){
            .answer = decide(t, first->seen_us),
            .taken_us = first->taken_us,
            .begun_us = first->begun_us,
            .retry_after_ms = t->vendor.retry_after_ms,
        };
    }
}

static void end_calls(struct trial *t)
{
    for (size_t i = 0; i < t->in_flight;) {
        const struct flight flight = t->flights[i];
        if (!flight.decided || flight.ends_us > t->now_us) {
            i++;
            continue;
        }
        memmove(&t->flights[i], &t->flights[i + 1],
                (--t->in_flight - i) * sizeof(*t->flights)); /* they end in their order */
        token_lane_note(t->lanes, LANE, &flight.call, t->now_us);
        t->good += flight.call.answer == LANE_ANSWERED;
        t->throttled += flight.call.answer == LANE_THROTTLED;
        t->busy += flight.call.answer == LANE_BUSY;
    }
}

/* There is always something to renew. */
static void run_for(struct trial *t, int seconds)
{
    int64_t until_us = t->now_us + (int64_t)seconds * S;
    t->good = t->throttled = t->busy = 0;
    for (; t->now_us < until_us; t->now_us += MS / 2) {
        decide_calls(t);
        end_calls(t);
        begin_calls(t);
    }
}

static struct trial trial_of(struct vendor vendor)
{
    return (struct trial){
        .lanes = token_lanes_new(),
        .vendor = vendor,
        .now_us = (int64_t)1000 * S,
    };
}

/* --- speed --- */

struct rate_case {
    const char *what;
    struct vendor vendor;
    int seconds;
    int least, most_throttled; /* in them */
};

static const struct rate_case rate_cases[] = {
    {"600 a second, near",
     {.per_s = 600, .burst = 60, .latency_us = 2 * MS, .retry_after_ms = 1000},
     167,
     90180,
     500},
    {"600 a second, far",
     {.per_s = 600, .burst = 60, .latency_us = 80 * MS, .retry_after_ms = 1000},
     167,
     85000,
     500},
    {"600 a second, a long burst",
     {.per_s = 600, .burst = 600, .latency_us = 5 * MS, .retry_after_ms = 1000},
     167,
     90180,
     500},
    {"300 a second for a minute",
     {.per_s = 300, .burst = 30, .latency_us = 20 * MS, .retry_after_ms = 1000},
     60,
     16200,
     60},
    {"300 a second for a minute, a long burst",
     {.per_s = 300, .burst = 300, .latency_us = 20 * MS, .retry_after_ms = 1000},
     60,
     16200,
     150},
    {"300 a second for a minute, far",
     {.per_s = 300, .burst = 30, .latency_us = 80 * MS, .retry_after_ms = 1000},
     60,
     15600,
     60},
    {"20 a second for a minute",
     {.per_s = 20, .burst = 2, .latency_us = 100 * MS, .retry_after_ms = 1000},
     60,
     1080,
     30},
    {"300 a second, with stalls",
     {.per_s = 300,
      .burst = 30,
      .latency_us = 10 * MS,
      .retry_after_ms = 1000,
      .stalls_every_us = 30 * S,
      .stall_us = 250 * MS},
     300,
     81000,
     1500},
    {"5 a second",
     {.per_s = 5, .burst = 5, .latency_us = 200 * MS, .retry_after_ms = 1000},
     600,
     2700,
     60},
    {"no time is said",
     {.per_s = 100, .burst = 10, .latency_us = 20 * MS, .retry_after_ms = 0},
     300,
     27000,
     300},
};

static void it_comes_near_to_what_a_vendor_gives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rate_cases) / sizeof(*rate_cases); i++) {
        const struct rate_case *it = &rate_cases[i];
        struct trial t = trial_of(it->vendor);
        run_for(&t, it->seconds);
        if (t.good < it->least || t.throttled > it->most_throttled)
            fail_msg("%s: %d renewed, %d throttled", it->what, t.good, t.throttled);
        token_lanes_free(t.lanes);
    }
}

/* One renewal a second: far fewer than the pace allows. */
static void renew_seldom(struct trial *t, int seconds)
{
    for (int i = 0; i < seconds; i++, t->now_us += S) {
        const struct token_lane_call call = {LANE_ANSWERED, t->now_us, t->now_us, 0};
        assert_true(token_lane_enter(t->lanes, LANE, t->now_us) >= 0);
        token_lane_note(t->lanes, LANE, &call, t->now_us + t->vendor.latency_us);
    }
}

static void a_pace_does_not_grow_while_it_is_not_used(void **state)
{
    (void)state;
    const struct rate_case *it = &rate_cases[3];
    struct trial t = trial_of(it->vendor);
    run_for(&t, 5);
    assert_true(t.throttled > 0);
    renew_seldom(&t, 6 * 60 * 60);
    run_for(&t, it->seconds);
    if (t.good < it->least || t.throttled > it->most_throttled)
        fail_msg("%s: %d renewed, %d throttled", it->what, t.good, t.throttled);
    token_lanes_free(t.lanes);
}

static void a_client_that_is_busy_is_met_with_fewer_at_once(void **state)
{
    (void)state;
    struct trial t = trial_of((struct vendor){.at_once = 1, .latency_us = 50 * MS});
    run_for(&t, 60);
    assert_true(t.busy * 20 < t.good);
    token_lanes_free(t.lanes);
}

static void a_fast_vendor_gets_more_at_once(void **state)
{
    (void)state;
    struct trial t = trial_of((struct vendor){.latency_us = 100 * MS});
    run_for(&t, 120);
    assert_int_equal(token_lane_limit(t.lanes, LANE, t.now_us), TOKEN_LANE_MAX);
    assert_true(token_lane_rate(t.lanes, LANE) > 500);
    token_lanes_free(t.lanes);
}

/* --- single rules --- */

static void note(struct token_lanes *lanes, struct str name, enum token_lane_answer answer,
                 int64_t retry_after_ms, int64_t now_us)
{
    const struct token_lane_call call = {answer, now_us, now_us, retry_after_ms};
    assert_true(token_lane_enter(lanes, name, now_us) >= 0);
    token_lane_note(lanes, name, &call, now_us);
}

static void a_pause_is_the_lanes_own_and_has_an_end(void **state)
{
    (void)state;
    struct token_lanes *lanes = token_lanes_new();
    struct str other = STR("login.example.com:443 fedcba9876543210");
    note(lanes, LANE, LANE_THROTTLED, 2000, 10 * S);
    assert_int_equal(token_lane_limit(lanes, LANE, 11 * (int64_t)S), 0);
    assert_int_equal(token_lane_limit(lanes, other, 11 * (int64_t)S), TOKEN_LANE_START);
    assert_int_equal(token_lanes_resume_at_ms(lanes, 11 * 1000), 12 * 1000 + 1);
    assert_true(token_lane_limit(lanes, LANE, 12 * (int64_t)S) > 0);
    assert_true(token_lanes_resume_at_ms(lanes, 13 * 1000) == INT64_MAX);
    /* What one user is to wait for is not what all of the client's wait for. */
    note(lanes, LANE, LANE_THROTTLED, 3600 * 1000, 20 * S);
    assert_int_equal(
        token_lane_limit(lanes, LANE, 20 * S + (int64_t)TOKEN_LANE_PAUSE_MAX_MS * MS - 1), 0);
    assert_true(token_lane_limit(lanes, LANE, 20 * S + (int64_t)TOKEN_LANE_PAUSE_MAX_MS * MS) > 0);
    token_lanes_free(lanes);
}

static void answers_of_before_a_cut_cut_nothing_more(void **state)
{
    (void)state;
    struct token_lanes *lanes = token_lanes_new();
    for (int i = 0; i < 4; i++)
        assert_int_equal(token_lane_enter(lanes, LANE, 10 * S), 0);
    const struct token_lane_call call = {LANE_THROTTLED, 10 * S, 10 * S, 1000};
    for (int i = 0; i < 4; i++)
        token_lane_note(lanes, LANE, &call, 10 * S + 50 * MS + i * MS);
    assert_int_equal(token_lane_limit(lanes, LANE, 12 * (int64_t)S), TOKEN_LANE_START / 2);
    token_lanes_free(lanes);
}

static void no_thread_waits_long(void **state)
{
    (void)state;
    struct token_lanes *lanes = token_lanes_new();
    note(lanes, LANE, LANE_THROTTLED, 10 * 1000, 10 * S);
    assert_int_equal(token_lane_enter(lanes, LANE, 11 * S), -1);
    assert_int_equal(token_lane_enter(lanes, LANE, 19 * S), S);
    token_lanes_free(lanes);
}

/* The table has an end; what was learned last is kept. */
static void lanes_without_end_take_no_memory(void **state)
{
    (void)state;
    struct token_lanes *lanes = token_lanes_new();
    note(lanes, LANE, LANE_THROTTLED, 30 * 1000, 10 * S);
    const struct token_lane_call used = {LANE_ANSWERED, 10 * S, 10 * S, 0};
    for (int i = 0; i < 100 * 1000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "h%d:443 0", i);
        note(lanes, str_from(name), LANE_BUSY, 0, 11 * S + i);
        token_lane_note(lanes, LANE, &used, 39 * S + i);
    }
    assert_int_equal(token_lane_limit(lanes, LANE, 39 * (int64_t)S), 0);
    token_lanes_free(lanes);
}

static void names_tell_clients_apart(void **state)
{
    (void)state;
    struct arena arena = {0};
    static const struct token_policy none, until_end = {.same_until_end = true};
    struct token_renewal one = {
        .policy = &none, .host = STR("login.example.com"), .port = 443, .client = STR("one")};
    struct token_renewal two = one, late = one, by_route = one;
    two.client = STR("two");
    late.policy = &until_end;
    by_route.route = STR("::10.0.0.1:443");
    struct str name = token_lane_name(&arena, &one);
    assert_true(str_eq(name, token_lane_name(&arena, &one)));
    assert_false(str_eq(name, token_lane_name(&arena, &two)));
    assert_false(str_eq(name, token_lane_name(&arena, &by_route)));
    assert_true(token_lane_can_begin_early(name));
    assert_false(token_lane_can_begin_early(token_lane_name(&arena, &late)));
    assert_false(token_lane_can_begin_early(STR("")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_near_to_what_a_vendor_gives),
        cmocka_unit_test(a_pace_does_not_grow_while_it_is_not_used),
        cmocka_unit_test(a_client_that_is_busy_is_met_with_fewer_at_once),
        cmocka_unit_test(a_fast_vendor_gets_more_at_once),
        cmocka_unit_test(a_pause_is_the_lanes_own_and_has_an_end),
        cmocka_unit_test(answers_of_before_a_cut_cut_nothing_more),
        cmocka_unit_test(no_thread_waits_long),
        cmocka_unit_test(lanes_without_end_take_no_memory),
        cmocka_unit_test(names_tell_clients_apart),
    };
    return cmocka_run_group_tests_name("token lanes", tests, NULL, NULL);
}
