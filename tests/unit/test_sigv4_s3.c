/* Signatures of requests to Amazon S3: the examples that AWS publishes ("Signature Calculations for
 * the Authorization Header", docs.aws.amazon.com/AmazonS3/latest/API), and keys as they are signed.
 */
#include "cmocka_all.h"

#include "wire/errors.h"
#include "wire/sigv4.h"
#include "wire/sigv4_internal.h"

#include <string.h>

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static int64_t example_time(void)
{
    int64_t now_ms = 0;
    assert_true(sigv4_time_parse(STR("20130524T000000Z"), false, &now_ms));
    return now_ms;
}

struct example {
    const char *method, *path, *query;
    struct http_header headers[4];
    size_t header_count;
    const char *signature;
};

#define HOST                                                                                       \
    {                                                                                              \
        STR("Host"), STR("examplebucket.s3.amazonaws.com")                                         \
    }
#define EMPTY                                                                                      \
    {                                                                                              \
        STR("x-amz-content-sha256"), STR(EMPTY_HASH)                                               \
    }

static const struct example examples[] = {
    {"GET",
     "/test.txt",
     "",
     {HOST, {STR("Range"), STR("bytes=0-9")}, EMPTY},
     3,
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"PUT",
     "/test$file.text",
     "",
     {HOST,
      {STR("Date"), STR("Fri, 24 May 2013 00:00:00 GMT")},
      {STR("x-amz-storage-class"), STR("REDUCED_REDUNDANCY")},
      {STR("x-amz-content-sha256"),
       STR("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")}},
     4,
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"GET",
     "/",
     "lifecycle",
     {HOST, EMPTY},
     2,
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"GET",
     "/",
     "max-keys=2&prefix=J",
     {HOST, EMPTY},
     2,
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static void published_examples_are_signed_alike(void **unused)
{
    (void)unused;
    _cleanup_secret_ struct secret *secret =
        secret_new(STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
    for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
        const struct example *each = &examples[i];
        struct arena arena = {0};
        struct str date, authorization;
        const struct sigv4_request request = {.method = str_from(each->method),
                                              .path = str_from(each->path),
                                              .query = str_from(each->query),
                                              .headers = each->headers,
                                              .header_count = each->header_count,
                                              .s3 = true};
        sigv4_sign(&request, STR("AKIAIOSFODNN7EXAMPLE"), secret, STR("us-east-1"), STR("s3"),
                   example_time(), &arena, &date, &authorization);
        if (!str_ends(authorization, str_from(each->signature)))
            fail_msg("example %zu: %.*s", i, STR_ARG(authorization));
        arena_done(&arena);
    }
}

static void keys_are_encoded_once(void **unused)
{
    (void)unused;
    static const struct {
        const char *sent, *signed_path;
    } paths[] = {
        {"/b/year=2024/a.csv", "/b/year%3D2024/a.csv"},
        {"/b/year%3D2024/a.csv", "/b/year%3D2024/a.csv"},
        {"/b/a+b%20c%2Bd", "/b/a%2Bb%20c%2Bd"},
        {"/b//x/../y/./z/", "/b//x/../y/./z/"},
        {"/b/%c3%bc%7e", "/b/%C3%BC~"},
        {"/b/50%25", "/b/50%25"},
        {"", "/"},
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        struct arena arena = {0};
        struct buf out = buf_in(&arena, SIGV4_CANONICAL_MAX);
        const struct sigv4_request request = {
            .method = STR("GET"), .path = str_from(paths[i].sent), .query = STR(""), .s3 = true};
        struct str method, path = STR_NULL, rest;
        sigv4_canonical_request(&request, STR(""), NULL, 0, STR("-"), true, &out);
        assert_true(str_cut(buf_str(&out), '\n', &method, &rest) &&
                    str_cut(rest, '\n', &path, &rest));
        if (!str_eq(path, str_from(paths[i].signed_path)))
            fail_msg("%s: %.*s", paths[i].sent, STR_ARG(path));
        arena_done(&arena);
    }
}

static const struct secret *find_key(void *context, struct str id, struct arena *arena,
                                     struct str *ret_account, struct error *error)
{
    (void)id;
    (void)arena;
    (void)error;
    *ret_account = STR("123456789012");
    return context;
}

/* Signs for the first request, and verifies for the second. */
static bool is_verified(const struct sigv4_request *signed_request, struct sigv4_request *sent,
                        struct error *ret_error)
{
    struct arena arena = {0};
    struct str date, authorization;
    struct http_header headers[4];
    struct sigv4_caller caller;
    const struct str name = STR("s3");
    const struct sigv4_services services = {&name, 1};
    _cleanup_secret_ struct secret *secret = secret_new(STR("a secret"));
    const struct sigv4_keys keys = {.find = find_key, .context = secret};
    sigv4_sign(signed_request, STR("AKID"), secret, STR("us-east-1"), STR("s3"), example_time(),
               &arena, &date, &authorization);
    memcpy(headers, signed_request->headers, 2 * sizeof(*headers));
    headers[2] = (struct http_header){STR("X-Amz-Date"), date};
    headers[3] = (struct http_header){STR("Authorization"), authorization};
    sent->headers = headers + (sent->header_count == 3);
    sent->header_count = sent->header_count == 3 ? 3 : 4;
    bool good =
        sigv4_verify(sent, &services, example_time(), &keys, NULL, &arena, &caller, ret_error);
    arena_done(&arena);
    return good;
}

static void another_spelling_of_a_key_verifies_and_another_key_does_not(void **unused)
{
    (void)unused;
    struct error error;
    const struct http_header headers[] = {EMPTY, HOST};
    const struct sigv4_request request = {.method = STR("PUT"),
                                          .path = STR("/b/year%3D2024/a"),
                                          .query = STR(""),
                                          .headers = headers,
                                          .header_count = 2,
                                          .s3 = true};
    struct sigv4_request sent = request;
    sent.path = STR("/b/year=2024/a");
    assert_true(is_verified(&request, &sent, &error));
    sent = request;
    sent.path = STR("/b/year=2024//a");
    assert_false(is_verified(&request, &sent, &error));
    assert_int_equal(error.code, ERR_INVALID_SIGNATURE);
}

static void a_request_without_a_payload_hash_is_refused(void **unused)
{
    (void)unused;
    struct error error;
    const struct http_header headers[] = {EMPTY, HOST};
    const struct sigv4_request request = {.method = STR("GET"),
                                          .path = STR("/b/k"),
                                          .query = STR(""),
                                          .headers = headers,
                                          .header_count = 2,
                                          .s3 = true};
    struct sigv4_request sent = request;
    sent.header_count = 3; /* all but the first one */
    assert_false(is_verified(&request, &sent, &error));
    assert_true(error.code == ERR_INCOMPLETE_SIGNATURE || error.code == ERR_INVALID_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples_are_signed_alike),
        cmocka_unit_test(keys_are_encoded_once),
        cmocka_unit_test(another_spelling_of_a_key_verifies_and_another_key_does_not),
        cmocka_unit_test(a_request_without_a_payload_hash_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
