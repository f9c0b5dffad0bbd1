/* The S3 client against scripted answers: uploads, and what is looked at after an answer was
 * lost. */
#include "s3_script.h"

#include "wire/s3_etag.h"

#define PART_1 "0123456789abcdef0123456789abcdef"
#define PART_2 "fedcba9876543210fedcba9876543210"

static void a_put_whose_answer_was_lost_is_found(void **unused)
{
    (void)unused;
    static const struct scripted answers[] = {LOST, STATUS(412, ERROR_BODY("PreconditionFailed")),
                                              WITH_HEADERS(200, hello_headers)};
    const struct s3_content content = {.body = STR("hello"), .if_absent = true};
    struct fixture f;
    OPEN(&f, answers);
    assert_true(s3_put(&f.s3, &f.place, &content, &f.arena, NULL, &f.error));
    done(&f);
}

static void another_writers_object_is_a_conflict(void **unused)
{
    (void)unused;
    static const struct scripted first[] = {STATUS(412, ERROR_BODY("PreconditionFailed"))};
    static const struct scripted lost[] = {LOST, STATUS(412, ERROR_BODY("PreconditionFailed")),
                                           WITH_HEADERS(200, hello_headers)};
    struct s3_content content = {.body = STR("hello"), .if_absent = true};
    struct fixture f;
    OPEN(&f, first); /* no attempt was lost, so it is not ours, whatever it holds */
    assert_false(s3_put(&f.s3, &f.place, &content, &f.arena, NULL, &f.error));
    assert_int_equal(f.error.code, ERR_CONFLICT);
    assert_text(script.headers, "If-None-Match: *");
    done(&f);
    OPEN(&f, lost);
    content.body = STR("other");
    assert_false(s3_put(&f.s3, &f.place, &content, &f.arena, NULL, &f.error));
    assert_int_equal(f.error.code, ERR_CONFLICT);
    done(&f);
}

/* Whether a lost attempt was carried out cannot be said: that is no conflict. */
static void an_object_that_cannot_be_looked_at_is_no_conflict(void **unused)
{
    (void)unused;
    static const struct scripted lost = LOST,
                                 busy = {.response = {.status = 503}, .method = "HEAD"},
                                 refused = STATUS(412, ERROR_BODY("PreconditionFailed"));
    const struct s3_content content = {.body = STR("hello"), .if_absent = true};
    struct scripted answers[2 + S3_ATTEMPTS] = {lost, refused};
    struct fixture f;
    for (size_t i = 0; i < S3_ATTEMPTS; i++)
        answers[2 + i] = busy;
    OPEN(&f, answers);
    assert_false(s3_put(&f.s3, &f.place, &content, &f.arena, NULL, &f.error));
    assert_int_equal(f.error.code, ERR_THROTTLING);
    done(&f);
}

static void an_object_that_is_gone_again_is_a_conflict(void **unused)
{
    (void)unused;
    static const struct scripted answers[] = {LOST,
                                              STATUS(412, ERROR_BODY("PreconditionFailed")),
                                              {.response = {.status = 404}, .method = "HEAD"}};
    const struct s3_content content = {.body = STR("hello"), .if_absent = true};
    struct fixture f;
    OPEN(&f, answers);
    assert_false(s3_put(&f.s3, &f.place, &content, &f.arena, NULL, &f.error));
    assert_int_equal(f.error.code, ERR_CONFLICT);
    done(&f);
}

static const struct s3_part two_parts[] = {{1, STR(PART_1), 5}, {2, STR(PART_2), 3}};

/* What HeadObject says of the object of these parts. */
static struct scripted head_of(struct arena *arena, const char *size, bool is_kms)
{
    char etag[S3_ETAG_SIZE];
    const struct str etags[] = {STR(PART_1), STR(PART_2)};
    struct http_header *headers = arena_array(arena, struct http_header, 3);
    assert_true(s3_etag_of_parts(etags, 2, etag));
    headers[0] = (struct http_header){STR("ETag"), is_kms ? STR("\"anything-2\"")
                                                          : arena_printf(arena, "\"%s\"", etag)};
    headers[1] = (struct http_header){STR("Content-Length"), str_from(size)};
    headers[2] = (struct http_header){STR("x-amz-server-side-encryption"),
                                      is_kms ? STR("aws:kms") : STR("AES256")};
    return (struct scripted){.response = {.status = 200, .headers = headers, .header_count = 3},
                             .method = "HEAD"};
}

static bool complete_if(struct fixture *f, bool absent)
{
    const struct s3_upload upload = {.place = f->place, .id = STR("u/1+")};
    return s3_upload_complete(&f->s3, &upload, two_parts, 2, absent, &f->arena, NULL, &f->error);
}

static bool complete(struct fixture *f)
{
    return complete_if(f, false);
}

static void a_key_that_no_answer_can_name_is_not_uploaded(void **unused)
{
    (void)unused;
    static const struct scripted answers[] = {
        STATUS(200, "<InitiateMultipartUploadResult><UploadId>id</UploadId>"
                    "</InitiateMultipartUploadResult>")};
    struct fixture f;
    struct str id;
    OPEN(&f, answers);
    f.place.key = STR("a\x01");
    assert_false(s3_upload_begin(&f.s3, &f.place, STR(""), &f.arena, &id, &f.error));
    assert_int_equal(f.error.code, ERR_VALIDATION);
    assert_int_equal(script.asked, 0);
    f.place.key = STR("a\t");
    assert_true(s3_upload_begin(&f.s3, &f.place, STR(""), &f.arena, &id, &f.error));
    done(&f);
}

