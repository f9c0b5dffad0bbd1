/* Who gets a place, and who waits: the shares of hosts, the queue's, and the turns of shares. */
#include "cmocka_all.h"

#include "work/host_share.h"
#include "work/keyed_share.h"

#include <stdio.h>

enum { PLACES = 8, QUEUE = 8 };

static struct host_share *lanes_of(size_t places, size_t queue_max, size_t host_max)
{
    return host_share_new(
        &(struct host_share_config){.slots = places, .queue_max = queue_max, .host_max = host_max});
}

static enum host_share_room enter(struct host_share *shares, const char *hosts)
{
    return host_share_enter(shares, hosts ? str_from(hosts) : STR_NULL, (struct share_task){0});
}

/* A job that is told from others by a text. */
static void enter_marked(struct host_share *shares, const char *hosts, const char *mark)
{
    struct share_task job = {.argument = (void *)mark};
    assert_int_equal(host_share_enter(shares, str_from(hosts), job), HOST_SHARE_ROOM);
}

/* Gives places to all that may have one; how many there were. */
static size_t start_all(struct host_share *shares, struct share_task *ret_jobs)
{
    size_t count = 0;
    while (host_share_next(shares, &ret_jobs[count]))
        count++;
    return count;
}

/* Ends what is in hand and what waits, and the shares. */
static void end(struct host_share *shares, struct share_task *jobs, size_t count)
{
    while (count > 0) {
        for (size_t i = 0; i < count; i++)
            host_share_leave(shares, &jobs[i]);
        count = start_all(shares, jobs);
    }
    assert_int_equal(host_share_counts(shares).in_hand, 0);
    assert_int_equal(host_share_counts(shares).queued, 0);
    host_share_free(shares);
}

/* As the pool does: each starts as soon as it may. How many did; the others wait. */
static size_t enter_and_start(struct host_share *shares, const char *hosts, size_t count,
                              struct share_task *ret_jobs)
{
    size_t started = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(enter(shares, hosts), HOST_SHARE_ROOM);
        started += start_all(shares, ret_jobs + started);
    }
    return started;
}

static void a_job_that_calls_nobody_takes_any_place(void **state)
{
    (void)state;
    struct host_share *shares = lanes_of(PLACES, QUEUE, 1);
    struct share_task jobs[PLACES + 1];
    assert_int_equal(enter_and_start(shares, NULL, PLACES, jobs), PLACES);
    assert_int_equal(enter(shares, NULL), HOST_SHARE_ROOM);
    assert_false(host_share_next(shares, &jobs[PLACES]));
    assert_int_equal(host_share_counts(shares).queued, 1);
    assert_int_equal(host_share_counts(shares).held, 0); /* it waits for a place, not for a share */
    end(shares, jobs, PLACES);
}

static void a_host_takes_what_it_leaves_free(void **state)
{
    (void)state;
    struct host_share *shares = lanes_of(PLACES, QUEUE, 0);
    struct share_task jobs[PLACES];
    assert_int_equal(enter_and_start(shares, "one", PLACES / 2 + 2, jobs), PLACES / 2);
    assert_int_equal(host_share_counts(shares).held, 2);
    assert_int_equal(enter_and_start(shares, "other", 1, jobs + PLACES / 2), 1);
    end(shares, jobs, PLACES / 2 + 1);
}

static void the_only_place_is_for_anyone(void **state)
{
    (void)state;
    struct host_share *shares = lanes_of(1, QUEUE, 0);
    struct share_task job;
    assert_int_equal(enter_and_start(shares, "one", 1, &job), 1);
    end(shares, &job, 1);
}

/* Each that hangs takes half of what those before have left: the next one finds a place. */
static void many_hosts_leave_room_for_another(void **state)
{
    (void)state;
    enum { MANY_PLACES = 64, HOSTS = 5 };
    struct host_share *shares = lanes_of(MANY_PLACES, 100000, 0);
    struct share_task jobs[MANY_PLACES];
    size_t started = 0;
    for (int host = 0; host < HOSTS; host++) {
        char name[8];
        snprintf(name, sizeof(name), "h%d", host);
        size_t left = MANY_PLACES - started;
        size_t more = enter_and_start(shares, name, MANY_PLACES, jobs + started);
        assert_int_equal(more, left / 2);
        started += more;
    }
    assert_int_equal(enter_and_start(shares, "good", 1, jobs + started), 1);
    end(shares, jobs, started + 1);
}

