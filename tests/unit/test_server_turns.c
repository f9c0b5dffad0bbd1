/* What a loop does first when there is much to do: sockets are looked at between the pieces of work
 * that can wait. */
#include "cmocka_all.h"
#include "server_fixture.h"

#include "base/clock.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
    MANY = 50,
    LONG_US = 1000, /* more than a loop's turn */
};

struct turns {
    sem_t came;              /* a request that waits */
    sem_t at_work, go_on;    /* one piece of work stops there */
    int stops_at;            /* which one does, from 1 on */
    int done;                /* pieces; the loop's */
    atomic_int done_at_read; /* how many were when a read came */
    struct http_exchange *held[MANY];
    int held_count;
};

static struct turns turns;

static void answer_ok(struct http_exchange *exchange)
{
    http_respond(exchange, &(struct http_response){.status = 200, .body = STR("ok")});
}

static void work(void *exchange)
{
    int64_t begun_us = clock_mono_us();
    if (turns.done + 1 == turns.stops_at) {
        sem_post(&turns.at_work);
        sem_wait(&turns.go_on);
        while (clock_mono_us() < begun_us + LONG_US)
            continue;
    }
    turns.done++;
    answer_ok(exchange);
}

static void handle_in_turns(void *context, struct http_exchange *exchange)
{
    (void)context;
    if (str_eq(exchange->head.target, STR("/soon"))) {
        http_defer(exchange, work, exchange);
    } else if (str_eq(exchange->head.target, STR("/held"))) {
        turns.held[turns.held_count++] = exchange;
        sem_post(&turns.came);
    } else {
        atomic_store(&turns.done_at_read, turns.done);
        answer_ok(exchange);
    }
}

static void start(struct server **ret_server, int *ret_clients)
{
    struct error error = {0};
    turns = (struct turns){0};
    sem_init(&turns.came, 0, 0);
    sem_init(&turns.at_work, 0, 0);
    sem_init(&turns.go_on, 0, 0);
    assert_true(server_start(
        &(struct server_config){.host = "127.0.0.1", .loops = 1, .handler = handle_in_turns},
        ret_server, &error));
    for (int i = 0; i <= MANY; i++)
        ret_clients[i] = client_connect(*ret_server);
}

static void ask(int client, const char *target)
{
    char request[64];
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", target);
    client_send(client, str_from(request));
}

static void end(struct server *server, const int *clients)
{
    for (int i = 0; i <= MANY; i++) {
        struct buf answer = client_read_answer(clients[i]);
        assert_int_equal(answer_status(buf_str(&answer)), 200);
        buf_done(&answer);
        close(clients[i]);
    }
    assert_int_equal(turns.done, MANY);
    assert_true(server_stop(server, WAIT_MS));
    server_free(server);
}

/* The first piece of work stops the loop, and all else comes meanwhile: the read, which comes last,
 * is answered before the loop takes up the second. */
static void what_can_wait_lets_others_pass(void **state)
{
    (void)state;
    struct server *server;
    int clients[MANY + 1];
    start(&server, clients);
    turns.stops_at = 1;
    ask(clients[0], "/soon");
    sem_wait(&turns.at_work);
    for (int i = 1; i < MANY; i++)
        ask(clients[i], "/soon");
    ask(clients[MANY], "/read");
    sem_post(&turns.go_on);
    end(server, clients);
    assert_int_equal(atomic_load(&turns.done_at_read), 1);
}

/* The second piece stops the loop while all others wait behind it. */
static void a_turn_ends_before_all_is_done(void **state)
{
    (void)state;
    struct server *server;
    int clients[MANY + 1];
    start(&server, clients);
    turns.stops_at = 2;
    for (int i = 0; i < MANY; i++)
        ask(clients[i], "/soon");
    sem_wait(&turns.at_work);
    ask(clients[MANY], "/read");
    sem_post(&turns.go_on);
    end(server, clients);
    assert_int_equal(atomic_load(&turns.done_at_read), 2);
}

/* So with answers that other threads have ready, all at once. */
static void answers_of_other_threads_let_others_pass(void **state)
{
    (void)state;
    struct server *server;
    int clients[MANY + 1];
    start(&server, clients);
    turns.stops_at = 1;
    for (int i = 0; i < MANY; i++)
        ask(clients[i], "/held");
    for (int i = 0; i < MANY; i++)
        sem_wait(&turns.came);
    for (int i = 0; i < MANY; i++)
        http_post(turns.held[i], 0, work, turns.held[i]);
    sem_wait(&turns.at_work);
    ask(clients[MANY], "/read");
    sem_post(&turns.go_on);
    end(server, clients);
    assert_int_equal(atomic_load(&turns.done_at_read), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_wait_lets_others_pass),
        cmocka_unit_test(a_turn_ends_before_all_is_done),
        cmocka_unit_test(answers_of_other_threads_let_others_pass),
    };
    return cmocka_run_group_tests_name("server-turns", tests, NULL, NULL);
}
