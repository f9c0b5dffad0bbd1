/* The server over real sockets: framing, order, limits, clients that misbehave. */
#include "cmocka_all.h"

#include "base/clock.h"
#include "http_cases.h"
#include "server_fixture.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void stop(struct server *server)
{
    assert_true(server_stop(server, WAIT_MS));
    server_free(server);
}

static bool has(struct buf *stream, const char *text)
{
    return str_contains(buf_str(stream), str_from(text));
}

/* A request that follows a refused one in the same bytes must not be answered. */
static void check_case(const struct server *server, const struct http_case *one)
{
    int fd = client_connect(server);
    client_try_send(fd, one->request);
    if (one->status != 200)
        client_try_send(fd, STR("GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"));
    shutdown(fd, SHUT_WR);
    bool reset;
    struct buf stream = client_read_all(fd, &reset);
    if (reset || answer_count(buf_str(&stream)) != 1 ||
        answer_status(buf_str(&stream)) != one->status)
        fail_msg("%s: %s%.*s", one->name, reset ? "reset after " : "", STR_ARG(buf_str(&stream)));
    assert_true(has(&stream, "\r\nDate: "));
    if (one->status == 200) {
        assert_true(str_ends(buf_str(&stream), one->body));
    } else {
        assert_true(has(&stream, "\r\nConnection: close\r\n"));
        assert_true(has(&stream, "\r\nx-amzn-RequestId: "));
        assert_true(has(&stream, "Exception\r\n"));
        assert_true(has(&stream, "\r\n\r\n{\"message\":\""));
    }
    buf_done(&stream);
    close(fd);
}

static void every_case_gets_exactly_one_answer(void **state)
{
    (void)state;
    struct server *server;
    fixture_start(&(struct server_config){.loops = 2}, &server);
    for (size_t i = 0; i < HTTP_CASE_COUNT; i++)
        check_case(server, &http_cases[i]);
    char *out = malloc(HTTP_BIG_MAX);
    for (int i = 0; i < HTTP_BIG_COUNT; i++) {
        struct http_case one = http_big_case(i, out);
        check_case(server, &one);
    }
    free(out);
    stop(server);
}

static void send_large(int fd, bool chunked, const char *target, size_t size)
{
    char head[200];
    char *body = malloc(size);
    memset(body, 'x', size);
    int len = snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: h\r\n%s%zu\r\n\r\n", target,
                       chunked ? "Transfer-Encoding: chunked\r\nX: " : "Content-Length: ", size);
    client_send(fd, (struct str){head, (size_t)len});
    for (size_t at = 0; at < size; at += 1000) {
        size_t part = size - at < 1000 ? size - at : 1000;
        len = snprintf(head, sizeof(head), "%zx\r\n", part);
        if (chunked)
            client_try_send(fd, (struct str){head, (size_t)len});
        client_try_send(fd, (struct str){body + at, part});
        if (chunked)
            client_try_send(fd, STR("\r\n"));
    }
    if (chunked)
        client_try_send(fd, STR("0\r\n\r\n"));
    free(body);
}

static void a_server_without_a_hook_refuses_in_plain_text(void **state)
{
    (void)state;
    struct server *server;
    struct error error = {0};
    const struct server_config config = {.host = "127.0.0.1", .loops = 1};
    assert_true(server_start(&config, &server, &error));
    int fd = client_connect(server);
    client_send(fd, STR("GET * HTTP/1.1\r\nHost: h\r\n\r\n"));
    struct buf stream = client_read_all(fd, NULL);
    assert_int_equal(answer_status(buf_str(&stream)), 400);
    assert_true(has(&stream, "\r\nContent-Type: text/plain\r\n\r\nThe request target is neither"));
    assert_false(has(&stream, "amz"));
    buf_done(&stream);
    close(fd);
    stop(server);
}

/* RFC 9110 7.4: a request for an https URL counts only over TLS. */
static void an_https_target_needs_tls(void **state)
{
    (void)state;
    struct server *server;
    fixture_start(&(struct server_config){0}, &server);
    int fd = client_connect(server);
    client_send(fd, STR("GET https://h/ HTTP/1.1\r\nHost: h\r\n\r\n"));
    struct buf stream = client_read_all(fd, NULL);
    assert_int_equal(answer_status(buf_str(&stream)), 421);
    buf_done(&stream);
    close(fd);
    stop(server);
}