/* A token endpoint that many shares have in common hangs: they share one share. */
static void lanes_share_a_host(void **state)
{
    (void)state;
    struct host_share *shares = lanes_of(PLACES, QUEUE, 0);
    struct share_task jobs[PLACES];
    size_t started = enter_and_start(shares, "login\none", 3, jobs);
    started += enter_and_start(shares, "login\nother", 3, jobs + started);
    assert_int_equal(started, PLACES / 2);
    assert_int_equal(host_share_counts(shares).held, 2);
    assert_int_equal(enter_and_start(shares, "other", 1, jobs + started), 1);
    end(shares, jobs, started + 1);
}

static void hosts_past_the_last_that_counts_do_no_harm(void **state)
{
    (void)state;
    struct host_share *shares = lanes_of(PLACES, QUEUE, 0);
    struct share_task jobs[PLACES];
    assert_int_equal(enter_and_start(shares, "a\nb\nc\nd\ne\nf", 6, jobs), PLACES / 2);
    assert_int_equal(enter_and_start(shares, "f", 1, jobs + PLACES / 2), 1);
    end(shares, jobs, PLACES / 2 + 1);
}

static void a_set_limit_holds_below_the_share(void **state)
{
    (void)state;
    struct host_share *shares = lanes_of(PLACES, QUEUE, 2);
    struct share_task jobs[PLACES];
    assert_int_equal(enter_and_start(shares, "one", 3, jobs), 2);
    assert_int_equal(host_share_counts(shares).held, 1);
    host_share_leave(shares, &jobs[0]);
    assert_true(host_share_next(shares, &jobs[0]));
    end(shares, jobs, 2);
}

/* Of eight that may wait, one host has at most half. */
static void a_host_leaves_room_in_the_queue(void **state)
{
    (void)state;
    struct host_share *shares = lanes_of(PLACES, QUEUE, 1);
    struct share_task jobs[PLACES];
    assert_int_equal(enter_and_start(shares, "one", 1 + QUEUE / 2, jobs), 1);
    assert_int_equal(enter(shares, "one"), HOST_SHARE_HOST_FULL);
    assert_int_equal(enter_and_start(shares, "other", 2, jobs + 1), 1);
    end(shares, jobs, 2);
}

static void a_full_queue_takes_none(void **state)
{
    (void)state;
    struct host_share *shares = lanes_of(1, 2, 0);
    struct share_task job;
    assert_int_equal(enter_and_start(shares, NULL, 1, &job), 1);
    assert_int_equal(enter(shares, NULL), HOST_SHARE_ROOM);
    assert_int_equal(enter(shares, "one"), HOST_SHARE_ROOM);
    assert_int_equal(enter(shares, NULL), HOST_SHARE_FULL);
    assert_int_equal(enter(shares, "other"), HOST_SHARE_FULL);
    end(shares, &job, 1);
}

static void lanes_take_turns(void **state)
{
    (void)state;
    static const char *const expected[] = {"a1", "b1", "c1", "a2", "b2", "a3"};
    struct host_share *shares = lanes_of(1, 100, 0);
    struct share_task job;
    enter_marked(shares, "first", "first");
    assert_true(host_share_next(shares, &job));
    enter_marked(shares, "a", "a1");
    enter_marked(shares, "a", "a2");
    enter_marked(shares, "b", "b1");
    enter_marked(shares, "a", "a3");
    enter_marked(shares, "c", "c1");
    enter_marked(shares, "b", "b2");
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        host_share_leave(shares, &job);
        assert_true(host_share_next(shares, &job));
        assert_string_equal(job.argument, expected[i]);
    }
    end(shares, &job, 1);
}

/* Those of a host that has its share are passed over, and come when it has room again. */
static void held_jobs_are_passed_over(void **state)
{
    (void)state;
    struct host_share *shares = lanes_of(PLACES, QUEUE, 1);
    struct share_task hanging, job;
    enter_marked(shares, "hangs", "1");
    assert_true(host_share_next(shares, &hanging));
    enter_marked(shares, "hangs", "2");
    enter_marked(shares, "good", "3");
    assert_true(host_share_next(shares, &job));
    assert_string_equal(job.argument, "3");
    host_share_leave(shares, &job);
    assert_false(host_share_next(shares, &job));
    host_share_leave(shares, &hanging);
    assert_true(host_share_next(shares, &job));
    assert_string_equal(job.argument, "2");
    end(shares, &job, 1);
}

