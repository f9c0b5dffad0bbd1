/* The server's beginning and end: ports, exchanges that outlive their client, stopping. */
#include "cmocka_all.h"

#include "server_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct str hold_request = STR("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");

static void a_taken_port_is_refused(void **state)
{
    (void)state;
    for (int loops = 1; loops <= 2; loops++) {
        struct server *server;
        struct server *second;
        struct error error = {0};
        fixture_start(&(struct server_config){.loops = loops}, &server);
        const struct server_config same = {
            .host = "127.0.0.1", .port = server_port(server), .loops = loops};
        assert_false(server_start(&same, &second, &error));
        assert_int_equal(error.code, ERR_UNAVAILABLE);
        assert_true(server_stop(server, WAIT_MS));
        server_free(server);
    }
}

static void a_host_name_is_no_address(void **state)
{
    (void)state;
    struct server *server;
    struct error error = {0};
    assert_false(server_start(&(struct server_config){.host = "localhost"}, &server, &error));
    assert_int_equal(error.code, ERR_VALIDATION);
    error = (struct error){0};
    assert_false(
        server_start(&(struct server_config){.host = "::1", .port = 65536}, &server, &error));
    assert_int_equal(error.code, ERR_VALIDATION);
}

static void all_loops_share_the_port(void **state)
{
    (void)state;
    struct server *server;
    fixture_start(&(struct server_config){.loops = 4}, &server);
    enum { COUNT = 40 };
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = client_connect(server);
        client_send(fds[i], STR("GET /later HTTP/1.1\r\nHost: h\r\n\r\n"));
    }
    for (int i = 0; i < COUNT; i++) {
        struct buf answer = client_read_answer(fds[i]);
        assert_int_equal(answer_status(buf_str(&answer)), 200);
        buf_done(&answer);
        close(fds[i]);
    }
    assert_true(server_stop(server, WAIT_MS));
    server_free(server);
}

/* The request's bytes stay as they were although the connection has gone and others came. */
static void an_exchange_outlives_its_client(void **state)
{
    (void)state;
    struct server *server;
    fixture_start(&(struct server_config){0}, &server);
    int gone = client_connect(server);
    client_send(gone, hold_request);
    fixture_wait_held(1);
    client_reset(gone);
    int fd = client_connect(server);
    client_send(fd, STR("GET /hold/second HTTP/1.1\r\nHost: h\r\n\r\n"));
    fixture_wait_held(2);
    fixture_answer_held();
    struct buf answer = client_read_answer(fd);
    assert_true(str_ends(buf_str(&answer), STR("GET /hold/second  ")));
    buf_done(&answer);
    close(fd);
    assert_true(server_stop(server, WAIT_MS));
    server_free(server);
}

struct stopping {
    struct server *server;
    int64_t limit_ms;
    bool all;
};

static void *stop_from_here(void *argument)
{
    struct stopping *stopping = argument;
    stopping->all = server_stop(stopping->server, stopping->limit_ms);
    return NULL;
}

static void what_was_accepted_is_answered_at_the_stop(void **state)
{
    (void)state;
    struct server *server;
    fixture_start(&(struct server_config){.loops = 2}, &server);
    int idle = client_connect(server);
    int half = client_connect(server);
    int held = client_connect(server);
    client_send(half, STR("POST /half HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab"));
    client_send(held, hold_request);
    fixture_wait_held(1);

    struct stopping stopping = {server, WAIT_MS, false};
    pthread_t thread;
    int port = server_port(server);
    assert_int_equal(pthread_create(&thread, NULL, stop_from_here, &stopping), 0);
    struct buf nothing = client_read_all(idle, NULL); /* its end says that the stop has begun */
    assert_int_equal(nothing.len, 0);
    for (int tries = 0; client_can_connect(port); tries++) /* until the other loop has, too */
        assert_true(tries < 1000 * 1000);

    client_send(half, STR("cd"));
    fixture_answer_held();
    struct buf answers[] = {client_read_all(half, NULL), client_read_all(held, NULL)};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(answer_status(buf_str(&answers[i])), 200);
        assert_true(str_contains(buf_str(&answers[i]), STR("\r\nConnection: close\r\n")));
        buf_done(&answers[i]);
    }
    pthread_join(thread, NULL);
    assert_true(stopping.all);
    server_free(server);
    buf_done(&nothing);
    close(idle);
    close(half);
    close(held);
}

static void *free_from_here(void *argument)
{
    server_free(argument);
    return NULL;
}

