/* AWS's published vectors, each step by itself and the whole both ways; and what they do not show.
 */
#include "cmocka_all.h"

#include "request_text.h"
#include "wire/errors.h"
#include "wire/restjson.h"
#include "wire/sigv4.h"
#include "wire/sigv4_internal.h"

#include <stdio.h>
#include <string.h>

enum { VECTOR_COUNT = 38, VECTORS_SIZE_MAX = 256 * 1024 };

struct vector {
    const struct value *facts;
    struct request_text plain;   /* as its sender wrote it */
    struct request_text request; /* as it was signed and sent */
    struct sigv4_authorization authorization;
};

static struct arena vectors_memory;
static const struct value *vectors;
static const char *current = "no vector"; /* for who reads a failure */

static struct str fact(const struct vector *vector, const char *name)
{
    return value_text(vector->facts, name);
}

static bool flag(const struct vector *vector, const char *name)
{
    return value_flag(vector->facts, name, false);
}

static struct str credential(const struct vector *vector, const char *name)
{
    return value_text(value_get(vector->facts, "credentials"), name);
}

static void read_vector(const struct value *facts, struct vector *ret_vector)
{
    struct error error = {0};
    *ret_vector = (struct vector){.facts = facts};
    assert_true(request_text_parse(fact(ret_vector, "request"), &ret_vector->plain));
    assert_true(request_text_parse(fact(ret_vector, "signed_request"), &ret_vector->request));
    struct str header = request_text_header(&ret_vector->request, STR("authorization"));
    assert_true(sigv4_parse_authorization(header, &ret_vector->authorization, &error));
}

/* Calls `check` for each vector. */
static void each_vector(void (*check)(const struct vector *vector, struct arena *arena))
{
    for (size_t i = 0; i < vectors->count; i++) {
        struct vector vector;
        struct arena arena = {0};
        current = vectors->names[i].data;
        read_vector(vectors->items[i], &vector);
        check(&vector, &arena);
        current = "no vector";
        arena_done(&arena);
    }
    assert_int_equal(vectors->count, VECTOR_COUNT);
}

static struct str canonical(const struct vector *vector, bool normalize, struct arena *arena)
{
    struct buf out = buf_in(arena, SIGV4_CANONICAL_MAX);
    char payload[SHA256_HEX_SIZE];
    sha256_hex(vector->request.request.body, payload);
    sigv4_canonical_request(&vector->request.request, vector->authorization.signed_list,
                            vector->authorization.signed_headers,
                            vector->authorization.signed_count, str_from(payload), normalize, &out);
    assert_false(out.overflow);
    return buf_str(&out);
}

static void assert_str_equal(struct str actual, struct str expected)
{
    if (!str_eq(actual, expected))
        print_error("%s: actual:\n%.*s\nexpected:\n%.*s\n", current, STR_ARG(actual),
                    STR_ARG(expected));
    assert_true(str_eq(actual, expected));
}

static void check_canonical(const struct vector *vector, struct arena *arena)
{
    assert_str_equal(canonical(vector, flag(vector, "normalize"), arena),
                     fact(vector, "canonical_request"));
}

static void check_string_to_sign(const struct vector *vector, struct arena *arena)
{
    struct buf out = buf_in(arena, SIGV4_CANONICAL_MAX);
    sigv4_string_to_sign(request_text_header(&vector->request, STR("x-amz-date")),
                         &vector->authorization.scope, fact(vector, "canonical_request"), &out);
    assert_str_equal(buf_str(&out), fact(vector, "string_to_sign"));
}

static void check_signature(const struct vector *vector, struct arena *arena)
{
    unsigned char key[SHA256_SIZE];
    char signature[SHA256_HEX_SIZE];
    (void)arena;
    sigv4_signing_key(credential(vector, "secret_access_key"), &vector->authorization.scope, key);
    sigv4_signature(key, fact(vector, "string_to_sign"), signature);
    assert_str_equal(str_from(signature), fact(vector, "signature"));
    assert_str_equal(vector->authorization.signature, fact(vector, "signature"));
}

static void check_parsed(const struct vector *vector, struct arena *arena)
{
    (void)arena;
    assert_str_equal(vector->authorization.access_key_id, credential(vector, "access_key_id"));
    assert_str_equal(vector->authorization.scope.date, STR("20150830"));
    assert_str_equal(vector->authorization.scope.region, fact(vector, "region"));
    assert_str_equal(vector->authorization.scope.service, fact(vector, "service"));
}