static void a_host_earns_its_places_by_answers(void **state)
{
    (void)state;
    struct host_share *shares =
        host_share_new(&(struct host_share_config){PLACES, 100, .by_answers = true});
    struct share_task jobs[PLACES + 1];
    assert_int_equal(enter_and_start(shares, "one", 6, jobs), 1);
    assert_int_equal(host_share_counts(shares).held, 5);
    host_share_note(shares, STR("one"), true);
    assert_int_equal(start_all(shares, jobs + 1), 1);
    host_share_note(shares, STR("one"), true);
    assert_int_equal(start_all(shares, jobs + 2), 1);
    host_share_note(shares, STR("one"), false);
    host_share_leave(shares, &jobs[1]);
    host_share_leave(shares, &jobs[2]);
    assert_int_equal(start_all(shares, jobs + 1), 0); /* one is still in hand */
    host_share_leave(shares, &jobs[0]);
    assert_int_equal(start_all(shares, jobs), 1);
    end(shares, jobs, 1);
}

/* All but the last place is a host's that hangs, and who calls several is bound by each. */
static void hosts_that_never_answered_have_one_place_each(void **state)
{
    (void)state;
    struct host_share *shares =
        host_share_new(&(struct host_share_config){PLACES, 100, .by_answers = true});
    struct share_task jobs[PLACES];
    size_t started = 0;
    for (int host = 0; host < PLACES - 1; host++) {
        char name[16];
        snprintf(name, sizeof(name), "h%d", host);
        assert_int_equal(enter_and_start(shares, name, PLACES, jobs + started), 1);
        started++;
    }
    assert_int_equal(enter_and_start(shares, "h0\ngood", 1, jobs + started), 0);
    assert_int_equal(enter_and_start(shares, "good", 1, jobs + started), 1);
    end(shares, jobs, started + 1);
}

/* --- accounts --- */

/* However many host names an account makes up. */
static void an_account_takes_what_it_leaves_free(void **state)
{
    (void)state;
    struct host_share *shares = lanes_of(PLACES, QUEUE, 0);
    struct share_task jobs[PLACES];
    size_t started = 0;
    for (int host = 0; host < PLACES; host++) {
        char name[16];
        snprintf(name, sizeof(name), "@1\nh%d", host);
        started += enter_and_start(shares, name, 1, jobs + started);
    }
    assert_int_equal(started, PLACES / 2);
    assert_int_equal(host_share_counts(shares).held, PLACES / 2);
    assert_int_equal(enter(shares, "@1\nmore"), HOST_SHARE_ACCOUNT_FULL);
    assert_int_equal(enter_and_start(shares, "@2\ngood", 2, jobs + started), 1);
    assert_int_equal(enter_and_start(shares, "@2\nother", 1, jobs + started + 1), 1);
    end(shares, jobs, started + 2);
}

/* A host that hangs leaves its account half of the account's share. */
static void a_host_takes_half_of_its_accounts_share(void **state)
{
    (void)state;
    struct host_share *shares = lanes_of(PLACES, QUEUE, 0);
    struct share_task jobs[PLACES];
    size_t started = enter_and_start(shares, "@1\nlogin\none", 3, jobs);
    assert_int_equal(started, PLACES / 4);
    assert_int_equal(enter(shares, "@1\nlogin\nother"), HOST_SHARE_ROOM); /* waits */
    assert_int_equal(enter(shares, "@1\nlogin\nother"), HOST_SHARE_HOST_FULL);
    assert_int_equal(enter_and_start(shares, "@1\ngood", 1, jobs + started), 1);
    /* Another account has its own part of the same host. */
    assert_int_equal(enter_and_start(shares, "@2\nlogin", 1, jobs + started + 1), 1);
    end(shares, jobs, started + 2);
}

/* A host that all use hangs: together they have half of the places for it, as one would. */
static void accounts_share_a_host(void **state)
{
    (void)state;
    enum { MANY = 64 };
    struct host_share *shares = lanes_of(MANY, 1000, 0);
    struct share_task jobs[MANY];
    size_t started = 0;
    for (int account = 0; account < MANY; account++) {
        char name[16];
        snprintf(name, sizeof(name), "@%d\nhangs", account);
        started += enter_and_start(shares, name, 4, jobs + started);
    }
    assert_int_equal(started, MANY / 2);
    assert_int_equal(enter_and_start(shares, "@0\ngood", 1, jobs + started), 1);
    end(shares, jobs, started + 1);
}