/* The bytes that a head points into move when its body outgrows the buffer. */
static void an_absolute_target_outlives_a_large_body(void **state)
{
    (void)state;
    struct server *server;
    fixture_start(&(struct server_config){0}, &server);
    int fd = client_connect(server);
    send_large(fd, false, "http://h", 100 * 1000);
    struct buf answer = client_read_answer(fd);
    assert_int_equal(answer_status(buf_str(&answer)), 200);
    assert_true(has(&answer, "\r\n\r\nPOST /  xxx"));
    buf_done(&answer);
    close(fd);
    stop(server);
}

static void a_request_in_pieces_is_the_same_request(void **state)
{
    (void)state;
    static const struct str request = STR("POST /pieces HTTP/1.1\r\nHost: h\r\nX: y\r\n"
                                          "Transfer-Encoding: chunked\r\n\r\n"
                                          "5\r\n12345\r\n3;a=b\r\n678\r\n0\r\nX: y\r\n\r\n");
    struct server *server;
    fixture_start(&(struct server_config){0}, &server);
    int fd = client_connect(server);
    for (size_t i = 0; i < request.len; i++)
        client_send(fd, (struct str){request.data + i, 1});
    struct buf answer = client_read_answer(fd);
    assert_true(str_ends(buf_str(&answer), STR("POST /pieces  12345678")));
    assert_true(has(&answer, "\r\nX-Split: a  X-Injected: b\r\n"));
    assert_false(has(&answer, "Connection: close"));
    buf_done(&answer);
    close(fd);
    stop(server);
}

static void bodies_up_to_the_limit_are_taken(void **state)
{
    (void)state;
    struct server *server;
    fixture_start(&(struct server_config){0}, &server);
    int fd = client_connect(server);
    for (int chunked = 0; chunked <= 1; chunked++) {
        send_large(fd, chunked, "/later", HTTP_BODY_MAX);
        struct buf answer = client_read_answer(fd);
        assert_int_equal(answer_status(buf_str(&answer)), 200);
        const char *body = strstr(answer.data, "\r\n\r\n") + strlen("\r\n\r\nPOST /later  ");
        assert_int_equal(answer.data + answer.len - body, HTTP_BODY_MAX);
        assert_int_equal(strspn(body, "x"), HTTP_BODY_MAX);
        buf_done(&answer);
    }
    close(fd);
    for (int chunked = 0; chunked <= 1; chunked++) {
        fd = client_connect(server);
        send_large(fd, chunked, "/later", HTTP_BODY_MAX + 1);
        bool reset;
        struct buf stream = client_read_all(fd, &reset);
        assert_int_equal(answer_status(buf_str(&stream)), 413);
        assert_int_equal(answer_count(buf_str(&stream)), 1);
        buf_done(&stream);
        close(fd);
    }
    stop(server);
}

/* Requests that wait, that don't, and that are answered elsewhere, all sent at once. */
static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    static const char *targets[] = {"/now", "/later", "/delay", "/now", "/later"};
    struct server *server;
    fixture_start(&(struct server_config){0}, &server);
    struct buf requests = buf_on_heap(1 << 20);
    enum { COUNT = 300 };
    for (int i = 0; i < COUNT; i++)
        buf_printf(&requests, "POST %s/%d HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab",
                   targets[i % 10 < 5 ? i % 5 : 0], i);
    int fd = client_connect(server);
    client_send(fd, buf_str(&requests));
    for (int i = 0; i < COUNT; i++) {
        char wanted[100];
        struct buf answer = client_read_answer(fd);
        snprintf(wanted, sizeof(wanted), "\r\n\r\nPOST %s/%d  ab", targets[i % 10 < 5 ? i % 5 : 0],
                 i);
        assert_true(str_ends(buf_str(&answer), str_from(wanted)));
        buf_done(&answer);
    }
    assert_int_equal(fixture_most_at_once(), 1);
    buf_done(&requests);
    close(fd);
    stop(server);
}

