/* The request parser: each framing case gets its one answer, however its bytes are split. */
#include "cmocka_all.h"

#include "http_cases.h"
#include "net/http1/parser.h"

#include <stdlib.h>

/* What a reader of a connection does, with pieces of chosen sizes. */
struct reading {
    char data[HTTP_BIG_MAX];
    size_t size; /* bytes that have come */
    size_t seen;
    bool have_head;
    size_t head_size;
    struct http_head head;
    struct http1_chunks chunks;
    size_t decoded;
    size_t used; /* bytes of `data` that were the request */
    struct str body;
};

static int status_of(enum http1_result result, bool of_body)
{
    switch (result) {
    case HTTP1_MORE:
        return 0;
    case HTTP1_DONE:
        return 200;
    case HTTP1_BAD:
        return 400;
    case HTTP1_TOO_LONG:
        return of_body ? 413 : 431;
    case HTTP1_TARGET_TOO_LONG:
        return 414;
    case HTTP1_EXPECTATION:
        return 417;
    case HTTP1_VERSION:
        return 505;
    }
    return -1;
}

static int read_body(struct reading *reading)
{
    const char *reason = NULL;
    char *body = reading->data + reading->head_size;
    size_t size = reading->size - reading->head_size;
    if (!reading->head.chunked) {
        if (reading->head.content_length > HTTP_BODY_MAX)
            return 413;
        size_t length = (size_t)reading->head.content_length;
        reading->body = (struct str){body, length};
        reading->used = reading->head_size + length;
        return size < length ? 0 : 200;
    }
    size_t raw_at = reading->decoded;
    enum http1_result result = http1_decode_chunks(&reading->chunks, body, &reading->decoded,
                                                   &raw_at, size, HTTP_BODY_MAX, &reason);
    reading->body = (struct str){body, reading->decoded};
    reading->used = reading->head_size + raw_at;
    if (result == HTTP1_MORE) {
        assert_int_equal(raw_at, size);
        reading->size = reading->head_size + reading->decoded;
    } else if (result != HTTP1_DONE) {
        assert_non_null(reason);
    }
    return status_of(result, true);
}

/* 0: more has to come. */
static int read_on(struct reading *reading, struct str piece)
{
    const char *reason = NULL;
    memcpy(reading->data + reading->size, piece.data, piece.len);
    reading->size += piece.len;
    if (reading->have_head)
        return read_body(reading);
    enum http1_result result = http1_parse_head(reading->data, reading->size, reading->seen,
                                                &reading->head, &reading->head_size, &reason);
    reading->seen = reading->size;
    if (result != HTTP1_DONE) {
        assert_true(result == HTTP1_MORE || reason);
        return status_of(result, false);
    }
    reading->have_head = true;
    return read_body(reading);
}

/* Pieces of at most `most` bytes, of random sizes when `seed` is not 0. */
static int read_split(struct reading *reading, struct str request, size_t most, unsigned *seed)
{
    memset(reading, 0, sizeof(*reading));
    for (size_t at = 0; at < request.len;) {
        size_t part = *seed ? 1 + (size_t)rand_r(seed) % most : most;
        if (part > request.len - at)
            part = request.len - at;
        int status = read_on(reading, (struct str){request.data + at, part});
        if (status != 0)
            return status;
        at += part;
    }
    return 0;
}

static void check(const struct http_case *one, struct reading *reading, int status, const char *how)
{
    if (status != one->status)
        fail_msg("%s, %s: %d instead of %d", one->name, how, status, one->status);
    if (status == 200 && !str_eq(reading->body, one->body))
        fail_msg("%s, %s: another body", one->name, how);
}

static void check_case(const struct http_case *one, struct reading *reading)
{
    unsigned none = 0;
    unsigned seed = 20201123;
    check(one, reading, read_split(reading, one->request, SIZE_MAX, &none), "whole");
    if (one->status == 200)
        assert_int_equal(one->request.len, reading->used);
    check(one, reading, read_split(reading, one->request, 1, &none), "byte by byte");
    for (int round = 0; round < 50; round++) {
        size_t most = 2 + one->request.len / 8;
        check(one, reading, read_split(reading, one->request, most, &seed), "in random pieces");
    }
}

static void every_case_gets_its_one_answer(void **state)
{
    (void)state;
    struct reading *reading = malloc(sizeof(*reading));
    for (size_t i = 0; i < HTTP_CASE_COUNT; i++)
        check_case(&http_cases[i], reading);
    free(reading);
}

static void long_cases_get_their_one_answer(void **state)
{
    (void)state;
    struct reading *reading = malloc(sizeof(*reading));
    char *out = malloc(HTTP_BIG_MAX);
    for (int i = 0; i < HTTP_BIG_COUNT; i++) {
        struct http_case one = http_big_case(i, out);
        check_case(&one, reading);
    }
    free(out);
    free(reading);
}

