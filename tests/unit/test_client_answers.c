/* Answers, good ones and those of a peer that misbehaves, byte by byte. */
#include "client_fixture.h"

#include <unistd.h>

/* --- whole answers --- */

/* Writes the context's bytes after a request, then closes. */
static void serve_bytes(struct peer_connection *c)
{
    const struct str *bytes = c->context;
    if (peer_read(c))
        peer_write(c, *bytes);
}

static void call_bytes(struct fixture *f, const struct str *bytes)
{
    close_all(f);
    open_plain(f, serve_bytes, (void *)bytes);
    get(f, "/");
}

static void status_headers_and_body_come_as_sent(void **state)
{
    (void)state;
    struct fixture f = {0};
    call_bytes(&f, &STR("HTTP/1.1 418 I am a teapot\r\nX-One:  1 \r\nx-empty:\r\nX-ONE: 2\r\n"
                        "Content-Length: 5\r\n\r\n\0\x01\xFFxy"));
    assert_outcome(&f, CLIENT_OK);
    assert_int_equal(f.response.status, 418);
    assert_int_equal(f.response.header_count, 4);
    assert_str(*client_header(&f.response, STR("x-one")), "1");
    assert_str(*client_header(&f.response, STR("X-Empty")), "");
    assert_null(client_header(&f.response, STR("X-Two")));
    assert_int_equal(f.response.body.len, 5);
    assert_memory_equal(f.response.body.data, "\0\x01\xFFxy", 5);
    assert_true(f.response.connected);
    assert_false(f.response.reused);
    close_all(&f);
}

static void every_framing_is_understood(void **state)
{
    (void)state;
    static const struct {
        struct str bytes;
        int status;
        const char *body;
    } cases[] = {
        {STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n"
             "\r\n"),
         200, "abcde"},
        {STR("HTTP/1.1 200 OK\r\n\r\nuntil the end"), 200, "until the end"},
        {STR("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"), 200, "ok"},
        {STR("HTTP/1.1 204 No Content\r\n\r\n"), 204, ""},
        {STR("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"), 304, ""},
        {STR("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), 200, ""},
        {STR("HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 3\r\n\r\nraw"), 200,
         "raw"},
        {STR("HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: 2\r\n\r\n"
             "HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nc"),
         201, "c"},
        {STR("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
             "Content-Length: 2\r\n\r\nno"),
         401, "no"},
    };
    struct fixture f = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        call_bytes(&f, &cases[i].bytes);
        assert_outcome(&f, CLIENT_OK);
        assert_int_equal(f.response.status, cases[i].status);
        assert_str(f.response.body, cases[i].body);
        assert_null(client_header(&f.response, STR("X")));
    }
    close_all(&f);
}

static void trailers_are_dropped(void **state)
{
    (void)state;
    struct fixture f = {0};
    call_bytes(&f, &STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
                        "Retry-After: 9\r\n\r\n"));
    assert_outcome(&f, CLIENT_OK);
    assert_str(f.response.body, "a");
    assert_null(client_header(&f.response, STR("Retry-After")));
    close_all(&f);
}

/* --- broken answers --- */

static void broken_answers_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        struct str bytes;
        const char *detail;
    } cases[] = {
        {STR(""), "127.0.0.1: connection closed before a response was received"},
        {STR("HTTP/1.1 200 OK\r\nContent-Len"),
         "127.0.0.1: connection closed before the response was complete"},
        {STR("HTTP/1.1 200 OK\r\nX: y\r\n"),
         "127.0.0.1: connection closed before the response was complete"},
        {STR("HTTP/1.1 200 OK"), "127.0.0.1: connection closed before a response was received"},
        {STR("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"),
         "127.0.0.1: connection closed before the response was complete"},
        {STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"),
         "127.0.0.1: connection closed before the response was complete"},
        {STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
         "127.0.0.1: connection closed before the response was complete"},
        {STR("\x16\x03\x01\x02\x00\x01\x00\x01 garbage \r\n\r\n"),
         "127.0.0.1: response is not HTTP"},
        {STR("<html>HTTP/0.9</html>"), "127.0.0.1: response is not HTTP"},
        {STR("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nab"), "127.0.0.1: response is not HTTP"},
        {STR("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab"), "127.0.0.1: response is not HTTP"},
        {STR("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
         "127.0.0.1: response has two different Content-Length headers"},
        {STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbytes"),
         "127.0.0.1: response switches to another protocol (HTTP 101)"},
        {STR("HTTP/1.1 100 Continue\r\n\r\n"),
         "127.0.0.1: connection closed before a response was received"},
    };
    struct fixture f = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        call_bytes(&f, &cases[i].bytes);
        if (f.response.outcome != CLIENT_BROKEN)
            fail_msg("case %zu: outcome %d, status %d", i, f.response.outcome, f.response.status);
        assert_detail(&f, cases[i].detail);
        assert_true(f.response.connected);
    }
    close_all(&f);
}

