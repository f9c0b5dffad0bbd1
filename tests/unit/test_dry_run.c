/* The report of a dry run: one line of ASCII that is JSON, and short enough for a header. */
#include "cmocka_all.h"

#include "api/dry_run.h"
#include "wire/restjson.h"

#include <string.h>

static struct arena arena;

static const struct value *report_of(const struct profile_verification *verification,
                                     struct str *ret_text)
{
    struct api_request request = {.arena = &arena};
    struct value *json = NULL;
    request_report_verification(&request, verification);
    *ret_text = request.report;
    if (!request.report.data)
        return NULL;
    assert_true(request.report.len <= DRY_RUN_REPORT_MAX);
    for (size_t i = 0; i < request.report.len; i++)
        assert_true(request.report.data[i] >= ' ' && request.report.data[i] < 0x7f);
    assert_true(json_parse(request.report, &arena, &json));
    return json;
}

static void a_report_is_ascii(void **state)
{
    (void)state;
    const struct profile_verification verification = {
        .is_made = true,
        .verdict = {.kind = VERDICT_REJECTED,
                    .step = STEP_TOKEN,
                    .status = 400,
                    .message = STR("Schl\xc3\xbcssel \xf0\x9f\x94\x91 \x01\r\n"),
                    .hint = STR("Get new tokens.")},
        .times = {.us = {[STEP_RESOLVE] = 40, [STEP_TOKEN] = 1250}},
        .took_us = 2345,
    };
    struct str text;
    const struct value *report = report_of(&verification, &text);
    assert_true(str_eq(value_text(report, "verdict"), STR("rejected")));
    assert_true(str_eq(value_text(report, "message"), verification.verdict.message));
    assert_int_equal(value_integer(report, "status", 0), 400);
    assert_int_equal(value_get(report, "steps")->count, 2);
    assert_non_null(strstr(arena_cstr(&arena, text), "{\"step\":\"token\",\"ms\":1.2}"));
}

static void a_long_message_is_cut(void **state)
{
    (void)state;
    static char message[3 * VERDICT_MESSAGE_MAX], hint[3000];
    struct profile_verification verification = {
        .is_made = true, .verdict = {.kind = VERDICT_FORBIDDEN, .step = STEP_API}};
    struct str text;
    for (size_t i = 0; i + 2 < VERDICT_MESSAGE_MAX; i += 3)
        memcpy(message + i, "\xe2\x82\xac", 3); /* 6 bytes in the report each */
    verification.verdict.message = str_from(message);
    verification.verdict.hint = STR("What to do.");
    const struct value *report = report_of(&verification, &text);
    assert_true(value_text(report, "message").len > 0);
    memset(hint, 'h', 1900);
    verification.verdict.hint = str_from(hint);
    report = report_of(&verification, &text);
    assert_null(value_text(report, "message").data);
    assert_int_equal(value_text(report, "hint").len, 1900);
    memset(hint, 'h', 2900);
    verification.verdict.hint = str_from(hint);
    report = report_of(&verification, &text);
    assert_null(value_text(report, "hint").data);
}

static void nothing_is_reported_of_a_vendor_that_was_not_asked(void **state)
{
    (void)state;
    const struct profile_verification verification = {0};
    struct str text;
    assert_null(report_of(&verification, &text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_ascii),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(nothing_is_reported_of_a_vendor_that_was_not_asked),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
