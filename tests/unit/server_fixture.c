/* See the header: a handler driven by targets, and blocking clients with a bound on every wait. */
#include "cmocka_all.h"

#include "server_fixture.h"
#include "wire/aws_answer.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HELD_MAX = 64, STREAM_MAX = 2 * BIG_SIZE };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct http_exchange *held[HELD_MAX];
static size_t held_count;
static size_t most_at_once;
static _Thread_local size_t at_once;

static void answer_echo(void *argument)
{
    struct http_exchange *exchange = argument;
    struct buf body = buf_in(&exchange->arena, HTTP_BODY_MAX + HTTP_TARGET_MAX + 1000);
    buf_printf(&body, "%.*s %.*s %.*s ", STR_ARG(exchange->head.method),
               STR_ARG(exchange->head.target), STR_ARG(exchange->tls_server_name));
    buf_add(&body, exchange->body);
    const struct http_header headers[] = {
        {STR("Content-Type"), STR("text/plain")},
        {STR("X-Split"), STR("a\r\nX-Injected: b")},
    };
    at_once--;
    http_respond(exchange,
                 &(struct http_response){
                     .status = 200, .headers = headers, .header_count = 2, .body = buf_str(&body)});
}

static void answer_big(struct http_exchange *exchange)
{
    struct str body = {arena_alloc(&exchange->arena, BIG_SIZE), BIG_SIZE};
    at_once--;
    http_respond(exchange, &(struct http_response){.status = 200, .body = body});
}

static void hold(struct http_exchange *exchange)
{
    pthread_mutex_lock(&mutex);
    assert_true(held_count < HELD_MAX);
    held[held_count++] = exchange;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static void *answer_from_here(void *argument)
{
    http_post(argument, 0, answer_echo, argument);
    return NULL;
}

static void answer_through_a_thread(struct http_exchange *exchange)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_from_here, exchange), 0);
    pthread_detach(thread);
}

static void note_at_once(void)
{
    at_once++;
    pthread_mutex_lock(&mutex);
    if (at_once > most_at_once)
        most_at_once = at_once;
    pthread_mutex_unlock(&mutex);
}

static void handle(void *context, struct http_exchange *exchange)
{
    (void)context;
    struct str target = exchange->head.target;
    note_at_once();
    if (str_starts(target, STR("/later"))) {
        answer_through_a_thread(exchange);
    } else if (str_starts(target, STR("/delay"))) {
        http_post(exchange, 20, answer_echo, exchange);
    } else if (str_starts(target, STR("/hold"))) {
        hold(exchange);
    } else if (str_starts(target, STR("/broken"))) {
        at_once--;
        http_respond_broken(exchange, STR("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n12345"));
    } else if (str_starts(target, STR("/big"))) {
        answer_big(exchange);
    } else if (str_starts(target, STR("/nothing"))) {
        at_once--;
        http_respond(exchange, &(struct http_response){.status = 204});
    } else {
        answer_echo(exchange);
    }
}

void fixture_start(const struct server_config *config, struct server **ret_server)
{
    struct server_config full = *config;
    struct error error = {0};
    full.host = "127.0.0.1";
    full.loops = config->loops ? config->loops : 1;
    full.handler = handle;
    full.refuse = aws_refuse;
    held_count = 0;
    most_at_once = 0;
    if (!server_start(&full, ret_server, &error))
        fail_msg("%s", error.message);
    assert_true(server_port(*ret_server) > 0);
}

void fixture_wait_held(size_t count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    pthread_mutex_lock(&mutex);
    while (held_count < count)
        assert_int_equal(pthread_cond_timedwait(&changed, &mutex, &until), 0);
    pthread_mutex_unlock(&mutex);
}

void fixture_answer_held(void)
{
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < held_count; i++)
        http_post(held[i], 0, answer_echo, held[i]);
    held_count = 0;
    pthread_mutex_unlock(&mutex);
}

size_t fixture_most_at_once(void)
{
    pthread_mutex_lock(&mutex);
    size_t most = most_at_once;
    pthread_mutex_unlock(&mutex);
    return most;
}

static int try_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval wait = {.tv_sec = WAIT_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

int client_connect(const struct server *server)
{
    int fd = try_connect(server_port(server));
    assert_true(fd >= 0);
    return fd;
}

bool client_can_connect(int port)
{
    int fd = try_connect(port);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

void client_try_send(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes = (struct str){bytes.data + sent, bytes.len - (size_t)sent};
    }
}

void client_send(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        assert_true(sent > 0);
        bytes = (struct str){bytes.data + sent, bytes.len - (size_t)sent};
    }
}

void client_reset(int fd)
{
    struct linger at_once_closed = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once_closed, sizeof(at_once_closed));
    close(fd);
}

struct buf client_read_all(int fd, bool *ret_reset)
{
    struct buf stream = buf_on_heap(STREAM_MAX);
    char piece[16384];
    for (;;) {
        ssize_t got = recv(fd, piece, sizeof(piece), 0);
        if (got < 0)
            assert_int_equal(errno, ECONNRESET); /* EAGAIN: the server did not close */
        if (ret_reset)
            *ret_reset = got < 0;
        if (got <= 0)
            return stream;
        buf_add(&stream, (struct str){piece, (size_t)got});
    }
}

struct buf client_read_answer(int fd)
{
    struct buf answer = buf_on_heap(STREAM_MAX);
    const char *end = NULL;
    char c;
    while (!end) {
        assert_int_equal(recv(fd, &c, 1, 0), 1);
        buf_add_char(&answer, c);
        end = strstr(answer.data, "\r\n\r\n");
    }
    const char *length = strstr(answer.data, "Content-Length: ");
    size_t left = length ? strtoul(length + strlen("Content-Length: "), NULL, 10) : 0;
    for (; left > 0; left--) {
        assert_int_equal(recv(fd, &c, 1, 0), 1);
        buf_add_char(&answer, c);
    }
    return answer;
}

int answer_status(struct str answer)
{
    assert_true(str_starts(answer, STR("HTTP/1.1 ")));
    return (int)strtol(answer.data + strlen("HTTP/1.1 "), NULL, 10);
}

size_t answer_count(struct str stream)
{
    size_t count = 0;
    for (size_t i = 0; i + 12 <= stream.len; i++) {
        const char *at = stream.data + i;
        count += memcmp(at, "HTTP/1.1 ", 9) == 0 && isdigit(at[9]) && isdigit(at[10]);
    }
    return count;
}