static void serve_reset(struct peer_connection *c)
{
    if (peer_read(c) && strstr(c->request, "/midway"))
        peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123"));
    peer_reset_at_end(c);
}

static void resets_are_broken_answers(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_reset, NULL);
    get(&f, "/at-once");
    assert_outcome(&f, CLIENT_BROKEN);
    assert_detail(&f, "127.0.0.1: connection closed before a response was received");
    get(&f, "/midway");
    assert_outcome(&f, CLIENT_BROKEN);
    close_all(&f);
}

/* More bytes than announced must not become the answer to the next request. */
static void serve_excess(struct peer_connection *c)
{
    while (peer_read(c)) {
        peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                          "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"));
    }
}

static void excess_bytes_poison_nothing(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_excess, NULL);
    for (int i = 0; i < 3; i++) {
        get(&f, "/");
        assert_outcome(&f, CLIENT_OK);
        assert_str(f.response.body, "ok");
        assert_false(f.response.reused);
    }
    close_all(&f);
}

/* --- limits --- */

static void write_filler(struct peer_connection *c, size_t size)
{
    char filler[4096];
    memset(filler, 'x', sizeof(filler));
    while (size > 0) {
        size_t piece = size < sizeof(filler) ? size : sizeof(filler);
        if (!peer_write(c, (struct str){filler, piece}))
            return;
        size -= piece;
    }
}

static void serve_large(struct peer_connection *c)
{
    if (!peer_read(c))
        return;
    if (strstr(c->request, "/announced"))
        peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n"));
    else if (strstr(c->request, "/exact"))
        peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"));
    else if (strstr(c->request, "/chunked"))
        peer_write(c, STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n"));
    else
        peer_write(c, STR("HTTP/1.1 200 OK\r\n\r\n"));
    write_filler(c, (size_t)CLIENT_BODY_MAX + (strstr(c->request, "/exact") ? 0 : 1));
    if (!strstr(c->request, "/exact"))
        peer_wait_for_end(c);
}

static void bodies_have_a_limit(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_large, NULL);
    get(&f, "/exact");
    assert_outcome(&f, CLIENT_OK);
    assert_int_equal(f.response.body.len, CLIENT_BODY_MAX);
    get(&f, "/announced");
    assert_outcome(&f, CLIENT_TOO_LARGE);
    assert_detail(&f, "127.0.0.1: response exceeds the size limit");
    get(&f, "/chunked");
    assert_outcome(&f, CLIENT_TOO_LARGE);
    assert_detail(&f, "127.0.0.1: response exceeds the size limit");
    get(&f, "/until-the-end");
    assert_outcome(&f, CLIENT_TOO_LARGE);
    close_all(&f);
}