static void a_half_closed_client_gets_all_answers(void **state)
{
    (void)state;
    struct server *server;
    fixture_start(&(struct server_config){0}, &server);
    int fd = client_connect(server);
    client_send(fd, STR("GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET /delay HTTP/1.1\r\nHost: h\r\n"
                        "\r\nGET /unfinished HTT"));
    shutdown(fd, SHUT_WR);
    bool reset;
    struct buf stream = client_read_all(fd, &reset);
    assert_false(reset);
    assert_int_equal(answer_count(buf_str(&stream)), 2);
    buf_done(&stream);
    close(fd);
    stop(server);
}

static void connection_ends_when_asked(void **state)
{
    (void)state;
    static const struct str requests[] = {
        STR("GET /later HTTP/1.0\r\n\r\n"),
        STR("GET /now HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /more"),
    };
    struct server *server;
    fixture_start(&(struct server_config){0}, &server);
    for (size_t i = 0; i < 2; i++) {
        int fd = client_connect(server);
        client_send(fd, requests[i]);
        struct buf stream = client_read_all(fd, NULL);
        assert_int_equal(answer_status(buf_str(&stream)), 200);
        assert_true(has(&stream, "\r\nConnection: close\r\n"));
        buf_done(&stream);
        close(fd);
    }
    stop(server);
}