static void a_set_limit_takes_the_place_of_an_accounts_share(void **state)
{
    (void)state;
    struct host_share *shares = host_share_new(&(struct host_share_config){
        .slots = PLACES, .queue_max = QUEUE, .account_max = PLACES, .account_queue_max = 2});
    struct share_task jobs[PLACES];
    assert_int_equal(enter_and_start(shares, "@1", PLACES, jobs), PLACES);
    assert_int_equal(enter(shares, "@1"), HOST_SHARE_ROOM);
    assert_int_equal(enter(shares, "@1"), HOST_SHARE_ROOM);
    assert_int_equal(enter(shares, "@1"), HOST_SHARE_ACCOUNT_FULL);
    assert_int_equal(enter(shares, "@2"), HOST_SHARE_ROOM);
    end(shares, jobs, PLACES);
}

/* Names that one account makes up cost the other no turn. */
static void accounts_take_turns(void **state)
{
    (void)state;
    static const char *const expected[] = {"a", "1", "b", "2", "c", "d"};
    struct host_share *shares = lanes_of(1, 100, 0);
    struct share_task job;
    enter_marked(shares, "@0", "first");
    assert_true(host_share_next(shares, &job));
    enter_marked(shares, "@1\na", "a");
    enter_marked(shares, "@1\nb", "b");
    enter_marked(shares, "@1\nc", "c");
    enter_marked(shares, "@1\nd", "d");
    enter_marked(shares, "@2\ngood", "1");
    enter_marked(shares, "@2\ngood", "2");
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        host_share_leave(shares, &job);
        assert_true(host_share_next(shares, &job));
        assert_string_equal(job.argument, expected[i]);
    }
    end(shares, &job, 1);
}

static void a_name_has_account_and_hosts(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_true(str_eq(host_share_name(&arena, STR("1"), STR("a\nb")), STR("@1\na\nb")));
    assert_true(str_eq(host_share_name(&arena, STR("1"), STR_NULL), STR("@1")));
    arena_done(&arena);
}

/* --- keyed shares --- */

static void a_key_takes_what_it_leaves_free(void **state)
{
    (void)state;
    struct keyed_share share = {.size = PLACES};
    struct share_key *keys[PLACES];
    size_t count = 0;
    for (int i = 0; i < PLACES / 2; i++)
        assert_non_null(keys[count++] = share_take(&share, STR("one")));
    assert_null(share_take(&share, STR("one")));
    assert_non_null(keys[count++] = share_take(&share, STR("other")));
    assert_non_null(keys[count++] = share_take(&share, STR("other")));
    assert_null(share_take(&share, STR("other")));
    share_give(&share, keys[PLACES / 2]);
    assert_non_null(keys[PLACES / 2] = share_take(&share, STR("other")));
    assert_int_equal(share.keys.count, 2);
    while (count > 0)
        share_give(&share, keys[--count]);
    assert_int_equal(share.keys.count, 0);
    assert_null(share_find(&share, STR("one")));
    share_done(&share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_calls_nobody_takes_any_place),
        cmocka_unit_test(a_host_takes_what_it_leaves_free),
        cmocka_unit_test(the_only_place_is_for_anyone),
        cmocka_unit_test(many_hosts_leave_room_for_another),
        cmocka_unit_test(lanes_share_a_host),
        cmocka_unit_test(hosts_past_the_last_that_counts_do_no_harm),
        cmocka_unit_test(a_set_limit_holds_below_the_share),
        cmocka_unit_test(a_host_leaves_room_in_the_queue),
        cmocka_unit_test(a_full_queue_takes_none),
        cmocka_unit_test(lanes_take_turns),
        cmocka_unit_test(held_jobs_are_passed_over),
        cmocka_unit_test(a_host_earns_its_places_by_answers),
        cmocka_unit_test(hosts_that_never_answered_have_one_place_each),
        cmocka_unit_test(an_account_takes_what_it_leaves_free),
        cmocka_unit_test(a_host_takes_half_of_its_accounts_share),
        cmocka_unit_test(accounts_share_a_host),
        cmocka_unit_test(a_set_limit_takes_the_place_of_an_accounts_share),
        cmocka_unit_test(accounts_take_turns),
        cmocka_unit_test(a_name_has_account_and_hosts),
        cmocka_unit_test(a_key_takes_what_it_leaves_free),
    };
    return cmocka_run_group_tests_name("shares", tests, NULL, NULL);
}
