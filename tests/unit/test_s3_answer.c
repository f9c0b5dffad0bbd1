/* S3's XML: what is taken from each kind of answer, and what is refused. */
#include "cmocka_all.h"

#include "aws/s3_answer.h"

#include "base/buf.h"

#include <string.h>

struct fixture {
    struct arena arena;
    struct s3_answer answer;
};

static bool reads(struct fixture *f, struct str body)
{
    return s3_answer_read(body, &f->arena, &f->answer);
}

static void assert_text(struct str actual, const char *expected)
{
    if (!str_eq(actual, str_from(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", STR_ARG(actual), expected);
}

static void a_list_has_objects_and_prefixes(void **unused)
{
    (void)unused;
    struct fixture f = {0};
    assert_true(reads(
        &f,
        STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
            "<Prefix>flow/</Prefix><KeyCount>2</KeyCount><IsTruncated>true</IsTruncated>"
            "<NextContinuationToken>1ueG=</NextContinuationToken>"
            "<Contents><Key>flow/a&amp;b</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>"
            "<ETag>&quot;9b2cf5&quot;</ETag><Size>12</Size>"
            "<Owner><ID>not a key</ID><Key>nor this</Key></Owner></Contents>"
            "<CommonPrefixes><Prefix>flow/c/</Prefix></CommonPrefixes></ListBucketResult>")));
    assert_text(f.answer.root, "ListBucketResult");
    assert_text(f.answer.truncated, "true");
    assert_text(f.answer.next_token, "1ueG=");
    assert_int_equal(f.answer.count, 2);
    const struct s3_element *first = f.answer.elements, *second = first->next;
    assert_text(first->name, "Contents");
    assert_text(first->key, "flow/a&b");
    assert_text(first->etag, "\"9b2cf5\"");
    assert_text(first->size, "12");
    assert_text(second->name, "CommonPrefixes");
    assert_text(second->prefix, "flow/c/");
    assert_null(second->key.data);
    assert_null(second->next);
    arena_done(&f.arena);
}

static void uploads_parts_and_errors_are_read(void **unused)
{
    (void)unused;
    struct fixture f = {0};
    assert_true(reads(&f, STR("<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>id</"
                              "UploadId></Upload><NextKeyMarker>k</NextKeyMarker>"
                              "<NextUploadIdMarker>id</NextUploadIdMarker>"
                              "</ListMultipartUploadsResult>")));
    assert_text(f.answer.elements->upload_id, "id");
    assert_text(f.answer.next_key, "k");
    assert_text(f.answer.next_upload, "id");
    assert_true(reads(&f, STR("<ListPartsResult><Part><PartNumber>3</PartNumber></Part>"
                              "<NextPartNumberMarker>3</NextPartNumberMarker></ListPartsResult>")));
    assert_text(f.answer.elements->number, "3");
    assert_text(f.answer.next_number, "3");
    assert_null(f.answer.next_key.data);
    /* Blanks that keep a connection alive come before it. */
    assert_true(reads(&f, STR(" \n \r\n<?xml version=\"1.0\"?><Error><Code>InternalError</Code>"
                              "<Region>eu-west-1</Region></Error>")));
    assert_text(f.answer.code, "InternalError");
    assert_text(f.answer.region, "eu-west-1");
    arena_done(&f.arena);
}

static void what_is_no_answer_is_refused(void **unused)
{
    (void)unused;
    static const char *const bodies[] = {
        "",
        "   ",
        "no XML",
        "<Error><Code>",
        "<a></b>",
        "<Error></Error><Error></Error>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><Error><Code>&x;</Code></Error>",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        struct fixture f = {0};
        if (reads(&f, str_from(bodies[i])))
            fail_msg("\"%s\" was read", bodies[i]);
        arena_done(&f.arena);
    }
}

static struct str repeated(struct arena *arena, const char *before, const char *text, int count,
                           const char *after)
{
    struct buf out = buf_in(arena, 64 * 1024 * 1024);
    buf_add_cstr(&out, before);
    for (int i = 0; i < count; i++)
        buf_add_cstr(&out, text);
    buf_add_cstr(&out, after);
    return buf_str(&out);
}

static void limits_hold(void **unused)
{
    (void)unused;
    struct fixture f = {0};
    const char *item = "<Part></Part>";
    assert_true(reads(&f, repeated(&f.arena, "<L>", item, S3_ELEMENTS_MAX, "</L>")));
    assert_int_equal(f.answer.count, S3_ELEMENTS_MAX);
    assert_false(reads(&f, repeated(&f.arena, "<L>", item, S3_ELEMENTS_MAX + 1, "</L>")));
    assert_true(reads(&f, repeated(&f.arena, "<E><Code>", "x", S3_TEXT_MAX, "</Code></E>")));
    assert_int_equal(f.answer.code.len, S3_TEXT_MAX);
    assert_false(reads(&f, repeated(&f.arena, "<E><Code>", "x", S3_TEXT_MAX + 1, "</Code></E>")));
    assert_false(reads(&f, repeated(&f.arena, "", "<a>", 100, "")));
    arena_done(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_has_objects_and_prefixes),
        cmocka_unit_test(uploads_parts_and_errors_are_read),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
