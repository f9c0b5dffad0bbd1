/* A database server that is silent is found out once, by whoever waits for it in vain, and whoever
 * comes meanwhile is told so at once. No server is needed: a port says whether anyone knocked. */
#include "cmocka_all.h"

#include "base/clock.h"
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
    struct circuit_breaker *silence;
};

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
    silent.server = pg_server_new(url, NULL);
    silent.silence = pg_server_breaker(silent.server);
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

static struct breaker_attempt enter(struct circuit_breaker *silence)
{
    struct breaker_attempt attempt;
    struct error error;
    assert_true(circuit_breaker_enter(silence, INT64_MAX, &attempt, &error));
    return attempt;
}

static void assert_refused(struct circuit_breaker *silence, int64_t since_ms)
{
    struct breaker_attempt attempt;
    struct error error = {0};
    assert_false(circuit_breaker_enter(silence, since_ms, &attempt, &error));
    assert_int_equal(error.code, ERR_UNAVAILABLE);
}

static void find_silent(struct circuit_breaker *silence)
{
    struct breaker_attempt attempt = enter(silence);
    assert_false(attempt.probes);
    circuit_breaker_leave(silence, &attempt, true);
}

static void all_may_ask_until_one_gives_up(void **state)
{
    struct circuit_breaker *silence = ((struct silent *)*state)->silence;
    struct error error;
    struct breaker_attempt first = enter(silence), second = enter(silence);
    assert_false(first.probes || second.probes);
    circuit_breaker_leave(silence, &first, false);
    assert_false(enter(silence).probes);
    circuit_breaker_leave(silence, &second, true);
    assert_true(circuit_breaker_check(silence, &error)); /* nobody probes yet */
    assert_true(enter(silence).probes);
    assert_false(circuit_breaker_check(silence, &error));
}

static void one_at_a_time_finds_out_whether_it_still_is(void **state)
{
    struct circuit_breaker *silence = ((struct silent *)*state)->silence;
    find_silent(silence);
    for (int i = 0; i < 3; i++) {
        struct breaker_attempt probe = enter(silence);
        assert_true(probe.probes);
        for (int other = 0; other < 640; other++)
            assert_refused(silence, INT64_MAX);
        circuit_breaker_leave(silence, &probe, true);
    }
}

static void who_waited_already_is_told_and_does_not_probe(void **state)
{
    struct circuit_breaker *silence = ((struct silent *)*state)->silence;
    int64_t since_ms = clock_mono_ms();
    find_silent(silence);
    assert_refused(silence, since_ms);
    assert_refused(silence, PG_NEVER_PROBES);
    assert_true(enter(silence).probes);
}

static void any_answer_ends_it(void **state)
{
    struct circuit_breaker *silence = ((struct silent *)*state)->silence;
    find_silent(silence);
    struct breaker_attempt probe = enter(silence);
    circuit_breaker_close(silence);
    struct breaker_attempt other = enter(silence);
    assert_false(other.probes);
    circuit_breaker_leave(silence, &probe, false);
    circuit_breaker_leave(silence, &other, false);
    assert_false(enter(silence).probes);
}

/* A statement that takes too long, or a connection that hangs alone, says nothing of the server. */
static void who_waits_in_vain_while_others_are_answered(void **state)
{
    struct circuit_breaker *silence = ((struct silent *)*state)->silence;
    struct breaker_attempt slow = enter(silence);
    for (int64_t begun_ms = clock_mono_ms(); clock_mono_ms() == begun_ms;)
        clock_nap_us(100);
    circuit_breaker_close(silence);
    circuit_breaker_leave(silence, &slow, true);
    assert_false(enter(silence).probes);
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

static void reads_look_ups_and_locks_do_not_knock(void **state)
{
    const struct silent *silent = *state;
    const struct lock_swap swap = {.wanted = (int64_t[]){1}, .wanted_count = 1};
    struct error error = {0};
    struct db *db;
    bool taken;
    find_silent(silent->silence);
    struct breaker_attempt probe = enter(silent->silence);
    assert_reads_fail_at_once(silent, DB_READ);
    assert_reads_fail_at_once(silent, DB_FIND);
    assert_true(pg_open(silent->server, DB_READ, &db, &error));
    assert_false(pg_swap_locks(db, &swap, &taken, &error));
    db_close(db);
    assert_false(was_connected_to(silent));
    circuit_breaker_leave(silent->silence, &probe, true);
}

#define test_silent(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_silent(all_may_ask_until_one_gives_up),
        test_silent(one_at_a_time_finds_out_whether_it_still_is),
        test_silent(who_waited_already_is_told_and_does_not_probe),
        test_silent(any_answer_ends_it),
        test_silent(who_waits_in_vain_while_others_are_answered),
        test_silent(reads_look_ups_and_locks_do_not_knock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
