/* What an error may tell: never a byte of a credential. */
#include "cmocka_all.h"

#include "wire/api_ids.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct shape *const UPDATE = &api_shapes[API_SHAPE_UpdateConnectorProfileRequest];

/* The configuration of a valid update around one connector's two structures. */
static char *update_body(const char *properties, const char *credentials)
{
    char *body;
    assert_true(asprintf(&body,
                         "{\"connectorProfileName\":\"p\",\"connectionMode\":\"Public\","
                         "\"connectorProfileConfig\":{\"connectorProfileProperties\":%s,"
                         "\"connectorProfileCredentials\":%s}}",
                         properties, credentials) > 0);
    return body;
}

static void refuses(const struct shape *shape, const char *body, const char *message)
{
    struct arena arena = {0};
    struct value *value;
    struct error error = {0};
    assert_false(restjson_decode(shape, str_from(body), &arena, &value, &error));
    assert_string_equal(error.message, message);
    assert_int_equal(error.code, ERR_VALIDATION);
    arena_done(&arena);
}

#define CANARY "C4NARY"

/* Fills every string member beneath a shape with a value that breaks every kind of constraint, and
 * gives every other member a type that is wrong when `mistype` is set. */
static void plant(struct buf *out, const struct shape *shape, bool mistype, int depth)
{
    assert_true(depth < 10);
    if (shape->type == SHAPE_STRUCTURE) {
        buf_add_char(out, '{');
        for (size_t i = 0; i < shape->member_count; i++) {
            buf_printf(out, "%s\"%s\":", i > 0 ? "," : "", shape->members[i].name.data);
            plant(out, &api_shapes[shape->members[i].shape], mistype, depth + 1);
        }
        buf_add_char(out, '}');
    } else if (shape->type == SHAPE_MAP) {
        buf_add_cstr(out, mistype ? "[\"" CANARY "\"]" : "{\"" CANARY " k\":\"" CANARY " v\"}");
    } else if (shape->type == SHAPE_LIST) {
        buf_add_cstr(out, mistype ? "\"" CANARY "\"" : "[\"" CANARY " e\"]");
    } else {
        assert_int_equal(shape->type, SHAPE_STRING);
        buf_add_cstr(out, mistype ? "[\"" CANARY "\"]" : "\"" CANARY " \\n");
        for (int i = 0; !mistype && i < 9000; i++)
            buf_add_char(out, 'x');
        buf_add_cstr(out, mistype ? "" : "\"");
    }
}

static void never_tells_the_canary(const char *body)
{
    struct arena arena = {0};
    struct value *value;
    struct error error = {0};
    assert_false(restjson_decode(UPDATE, str_from(body), &arena, &value, &error));
    assert_int_not_equal(error.code, ERR_NONE);
    assert_null(strstr(error.message, CANARY));
    assert_null(strstr(error.message, "xxx"));
    arena_done(&arena);
}

static void credentials_are_never_told(void **state)
{
    (void)state;
    const struct shape *credentials = &api_shapes[API_SHAPE_ConnectorProfileCredentials];
    assert_true(credentials->sensitive);
    assert_int_equal(credentials->member_count, 19);
    for (size_t i = 0; i < credentials->member_count; i++) {
        const struct shape_member *member = &credentials->members[i];
        for (int mistype = 0; mistype < 2; mistype++) {
            struct buf planted = buf_on_heap(1000000);
            buf_printf(&planted, "{\"%s\":", member->name.data);
            plant(&planted, &api_shapes[member->shape], mistype, 0);
            buf_add_char(&planted, '}');
            char *body = update_body("{}", planted.data);
            never_tells_the_canary(body);
            free(body);
            buf_done(&planted);
        }
    }
    char *body = update_body("{}", "{\"Zendesk\":{\"clientId\":\"" CANARY " id\","
                                   "\"clientSecret\":\"s\"}}");
    refuses(UPDATE, body,
            "1 validation error detected: Value at 'connectorProfileConfig."
            "connectorProfileCredentials.zendesk.clientId' failed to satisfy constraint: Member "
            "must satisfy regular expression pattern: \\S+");
    free(body);
    /* A body that is cut off inside a secret. */
    never_tells_the_canary("{\"connectorProfileConfig\":{\"connectorProfileCredentials\":"
                           "{\"Singular\":{\"apiKey\":\"" CANARY);
    never_tells_the_canary("{\"connectorProfileConfig\":{\"connectorProfileCredentials\":"
                           "{\"Singular\":{\"apiKey\":" CANARY "}}}}");
    never_tells_the_canary("{\"" CANARY "\":1,\"" CANARY "\":2}");
}

static void a_sensitive_shape_outside_of_credentials_is_not_told(void **state)
{
    (void)state;
    refuses(&api_shapes[API_SHAPE_SingularConnectorProfileCredentials],
            "{\"apiKey\":\"" CANARY " x\"}",
            "1 validation error detected: Value at 'apiKey' failed to satisfy constraint: Member "
            "must satisfy regular expression pattern: \\S+");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_are_never_told),
        cmocka_unit_test(a_sensitive_shape_outside_of_credentials_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
