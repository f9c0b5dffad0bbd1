/* Which calls take which of the operator's private routes. */
#include "connector_script.h"

#include <string.h>

#define HOST "https://acme.my.salesforce.com"
#define PROPERTIES "{\"instanceUrl\":\"" HOST "\"}"
#define ALL_PRIVATE                                                                                \
    "{\"instanceUrl\":\"" HOST "\",\"usePrivateLinkForMetadataAndAuthorization\":true}"
#define CODE                                                                                       \
    "{\"oAuthRequest\":{\"authCode\":\"code-1\",\"redirectUri\":\"https://example.com/"            \
    "callback\"}}"

static const char *const rows[] = {
    "acme.my.salesforce.com=10.0.0.7:443",
    "na1.my.salesforce.com=10.0.0.8:443",
    "com.amazonaws.vpce.us-east-1.vpce-svc-1=10.0.0.9:443",
    "111122223333:theirs.my.salesforce.com=10.0.0.10:443",
    "com.amazonaws.vpce.us-east-1.vpce-svc-3@sap.acme.example=10.0.0.11:44300",
    "com.amazonaws.vpce.us-east-1.vpce-svc-4@sap.acme.example=http://10.0.0.12:80",
};

static struct private_routes *routes;

static int open_routes(void **state)
{
    (void)state;
    return private_routes_new(rows, sizeof(rows) / sizeof(*rows), STR(SCRIPT_ACCOUNT), &routes,
                              NULL)
               ? 0
               : 1;
}

static int close_routes(void **state)
{
    (void)state;
    private_routes_free(routes);
    return 0;
}

static void the_host_finds_the_route(void **state)
{
    (void)state;
    const struct scripted steps[] = {
        {.status = 200, .body = "{\"sobjects\":1}", .route = "acme.my.salesforce.com"}};
    struct script script = {.steps = steps, .count = 1, .private_routes = routes};
    assert_true(script_verify(&script, "Salesforce", PROPERTIES, "{\"accessToken\":\"t\"}", NULL));
    script_done(&script);
}

/* Letter case and port make no other host. */
static void a_host_is_found_however_it_is_written(void **state)
{
    (void)state;
    const struct scripted steps[] = {
        {.status = 200, .body = "{\"sobjects\":1}", .route = "acme.my.salesforce.com"}};
    struct script script = {.steps = steps, .count = 1, .private_routes = routes};
    assert_true(script_verify(&script, "Salesforce",
                              "{\"instanceUrl\":\"https://ACME.my.salesforce.com:8443/\"}",
                              "{\"accessToken\":\"t\"}", NULL));
    script_done(&script);
}

static void without_private_mode_no_route_is_taken(void **state)
{
    (void)state;
    const struct scripted steps[] = {{.status = 200, .body = "{\"sobjects\":1}"}};
    struct script script = {.steps = steps, .count = 1};
    assert_true(script_verify(&script, "Salesforce", ALL_PRIVATE, "{\"accessToken\":\"t\"}", NULL));
    script_done(&script);
}

static void without_a_route_nothing_is_sent(void **state)
{
    (void)state;
    struct script script = {.private_routes = routes};
    assert_false(script_verify(&script, "Salesforce",
                               "{\"instanceUrl\":\"https://other.my.salesforce.com\"}",
                               "{\"accessToken\":\"t\"}", NULL));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0,
                   "There is no private route for other.my.salesforce.com.");
    script_done(&script);
}

static void token_requests_are_private_when_the_member_says_so(void **state)
{
    (void)state;
    const struct scripted steps[] = {
        {.status = 200,
         .body = "{\"access_token\":\"t\",\"instance_url\":\"https://na1.my.salesforce.com\"}",
         .route = "acme.my.salesforce.com"},
        {.status = 200, .body = "{\"sobjects\":1}", .route = "na1.my.salesforce.com"}};
    struct script script = {
        .steps = steps, .count = 2, .app_secret = "s", .private_routes = routes};
    assert_true(script_verify(&script, "Salesforce", ALL_PRIVATE, CODE, NULL));
    script_done(&script);
}

