/* The S3 client against scripted answers: addresses, what is repeated and what is not, what each
 * refusal says, and lists. Uploads are in test_s3_upload.c. */
#include "s3_script.h"

/* --- addresses --- */

static void the_url_says_where_the_bucket_goes(void **unused)
{
    (void)unused;
    static const struct {
        const char *url, *bucket, *key, *address;
    } rows[] = {
        {"", "acme", "k", "https://acme.s3.eu-west-3.amazonaws.com/k"},
        {"", "acme.corp", "k", "https://s3.eu-west-3.amazonaws.com/acme.corp/k"},
        {"http://{bucket}.localhost:1", "a.b", "k", "http://a.b.localhost:1/k"},
        {"https://host/{bucket}", "a.b", "k", "https://host/a.b/k"},
        {"http://127.0.0.1:9000/", "acme", "k", "http://127.0.0.1:9000/acme/k"},
        {"https://host/prefix", "acme", "k", "https://host/prefix/acme/k"},
        {"https://host", "acme", "year=2024/a b+c/\xC3\xBC//d",
         "https://host/acme/year%3D2024/a%20b%2Bc/%C3%BC//d"},
        {"https://host", "acme", "../x?y#z%", "https://host/acme/../x%3Fy%23z%25"},
    };
    static const struct scripted answers[] = {WITH_HEADERS(200, hello_headers)};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct fixture f;
        struct s3_facts facts;
        OPEN(&f, answers);
        f.s3.url = str_from(rows[i].url);
        f.place = (struct s3_place){str_from(rows[i].bucket), str_from(rows[i].key)};
        assert_true(s3_head(&f.s3, &f.place, &f.arena, &facts, &f.error));
        assert_string_equal(script.url, rows[i].address);
        assert_int_equal(facts.size, 5);
        done(&f);
    }
}

