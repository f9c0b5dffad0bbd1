/* Listening sockets that outlive the server: whoever holds one stops a server and starts the next
 * while clients keep sending. */
#include "cmocka_all.h"

#include "server_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const struct str request = STR("GET /now HTTP/1.1\r\nHost: h\r\n\r\n");

/* A listening socket on loopback; port 0 for any. Several may share one port. */
static int listener_on(int port, int *ret_port)
{
    int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static struct server *server_on(const int *listeners, int count, int loops)
{
    struct server *server;
    fixture_start(
        &(struct server_config){.inherited = listeners, .inherited_count = count, .loops = loops},
        &server);
    return server;
}

static void ask(int fd, bool *ret_last)
{
    client_send(fd, request);
    struct buf answer = client_read_answer(fd);
    assert_int_equal(answer_status(buf_str(&answer)), 200);
    *ret_last = str_contains(buf_str(&answer), STR("\r\nConnection: close\r\n"));
    buf_done(&answer);
}

static void *stop_from_here(void *argument)
{
    assert_true(server_stop(argument, WAIT_MS));
    return NULL;
}

static void a_server_says_where_it_listens(void **state)
{
    (void)state;
    int port, listener = listener_on(0, &port);
    struct server *server = server_on(&listener, 1, 2);
    assert_int_equal(server_port(server), port);
    assert_string_equal(server_host(server), "127.0.0.1");
    server_free(server);
    close(listener);
}

/* The open connection's next request is answered, with the word that it was the last; a connection
 * made after that waits, and the next server answers it. */
static void nothing_is_lost_between_two_servers(void **state)
{
    (void)state;
    for (int loops = 1; loops <= 2; loops++) {
        bool last;
        int port, listener = listener_on(0, &port);
        pthread_t thread;
        struct server *first = server_on(&listener, 1, loops);
        int open = client_connect(first);
        ask(open, &last);
        assert_false(last);
        assert_int_equal(pthread_create(&thread, NULL, stop_from_here, first), 0);
        while (!last)
            ask(open, &last);
        pthread_join(thread, NULL);
        int waiting = client_connect(first);
        client_send(waiting, request);
        server_free(first);

        struct server *second = server_on(&listener, 1, loops);
        struct buf answer = client_read_answer(waiting);
        assert_int_equal(answer_status(buf_str(&answer)), 200);
        buf_done(&answer);
        server_free(second);
        close(open);
        close(waiting);
        close(listener);
    }
}

/* Nobody would accept at a socket without a loop. */
static void every_socket_has_a_loop(void **state)
{
    (void)state;
    enum { SOCKETS = 3, COUNT = 30 };
    int port, listeners[SOCKETS];
    listeners[0] = listener_on(0, &port);
    for (int i = 1; i < SOCKETS; i++)
        listeners[i] = listener_on(port, &port);
    struct server *server = server_on(listeners, SOCKETS, 1);
    for (int i = 0; i < COUNT; i++) {
        bool last;
        int fd = client_connect(server);
        ask(fd, &last);
        close(fd);
    }
    server_free(server);
    for (int i = 0; i < SOCKETS; i++)
        close(listeners[i]);
}

static void what_is_no_listening_socket_is_refused(void **state)
{
    (void)state;
    int others[] = {open("/dev/null", O_RDONLY | O_CLOEXEC),
                    socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -1};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        struct server *server;
        struct error error = {0};
        assert_false(
            server_start(&(struct server_config){.inherited = &others[i], .inherited_count = 1},
                         &server, &error));
        assert_int_equal(error.code, ERR_VALIDATION);
        if (others[i] >= 0)
            close(others[i]);
    }
}

/* --- under load --- */

struct clients {
    int port;
    atomic_bool over;
    sem_t answered;
};

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = WAIT_MS / 1000};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Ends the whole program at the first request that is not answered with 200. */
static void *keep_asking(void *argument)
{
    struct clients *clients = argument;
    int fd = -1;
    while (!atomic_load(&clients->over)) {
        bool last;
        if (fd < 0)
            fd = connect_to(clients->port);
        ask(fd, &last);
        sem_post(&clients->answered);
        if (last)
            close(fd);
        fd = last ? -1 : fd;
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void wait_for_answers(struct clients *clients, int count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    for (int i = 0; i < count; i++)
        assert_int_equal(sem_timedwait(&clients->answered, &until), 0);
}

static void no_request_fails_while_servers_come_and_go(void **state)
{
    (void)state;
    enum { CLIENTS = 4, RESTARTS = 5, BETWEEN = 200 };
    struct clients clients = {0};
    pthread_t threads[CLIENTS];
    sem_init(&clients.answered, 0, 0);
    int listener = listener_on(0, &clients.port);
    struct server *server = server_on(&listener, 1, 2);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_asking, &clients), 0);
    for (int i = 0; i < RESTARTS; i++) {
        wait_for_answers(&clients, BETWEEN);
        assert_true(server_stop(server, WAIT_MS));
        server_free(server);
        server = server_on(&listener, 1, 2);
    }
    wait_for_answers(&clients, BETWEEN);
    atomic_store(&clients.over, true);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    server_free(server);
    close(listener);
    sem_destroy(&clients.answered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_says_where_it_listens),
        cmocka_unit_test(nothing_is_lost_between_two_servers),
        cmocka_unit_test(every_socket_has_a_loop),
        cmocka_unit_test(what_is_no_listening_socket_is_refused),
        cmocka_unit_test(no_request_fails_while_servers_come_and_go),
    };
    return cmocka_run_group_tests_name("server-handover", tests, NULL, NULL);
}