static void token_requests_are_public_otherwise(void **state)
{
    (void)state;
    const struct scripted steps[] = {
        {.status = 200, .body = "{\"access_token\":\"t\",\"instance_url\":\"" HOST "\"}"},
        {.status = 200, .body = "{\"sobjects\":1}", .route = "acme.my.salesforce.com"}};
    struct script script = {
        .steps = steps, .count = 2, .app_secret = "s", .private_routes = routes};
    assert_true(script_verify(&script, "Salesforce", PROPERTIES, CODE, NULL));
    script_done(&script);
}

static void a_route_of_another_account_is_none(void **state)
{
    (void)state;
    struct script script = {.private_routes = routes};
    assert_false(script_verify(&script, "Salesforce",
                               "{\"instanceUrl\":\"https://theirs.my.salesforce.com\"}",
                               "{\"accessToken\":\"t\"}", NULL));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0,
                   "There is no private route for theirs.my.salesforce.com.");
    script_done(&script);
}

#define SAP(host, service)                                                                         \
    "{\"applicationHostUrl\":\"" host "\",\"applicationServicePath\":\"/c\",\"portNumber\":443,"   \
    "\"clientNumber\":\"100\",\"privateLinkServiceName\":"                                         \
    "\"com.amazonaws.vpce.us-east-1.vpce-svc-" service "\"}"
#define USER "{\"basicAuthCredentials\":{\"username\":\"u\",\"password\":\"p\"}}"

/* Through a service, too, only the hosts that the operator named are called. */
static void a_route_serves_the_hosts_that_it_names(void **state)
{
    (void)state;
    const struct scripted steps[] = {{.status = 401,
                                      .body = "",
                                      .route = "com.amazonaws.vpce.us-"
                                               "east-1.vpce-svc-3"}};
    struct script script = {.steps = steps, .count = 1, .private_routes = routes};
    assert_false(
        script_verify(&script, "SAPOData", SAP("https://sap.acme.example", "3"), USER, NULL));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 401, NULL);
    script.count = script.next = 0;
    assert_false(script_verify(&script, "SAPOData", SAP("https://intranet.corp", "3"), USER, NULL));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0,
                   "There is no private route for com.amazonaws.vpce.us-east-1.vpce-svc-3.");
    script_done(&script);
}

/* Refused when the configuration is checked, and once more before a call. */
static void a_route_is_for_tls_unless_the_operator_says_otherwise(void **state)
{
    (void)state;
    const struct scripted steps[] = {{.status = 401,
                                      .body = "",
                                      .route = "com.amazonaws.vpce.us-"
                                               "east-1.vpce-svc-4"}};
    struct script script = {.private_routes = routes};
    assert_false(script_check(&script, "SAPOData", SAP("http://sap.acme.example", "3"), USER));
    assert_string_equal(script.error.message,
                        "Validation exception: applicationHostUrl must begin with https://, since "
                        "http:// would send the credentials unencrypted. The operator of this "
                        "server can allow it for addresses of its own network (--private-route "
                        "NAME=http://HOST:PORT).");
    assert_false(script_verify_with(
        &script, connector_by_type(STR("SAPOData")),
        script_value(&script, "SAPODataConnectorProfileProperties",
                     SAP("http://sap.acme.example", "3")),
        script_value(&script, "SAPODataConnectorProfileCredentials", USER), NULL));
    assert_verdict(
        &script, VERDICT_MISCONFIGURED, STEP_API, 0,
        "The private route for com.amazonaws.vpce.us-east-1.vpce-svc-3 is for https://.");
    assert_true(script_check(&script, "SAPOData", SAP("http://sap.acme.example", "4"), USER));
    script.steps = steps;
    script.count = 1;
    assert_false(
        script_verify(&script, "SAPOData", SAP("http://sap.acme.example", "4"), USER, NULL));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 401, NULL);
    script_done(&script);
}

/* A connector whose properties may name a PrivateLink service. */
static const struct connector_url api[] = {{.url = "https://api.acme.example"}};
static const struct connector_headers header =
    LIST(((const struct connector_header[]){{"X-Key", "{credentials.password}"}}));
