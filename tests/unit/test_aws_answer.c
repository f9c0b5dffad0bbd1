/* What clients of AWS services get: the bytes of each protocol, and bodies that come compressed. */
#include "cmocka_all.h"

#include "base/buf.h"
#include "wire/aws_answer.h"
#include "wire/content_coding.h"
#include "wire/errors.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static struct str header(const struct http_response *response, struct str name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (str_eq_nocase(response->headers[i].name, name))
            return response->headers[i].value;
    }
    return STR_NULL;
}

#define assert_str(actual, expected)                                                               \
    do {                                                                                           \
        struct str seen_ = (actual), wanted_ = (expected);                                         \
        if (!str_eq(seen_, wanted_))                                                               \
            fail_msg("%.*s instead of %.*s", STR_ARG(seen_), STR_ARG(wanted_));                    \
    } while (0)

static struct http_response error_in(enum aws_protocol protocol, struct arena *arena)
{
    struct http_response response;
    const struct aws_error error = {
        .protocol = protocol,
        .request_id = STR("id-1"),
        .status = 403,
        .exception = "UnrecognizedClientException",
        .message = STR("a \"b\" <c> & \x01 d"),
    };
    aws_error_response(&error, arena, &response);
    assert_int_equal(response.status, 403);
    assert_str(header(&response, STR("x-amzn-RequestId")), STR("id-1"));
    assert_null(header(&response, STR("Retry-After")).data);
    return response;
}

static void each_protocol_has_its_form_of_an_error(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct http_response response = error_in(AWS_REST_JSON, &arena);
    assert_str(response.body, STR("{\"message\":\"a \\\"b\\\" <c> & \\u0001 d\"}"));
    assert_str(header(&response, STR("x-amzn-ErrorType")), STR("UnrecognizedClientException"));
    assert_str(header(&response, STR("Content-Type")), STR("application/json"));
    response = error_in(AWS_JSON_1_1, &arena);
    assert_str(response.body, STR("{\"__type\":\"UnrecognizedClientException\","
                                  "\"message\":\"a \\\"b\\\" <c> & \\u0001 d\"}"));
    assert_str(header(&response, STR("Content-Type")), STR("application/x-amz-json-1.1"));
    response = error_in(AWS_QUERY, &arena);
    assert_str(response.body,
               STR("<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>"
                   "<Message>a \"b\" &lt;c&gt; &amp;   d</Message></Error>"
                   "<RequestId>id-1</RequestId></ErrorResponse>"));
    assert_str(header(&response, STR("Content-Type")), STR("text/xml"));
    arena_done(&arena);
}

static void json_errors_are_called_as_secrets_manager_does(void **state)
{
    (void)state;
    static const struct {
        const char *exception, *body;
        int status, expected;
    } cases[] = {
        {"InternalServerException", "{\"__type\":\"InternalServiceError\",", 500, 500},
        {"ConnectorServerException", "{\"__type\":\"InternalServiceError\",", 400, 500},
        {"ConnectorAuthenticationException", "{\"__type\":\"InvalidRequestException\",", 401, 400},
        {"ResourceNotFoundException", "{\"__type\":\"ResourceNotFoundException\",", 404, 404},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct http_response response;
        const struct aws_error error = {.protocol = AWS_JSON_1_1,
                                        .request_id = STR("id-1"),
                                        .status = cases[i].status,
                                        .exception = cases[i].exception,
                                        .message = STR("m")};
        aws_error_response(&error, &arena, &response);
        assert_true(str_starts(response.body, str_from(cases[i].body)));
        assert_int_equal(response.status, cases[i].expected);
    }
    arena_done(&arena);
}

static void query_errors_have_codes_of_their_own(void **state)
{
    (void)state;
    static const struct {
        const char *exception, *code;
        int status;
    } cases[] = {
        {"InvalidSignatureException", "<Type>Sender</Type><Code>SignatureDoesNotMatch<", 403},
        {"ThrottlingException", "<Type>Sender</Type><Code>Throttling<", 429},
        {"MissingAuthenticationTokenException", "<Code>MissingAuthenticationToken<", 403},
        {"InternalServerException", "<Type>Receiver</Type><Code>InternalFailure<", 500},
        {"UnknownOperationException", "<Code>InvalidAction<", 404},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct http_response response;
        const struct aws_error error = {.protocol = AWS_QUERY,
                                        .status = cases[i].status,
                                        .exception = cases[i].exception,
                                        .message = STR("m")};
        aws_error_response(&error, &arena, &response);
        assert_true(str_contains(response.body, str_from(cases[i].code)));
    }
    arena_done(&arena);
}