static void a_head_is_taken_apart(void **state)
{
    (void)state;
    static const struct str request =
        STR("POST /a%2Fb?c=d HTTP/1.1\r\nHost: h.example:80\r\nX-One: a  b \r\nx-one: \r\n"
            "Connection: x, Close\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\nabcGET");
    struct http_head head;
    size_t used;
    const char *reason;
    assert_int_equal(http1_parse_head(request.data, request.len, 0, &head, &used, &reason),
                     HTTP1_DONE);
    assert_int_equal(used, request.len - 6);
    assert_true(str_eq(head.method, STR("POST")));
    assert_true(str_eq(head.target, STR("/a%2Fb?c=d")));
    assert_int_equal(head.header_count, 6);
    assert_true(str_eq(head.headers[1].name, STR("X-One")));
    assert_true(str_eq(head.headers[1].value, STR("a  b")));
    assert_true(str_eq(head.headers[2].value, STR("")));
    assert_true(str_eq(*http_find_header(&head, STR("X-ONE")), STR("a  b")));
    assert_null(http_find_header(&head, STR("X")));
    assert_int_equal(head.content_length, 3);
    assert_false(head.chunked);
    assert_false(head.keep_alive);
    assert_true(head.expect_continue);
}

/* The host that is signed and routed by comes from the target; its text is Host's where they agree.
 */
static void an_absolute_target_names_the_host(void **state)
{
    (void)state;
    static const struct {
        struct str request, target, host;
        bool is_https;
    } cases[] = {
        {STR("GET http://h:8620/a?b HTTP/1.1\r\nHost: h:8620\r\n\r\n"), STR("/a?b"), STR("h:8620"),
         false},
        {STR("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n"), STR("/"), STR("h"), false},
        {STR("GET http://h:80/ HTTP/1.1\r\nHost: H\r\n\r\n"), STR("/"), STR("H"), false},
        {STR("GET http://h/ HTTP/1.1\r\nHost: h:80\r\n\r\n"), STR("/"), STR("h:80"), false},
        {STR("GET http://h/ HTTP/1.1\r\nHost: h:443\r\n\r\n"), STR("/"), STR("h"), false},
        {STR("GET HTTPS://h/ HTTP/1.1\r\nHost: h:443\r\n\r\n"), STR("/"), STR("h:443"), true},
        {STR("GET https://h/ HTTP/1.1\r\nHost: h:80\r\n\r\n"), STR("/"), STR("h"), true},
        {STR("GET http://h.example/ HTTP/1.1\r\nHost: i\r\n\r\n"), STR("/"), STR("h.example"),
         false},
        {STR("GET //h/a HTTP/1.1\r\nHost: i\r\n\r\n"), STR("//h/a"), STR("i"), false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct http_head head;
        size_t used;
        const char *reason;
        assert_int_equal(
            http1_parse_head(cases[i].request.data, cases[i].request.len, 0, &head, &used, &reason),
            HTTP1_DONE);
        assert_true(str_eq(head.target, cases[i].target));
        assert_true(str_eq(*http_find_header(&head, STR("Host")), cases[i].host));
        assert_int_equal(head.is_https, cases[i].is_https);
    }
}

static void connections_are_kept_by_http_1_1_only(void **state)
{
    (void)state;
    static const struct {
        struct str request;
        bool keep_alive;
    } cases[] = {
        {STR(GET "\r\n"), true},
        {STR(GET "Connection: keep-alive\r\n\r\n"), true},
        {STR(GET "Connection: closed\r\n\r\n"), true},
        {STR(GET "Connection: close\r\n\r\n"), false},
        {STR(GET "Connection: keep-alive\r\nConnection: a , CLOSE\r\n\r\n"), false},
        {STR("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct http_head head;
        size_t used;
        const char *reason;
        assert_int_equal(
            http1_parse_head(cases[i].request.data, cases[i].request.len, 0, &head, &used, &reason),
            HTTP1_DONE);
        assert_int_equal(head.keep_alive, cases[i].keep_alive);
    }
}

/* A client that does not speak HTTP hears so before our time limit. */
static void a_wrong_start_is_refused_early(void **state)
{
    (void)state;
    static const struct str starts[] = {STR("\x16\x03"),           STR("g"),  STR("GET /\r\n"),
                                        STR("GET / HTTP/9.9\r\n"), STR("\r"), STR("SSH-2.0-")};
    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
        struct http_head head;
        size_t used;
        const char *reason;
        assert_int_not_equal(
            http1_parse_head(starts[i].data, starts[i].len, 0, &head, &used, &reason), HTTP1_MORE);
    }
}

static void a_body_at_its_limit_is_taken(void **state)
{
    (void)state;
    char data[] = "5\r\n12345\r\n5\r\n67890\r\n0\r\n\r\nrest";
    struct http1_chunks chunks = {0};
    size_t decoded = 0;
    size_t raw_at = 0;
    const char *reason;
    assert_int_equal(
        http1_decode_chunks(&chunks, data, &decoded, &raw_at, sizeof(data) - 1, 10, &reason),
        HTTP1_DONE);
    assert_int_equal(decoded, 10);
    assert_memory_equal(data, "1234567890", 10);
    assert_string_equal(data + raw_at, "rest");

    char more[] = "5\r\n12345\r\n6\r\n";
    chunks = (struct http1_chunks){0};
    decoded = raw_at = 0;
    assert_int_equal(
        http1_decode_chunks(&chunks, more, &decoded, &raw_at, sizeof(more) - 1, 10, &reason),
        HTTP1_TOO_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_gets_its_one_answer),
        cmocka_unit_test(long_cases_get_their_one_answer),
        cmocka_unit_test(a_head_is_taken_apart),
        cmocka_unit_test(an_absolute_target_names_the_host),
        cmocka_unit_test(connections_are_kept_by_http_1_1_only),
        cmocka_unit_test(a_wrong_start_is_refused_early),
        cmocka_unit_test(a_body_at_its_limit_is_taken),
    };
    return cmocka_run_group_tests_name("http1", tests, NULL, NULL);
}