static const struct connector_auth auth[] = {{.headers = &header}};
static const struct connector_call probes[] = {{.method = "GET", .path = "/me"}};
static const struct http_connector acme_http = {
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .private_service = "privateLinkServiceName",
};

static const struct connector acme = {
    .type = STR("Acme"),
    .key = STR("Acme"),
    .modes = MODE_PRIVATE,
    .ops = &http_ops,
    .http = &acme_http,
};

static bool verify_acme(struct script *script, const char *service)
{
    struct value *properties = value_structure(&script->arena);
    struct value *credentials = value_structure(&script->arena);
    value_put_text(&script->arena, properties, "privateLinkServiceName", str_from(service));
    value_put_text(&script->arena, credentials, "password", STR("p"));
    return script_verify_with(script, &acme, properties, credentials, NULL);
}

static void the_service_goes_before_the_host(void **state)
{
    (void)state;
    const struct scripted steps[] = {
        {.status = 200, .body = "{}", .route = "com.amazonaws.vpce.us-east-1.vpce-svc-1"}};
    struct script script = {.steps = steps, .count = 1, .private_routes = routes};
    assert_true(verify_acme(&script, "com.amazonaws.vpce.us-east-1.vpce-svc-1"));
    script_done(&script);
}

/* Text that is no JSON may be of anything inside the operator's network. */
static void words_from_behind_a_route_are_a_vendors_json(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers, *body, *words;
    } cases[] = {
        {404, NULL, "intranet wiki - the root password is hunter2", NULL},
        {403, NULL, "<p>hunter2</p>", NULL},
        {500, NULL, "hunter2 {", NULL},
        {302, "Location: https://hunter2.corp/login", "", NULL},
        {401, NULL, "{\"message\":\"wrong key\"}", "wrong key"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct scripted step = {.status = cases[i].status,
                                      .headers = cases[i].headers,
                                      .body = cases[i].body,
                                      .route = "com.amazonaws.vpce.us-east-1.vpce-svc-1"};
        const struct scripted steps[] = {step, step};
        struct script script = {
            .steps = steps, .count = cases[i].status == 500 ? 2 : 1, .private_routes = routes};
        assert_false(verify_acme(&script, "com.amazonaws.vpce.us-east-1.vpce-svc-1"));
        assert_str(script.verdict.message, cases[i].words);
        assert_false(str_contains(script.verdict.hint, STR("hunter2")));
        script_done(&script);
    }
}

/* The empty name, which the model allows, is none. */
static void without_a_service_the_host_counts(void **state)
{
    (void)state;
    static const char *const names[] = {NULL, ""};
    for (int i = 0; i < 2; i++) {
        struct script script = {.private_routes = routes};
        assert_false(verify_acme(&script, names[i]));
        assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0,
                       "There is no private route for api.acme.example.");
        script_done(&script);
    }
}

static void a_service_without_a_route_is_not_replaced_by_the_host(void **state)
{
    (void)state;
    struct script script = {.private_routes = routes};
    assert_false(verify_acme(&script, "com.amazonaws.vpce.us-east-1.vpce-svc-2"));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0,
                   "There is no private route for com.amazonaws.vpce.us-east-1.vpce-svc-2.");
    script_done(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host_finds_the_route),
        cmocka_unit_test(a_host_is_found_however_it_is_written),
        cmocka_unit_test(without_private_mode_no_route_is_taken),
        cmocka_unit_test(without_a_route_nothing_is_sent),
        cmocka_unit_test(a_route_of_another_account_is_none),
        cmocka_unit_test(a_route_serves_the_hosts_that_it_names),
        cmocka_unit_test(a_route_is_for_tls_unless_the_operator_says_otherwise),
        cmocka_unit_test(words_from_behind_a_route_are_a_vendors_json),
        cmocka_unit_test(token_requests_are_private_when_the_member_says_so),
        cmocka_unit_test(token_requests_are_public_otherwise),
        cmocka_unit_test(the_service_goes_before_the_host),
        cmocka_unit_test(without_a_service_the_host_counts),
        cmocka_unit_test(a_service_without_a_route_is_not_replaced_by_the_host),
    };
    return cmocka_run_group_tests(tests, open_routes, close_routes);
}