/* Never more than RETRY_AFTER_MAX_MS: Java's, JavaScript's and Go's SDKs sleep for all of it. */
static void when_to_try_again_is_told_twice_and_bounded(void **state)
{
    (void)state;
    static const struct {
        int status;
        int64_t wait_ms;
        const char *seconds, *ms; /* NULL: no such header */
    } cases[] = {
        {429, 0, "1", "1000"},           {503, 0, "1", "1000"},       {429, 1, "1", "1"},
        {429, 1500, "2", "1500"},        {503, 20000, "20", "20000"}, {429, 20001, "20", "20000"},
        {429, INT64_MAX, "20", "20000"}, {429, -5, "1", "1000"},      {500, 1000, NULL, NULL},
        {400, 1000, NULL, NULL},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct http_response response;
        const struct aws_error error = {.status = cases[i].status,
                                        .exception = "ThrottlingException",
                                        .message = STR("m"),
                                        .retry_after_ms = cases[i].wait_ms};
        aws_error_response(&error, &arena, &response);
        assert_str(header(&response, STR("Retry-After")), str_from(cases[i].seconds));
        assert_str(header(&response, STR("x-amz-retry-after")), str_from(cases[i].ms));
    }
    arena_done(&arena);
}

static void a_refused_request_gets_aws_s_form(void **state)
{
    (void)state;
    static const int statuses[] = {400, 408, 413, 414, 417, 421, 429, 431, 505};
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        struct http_response response;
        const struct http_refusal refusal = {statuses[i], "Said so."};
        aws_refuse(NULL, &refusal, &arena, &response);
        assert_str(response.body, STR("{\"message\":\"Said so.\"}"));
        assert_int_equal(header(&response, STR("x-amzn-RequestId")).len, 36);
        assert_true(str_ends(header(&response, STR("x-amzn-ErrorType")), STR("Exception")));
        assert_int_equal(header(&response, STR("x-amz-retry-after")).data != NULL,
                         statuses[i] == 429);
    }
    arena_done(&arena);
}

static void a_message_is_told_when_it_can_be(void **state)
{
    (void)state;
    struct error error = {.code = ERR_CONFLICT, .message = "a \"b\"\n"};
    assert_str(error_message(&error), STR("a \"b\"\n"));
    error = (struct error){.code = ERR_THROTTLING};
    assert_str(error_message(&error), STR("Rate exceeded."));
    error = (struct error){.code = ERR_THROTTLING, .message = "\xFF"};
    assert_str(error_message(&error), STR("Rate exceeded."));
}

/* --- bodies --- */

static struct str gzipped(struct arena *arena, struct str plain)
{
    size_t size = compressBound(plain.len) + 64;
    unsigned char *out = arena_alloc(arena, size);
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)plain.data,
                       .avail_in = (unsigned)plain.len,
                       .next_out = out,
                       .avail_out = (unsigned)size};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t len = size - stream.avail_out;
    deflateEnd(&stream);
    return (struct str){(char *)out, len};
}

static int decoded(const char *coding, struct str body, struct arena *arena, struct str *ret_body)
{
    struct http_head head = {.header_count = coding ? 1 : 0};
    struct error error = {0};
    head.headers[0] = (struct http_header){STR("content-encoding"), str_from(coding)};
    if (!content_decode(&head, body, arena, ret_body, &error))
        assert_true(strlen(error.message) > 20);
    return error.code;
}

