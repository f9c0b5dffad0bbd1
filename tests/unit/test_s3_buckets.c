/* Lists of buckets, by the S3 client against scripted answers. */
#include "s3_script.h"

#include "base/buf.h"

#define BUCKET(name) "<Bucket><Name>" name "</Name><CreationDate>2024-01-01</CreationDate></Bucket>"
#define LIST_OF(buckets, more)                                                                     \
    "<ListAllMyBucketsResult><Owner><ID>o</ID><Name>Owner</Name></Owner><Buckets>" buckets         \
    "</Buckets>" more "</ListAllMyBucketsResult>"

static void pages_follow_each_other(void **unused)
{
    (void)unused;
    static const struct scripted answers[] = {
        STATUS(200, LIST_OF(BUCKET("acme") BUCKET("acme.corp"),
                            "<ContinuationToken>t+/=</ContinuationToken>")),
        STATUS(503, ERROR_BODY("SlowDown")), STATUS(200, LIST_OF(BUCKET("zeta"), ""))};
    struct s3_buckets_page page;
    struct fixture f;
    OPEN(&f, answers);
    assert_true(s3_buckets(&f.s3, STR_NULL, &f.arena, &page, &f.error));
    assert_string_equal(script.url, "https://s3.example/?bucket-region=eu-west-3&max-buckets=1000");
    assert_int_equal(page.count, 2);
    assert_true(str_eq(page.names[1], STR("acme.corp")));
    assert_true(s3_buckets(&f.s3, page.next_token, &f.arena, &page, &f.error));
    assert_text(script.url, "&continuation-token=t%2B%2F%3D&");
    assert_int_equal(page.count, 1);
    assert_true(str_eq(page.names[0], STR("zeta")));
    assert_null(page.next_token.data);
    done(&f);
}

static void names_that_no_request_can_have_are_left_out(void **unused)
{
    (void)unused;
    static const struct scripted answers[] = {STATUS(
        200, LIST_OF(BUCKET("acme") BUCKET("Old_Bucket") BUCKET("../etc") BUCKET("") BUCKET("zeta"),
                     ""))};
    struct s3_buckets_page page;
    struct fixture f;
    OPEN(&f, answers);
    assert_true(s3_buckets(&f.s3, STR_NULL, &f.arena, &page, &f.error));
    assert_int_equal(page.count, 2);
    assert_true(str_eq(page.names[0], STR("acme")));
    assert_true(str_eq(page.names[1], STR("zeta")));
    done(&f);
}

/* As a service sends it that does not heed max-buckets. */
static void all_buckets_may_come_at_once(void **unused)
{
    (void)unused;
    enum { BUCKETS_MAX = 10 * 1000, EACH_MAX = 48 };
    for (size_t extra = 0; extra < 2; extra++) {
        struct buf body = buf_on_heap((BUCKETS_MAX + 2) * EACH_MAX);
        buf_add_cstr(&body, "<ListAllMyBucketsResult><Buckets>");
        for (size_t i = 0; i < BUCKETS_MAX + extra; i++)
            buf_printf(&body, "<Bucket><Name>b%05zu</Name></Bucket>", i);
        buf_add_cstr(&body, "</Buckets></ListAllMyBucketsResult>");
        const struct scripted answers[] = {{.response = {.status = 200, .body = buf_str(&body)}}};
        struct s3_buckets_page page;
        struct fixture f;
        OPEN(&f, answers);
        bool listed = s3_buckets(&f.s3, STR_NULL, &f.arena, &page, &f.error);
        assert_int_equal(listed, extra == 0);
        if (listed)
            assert_int_equal(page.count, BUCKETS_MAX);
        else
            assert_text(f.error.message, "it has more than 10,000 buckets");
        done(&f);
        buf_done(&body);
    }
}

static void the_url_loses_the_bucket(void **unused)
{
    (void)unused;
    static const struct {
        const char *url, *address; /* NULL: there is none */
    } rows[] = {
        {"", "https://s3.eu-west-3.amazonaws.com/?"},
        {"http://127.0.0.1:9000/", "http://127.0.0.1:9000/?"},
        {"https://host/prefix", "https://host/prefix/?"},
        {"http://{bucket}.localhost:1", "http://localhost:1/?"},
        {"https://s3-{bucket}-host", NULL},
    };
    static const struct scripted answers[] = {STATUS(200, LIST_OF("", ""))};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct s3_buckets_page page;
        struct fixture f;
        open_with(&f, answers, rows[i].address ? 1 : 0);
        f.s3.url = str_from(rows[i].url);
        bool listed = s3_buckets(&f.s3, STR_NULL, &f.arena, &page, &f.error);
        assert_int_equal(listed, rows[i].address != NULL);
        if (listed)
            assert_memory_equal(script.url, rows[i].address, strlen(rows[i].address));
        else
            assert_int_equal(f.error.code, ERR_CONNECTOR_SERVER);
        done(&f);
    }
}

static void what_is_no_list_of_buckets_is_refused(void **unused)
{
    (void)unused;
    static const char *const bodies[] = {
        "<ListBucketResult></ListBucketResult>",
        LIST_OF("", "<ContinuationToken>same</ContinuationToken>"),
        "<ListAllMyBucketsResult><Buckets>",
        "",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        const struct scripted answers[] = {
            {.response = {.status = 200, .body = str_from(bodies[i])}}};
        struct s3_buckets_page page;
        struct fixture f;
        OPEN(&f, answers);
        assert_false(s3_buckets(&f.s3, STR("same"), &f.arena, &page, &f.error));
        assert_int_equal(f.error.code, ERR_CONNECTOR_SERVER);
        assert_text(f.error.message, "the list of buckets");
        done(&f);
    }
}

static void a_refusal_names_the_list(void **unused)
{
    (void)unused;
    static const struct scripted answers[] = {STATUS(403, ERROR_BODY("AccessDenied"))};
    struct s3_buckets_page page;
    struct fixture f;
    OPEN(&f, answers);
    assert_false(s3_buckets(&f.s3, STR_NULL, &f.arena, &page, &f.error));
    assert_int_equal(f.error.code, ERR_ACCESS_DENIED);
    assert_text(f.error.message, "S3 denies access to the list of buckets.");
    done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_follow_each_other),
        cmocka_unit_test(names_that_no_request_can_have_are_left_out),
        cmocka_unit_test(all_buckets_may_come_at_once),
        cmocka_unit_test(the_url_loses_the_bucket),
        cmocka_unit_test(what_is_no_list_of_buckets_is_refused),
        cmocka_unit_test(a_refusal_names_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
