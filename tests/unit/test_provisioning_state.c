/* Verdicts as the states of private connections, within the model. */
#include "cmocka_all.h"

#include "profile/provisioning_state.h"
#include "wire/api_ids.h"
#include "wire/shape.h"

#include <stdio.h>
#include <string.h>

static const struct shape *message_shape(void)
{
    return &api_shapes[API_SHAPE_PrivateConnectionProvisioningFailureMessage];
}

static void assert_message(const char *sentence, const char *expected)
{
    struct arena arena = {0};
    struct str message = provisioning_message(&arena, str_from(sentence));
    if (!str_eq(message, str_from(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", STR_ARG(message), expected);
    assert_true(shape_pattern_matches(message_shape(), message));
    arena_done(&arena);
}

static void messages_can_still_be_read(void **state)
{
    (void)state;
    assert_message("Acme rejected the credentials at step api (HTTP 401): Session expired, or "
                   "\"invalid\". Don't retry.",
                   "Acme rejected the credentials at step api HTTP 401 - Session expired or "
                   "invalid. Dont retry.");
    assert_message("acme.example:8443 does not answer.", "acme.example 8443 does not answer.");
    assert_message("[removed]", "removed");
    assert_message("See https://a.example/b?c=d&e#f.", "See https //a.example/b c=d e#f.");
    assert_message("  , ; ", "");
    assert_message("", "");
    assert_message("caf\xC3\xA9 \xE2\x80\x93 ok", "caf ok");
}

static void messages_keep_within_the_model(void **state)
{
    (void)state;
    char all[256], longest[8000];
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    assert_true(shape_pattern_matches(
        message_shape(), provisioning_message(&arena, (struct str){all, sizeof(all)})));
    for (size_t i = 0; i < sizeof(longest); i++)
        longest[i] = ": "[i % 2];
    struct str message = provisioning_message(&arena, (struct str){longest, sizeof(longest)});
    assert_true(message.len <= PROVISIONING_MESSAGE_MAX);
    memset(longest, 'x', sizeof(longest));
    message = provisioning_message(&arena, (struct str){longest, sizeof(longest)});
    assert_in_range(message.len, PROVISIONING_MESSAGE_MAX - 4, PROVISIONING_MESSAGE_MAX);
    assert_int_equal(message_shape()->max, PROVISIONING_MESSAGE_MAX);
    arena_done(&arena);
}

static bool is_of_enum(uint16_t shape, struct str text)
{
    for (size_t i = 0; i < api_shapes[shape].enum_count; i++) {
        if (str_eq(api_shapes[shape].enum_values[i], text))
            return true;
    }
    return false;
}

static void each_verdict_has_its_state(void **state)
{
    (void)state;
    static const struct {
        enum verdict_kind verdict;
        const char *cause;
    } rows[] = {
        {VERDICT_REJECTED, "CONNECTOR_AUTHENTICATION"}, {VERDICT_FORBIDDEN, "ACCESS_DENIED"},
        {VERDICT_THROTTLED, "CONNECTOR_SERVER"},        {VERDICT_UNREACHABLE, "CONNECTOR_SERVER"},
        {VERDICT_MISCONFIGURED, "VALIDATION"},          {VERDICT_INTERNAL, "INTERNAL_SERVER"},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct provisioning found = provisioning_of(&arena, rows[i].verdict, STR("Why."));
        assert_true(str_eq(found.status, STR("FAILED")));
        assert_true(str_eq(found.cause, str_from(rows[i].cause)));
        assert_true(is_of_enum(API_SHAPE_PrivateConnectionProvisioningFailureCause, found.cause));
        assert_true(str_eq(found.message, STR("Why.")));
        assert_false(provisioning_is_pending(&found));
    }
    struct provisioning made = provisioning_of(&arena, VERDICT_ACCEPTED, STR(""));
    assert_true(str_eq(made.status, STR("CREATED")));
    assert_null(made.cause.data);
    assert_null(made.message.data);
    assert_true(is_of_enum(API_SHAPE_PrivateConnectionProvisioningStatus, made.status));
    assert_true(is_of_enum(API_SHAPE_PrivateConnectionProvisioningStatus, PROVISIONING_PENDING));
    assert_false(provisioning_is_pending(&(struct provisioning){0}));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_can_still_be_read),
        cmocka_unit_test(messages_keep_within_the_model),
        cmocka_unit_test(each_verdict_has_its_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