static void connections_are_cut_at_the_limit(void **state)
{
    (void)state;
    struct server *server;
    fixture_start(&(struct server_config){.loops = 2}, &server);
    int fd = client_connect(server);
    client_send(fd, hold_request);
    fixture_wait_held(1);
    assert_false(server_stop(server, 30));
    bool reset;
    struct buf stream = client_read_all(fd, &reset);
    assert_int_equal(stream.len, 0);
    buf_done(&stream);
    close(fd);
    /* Freeing waits for whoever has the exchange still. */
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, free_from_here, server), 0);
    fixture_answer_held();
    pthread_join(thread, NULL);
}

struct counts {
    atomic_int iterations;
    atomic_int ends;
    atomic_int slots_seen;
};

static void count_iteration(void *context, struct server_loop *loop)
{
    struct counts *counts = context;
    void **slot = server_loop_slot(loop);
    atomic_fetch_add(&counts->slots_seen, *slot == NULL);
    *slot = counts;
    atomic_fetch_add(&counts->iterations, 1);
}

static void count_end(void *context, struct server_loop *loop)
{
    struct counts *counts = context;
    assert_true(server_loop_index(loop) < 3);
    atomic_fetch_add(&counts->ends, 1);
}

static void never_called(void *context, struct http_exchange *exchange)
{
    (void)context;
    (void)exchange;
    fail_msg("no request was sent");
}

static void loops_have_hooks_and_a_slot(void **state)
{
    (void)state;
    struct counts counts = {0};
    struct server *server;
    struct error error = {0};
    const struct server_config config = {.host = "127.0.0.1",
                                         .loops = 3,
                                         .handler = never_called,
                                         .handler_context = &counts,
                                         .on_iteration = count_iteration,
                                         .on_loop_end = count_end};
    assert_true(server_start(&config, &server, &error));
    server_free(server);
    assert_int_equal(atomic_load(&counts.ends), 3);
    assert_int_equal(atomic_load(&counts.slots_seen), 3);
    assert_true(atomic_load(&counts.iterations) >= 3);
}

/* Many connections on two loops with requests that cross threads, for the thread sanitizer. */
static void *load(void *argument)
{
    const struct server *server = argument;
    for (int i = 0; i < 20; i++) {
        int fd = client_connect(server);
        for (int j = 0; j < 10; j++) {
            client_send(fd, j % 2 ? STR("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
                                  : STR("GET /now HTTP/1.1\r\nHost: h\r\n\r\n"));
            struct buf answer = client_read_answer(fd);
            assert_int_equal(answer_status(buf_str(&answer)), 200);
            buf_done(&answer);
        }
        close(fd);
    }
    return NULL;
}

static void loops_bear_load(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    struct server *server;
    fixture_start(&(struct server_config){.loops = 2}, &server);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load, server), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(server_stop(server, WAIT_MS));
    server_free(server);
}

/* Connections without a signature are closed for newer ones, on whichever loop they are. */
static void *come_and_go(void *argument)
{
    const struct server *server = argument;
    enum { COUNT = 100, HELD = 4 };
    int fds[HELD] = {-1, -1, -1, -1};
    for (int i = 0; i < COUNT; i++) {
        if (fds[i % HELD] >= 0)
            close(fds[i % HELD]);
        fds[i % HELD] = client_connect(server);
        client_try_send(fds[i % HELD], STR("GET /later HTTP/1.1\r\nHost: h\r\n\r\n"));
    }
    for (int i = 0; i < HELD; i++)
        close(fds[i]);
    return NULL;
}

static void loops_make_room_for_newer_connections(void **state)
{
    (void)state;
    enum { THREADS = 4, COUNT = 64 };
    pthread_t threads[THREADS];
    int fds[COUNT];
    struct server *server;
    fixture_start(&(struct server_config){.loops = 4,
                                          .connections_max = 8,
                                          .shares_connections = true,
                                          .first_timeout_ms = WAIT_MS},
                  &server);
    for (int i = 0; i < COUNT; i++) {
        fds[i] = client_connect(server);
        client_send(fds[i], STR("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
        struct buf answer = client_read_answer(fds[i]);
        assert_int_equal(answer_status(buf_str(&answer)), 200);
        buf_done(&answer);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, server), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    assert_true(server_stop(server, WAIT_MS));
    assert_int_equal(server_counts(server).connections_open, 0);
    server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_taken_port_is_refused),
        cmocka_unit_test(a_host_name_is_no_address),
        cmocka_unit_test(all_loops_share_the_port),
        cmocka_unit_test(an_exchange_outlives_its_client),
        cmocka_unit_test(what_was_accepted_is_answered_at_the_stop),
        cmocka_unit_test(connections_are_cut_at_the_limit),
        cmocka_unit_test(loops_have_hooks_and_a_slot),
        cmocka_unit_test(loops_bear_load),
        cmocka_unit_test(loops_make_room_for_newer_connections),
    };
    return cmocka_run_group_tests_name("server-life", tests, NULL, NULL);
}