static void a_gzip_body_is_taken(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str plain = STR("{\"maxResults\":5}"), body;
    struct str coded = gzipped(&arena, plain);
    static const char *codings[] = {"gzip", "GZIP", "x-gzip"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(decoded(codings[i], coded, &arena, &body), ERR_NONE);
        assert_str(body, plain);
    }
    assert_int_equal(decoded(NULL, plain, &arena, &body), ERR_NONE);
    assert_ptr_equal(body.data, plain.data);
    assert_int_equal(decoded("identity", plain, &arena, &body), ERR_NONE);
    assert_int_equal(decoded("gzip", gzipped(&arena, STR("")), &arena, &body), ERR_NONE);
    assert_str(body, STR(""));
    assert_int_equal(decoded("gzip", STR(""), &arena, &body), ERR_NONE);
    assert_str(body, STR(""));
    arena_done(&arena);
}

static void other_codings_are_refused(void **state)
{
    (void)state;
    static const char *codings[] = {"br", "deflate", "gzip, gzip", "gzip, identity", "", "zstd"};
    struct arena arena = {0};
    struct str body;
    for (size_t i = 0; i < sizeof(codings) / sizeof(*codings); i++)
        assert_int_equal(decoded(codings[i], STR("{}"), &arena, &body), ERR_UNSUPPORTED_MEDIA);
    struct http_head twice = {.header_count = 2};
    twice.headers[0] = twice.headers[1] =
        (struct http_header){STR("Content-Encoding"), STR("gzip")};
    struct error error = {0};
    assert_false(content_decode(&twice, STR("{}"), &arena, &body, &error));
    assert_int_equal(error.code, ERR_UNSUPPORTED_MEDIA);
    arena_done(&arena);
}

/* Each prefix, each changed byte: an error or the same text, and never a crash. */
static void broken_gzip_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str body, plain = STR("{\"connectorProfileNames\":[\"a\",\"b\",\"a\",\"b\"]}");
    struct str coded = gzipped(&arena, plain);
    for (size_t len = 1; len < coded.len; len++)
        assert_int_equal(decoded("gzip", (struct str){coded.data, len}, &arena, &body),
                         ERR_SERIALIZATION);
    for (size_t i = 0; i < coded.len; i++) {
        struct str changed = arena_copy(&arena, coded);
        ((char *)changed.data)[i] ^= 0x55;
        int code = decoded("gzip", changed, &arena, &body);
        assert_true(code == ERR_SERIALIZATION || str_eq(body, plain));
    }
    struct buf both = buf_in(&arena, 4096);
    buf_add(&both, coded);
    buf_add(&both, coded);
    assert_int_equal(decoded("gzip", buf_str(&both), &arena, &body), ERR_SERIALIZATION);
    assert_int_equal(decoded("gzip", plain, &arena, &body), ERR_SERIALIZATION);
    arena_done(&arena);
}

static void a_small_body_cannot_become_a_large_one(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str body;
    size_t size = HTTP_BODY_MAX + 1;
    char *big = malloc(64 * 1024 * 1024);
    memset(big, 'x', 64 * 1024 * 1024);
    struct str coded = gzipped(&arena, (struct str){big, size - 1});
    assert_int_equal(decoded("gzip", coded, &arena, &body), ERR_NONE);
    assert_int_equal(body.len, HTTP_BODY_MAX);
    coded = gzipped(&arena, (struct str){big, size});
    assert_int_equal(decoded("gzip", coded, &arena, &body), ERR_TOO_LARGE);
    coded = gzipped(&arena, (struct str){big, 64 * 1024 * 1024});
    assert_true(coded.len < HTTP_BODY_MAX);
    size_t used = arena.used;
    assert_int_equal(decoded("gzip", coded, &arena, &body), ERR_TOO_LARGE);
    assert_true(arena.used - used < 5 * HTTP_BODY_MAX);
    free(big);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_protocol_has_its_form_of_an_error),
        cmocka_unit_test(json_errors_are_called_as_secrets_manager_does),
        cmocka_unit_test(query_errors_have_codes_of_their_own),
        cmocka_unit_test(when_to_try_again_is_told_twice_and_bounded),
        cmocka_unit_test(a_refused_request_gets_aws_s_form),
        cmocka_unit_test(a_message_is_told_when_it_can_be),
        cmocka_unit_test(a_gzip_body_is_taken),
        cmocka_unit_test(other_codings_are_refused),
        cmocka_unit_test(broken_gzip_is_refused),
        cmocka_unit_test(a_small_body_cannot_become_a_large_one),
    };
    return cmocka_run_group_tests_name("aws-answer", tests, NULL, NULL);
}