/* A vector that is signed without normalizing its path is one for S3 alone, unless the path has
 * nothing to normalize. */
static bool is_for_other_services(const struct vector *vector, struct arena *arena)
{
    return str_eq(canonical(vector, true, arena), fact(vector, "canonical_request"));
}

static const struct secret *find_key(void *context, struct str access_key_id, struct arena *arena,
                                     struct str *ret_account, struct error *error)
{
    (void)arena;
    (void)error;
    if (!str_eq(access_key_id, STR("AKIDEXAMPLE")))
        return NULL;
    *ret_account = STR("123456789012");
    return context;
}

struct session_key {
    struct str token;
    const struct secret *secret;
};

static const struct secret *find_session(void *context, struct str access_key_id, struct str token,
                                         struct arena *arena, struct str *ret_account,
                                         struct error *error)
{
    const struct session_key *key = context;
    return str_eq(token, key->token)
               ? find_key((void *)(uintptr_t)key->secret, access_key_id, arena, ret_account, error)
               : NULL;
}

/* A session token that was sent must be signed, though clients may leave that out. */
static void check_session(const struct vector *vector, const struct request_text *request,
                          const struct sigv4_services *services, int64_t now_ms,
                          const struct secret *secret, struct arena *arena)
{
    struct session_key key = {credential(vector, "token"), secret};
    struct sigv4_keys keys = {.context = &key, .find_session = find_session};
    struct sigv4_caller caller = {.account = STR_NULL};
    struct error error = {0};
    bool good =
        sigv4_verify(&request->request, services, now_ms, &keys, NULL, arena, &caller, &error);
    assert_int_equal(good, !flag(vector, "omit_session_token"));
    if (!good)
        assert_int_equal(error.code, ERR_INVALID_SIGNATURE);
    keys.find_session = NULL;
    assert_false(
        sigv4_verify(&request->request, services, now_ms, &keys, NULL, arena, &caller, &error));
    if (good)
        assert_int_equal(error.code, ERR_UNRECOGNIZED_CLIENT);
}

static void check_verified(const struct vector *vector, struct arena *arena)
{
    int64_t now_ms;
    struct error error = {0};
    struct sigv4_caller caller = {.account = STR_NULL};
    struct request_text request = vector->request;
    request.request.headers = request.headers;
    _cleanup_secret_ struct secret *secret = secret_new(credential(vector, "secret_access_key"));
    const struct sigv4_keys keys = {.find = find_key, .context = secret};
    assert_true(sigv4_time_parse(STR("20150830T123600Z"), false, &now_ms));
    const struct str service_name = STR("service");
    const struct sigv4_services services = {&service_name, 1};
    if (request_text_header(&request, STR("x-amz-security-token")).data) {
        check_session(vector, &request, &services, now_ms, secret, arena);
        return;
    }
    bool good =
        sigv4_verify(&request.request, &services, now_ms, &keys, NULL, arena, &caller, &error);
    assert_int_equal(good, is_for_other_services(vector, arena));
    if (good)
        assert_str_equal(caller.account, STR("123456789012"));
    else
        assert_int_equal(error.code, ERR_INVALID_SIGNATURE);
}

static void check_signed(const struct vector *vector, struct arena *arena)
{
    int64_t now_ms;
    struct str date, authorization;
    struct request_text request = vector->plain;
    char payload[SHA256_HEX_SIZE];
    struct str token = credential(vector, "token");
    if (!is_for_other_services(vector, arena))
        return;
    if (token.data && !flag(vector, "omit_session_token"))
        request_text_add(&request, STR("X-Amz-Security-Token"), token);
    sha256_hex(request.request.body, payload);
    if (flag(vector, "sign_body"))
        request_text_add(&request, STR("X-Amz-Content-Sha256"), str_from(payload));
    request.request.headers = request.headers;
    _cleanup_secret_ struct secret *secret = secret_new(credential(vector, "secret_access_key"));
    assert_true(sigv4_time_parse(STR("20150830T123600Z"), false, &now_ms));
    sigv4_sign(&request.request, credential(vector, "access_key_id"), secret,
               fact(vector, "region"), fact(vector, "service"), now_ms, arena, &date,
               &authorization);
    assert_str_equal(date, STR("20150830T123600Z"));
    assert_str_equal(authorization, request_text_header(&vector->request, STR("authorization")));
}

static void vectors_give_their_canonical_request(void **state)
{
    (void)state;
    each_vector(check_canonical);
}

static void vectors_give_their_string_to_sign(void **state)
{
    (void)state;
    each_vector(check_string_to_sign);
}