static void bad_buckets_and_keys_are_not_sent(void **unused)
{
    (void)unused;
    static const struct {
        struct str bucket, key;
    } rows[] = {
        {STR("ab"), STR("k")},   {STR("Acme"), STR("k")},      {STR("-acme"), STR("k")},
        {STR("a..b"), STR("k")}, {STR("acme/../b"), STR("k")}, {STR("a@evil.x"), STR("k")},
        {STR("acme"), STR("")},  {STR("acme"), STR("a\0b")},   {STR("acme"), STR("\xFF")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct fixture f;
        struct s3_facts facts;
        open_with(&f, NULL, 0);
        f.place = (struct s3_place){rows[i].bucket, rows[i].key};
        assert_false(s3_head(&f.s3, &f.place, &f.arena, &facts, &f.error));
        assert_int_equal(f.error.code, ERR_VALIDATION);
        done(&f);
    }
}

static void a_request_has_its_payload_hash_and_the_session_token(void **unused)
{
    (void)unused;
    static const struct scripted answers[] = {WITH_HEADERS(200, etag_header)};
    struct fixture f;
    struct str etag;
    _cleanup_secret_ struct secret *token = secret_new(STR("the-token"));
    OPEN(&f, answers);
    f.access.session_token = token;
    assert_true(s3_put(&f.s3, &f.place, &(struct s3_content){.body = STR("hello")}, &f.arena, &etag,
                       &f.error));
    assert_text(script.headers, "x-amz-content-sha256: "
                                "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_text(script.headers, "X-Amz-Security-Token: the-token");
    assert_text(script.headers, "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;"
                                "x-amz-security-token");
    assert_text(script.headers, "/eu-west-3/s3/aws4_request");
    assert_null(strstr(script.headers, "own-secret"));
    assert_true(str_eq(etag, STR(HELLO_ETAG)));
    done(&f);
}

/* --- again, or not --- */

static void what_passes_is_repeated(void **unused)
{
    (void)unused;
    static const struct scripted answers[] = {
        STATUS(503, ERROR_BODY("SlowDown")), STATUS(500, ERROR_BODY("InternalError")), LOST,
        STATUS(400, ERROR_BODY("RequestTimeout")), WITH_HEADERS(200, etag_header)};
    struct fixture f;
    OPEN(&f, answers);
    assert_true(s3_put(&f.s3, &f.place, &(struct s3_content){.body = STR("hello")}, &f.arena, NULL,
                       &f.error));
    done(&f);
}

static void attempts_are_bounded(void **unused)
{
    (void)unused;
    static const struct scripted busy = STATUS(503, ERROR_BODY("SlowDown"));
    struct scripted answers[S3_ATTEMPTS];
    struct fixture f;
    for (size_t i = 0; i < S3_ATTEMPTS; i++)
        answers[i] = busy;
    OPEN(&f, answers);
    assert_false(s3_delete(&f.s3, &f.place, &f.arena, &f.error));
    assert_int_equal(f.error.code, ERR_THROTTLING);
    assert_string_equal(f.error.message,
                        "S3 was busy each time that it was asked for s3://bucket/key (SlowDown).");
    done(&f);
}

static void nothing_is_repeated_past_the_deadline(void **unused)
{
    (void)unused;
    static const struct scripted answers[] = {LOST};
    struct fixture f;
    OPEN(&f, answers);
    f.s3.deadline_ms = clock_mono_ms() + 1000;
    f.s3.first_pause_ms = 4000;
    assert_false(s3_delete(&f.s3, &f.place, &f.arena, &f.error));
    assert_int_equal(f.error.code, ERR_CONNECTOR_SERVER);
    assert_string_equal(f.error.message, "S3 could not be reached: broke.");
    done(&f);
}

/* S3 asks for more time than is left: an attempt before that would only add to its load. */
static void what_s3_asks_for_is_waited_or_not_at_all(void **unused)
{
    (void)unused;
    static const struct http_header later[] = {{STR("Retry-After"), STR("100000")}};
    static const struct scripted answers[] = {WITH_HEADERS(503, later)};
    struct fixture f;
    OPEN(&f, answers);
    assert_false(s3_delete(&f.s3, &f.place, &f.arena, &f.error));
    assert_int_equal(f.error.code, ERR_THROTTLING);
    done(&f);
}

/* --- refusals --- */

static void refusals_say_what_to_do(void **unused)
{
    (void)unused;
    static const struct {
        struct scripted answer;
        int code;
        const char *says;
    } rows[] = {
        {STATUS(404, ERROR_BODY("NoSuchBucket")), ERR_VALIDATION, "There is no bucket for "},
        {STATUS(404, ERROR_BODY("NoSuchKey")), ERR_NOT_FOUND, "no object s3://bucket/key."},
        {STATUS(403, ERROR_BODY("AccessDenied")), ERR_ACCESS_DENIED, "denies access"},
        {STATUS(403, ERROR_BODY("SignatureDoesNotMatch")), ERR_ACCESS_DENIED,
         "(SignatureDoesNotMatch)"},
        {STATUS(400, ERROR_BODY("ExpiredToken")), ERR_ACCESS_DENIED, "have expired"},
        {STATUS(301, "<Error><Code>PermanentRedirect</Code><Region>us-west-2</Region></Error>"),
         ERR_VALIDATION, "The bucket bucket is in the region us-west-2, and not in eu-west-3."},
        {STATUS(307, ERROR_BODY("TemporaryRedirect")), ERR_VALIDATION, "--s3-url"},
        {STATUS(403, ""), ERR_ACCESS_DENIED, "denies access"},
        {STATUS(418, "<html>"), ERR_CONNECTOR_SERVER, "(HTTP status 418)"},
        {STATUS(418, ERROR_BODY("Teapot")), ERR_CONNECTOR_SERVER, "(HTTP status 418, Teapot)"},
        {STATUS(418, ERROR_BODY("not a code")), ERR_CONNECTOR_SERVER, "(HTTP status 418)"},
        {{.response = {.outcome = CLIENT_STOPPED, .detail = "x"}}, ERR_UNAVAILABLE, "stopping"},
        {{.response = {.outcome = CLIENT_TLS, .detail = "bad certificate"}},
         ERR_CONNECTOR_SERVER,
         "bad certificate"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct fixture f;
        open_with(&f, &rows[i].answer, 1);
        assert_false(s3_put(&f.s3, &f.place, &(struct s3_content){.body = STR("hello")}, &f.arena,
                            NULL, &f.error));
        assert_int_equal(f.error.code, rows[i].code);
        assert_text(f.error.message, rows[i].says);
        done(&f);
    }
}

/* --- lists --- */

static void a_list_is_read_in_order_and_decoded(void **unused)
{
    (void)unused;
    static const struct scripted answers[] = {
        STATUS(200, "<ListBucketResult><IsTruncated>true</IsTruncated><EncodingType>url"
                    "</EncodingType><NextContinuationToken>t+/=</NextContinuationToken>"
                    "<Contents><Key>a</Key><Size>1</Size></Contents>"
                    "<Contents><Key>c+%2B%C3%BC</Key><Size>18446744073709551615</Size></Contents>"
                    "<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes></ListBucketResult>"),
        STATUS(200, "<ListBucketResult><IsTruncated>false</IsTruncated>"
                    "<Contents><Key>d+%2B</Key><Size>1</Size></Contents></ListBucketResult>")};
    struct s3_query query = {.bucket = STR("bucket"), .delimiter = STR("/")};
    struct s3_page page;
    struct fixture f;
    OPEN(&f, answers);
    assert_true(s3_list(&f.s3, &query, &f.arena, &page, &f.error));
    assert_string_equal(script.url, "https://s3.example/bucket?list-type=2&encoding-type=url&"
                                    "max-keys=1000&delimiter=%2F");
    assert_int_equal(page.count, 3);
    assert_true(str_eq(page.entries[1].key, STR("b/")));
    assert_true(str_eq(page.entries[2].key, STR("c +\xC3\xBC")));
    assert_true(page.entries[2].size == UINT64_MAX);
    query.token = page.next_token;
    assert_true(s3_list(&f.s3, &query, &f.arena, &page, &f.error));
    assert_text(script.url, "&continuation-token=t%2B%2F%3D");
    assert_true(str_eq(page.entries[0].key, STR("d+%2B"))); /* a server that does not encode */
    assert_null(page.next_token.data);
    done(&f);
}

static void a_list_that_does_not_end_is_refused(void **unused)
{
    (void)unused;
    static const char *const bodies[] = {
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        ("<ListBucketResult><IsTruncated>true</IsTruncated>"
         "<NextContinuationToken>same</NextContinuationToken></ListBucketResult>"),
        "<ListBucketResult><Contents><Key>k</Key><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        "<AnotherResult></AnotherResult>",
        "",
    };
    const struct s3_query query = {.bucket = STR("bucket"), .token = STR("same")};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        const struct scripted answers[] = {
            {.response = {.status = 200, .body = str_from(bodies[i])}}};
        struct s3_page page;
        struct fixture f;
        OPEN(&f, answers);
        assert_false(s3_list(&f.s3, &query, &f.arena, &page, &f.error));
        assert_int_equal(f.error.code, ERR_CONNECTOR_SERVER);
        done(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_url_says_where_the_bucket_goes),
        cmocka_unit_test(bad_buckets_and_keys_are_not_sent),
        cmocka_unit_test(a_request_has_its_payload_hash_and_the_session_token),
        cmocka_unit_test(what_passes_is_repeated),
        cmocka_unit_test(attempts_are_bounded),
        cmocka_unit_test(nothing_is_repeated_past_the_deadline),
        cmocka_unit_test(what_s3_asks_for_is_waited_or_not_at_all),
        cmocka_unit_test(refusals_say_what_to_do),
        cmocka_unit_test(a_list_is_read_in_order_and_decoded),
        cmocka_unit_test(a_list_that_does_not_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
