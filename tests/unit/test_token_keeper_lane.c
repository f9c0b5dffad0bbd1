/* What the token keeper learns from answers for a lane, and how a job comes to its lane. */
#include "token_keeper_fixture.h"

#include "work/host_share.h"

#define LANE "login.salesforce.com:443 0123456789abcdef"

/* What is too fast for the vendor is no failure of the profile's. */
static void a_throttled_renewal_takes_another_turn(void **state)
{
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    take_in_lane(&s, ACCOUNT, LANE);
    vendor.status = 429;
    vendor.body = "";
    assert_int_equal(keep(&s), JOB_AGAIN);
    assert_int_equal(vendor.calls, 1);
    assert_int_equal(raw(s.f->path, "SELECT count(*) FROM token_states"), 0);
    assert_int_equal(token_keeper_kind.host_limit(&s.context, STR(LANE)), 0);
    assert_true(token_keeper_kind.limits_grow_at_ms(&s.context) <=
                clock_mono_ms() + TOKEN_LANE_PAUSE_MS + 1);
    vendor.status = 200;
    vendor.body = TOKENS;
    assert_int_equal(keep(&s), JOB_DONE); /* waits for the end of the pause */
    leave(&s);
    assert_int_equal(vendor.calls, 2);
    assert_state(&s, TOKEN_FRESH, NULL);
    end(&s);
}

/* Salesforce, while the same client's tokens are renewed elsewhere. */
static void a_busy_answer_narrows_the_lane(void **state)
{
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    take_in_lane(&s, ACCOUNT, LANE);
    vendor.status = 400;
    vendor.body = "{\"error\":\"invalid_grant\",\"error_description\":"
                  "\"token request is already being processed\"}";
    assert_int_equal(keep(&s), JOB_AGAIN);
    assert_int_equal(vendor.calls, 1);
    assert_int_equal(token_keeper_kind.host_limit(&s.context, STR(LANE)), TOKEN_LANE_START / 2);
    int tries = 1;
    while (keep(&s) == JOB_AGAIN)
        tries++;
    leave(&s);
    assert_in_range(tries, 2, 20);
    assert_state(&s, TOKEN_BACKING_OFF, "busy");
    end(&s);
}

/* While nothing else is to be renewed. Each renewal waits for its vendor most of the time. */
static void the_lane_of_one_account_gets_its_threads(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str name = host_share_name(&arena, STR(ACCOUNT), STR(LANE));
    struct host_share *share = host_share_new(&(struct host_share_config){
        .slots = TOKEN_KEEPER_THREADS, .queue_max = 4 * TOKEN_KEEPER_MAX});
    struct share_task tasks[TOKEN_KEEPER_THREADS];
    size_t begun = 0;
    for (size_t i = 0; i < TOKEN_KEEPER_THREADS; i++)
        assert_int_equal(host_share_enter(share, name, (struct share_task){0}), HOST_SHARE_ROOM);
    while (host_share_next(share, &tasks[begun]))
        begun++;
    assert_int_equal(begun, TOKEN_LANE_MAX);
    while (begun > 0) {
        host_share_leave(share, &tasks[--begun]);
        while (host_share_next(share, &tasks[begun]))
            begun++;
    }
    host_share_free(share);
    arena_done(&arena);
}

/* As after the recovery of an answer, and of jobs that were written before there were lanes. */
static void a_job_without_a_lane_gets_one(void **state)
{
    static const char *const counts[] = {
        "SELECT count(*) FROM jobs WHERE payload LIKE 'login.salesforce.com:443 %'",
        "SELECT count(*) FROM jobs",
    };
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    take_in_lane(&s, ACCOUNT, "");
    assert_int_equal(keep(&s), JOB_DONE);
    leave(&s);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(raw(s.f->path, counts[i]), 1);
    /* It keeps the lane when it is written again without one. */
    take_in_lane(&s, ACCOUNT, "");
    leave(&s);
    assert_int_equal(raw(s.f->path, counts[0]), 1);
    end(&s);
}

static void what_is_no_call_teaches_the_lane_no_speed(void **state)
{
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    vendor.has_no_app = true;
    take_in_lane(&s, ACCOUNT, LANE);
    assert_int_equal(keep(&s), JOB_DONE);
    assert_int_equal(leave(&s), JOB_HOSTS_NOT_ASKED);
    assert_int_equal(vendor.calls, 0);
    assert_true(token_lane_rate(s.context.token_lanes, STR(LANE)) == 0);
    vendor.has_no_app = false;
    take_in_lane(&s, ACCOUNT, LANE);
    assert_int_equal(keep(&s), JOB_DONE);
    leave(&s);
    assert_true(token_lane_rate(s.context.token_lanes, STR(LANE)) > 0);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(a_throttled_renewal_takes_another_turn),
        test_with_store(a_busy_answer_narrows_the_lane),
        cmocka_unit_test(the_lane_of_one_account_gets_its_threads),
        test_with_store(a_job_without_a_lane_gets_one),
        test_with_store(what_is_no_call_teaches_the_lane_no_speed),
    };
    return cmocka_run_group_tests_name("token keeper lanes", tests, prepare, finish);
}