static void serve_megabytes(struct peer_connection *c)
{
    if (!peer_read(c))
        return;
    peer_write(c, STR("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
    write_filler(c, 3 * (size_t)CLIENT_BODY_MAX);
}

static void a_call_may_have_a_limit_of_its_own(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct client_request request = {.method = STR("GET"), .body_max = 3 * (size_t)CLIENT_BODY_MAX};
    open_plain(&f, serve_megabytes, NULL);
    request.url = url_of(&f, "http", "127.0.0.1", "/");
    request.deadline_ms = clock_mono_ms() + LONG_MS;
    client_call(f.client, &f.arena, &request, &f.response);
    assert_outcome(&f, CLIENT_OK);
    assert_int_equal(f.response.body.len, 3 * (size_t)CLIENT_BODY_MAX);
    request.body_max--;
    client_call(f.client, &f.arena, &request, &f.response);
    assert_outcome(&f, CLIENT_TOO_LARGE);
    close_all(&f);
}

static void serve_many_headers(struct peer_connection *c)
{
    if (!peer_read(c))
        return;
    peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"));
    if (strstr(c->request, "/count")) {
        for (int i = 0; i < CLIENT_HEADER_COUNT_MAX; i++)
            peer_write(c, STR("X: y\r\n"));
    } else if (strstr(c->request, "/bytes")) {
        for (int i = 0; i < 9; i++) {
            peer_write(c, STR("X: "));
            write_filler(c, 8192);
            peer_write(c, STR("\r\n"));
        }
    }
    peer_write(c, STR("\r\n"));
    peer_wait_for_end(c);
}

static void headers_have_limits(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_many_headers, NULL);
    get(&f, "/count");
    assert_outcome(&f, CLIENT_TOO_LARGE);
    assert_detail(&f, "127.0.0.1: response has too many headers");
    get(&f, "/bytes");
    assert_outcome(&f, CLIENT_TOO_LARGE);
    assert_detail(&f, "127.0.0.1: response headers exceed the size limit");
    close_all(&f);
}

static void serve_interim(struct peer_connection *c)
{
    if (!peer_read(c))
        return;
    while (peer_write(c, STR("HTTP/1.1 102 Processing\r\nX: y\r\n\r\n")))
        ;
}

static void interim_answers_without_end_have_a_limit(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_interim, NULL);
    get(&f, "/");
    assert_outcome(&f, CLIENT_TOO_LARGE);
    close_all(&f);
}

/* --- time --- */

static void serve_silence(struct peer_connection *c)
{
    if (!peer_read(c))
        return;
    if (strstr(c->request, "/head"))
        peer_write(c, STR("HTTP/1.1 200 OK\r\nX: "));
    if (strstr(c->request, "/body"))
        peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123"));
    peer_wait_for_end(c);
}

static void the_deadline_ends_silence(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_silence, NULL);
    call_within(&f, "POST", url_of(&f, "http", "127.0.0.1", "/nothing"), STR("x"), SHORT_MS);
    assert_outcome(&f, CLIENT_TIMEOUT);
    assert_true(f.response.connected);
    assert_detail(&f, "timed out waiting for 127.0.0.1");
    call_within(&f, "POST", url_of(&f, "http", "127.0.0.1", "/head"), STR("x"), SHORT_MS);
    assert_outcome(&f, CLIENT_TIMEOUT);
    call_within(&f, "POST", url_of(&f, "http", "127.0.0.1", "/body"), STR("x"), SHORT_MS);
    assert_outcome(&f, CLIENT_TIMEOUT);
    assert_detail(&f, "timed out reading the response of 127.0.0.1");
    assert_int_equal(f.response.body.len, 0);
    close_all(&f);
}

/* Always some progress, never the end. */
static void serve_trickle(struct peer_connection *c)
{
    if (!peer_read(c) || !peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")))
        return;
    while (peer_write(c, STR(".")))
        usleep(10 * 1000);
}

static void the_deadline_ends_a_trickle(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_trickle, NULL);
    call_within(&f, "GET", url_of(&f, "http", "127.0.0.1", "/"), STR_NULL, SHORT_MS);
    assert_outcome(&f, CLIENT_TIMEOUT);
    assert_true(f.response.connected);
    close_all(&f);
}

static void a_deadline_that_has_passed_calls_nobody(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_ok, NULL);
    call_within(&f, "GET", url_of(&f, "http", "127.0.0.1", "/"), STR_NULL, 0);
    assert_outcome(&f, CLIENT_TIMEOUT);
    assert_false(f.response.connected);
    assert_int_equal(peer_connections(f.peer), 0);
    close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_headers_and_body_come_as_sent),
        cmocka_unit_test(every_framing_is_understood),
        cmocka_unit_test(trailers_are_dropped),
        cmocka_unit_test(broken_answers_are_told_apart),
        cmocka_unit_test(resets_are_broken_answers),
        cmocka_unit_test(excess_bytes_poison_nothing),
        cmocka_unit_test(bodies_have_a_limit),
        cmocka_unit_test(a_call_may_have_a_limit_of_its_own),
        cmocka_unit_test(headers_have_limits),
        cmocka_unit_test(interim_answers_without_end_have_a_limit),
        cmocka_unit_test(the_deadline_ends_silence),
        cmocka_unit_test(the_deadline_ends_a_trickle),
        cmocka_unit_test(a_deadline_that_has_passed_calls_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
