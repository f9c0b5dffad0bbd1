/* An update derives each fact about its target once: the scope, the authentication, and each
 * address. The steps are those of UpdateConnectorProfile (api/op_connector_profile.c) without its
 * store; the functions that derive are counted by the linker's --wrap. */
#include "cmocka_all.h"

#include "connector/http/auth_choice.h"
#include "connector/http/endpoint.h"
#include "profile/change.h"
#include "profile/receivers.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <string.h>

static int scopes, choices, endpoints, calls;

bool __real_scope_make(const struct connector *connector, const struct value *properties,
                       const struct value *credentials, struct arena *arena,
                       struct scope *ret_scope, struct error *error);
bool __wrap_scope_make(const struct connector *connector, const struct value *properties,
                       const struct value *credentials, struct arena *arena,
                       struct scope *ret_scope, struct error *error);
const struct connector_auth *__real_auth_choose(struct arena *arena,
                                                const struct connector *connector,
                                                const struct scope *scope);
const struct connector_auth *__wrap_auth_choose(struct arena *arena,
                                                const struct connector *connector,
                                                const struct scope *scope);
void __real_endpoint_choose(const struct target *target, const struct connector_urls *urls,
                            const struct scope *scope, struct endpoint *ret_endpoint);
void __wrap_endpoint_choose(const struct target *target, const struct connector_urls *urls,
                            const struct scope *scope, struct endpoint *ret_endpoint);

bool __wrap_scope_make(const struct connector *connector, const struct value *properties,
                       const struct value *credentials, struct arena *arena,
                       struct scope *ret_scope, struct error *error)
{
    scopes++;
    return __real_scope_make(connector, properties, credentials, arena, ret_scope, error);
}

const struct connector_auth *__wrap_auth_choose(struct arena *arena,
                                                const struct connector *connector,
                                                const struct scope *scope)
{
    choices++;
    return __real_auth_choose(arena, connector, scope);
}

void __wrap_endpoint_choose(const struct target *target, const struct connector_urls *urls,
                            const struct scope *scope, struct endpoint *ret_endpoint)
{
    endpoints++;
    __real_endpoint_choose(target, urls, scope, ret_endpoint);
}

static void answer_well(struct client *client, struct arena *arena,
                        const struct client_request *request, struct client_response *ret_response)
{
    (void)client, (void)arena, (void)request;
    calls++;
    *ret_response =
        (struct client_response){.outcome = CLIENT_OK,
                                 .status = 200,
                                 .body = STR("{\"data\":[],\"user\":{\"id\":7},\"sobjects\":[]}")};
}

struct update {
    const char *type, *config, *stored;
    bool keeps_credentials;
    int endpoints; /* addresses: of the API, and of each method's token endpoint */
};

static const struct update updates[] = {
    {"Amplitude",
     "{\"connectorProfileProperties\":{\"Amplitude\":{}},\"connectorProfileCredentials\":"
     "{\"Amplitude\":{\"apiKey\":\"key\",\"secretKey\":\"secret\"}}}",
     "{\"Amplitude\":{}}", .endpoints = 1},
    {"Zendesk",
     "{\"connectorProfileProperties\":{\"Zendesk\":{\"instanceUrl\":\"https://a.zendesk.com\"}},"
     "\"connectorProfileCredentials\":{\"Zendesk\":{\"clientId\":\"i\",\"clientSecret\":\"s\","
     "\"accessToken\":\"t\"}}}",
     "{\"Zendesk\":{\"instanceUrl\":\"https://a.zendesk.com\"}}", .endpoints = 2},
    {"Salesforce",
     "{\"connectorProfileProperties\":{\"Salesforce\":{\"instanceUrl\":"
     "\"https://a.my.salesforce.com\"}},\"connectorProfileCredentials\":"
     "{\"Salesforce\":{\"accessToken\":\"t\"}}}",
     "{\"Salesforce\":{\"instanceUrl\":\"https://a.my.salesforce.com\"}}", .endpoints = 2},
    {"Zendesk",
     "{\"connectorProfileProperties\":{\"Zendesk\":{\"instanceUrl\":\"https://a.zendesk.com\"}}}",
     "{\"Zendesk\":{\"instanceUrl\":\"https://a.zendesk.com\"}}", .keeps_credentials = true,
     .endpoints = 2},
};

static struct arena arena;
static struct error error;
static struct connector_env env = {.call = answer_well};
static struct profile_context context = {.connectors = &env, .verify_timeout_ms = 10000};

static const struct value *input_of(const struct update *update)
{
    static const struct shape *shape;
    struct value *input = NULL;
    for (size_t i = 0; i < api_shape_count && !shape; i++) {
        if (str_eq(api_shapes[i].name, STR("UpdateConnectorProfileRequest")))
            shape = &api_shapes[i];
    }
    struct str body = arena_printf(&arena,
                                   "{\"connectorProfileName\":\"acme\",\"connectionMode\":"
                                   "\"Public\",\"connectorProfileConfig\":%s}",
                                   update->config);
    if (!restjson_decode(shape, body, &arena, &input, &error))
        fail_msg("%s", error.message);
    return input;
}

static const struct value *stored_credentials(void)
{
    struct value *credentials = value_structure(&arena);
    value_put_text(&arena, credentials, "clientId", STR("i"));
    value_put_text(&arena, credentials, "clientSecret", STR("s"));
    value_put_text(&arena, credentials, "accessToken", STR("t"));
    return credentials;
}

static void make(const struct update *update)
{
    static int64_t stage_ns;
    struct profile_change change;
    const struct value *input = input_of(update);
    struct profile current = {.connector_type = str_from(update->type),
                              .connection_mode = STR("Public"),
                              .properties = str_from(update->stored)};
    struct target *target = profile_target_of_input(&context, STR("123456789012"), input, &arena);
    assert_true(target_hosts(target).len > 0);
    profile_change_init(&change, &(struct profile_change_request){.context = &context,
                                                                  .arena = &arena,
                                                                  .input = input,
                                                                  .target = target,
                                                                  .stage_ns = &stage_ns,
                                                                  .error = &error});
    change.connector = connector_by_type(str_from(update->type));
    assert_true(profile_change_read_mode(&change));
    assert_true(profile_config_read(value_get(input, "connectorProfileConfig"), change.connector,
                                    STR("acme"), &arena, &change.config, &error));
    change.profile.properties =
        profile_config_properties_json(&arena, change.connector, change.config.properties);
    assert_true(profile_change_check(&change));
    assert_true(profile_same_receivers(&change, &current));
    if (update->keeps_credentials)
        target_set_credentials(&change.target, stored_credentials());
    if (!profile_change_verify(&change))
        fail_msg("%s: %s", update->type, error.message);
}

static void an_update_resolves_its_target_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(updates) / sizeof(*updates); i++) {
        scopes = choices = endpoints = calls = 0;
        make(&updates[i]);
        assert_true(calls > 0);
        assert_int_equal(scopes, 1);
        assert_int_equal(choices, 1);
        assert_int_equal(endpoints, updates[i].endpoints);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_update_resolves_its_target_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
