/* The circuit breaker of a PostgreSQL server: the first timeout opens it, then requests fail at
 * once but for one probe at a time, and any answer closes it. No server is needed: a listening port
 * tells whether a connection was tried. */
#include "cmocka_all.h"

#include "base/clock.h"
#include "store/pg/advisory_locks.h"
#include "store/pg/internal.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct silent {
    int listener;
    struct pg_server *server;
    struct circuit_breaker *breaker;
};

static int notices[NOTICE_COUNT];

static void count_notice(enum db_notice notice, const char *detail)
{
    (void)detail;
    notices[notice]++;
}

static int setup(void **state)
{
    static struct silent silent;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    struct error error;
    char url[64];
    silent.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(silent.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(silent.listener, 64), 0);
    assert_int_equal(getsockname(silent.listener, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof(url), "postgresql://x@127.0.0.1:%d/x", ntohs(address.sin_port));
    silent.server = pg_server_new(url, NULL, count_notice);
    silent.breaker = silent.server->breaker;
    memset(notices, 0, sizeof(notices));
    assert_true(pg_server_check(silent.server, &error));
    *state = &silent;
    return 0;
}

static int teardown(void **state)
{
    struct silent *silent = *state;
    pg_server_free(silent->server);
    close(silent->listener);
    return 0;
}

static bool was_connected_to(const struct silent *silent)
{
    struct pollfd poll_fd = {.fd = silent->listener, .events = POLLIN};
    return poll(&poll_fd, 1, 0) > 0;
}

static struct breaker_attempt enter(struct circuit_breaker *breaker)
{
    struct breaker_attempt attempt;
    struct error error;
    assert_true(circuit_breaker_enter(breaker, INT64_MAX, &attempt, &error));
    return attempt;
}

static void assert_refused(struct circuit_breaker *breaker, int64_t since_ms)
{
    struct breaker_attempt attempt;
    struct error error = {0};
    assert_false(circuit_breaker_enter(breaker, since_ms, &attempt, &error));
    assert_int_equal(error.code, ERR_UNAVAILABLE);
}

static void find_silent(struct circuit_breaker *breaker)
{
    struct breaker_attempt attempt = enter(breaker);
    assert_false(attempt.probe);
    circuit_breaker_leave(breaker, &attempt, true);
}

static void closed_until_an_attempt_times_out(void **state)
{
    struct circuit_breaker *breaker = ((struct silent *)*state)->breaker;
    struct error error;
    struct breaker_attempt first = enter(breaker), second = enter(breaker);
    assert_false(first.probe || second.probe);
    circuit_breaker_leave(breaker, &first, false);
    assert_false(enter(breaker).probe);
    circuit_breaker_leave(breaker, &second, true);
    assert_true(circuit_breaker_check(breaker, &error)); /* nobody probes yet */
    assert_true(enter(breaker).probe);
    assert_false(circuit_breaker_check(breaker, &error));
}

static void open_lets_one_probe_at_a_time_through(void **state)
{
    struct circuit_breaker *breaker = ((struct silent *)*state)->breaker;
    find_silent(breaker);
    for (int i = 0; i < 3; i++) {
        struct breaker_attempt probe = enter(breaker);
        assert_true(probe.probe);
        for (int other = 0; other < 640; other++)
            assert_refused(breaker, INT64_MAX);
        circuit_breaker_leave(breaker, &probe, true);
    }
}

static void a_caller_that_waited_since_before_fails_and_does_not_probe(void **state)
{
    struct circuit_breaker *breaker = ((struct silent *)*state)->breaker;
    int64_t since_ms = clock_mono_ms();
    find_silent(breaker);
    assert_refused(breaker, since_ms);
    assert_refused(breaker, PG_NEVER_PROBES);
    assert_true(enter(breaker).probe);
}

static void any_answer_closes(void **state)
{
    struct circuit_breaker *breaker = ((struct silent *)*state)->breaker;
    find_silent(breaker);
    struct breaker_attempt probe = enter(breaker);
    circuit_breaker_close(breaker);
    struct breaker_attempt other = enter(breaker);
    assert_false(other.probe);
    circuit_breaker_leave(breaker, &probe, false);
    circuit_breaker_leave(breaker, &other, false);
    assert_false(enter(breaker).probe);
}

/* A statement that takes too long, or a connection that hangs alone, says nothing of the server. */
static void a_timeout_does_not_count_while_others_are_answered(void **state)
{
    struct circuit_breaker *breaker = ((struct silent *)*state)->breaker;
    struct breaker_attempt slow = enter(breaker);
    for (int64_t begun_ms = clock_mono_ms(); clock_mono_ms() == begun_ms;)
        clock_nap_us(100);
    circuit_breaker_close(breaker);
    circuit_breaker_leave(breaker, &slow, true);
    assert_false(enter(breaker).probe);
}

/* A probe that ends late, after the breaker closed and opened again, leaves the next probe alone.
 */
static void a_late_probe_does_not_end_a_later_one(void **state)
{
    struct circuit_breaker *breaker = ((struct silent *)*state)->breaker;
    find_silent(breaker);
    struct breaker_attempt late = enter(breaker);
    for (int64_t begun_ms = clock_mono_ms(); clock_mono_ms() == begun_ms;)
        clock_nap_us(100);
    circuit_breaker_close(breaker);
    for (int64_t closed_ms = clock_mono_ms(); clock_mono_ms() == closed_ms;)
        clock_nap_us(100);
    find_silent(breaker);
    struct breaker_attempt later = enter(breaker);
    assert_true(later.probe);
    circuit_breaker_leave(breaker, &late, true);
    assert_refused(breaker, INT64_MAX);
    circuit_breaker_leave(breaker, &later, true);
    assert_true(enter(breaker).probe);
}

static void opening_and_closing_are_noticed_once(void **state)
{
    struct circuit_breaker *breaker = ((struct silent *)*state)->breaker;
    struct breaker_attempt first = enter(breaker), second = enter(breaker);
    circuit_breaker_leave(breaker, &first, true);
    circuit_breaker_leave(breaker, &second, true);
    struct breaker_attempt probe = enter(breaker);
    circuit_breaker_leave(breaker, &probe, true);
    assert_int_equal(notices[NOTICE_PG_SILENT], 1);
    assert_int_equal(notices[NOTICE_PG_ANSWERS], 0);
    circuit_breaker_close(breaker);
    circuit_breaker_close(breaker);
    assert_int_equal(notices[NOTICE_PG_ANSWERS], 1);
}

static void assert_reads_fail_at_once(const struct silent *silent, enum db_use use)
{
    struct error error = {0};
    struct db *db;
    bool row;
    assert_true(pg_open(silent->server, use, &db, &error));
    struct stmt stmt = stmt_open(db, SQL_META_GET);
    stmt_text(&stmt, 1, STR("x"));
    assert_false(stmt_step(&stmt, &row, &error));
    stmt_done(&stmt);
    db_close(db);
    assert_int_equal(error.code, ERR_UNAVAILABLE);
    assert_string_equal(error.message, "The store's database does not answer.");
}

static void reads_and_locks_do_not_connect_while_open(void **state)
{
    const struct silent *silent = *state;
    struct error error = {0};
    struct advisory_locks *locks;
    bool taken;
    find_silent(silent->breaker);
    struct breaker_attempt probe = enter(silent->breaker);
    assert_reads_fail_at_once(silent, DB_READ);
    assert_reads_fail_at_once(silent, DB_FIND);
    assert_true(advisory_locks_start(silent->server, &locks, &error));
    assert_false(advisory_locks_try(locks, 1, &taken, &error));
    advisory_locks_stop(locks);
    assert_false(was_connected_to(silent));
    circuit_breaker_leave(silent->breaker, &probe, true);
}

#define test_silent(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_silent(closed_until_an_attempt_times_out),
        test_silent(open_lets_one_probe_at_a_time_through),
        test_silent(a_caller_that_waited_since_before_fails_and_does_not_probe),
        test_silent(any_answer_closes),
        test_silent(a_timeout_does_not_count_while_others_are_answered),
        test_silent(a_late_probe_does_not_end_a_later_one),
        test_silent(opening_and_closing_are_noticed_once),
        test_silent(reads_and_locks_do_not_connect_while_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