static void vectors_give_their_signature(void **state)
{
    (void)state;
    each_vector(check_signature);
}

static void vectors_authorizations_are_read(void **state)
{
    (void)state;
    each_vector(check_parsed);
}

static void vectors_are_verified(void **state)
{
    (void)state;
    each_vector(check_verified);
}

static void vectors_are_signed(void **state)
{
    (void)state;
    each_vector(check_signed);
}

/* --- beyond the vectors --- */

static struct str canonical_of(struct str path, struct str query, struct arena *arena)
{
    struct buf out = buf_in(arena, SIGV4_CANONICAL_MAX);
    struct sigv4_request request = {.method = STR("GET"), .path = path, .query = query};
    sigv4_canonical_request(&request, STR(""), NULL, 0, STR("-"), true, &out);
    return out.overflow ? STR_NULL : buf_str(&out);
}

static void paths_are_encoded_again(void **state)
{
    (void)state;
    static const struct {
        struct str path, canonical;
    } cases[] = {
        {STR("/tags/arn%3Aaws%3Aappflow%3Aeu-central-1%3A123456789012%3Aconnectorprofile%2Fcrm"),
         STR("/tags/arn%253Aaws%253Aappflow%253Aeu-central-1%253A123456789012%253Aconnectorprofile"
             "%252Fcrm")},
        {STR("/tags/arn:aws"), STR("/tags/arn%3Aaws")},
        {STR("/a%2fb"), STR("/a%252fb")}, /* the raw path's own case is kept */
        {STR(""), STR("/")},
        {STR("/.."), STR("/")},
        {STR("/a/b/.."), STR("/a")},
        {STR("/a/b/../"), STR("/a/")},
        {STR("/a/../../b"), STR("/b")},
        {STR("/...//.a/b."), STR("/.../.a/b.")},
        {STR("/%2e%2e/a"), STR("/%252e%252e/a")}, /* no dot segment: it is not decoded */
        {STR("relative/path"), STR("/relative/path")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct arena arena = {0};
        struct str expected =
            arena_printf(&arena, "GET\n%.*s\n\n\n\n-", STR_ARG(cases[i].canonical));
        assert_str_equal(canonical_of(cases[i].path, STR(""), &arena), expected);
        arena_done(&arena);
    }
}

static void targets_are_normalized_as_paths_are_signed(void **state)
{
    (void)state;
    static const struct {
        struct str target, normalized;
    } cases[] = {
        {STR("/x/../describe-connector-profiles"), STR("/describe-connector-profiles")},
        {STR("//describe-connector-profiles/."), STR("/describe-connector-profiles")},
        {STR("/tags/a/../arn%3Aaws%2F..%2Fb?tagKeys=/../c"),
         STR("/tags/arn%3Aaws%2F..%2Fb?tagKeys=/../c")},
        {STR("/tags/arn:aws:flow//f/"), STR("/tags/arn:aws:flow/f/")},
        {STR("/.."), STR("/")},
        {STR("/..?"), STR("/?")},
        {STR("/%2e%2e/a"), STR("/%2e%2e/a")},
        {STR("/a.b/.c/...?x"), STR("/a.b/.c/...?x")},
        {STR("*"), STR("*")},
        {STR(""), STR("")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct arena arena = {0};
        struct str target = cases[i].target, normalized = sigv4_normalized_target(&arena, target);
        struct str path = target, normal_path = normalized, query;
        assert_str_equal(normalized, cases[i].normalized);
        (void)str_cut(target, '?', &path, &query);
        (void)str_cut(normalized, '?', &normal_path, &query);
        assert_str_equal(canonical_of(normal_path, STR(""), &arena),
                         canonical_of(path, STR(""), &arena));
        if (str_starts(normalized, STR("/"))) /* normal already: encoding it is all that is left */
            assert_str_equal(sigv4_normalized_target(&arena, normalized), normalized);
        arena_done(&arena);
    }
}

static void queries_are_sorted_by_encoded_name(void **state)
{
    (void)state;
    static const struct {
        struct str query, canonical;
    } cases[] = {
        {STR("tagKeys=b&tagKeys=a&tagKeys=a%20c"), STR("tagKeys=a&tagKeys=a%20c&tagKeys=b")},
        {STR("a-b=1&a=2"), STR("a=2&a-b=1")},
        {STR("b&a"), STR("a=&b=")},
        {STR("&&a=1&"), STR("a=1")},
        {STR("a=b=c"), STR("a=b%3Dc")},
        {STR("a=%2f%2F/"), STR("a=%2F%2F%2F")},
        {STR("a=%7E~%41"), STR("a=~~A")},
        {STR("a=%&b=%4&c=%zz"), STR("a=%25&b=%254&c=%25zz")},
        {STR("a=%26%3D"), STR("a=%26%3D")},
        {STR("a=1+2"), STR("a=1%2B2")},
        {STR("=1"), STR("=1")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct arena arena = {0};
        struct str expected =
            arena_printf(&arena, "GET\n/\n%.*s\n\n\n-", STR_ARG(cases[i].canonical));
        assert_str_equal(canonical_of(STR("/"), cases[i].query, &arena), expected);
        arena_done(&arena);
    }
}

static void too_many_parameters_overflow(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buf query = buf_in(&arena, 10000);
    for (int i = 0; i < SIGV4_QUERY_PARTS_MAX; i++)
        buf_add_cstr(&query, "a&");
    assert_non_null(canonical_of(STR("/"), buf_str(&query), &arena).data);
    buf_add_cstr(&query, "a");
    assert_null(canonical_of(STR("/"), buf_str(&query), &arena).data);
    struct str long_path = {arena_alloc(&arena, SIGV4_CANONICAL_MAX), SIGV4_CANONICAL_MAX};
    assert_null(canonical_of(long_path, STR(""), &arena).data);
    arena_done(&arena);
}

static void timestamps_are_strict(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "20150830",
        "20150830T123600",
        "20150830T123600z",
        "20150230T123600Z",
        "20150830T243600Z",
        "20150830T126000Z",
        "20150830T123660Z",
        "20151330T123600Z",
        "20150800T123600Z",
        "2015083 T123600Z",
        "-0150830T123600Z",
        "2015-08-30T12:36Z",
        "20150830T123600ZZ",
        "\x00\x01",
        "20150830 123600Z",
        "+2015830T123600Z",
        "Sun, 30 Aug 2015 12:36:00 GMT",
    };
    static const char *const refused_http[] = {
        "Mon, 30 Aug 2015 12:36:00 GMT", "Sun, 30 aug 2015 12:36:00 GMT",
        "Sun, 30 Aug 2015 12:36:00 UTC", "Sun, 30 Xyz 2015 12:36:00 GMT",
        "Sun, 30 anF 2015 12:36:00 GMT", "Sunday, 30-Aug-15 12:36:00 GMT",
        "Sun, 30 Aug 2015 12:36:00 GM",
    };
    int64_t ms = 0, http_ms = 0;
    char again[SIGV4_TIMESTAMP_SIZE];
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_false(sigv4_time_parse(str_from(refused[i]), false, &ms));
    for (size_t i = 0; i < sizeof(refused_http) / sizeof(*refused_http); i++)
        assert_false(sigv4_time_parse(str_from(refused_http[i]), true, &ms));
    assert_true(sigv4_time_parse(STR("20150830T123600Z"), true, &ms));
    assert_int_equal(ms, 1440938160000);
    assert_true(sigv4_time_parse(STR("Sun, 30 Aug 2015 12:36:00 GMT"), true, &http_ms));
    assert_int_equal(ms, http_ms);
    sigv4_time_format(ms, again);
    assert_string_equal(again, "20150830T123600Z");
    assert_true(sigv4_time_parse(STR("20240229T000000Z"), false, &ms));
}

static int load(void **state)
{
    (void)state;
    static char text[VECTORS_SIZE_MAX];
    FILE *file = fopen(TEST_DATA "/sigv4-vectors.json", "re");
    size_t size = file ? fread(text, 1, sizeof(text), file) : 0;
    struct value *parsed;
    if (file)
        fclose(file);
    if (!json_parse((struct str){text, size}, &vectors_memory, &parsed))
        return -1;
    vectors = value_get(parsed, "cases");
    return vectors ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    arena_done(&vectors_memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_authorizations_are_read),
        cmocka_unit_test(vectors_give_their_canonical_request),
        cmocka_unit_test(vectors_give_their_string_to_sign),
        cmocka_unit_test(vectors_give_their_signature),
        cmocka_unit_test(vectors_are_verified),
        cmocka_unit_test(vectors_are_signed),
        cmocka_unit_test(paths_are_encoded_again),
        cmocka_unit_test(targets_are_normalized_as_paths_are_signed),
        cmocka_unit_test(queries_are_sorted_by_encoded_name),
        cmocka_unit_test(too_many_parameters_overflow),
        cmocka_unit_test(timestamps_are_strict),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