static void answers_without_a_body_have_none(void **state)
{
    (void)state;
    struct server *server;
    fixture_start(&(struct server_config){0}, &server);
    int fd = client_connect(server);
    client_send(fd,
                STR("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\nGET /nothing HTTP/1.1\r\nHost: h\r\n\r\n"
                    "GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
    struct buf stream = client_read_all(fd, NULL);
    assert_int_equal(answer_count(buf_str(&stream)), 3);
    assert_true(has(&stream, "\r\nContent-Length: 9\r\n"));
    assert_true(has(&stream, "\r\n\r\nHTTP/1.1 204 No Content\r\n"));
    assert_true(has(&stream, "\r\n\r\nHTTP/1.1 200 OK\r\n"));
    assert_true(stream.len > BIG_SIZE && stream.len < BIG_SIZE + 1000);
    buf_done(&stream);
    close(fd);
    stop(server);
}

static void slow_clients_are_cut_off(void **state)
{
    (void)state;
    static const struct {
        struct str sent;
        int status; /* 0: closed without a word */
    } cases[] = {
        {STR(""), 0},
        {STR("GET"), 408},
        {STR("GET / HTTP/1.1\r\nHost: h\r\n"), 408},
        {STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab"), 408},
        {STR("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab"), 408},
    };
    struct server *server;
    fixture_start(&(struct server_config){.head_timeout_ms = 30,
                                          .body_timeout_ms = 30,
                                          .idle_timeout_ms = 30},
                  &server);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int fd = client_connect(server);
        client_send(fd, cases[i].sent);
        struct buf stream = client_read_all(fd, NULL);
        assert_int_equal(answer_count(buf_str(&stream)), cases[i].status ? 1 : 0);
        if (cases[i].status)
            assert_int_equal(answer_status(buf_str(&stream)), cases[i].status);
        buf_done(&stream);
        close(fd);
    }
    stop(server);
}

static void a_client_that_does_not_read_is_reset(void **state)
{
    (void)state;
    struct server *server;
    fixture_start(&(struct server_config){.write_timeout_ms = 30}, &server);
    int fd = client_connect(server);
    client_send(fd, STR("GET /big HTTP/1.1\r\nHost: h\r\n\r\n"));
    struct pollfd end = {.fd = fd, .events = 0};
    assert_int_equal(poll(&end, 1, WAIT_MS), 1);
    assert_true(end.revents & (POLLERR | POLLHUP));
    close(fd);
    stop(server);
}

/* All of what the connection brings is one refusal, in the form of AWS. */
static void assert_told_to_come_back(int fd)
{
    bool reset;
    struct buf stream = client_read_all(fd, &reset);
    struct str text = buf_str(&stream);
    assert_false(reset);
    assert_int_equal(answer_status(text), 429);
    assert_int_equal(answer_count(text), 1);
    assert_true(str_contains(text, STR("\r\nx-amzn-ErrorType: ThrottlingException\r\n")));
    assert_true(str_contains(text, STR("\r\nRetry-After: 1\r\n")));
    assert_true(str_contains(text, STR("\r\nx-amz-retry-after: 1000\r\n")));
    assert_true(str_contains(text, STR("\r\nConnection: close\r\n")));
    buf_done(&stream);
    close(fd);
}

static void connections_past_the_limit_are_closed(void **state)
{
    (void)state;
    struct server *server;
    fixture_start(&(struct server_config){.connections_max = 2, .loops = 2}, &server);
    int fds[2];
    for (int i = 0; i < 2; i++) {
        fds[i] = client_connect(server);
        client_send(fds[i], STR("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
        struct buf answer = client_read_answer(fds[i]);
        buf_done(&answer);
    }
    int third = client_connect(server);
    client_try_send(third, STR("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_told_to_come_back(third);
    close(fds[0]);
    close(fds[1]);
    stop(server);
}

static void wait_for_large(const struct server *server, size_t bytes)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (server_counts(server).large_bytes != bytes)
        assert_true(clock_mono_ms() < until_ms);
}

/* Bodies under way hold as much as they may: a larger request is told so, one of the usual size is
 * answered, and when the memory is free again, so is the larger one. */
static void memory_for_large_requests_is_bounded(void **state)
{
    (void)state;
    enum { BODY = 40 * 1024 };
    static char body[BODY];
    struct server *server;
    struct memory_limit *memory = memory_limit_new(128 * 1024);
    fixture_start(&(struct server_config){.memory = memory}, &server);
    struct str head = STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 40960\r\n\r\n");
    struct str chunked =
        STR("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\na000\r\n");
    memset(body, 'x', BODY);
    int first = client_connect(server);
    client_send(first, head);
    client_send(first, (struct str){body, BODY - 1});
    wait_for_large(server, 64 * 1024);
    for (int i = 0; i < 2; i++) {
        int other = client_connect(server);
        client_send(other, i == 0 ? head : chunked);
        client_try_send(other, (struct str){body, BODY});
        assert_told_to_come_back(other);
    }
    int usual = client_connect(server);
    client_send(usual, STR("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    struct buf answer = client_read_answer(usual);
    assert_int_equal(answer_status(buf_str(&answer)), 200);
    buf_done(&answer);
    client_send(first, STR("x"));
    answer = client_read_answer(first);
    assert_int_equal(answer_status(buf_str(&answer)), 200);
    buf_done(&answer);
    close(usual);
    close(first);
    wait_for_large(server, 0);
    assert_int_equal(memory_limit_bytes(memory), 0);
    stop(server);
    memory_limit_free(memory);
}

static void a_broken_answer_ends_with_a_reset(void **state)
{
    (void)state;
    struct server *server;
    fixture_start(&(struct server_config){0}, &server);
    int fd = client_connect(server);
    client_send(fd, STR("GET /broken HTTP/1.1\r\nHost: h\r\n\r\n"));
    bool reset;
    struct buf stream = client_read_all(fd, &reset);
    assert_true(reset);
    assert_true(str_ends(buf_str(&stream), STR("\r\n\r\n12345")));
    buf_done(&stream);
    close(fd);
    stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_gets_exactly_one_answer),
        cmocka_unit_test(a_server_without_a_hook_refuses_in_plain_text),
        cmocka_unit_test(an_https_target_needs_tls),
        cmocka_unit_test(an_absolute_target_outlives_a_large_body),
        cmocka_unit_test(a_request_in_pieces_is_the_same_request),
        cmocka_unit_test(bodies_up_to_the_limit_are_taken),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_half_closed_client_gets_all_answers),
        cmocka_unit_test(connection_ends_when_asked),
        cmocka_unit_test(answers_without_a_body_have_none),
        cmocka_unit_test(slow_clients_are_cut_off),
        cmocka_unit_test(a_client_that_does_not_read_is_reset),
        cmocka_unit_test(connections_past_the_limit_are_closed),
        cmocka_unit_test(memory_for_large_requests_is_bounded),
        cmocka_unit_test(a_broken_answer_ends_with_a_reset),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
