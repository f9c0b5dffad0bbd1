/* Expect: 100-continue, which clients send before a large body. */
#include "cmocka_all.h"

#include "server_fixture.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static void stop(struct server *server)
{
    assert_true(server_stop(server, WAIT_MS));
    server_free(server);
}

static void leave_to_send_a_body_is_given_once(void **state)
{
    (void)state;
    static const char *framings[] = {"Content-Length: 3", "Transfer-Encoding: chunked"};
    static const struct str bodies[] = {STR("abc"), STR("3\r\nabc\r\n0\r\n\r\n")};
    struct server *server;
    fixture_start(&(struct server_config){.body_max = 10}, &server);
    int fd = client_connect(server);
    for (int i = 0; i < 2; i++) {
        char head[200];
        snprintf(head, sizeof(head),
                 "PUT /x HTTP/1.1\r\nHost: h\r\n%s\r\nExpect: 100-continue"
                 "\r\n\r\n",
                 framings[i]);
        client_send(fd, str_from(head));
        struct buf leave = client_read_answer(fd);
        assert_true(str_eq(buf_str(&leave), STR("HTTP/1.1 100 Continue\r\n\r\n")));
        client_send(fd, bodies[i]);
        struct buf answer = client_read_answer(fd);
        assert_true(str_ends(buf_str(&answer), STR("PUT /x  abc")));
        buf_done(&leave);
        buf_done(&answer);
    }
    client_send(fd, STR("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n"
                        "Expect: 100-continue\r\n\r\n"));
    struct buf refusal = client_read_answer(fd);
    assert_int_equal(answer_status(buf_str(&refusal)), 413);
    buf_done(&refusal);
    close(fd);
    stop(server);
}

/* However many pieces the body comes in. */
static void leave_is_not_given_again_for_each_piece(void **state)
{
    (void)state;
    static const struct {
        const char *framing;
        struct str pieces[3];
    } cases[] = {
        {"Content-Length: 6", {STR("ab"), STR("cd"), STR("ef")}},
        {"Transfer-Encoding: chunked",
         {STR("2\r\nab\r\n"), STR("4\r\ncd"), STR("ef\r\n0\r\n\r\n")}},
    };
    struct server *server;
    fixture_start(&(struct server_config){.body_max = 10}, &server);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int fd = client_connect(server);
        char head[200];
        snprintf(head, sizeof(head),
                 "PUT /x HTTP/1.1\r\nHost: h\r\n%s\r\nExpect: 100-continue\r\n\r\n",
                 cases[i].framing);
        client_send(fd, str_from(head));
        struct buf leave = client_read_answer(fd);
        assert_true(str_eq(buf_str(&leave), STR("HTTP/1.1 100 Continue\r\n\r\n")));
        buf_done(&leave);
        for (int piece = 0; piece < 3; piece++) {
            struct pollfd more = {.fd = fd, .events = POLLIN};
            assert_int_equal(poll(&more, 1, 20), 0); /* nothing for the piece before */
            client_send(fd, cases[i].pieces[piece]);
        }
        struct buf answer = client_read_answer(fd);
        assert_int_equal(answer_status(buf_str(&answer)), 200);
        assert_true(str_ends(buf_str(&answer), STR("PUT /x  abcdef")));
        buf_done(&answer);
        close(fd);
    }
    stop(server);
}

/* Who has begun to send waits for no leave (RFC 9110, 10.1.1). */
static void no_leave_is_given_to_a_body_under_way(void **state)
{
    (void)state;
    static const struct {
        const char *framing, *begun;
        struct str rest;
    } cases[] = {
        {"Content-Length: 3", "a", STR("bc")},
        {"Transfer-Encoding: chunked", "3", STR("\r\nabc\r\n0\r\n\r\n")},
        {"Transfer-Encoding: chunked", "3\r\na", STR("bc\r\n0\r\n\r\n")},
    };
    struct server *server;
    fixture_start(&(struct server_config){.body_max = 10}, &server);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int fd = client_connect(server);
        char start[200];
        snprintf(start, sizeof(start),
                 "PUT /x HTTP/1.1\r\nHost: h\r\n%s\r\nExpect: 100-continue\r\n\r\n%s",
                 cases[i].framing, cases[i].begun);
        client_send(fd, str_from(start));
        struct pollfd more = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&more, 1, 20), 0);
        client_send(fd, cases[i].rest);
        struct buf answer = client_read_answer(fd);
        assert_int_equal(answer_status(buf_str(&answer)), 200);
        assert_true(str_ends(buf_str(&answer), STR("PUT /x  abc")));
        buf_done(&answer);
        close(fd);
    }
    stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leave_to_send_a_body_is_given_once),
        cmocka_unit_test(leave_is_not_given_again_for_each_piece),
        cmocka_unit_test(no_leave_is_given_to_a_body_under_way),
    };
    return cmocka_run_group_tests_name("server-expect", tests, NULL, NULL);
}