static void an_upload_is_completed(void **unused)
{
    (void)unused;
    static const struct scripted answers[] = {
        STATUS(200, "  \n<Error><Code>InternalError</Code></Error>"),
        STATUS(200, "<CompleteMultipartUploadResult><ETag>\"x-2\"</ETag>"
                    "</CompleteMultipartUploadResult>")};
    struct fixture f;
    OPEN(&f, answers);
    assert_true(complete(&f));
    assert_string_equal(script.url, "https://s3.example/bucket/key?uploadId=u%2F1%2B");
    assert_text(script.body, "<Part><PartNumber>1</PartNumber><ETag>\"" PART_1 "\"</ETag></Part>"
                             "<Part><PartNumber>2</PartNumber>");
    done(&f);
}

static void a_completed_upload_is_found(void **unused)
{
    (void)unused;
    static const struct {
        const char *size;
        bool is_kms, found;
    } rows[] = {{"8", false, true}, {"8", true, true}, {"9", false, false}, {"9", true, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct arena arena = {0};
        struct fixture f;
        const struct scripted answers[] = {LOST, STATUS(404, ERROR_BODY("NoSuchUpload")),
                                           head_of(&arena, rows[i].size, rows[i].is_kms)};
        OPEN(&f, answers);
        assert_int_equal(complete(&f), rows[i].found);
        if (!rows[i].found)
            assert_int_equal(f.error.code, ERR_NOT_FOUND);
        done(&f);
        arena_done(&arena);
    }
}

/* The object of the parts is there, and so is the upload, which would stay. */
static void an_upload_that_is_left_is_aborted(void **unused)
{
    (void)unused;
    static const struct {
        struct scripted answer; /* to the abort */
        bool good;
    } rows[] = {
        {{.response = {.status = 204}, .method = "DELETE"}, true},
        {{.response = {.status = 404, .body = STR(ERROR_BODY("NoSuchUpload"))}, .method = "DELETE"},
         true},
        {{.response = {.status = 403}, .method = "DELETE"}, true},
        {{.response = {.status = 418}, .method = "DELETE"}, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct arena arena = {0};
        struct fixture f;
        const struct scripted answers[] = {STATUS(412, ERROR_BODY("PreconditionFailed")),
                                           head_of(&arena, "8", false), rows[i].answer};
        OPEN(&f, answers);
        assert_int_equal(complete_if(&f, true), rows[i].good);
        assert_string_equal(script.url, "https://s3.example/bucket/key?uploadId=u%2F1%2B");
        if (!rows[i].good)
            assert_int_equal(f.error.code, ERR_CONNECTOR_SERVER);
        done(&f);
        arena_done(&arena);
    }
}

static void a_completed_upload_that_cannot_be_looked_at(void **unused)
{
    (void)unused;
    static const struct scripted answers[] = {STATUS(404, ERROR_BODY("NoSuchUpload")),
                                              {.response = {.status = 403}, .method = "HEAD"}};
    struct fixture f;
    OPEN(&f, answers);
    assert_false(complete(&f));
    assert_int_equal(f.error.code, ERR_ACCESS_DENIED);
    done(&f);
}

static void a_good_status_without_a_result_is_no_success(void **unused)
{
    (void)unused;
    static const char *const bodies[] = {"", "<html></html>", "<Complete"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        const struct scripted answers[] = {
            {.response = {.status = 200, .body = str_from(bodies[i])}}};
        struct fixture f;
        OPEN(&f, answers);
        assert_false(complete(&f));
        assert_int_equal(f.error.code, ERR_CONNECTOR_SERVER);
        done(&f);
    }
}

static void ending_what_is_not_there_is_fine(void **unused)
{
    (void)unused;
    static const struct scripted answers[] = {STATUS(404, ERROR_BODY("NoSuchUpload")),
                                              STATUS(404, ERROR_BODY("NoSuchKey"))};
    struct fixture f;
    OPEN(&f, answers);
    const struct s3_upload upload = {.place = f.place, .id = STR("id")};
    assert_true(s3_upload_abort(&f.s3, &upload, &f.arena, &f.error));
    assert_true(s3_delete(&f.s3, &f.place, &f.arena, &f.error));
    done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_put_whose_answer_was_lost_is_found),
        cmocka_unit_test(another_writers_object_is_a_conflict),
        cmocka_unit_test(an_object_that_cannot_be_looked_at_is_no_conflict),
        cmocka_unit_test(an_object_that_is_gone_again_is_a_conflict),
        cmocka_unit_test(a_key_that_no_answer_can_name_is_not_uploaded),
        cmocka_unit_test(an_upload_is_completed),
        cmocka_unit_test(a_completed_upload_is_found),
        cmocka_unit_test(an_upload_that_is_left_is_aborted),
        cmocka_unit_test(a_completed_upload_that_cannot_be_looked_at),
        cmocka_unit_test(a_good_status_without_a_result_is_no_success),
        cmocka_unit_test(ending_what_is_not_there_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
