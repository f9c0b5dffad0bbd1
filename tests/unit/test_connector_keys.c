/* Connectors whose vendors know keys, call by call: what is sent, and what each answer means. */
#include "connector_script.h"

#include <stdio.h>
#include <string.h>

static struct script script;

#define DATADOG_AT(host)                                                                           \
    "GET https://" host "/api/v2/validate_keys\nAccept: application/json\nDD-API-KEY: key-1\n"     \
    "DD-APPLICATION-KEY: application-1\n\n"

struct vendor {
    const char *type, *properties, *credentials;
    const char *request; /* the call that proves the credentials, or the first of them */
};

static const struct vendor datadog = {"Datadog", "{\"instanceUrl\":\"https://api.datadoghq.com\"}",
                                      "{\"apiKey\":\"key-1\",\"applicationKey\":\"application-1\"}",
                                      DATADOG_AT("api.datadoghq.com")};

#define ENVIRONMENT "https://abc12345.live.dynatrace.com"
#define LOOKUP                                                                                     \
    "POST " ENVIRONMENT "/api/v2/apiTokens/lookup\nAccept: application/json\nContent-Type: "       \
    "application/json\nAuthorization: Api-Token dt0c01.AB.CD\n\n{\"token\":\"dt0c01.AB.CD\"}"
#define PROBLEMS                                                                                   \
    "GET " ENVIRONMENT "/api/v2/problems?pageSize=1\nAccept: application/json\nAuthorization: "    \
    "Api-Token dt0c01.AB.CD\n\n"

static const struct vendor dynatrace = {"Dynatrace", "{\"instanceUrl\":\"ABC12345\"}",
                                        "{\"apiToken\":\"dt0c01.AB.CD\"}", LOOKUP};

#define DIMENSIONS                                                                                 \
    "GET https://api.singular.net/api/custom_dimensions\nAccept: application/json\n"               \
    "Authorization: key-1\n\n"

static const struct vendor singular = {"Singular", "{}", "{\"apiKey\":\"key-1\"}", DIMENSIONS};

#define MANAGER "https://app.deepsecurity.trendmicro.com"
#define MANAGER_HEADERS "api-secret-key: 7:c2VjcmV0\napi-version: v1\n\n"
#define OWN_KEY "GET " MANAGER "/api/apikeys/current\nAccept: application/json\n" MANAGER_HEADERS
#define COMPUTERS                                                                                  \
    "POST " MANAGER "/api/computers/search\nAccept: application/json\nContent-Type: "              \
    "application/json\n" MANAGER_HEADERS "{\"maxItems\":1}"
#define NO_VIEW "{\"message\":\"Not authorized to view API keys.\"}"

static const struct vendor trendmicro = {"Trendmicro", "{}", "{\"apiSecretKey\":\"7:c2VjcmV0\"}",
                                         OWN_KEY};

/* The signature is HMAC-SHA-256 of "2024-01-31t08:15:30.007zget/rest/3.1/orderdetail/query?limit=1"
 * under "s3cretAccess". */
#define ORDERS_AT(host)                                                                            \
    "GET https://" host "/rest/3.1/OrderDetail/query?limit=1\nAccept: application/json\n"          \
    "Authorization: HMAC_1 "                                                                       \
    "AK1:mwKb+ULm0TRaPg3pqq++iIChqK1AlKaOCk0vTf/ZzJE=:ops@acme\nx-dapi-date: "                     \
    "2024-01-31T08:15:30.007Z\nx-nexus-api-key: d4ta\ndataKey: d4ta\n\n"

static const struct vendor infornexus = {
    "Infornexus", "{\"instanceUrl\":\"https://network.infornexus.com\"}",
    "{\"accessKeyId\":\"AK1\",\"userId\":\"ops@acme\",\"secretAccessKey\":\"s3cretAccess\","
    "\"datakey\":\"d4ta\"}",
    ORDERS_AT("network.infornexus.com")};

static bool run(const struct vendor *vendor, const char *properties, const struct scripted *steps,
                size_t count)
{
    script.steps = steps;
    script.count = count;
    script.next = 0;
    return script_verify(&script, vendor->type, properties ? properties : vendor->properties,
                         vendor->credentials, NULL);
}

#define RUN(vendor, steps) run(vendor, NULL, steps, sizeof(steps) / sizeof((steps)[0]))

static void again(void)
{
    script_done(&script);
    script = (struct script){0};
}

/* One call and its answer. */
struct meaning {
    const struct vendor *vendor;
    int status;
    const char *body;
    enum verdict_kind kind;
    const char *words;
};

static const struct meaning meanings[] = {
    {&datadog, 200, "{\"status\":\"ok\"}", VERDICT_ACCEPTED, NULL},
    {&datadog, 200, "{\"status\":\"error\"}", VERDICT_UNREACHABLE, NULL},
    {&datadog, 200, "{\"status\":\"error\",\"error\":\"told\"}", VERDICT_MISCONFIGURED, "told"},
    {&datadog, 200, "{}", VERDICT_UNREACHABLE, NULL},
    {&datadog, 200, "<html>", VERDICT_MISCONFIGURED, NULL},
    {&datadog, 401, "{\"errors\":[\"Unauthorized\"]}", VERDICT_REJECTED, "Unauthorized"},
    {&datadog, 403, "{\"errors\":[\"Forbidden\"]}", VERDICT_REJECTED, "Forbidden"},
    {&datadog, 403, "{\"errors\":[\"Forbidden\",\"Failed permission authorization checks\"]}",
     VERDICT_FORBIDDEN, "Failed permission authorization checks"},
    {&datadog, 403, "<html><body>Request forbidden by administrative rules.</body></html>",
     VERDICT_BLOCKED, NULL},
    {&datadog, 404, "{\"errors\":[\"Not found\"]}", VERDICT_MISCONFIGURED, "Not found"},
    {&datadog, 302, "", VERDICT_MISCONFIGURED, NULL},
    {&dynatrace, 200, "{\"id\":\"a\",\"enabled\":false}", VERDICT_REJECTED, NULL},
    {&dynatrace, 200,
     "{\"id\":\"a\",\"enabled\":true,\"expirationDate\":\"2020-11-12T08:15:30.144Z\"}",
     VERDICT_REJECTED, NULL},
    {&dynatrace, 200, "{\"enabled\":true}", VERDICT_UNREACHABLE, NULL},
    {&dynatrace, 200, "<html>", VERDICT_MISCONFIGURED, NULL},
    {&dynatrace, 401, "{\"error\":{\"code\":401,\"message\":\"Token Authentication failed\"}}",
     VERDICT_REJECTED, "Token Authentication failed"},
    {&dynatrace, 404, "{\"error\":{\"code\":404,\"message\":\"Token does not exist\"}}",
     VERDICT_REJECTED, "Token does not exist"},
    {&dynatrace, 404, "<html>", VERDICT_MISCONFIGURED, NULL},
    {&singular, 200, "{\"status\":0,\"substatus\":0,\"value\":{\"custom_dimensions\":[]}}",
     VERDICT_ACCEPTED, NULL},
    {&singular, 200, "{\"status\":0,\"value\":\"a key, a token, a limit\"}", VERDICT_ACCEPTED,
     NULL},
    {&singular, 200, "{\"status\":0}", VERDICT_UNREACHABLE, NULL},
    {&singular, 200, "{\"status\":1,\"substatus\":0,\"value\":\"Invalid API Key\"}",
     VERDICT_REJECTED, "Invalid API Key"},
    {&singular, 200, "{\"status\":1,\"value\":\"UNAUTHORIZED\"}", VERDICT_REJECTED, "UNAUTHORIZED"},
    {&singular, 200, "{\"status\":1,\"value\":\"Too many queries for this key\"}",
     VERDICT_THROTTLED, "Too many queries for this key"},
    {&singular, 200, "{\"status\":2,\"value\":\"No permission\"}", VERDICT_FORBIDDEN,
     "No permission"},
    {&singular, 200, "{\"status\":3,\"value\":\"It broke\"}", VERDICT_UNREACHABLE, "It broke"},
    {&singular, 200, "{\"status\":3,\"value\":{}}", VERDICT_UNREACHABLE, NULL},
    {&singular, 200, "{}", VERDICT_UNREACHABLE, NULL},
    {&singular, 401, "{\"status\":1,\"value\":\"Unauthorized\"}", VERDICT_REJECTED, "Unauthorized"},
    {&singular, 403, "Forbidden", VERDICT_BLOCKED, "Forbidden"},
    {&singular, 403, "{\"status\":1,\"value\":\"No permission\"}", VERDICT_FORBIDDEN,
     "No permission"},
    {&infornexus, 200, "{\"result\":[],\"resultInfo\":{\"offset\":0,\"count\":0}}",
     VERDICT_ACCEPTED, NULL},
    {&infornexus, 200, "{\"resultInfo\":{\"count\":0}}", VERDICT_ACCEPTED, NULL},
    {&infornexus, 200, "{}", VERDICT_UNREACHABLE, NULL},
    {&infornexus, 200, "<html>", VERDICT_MISCONFIGURED, NULL},
    {&infornexus, 401, "<html>", VERDICT_REJECTED, NULL},
    {&infornexus, 403, "{\"message\":\"no\"}", VERDICT_BLOCKED, "no"},
    {&infornexus, 404, "<html>", VERDICT_MISCONFIGURED, NULL},
    {&trendmicro, 200, "{\"keyName\":\"flows\",\"active\":true,\"ID\":7}", VERDICT_ACCEPTED, NULL},
    {&trendmicro, 200, "{\"keyName\":\"flows\",\"active\":false,\"ID\":7}", VERDICT_REJECTED, NULL},
    {&trendmicro, 200, "{\"keyName\":\"flows\"}", VERDICT_UNREACHABLE, NULL},
    {&trendmicro, 401, "{\"message\":\"Invalid API Key\"}", VERDICT_REJECTED, "Invalid API Key"},
    {&trendmicro, 403, "<html>", VERDICT_BLOCKED, NULL},
    {&trendmicro, 400, "{\"message\":\"Unknown version\"}", VERDICT_MISCONFIGURED,
     "Unknown version"},
};

static void each_answer_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
        const struct meaning *meaning = &meanings[i];
        struct scripted step = {meaning->vendor->request, meaning->status, .body = meaning->body};
        bool accepted = run(meaning->vendor, NULL, &step, 1);
        if (accepted != (meaning->kind == VERDICT_ACCEPTED))
            fail_msg("%s, %d %s", meaning->vendor->type, meaning->status, meaning->body);
        if (!accepted)
            assert_verdict(&script, meaning->kind, STEP_API, meaning->status, meaning->words);
        again();
    }
}

static void a_site_is_found_by_what_people_call_it(void **state)
{
    (void)state;
    static const struct {
        const char *instance_url, *request;
    } cases[] = {
        {"https://api.datadoghq.com", DATADOG_AT("api.datadoghq.com")},
        {"API.DATADOGHQ.EU/", DATADOG_AT("api.datadoghq.eu")},
        {"https://app.datadoghq.eu", DATADOG_AT("api.datadoghq.eu")},
        {"datadoghq.com", DATADOG_AT("api.datadoghq.com")},
        {"us5.datadoghq.com", DATADOG_AT("api.us5.datadoghq.com")},
        {"us5", DATADOG_AT("api.us5.datadoghq.com")},
        {"https://api.datadoghq.eu/api/v2/", DATADOG_AT("api.datadoghq.eu")},
        {"ddog-gov.com", DATADOG_AT("api.ddog-gov.com")},
        /* An organization's own subdomain serves the web pages of its site. */
        {"https://acme.datadoghq.com", DATADOG_AT("api.datadoghq.com")},
        {"acme.us5.datadoghq.com", DATADOG_AT("api.us5.datadoghq.com")},
        {"https://app.us2.ddog-gov.com/", DATADOG_AT("api.us2.ddog-gov.com")},
        {"https://acme.datadoghq.eu", DATADOG_AT("api.datadoghq.eu")},
        {"api.us9.datadoghq.com", DATADOG_AT("api.us9.datadoghq.com")},
        {"https://gateway.example.com:8443/dd", DATADOG_AT("gateway.example.com:8443/dd")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char properties[256];
        struct scripted step = {cases[i].request, 200, .body = "{\"status\":\"ok\"}"};
        snprintf(properties, sizeof(properties), "{\"instanceUrl\":\"%s\"}", cases[i].instance_url);
        assert_true(run(&datadog, properties, &step, 1));
        again();
    }
}

static void a_vendors_own_header_is_waited_for(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {DATADOG_AT("api.datadoghq.com"), .status = 429, .headers = "X-RateLimit-Reset: 2\n"},
        {DATADOG_AT("api.datadoghq.com"), 200, .body = "{\"status\":\"ok\"}"},
    };
    assert_true(RUN(&datadog, steps));
    assert_int_equal(script.paused_ms, 2000);
    static const struct scripted late[] = {
        {DATADOG_AT("api.datadoghq.com"), .status = 429, .headers = "X-RateLimit-Reset: 3600\n"}};
    assert_false(RUN(&datadog, late));
    assert_verdict(&script, VERDICT_THROTTLED, STEP_API, 429, NULL);
    assert_int_equal(script.verdict.retry_after_ms, 3600000);
}

#define NO_SCOPE "{\"error\":{\"code\":403,\"message\":\"Token is missing required scope.\"}}"

static void a_token_is_known_and_may_read(void **state)
{
    (void)state;
    static const struct scripted good[] = {
        {LOOKUP, 200,
         .body = "{\"id\":\"a\",\"enabled\":true,\"expirationDate\":\"2099-01-01T00:00:00Z\"}"},
        {PROBLEMS, 200, .body = "{\"problems\":[]}"},
    };
    assert_true(RUN(&dynatrace, good));
    static const struct scripted unscoped[] = {
        {LOOKUP, 200, .body = "{\"id\":\"a\",\"enabled\":true}"},
        {PROBLEMS, 403, .body = NO_SCOPE},
    };
    assert_false(RUN(&dynatrace, unscoped));
    assert_verdict(&script, VERDICT_FORBIDDEN, STEP_API, 403, "Token is missing required scope.");
}

/* A lookup that is not allowed says nothing against the token. */
static void a_call_may_be_enough_though_refused(void **state)
{
    (void)state;
    static const struct scripted good[] = {{LOOKUP, 403, .body = NO_SCOPE},
                                           {PROBLEMS, 200, .body = "{\"problems\":[]}"}};
    assert_true(RUN(&dynatrace, good));
    assert_int_equal(script.verdict.kind, VERDICT_ACCEPTED);
    static const struct scripted bad[] = {{LOOKUP, 403, .body = NO_SCOPE},
                                          {PROBLEMS, .status = 401}};
    assert_false(RUN(&dynatrace, bad));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 401, NULL);
}

static void a_network_is_found_by_its_name(void **state)
{
    (void)state;
    static const struct scripted bare[] = {
        {ORDERS_AT("demo.infornexus.com"), 200, .body = "{\"resultInfo\":{}}"}};
    assert_true(run(&infornexus, "{\"instanceUrl\":\"DEMO\"}", bare, 1));
    assert_true(
        run(&infornexus, "{\"instanceUrl\":\"https://demo.infornexus.com/rest/3.1/\"}", bare, 1));
    static const struct scripted old[] = {
        {ORDERS_AT("network.gtnexus.com"), 200, .body = "{\"resultInfo\":{}}"}};
    assert_true(run(&infornexus, "{\"instanceUrl\":\"network.gtnexus.com/\"}", old, 1));
}

static void parts_of_a_signed_header_hold_no_colon(void **state)
{
    (void)state;
    static const char *const bad[][2] = {{"a:b", "c"}, {"a", "b:c"}};
    static const char *const members[] = {"AccessKeyId", "UserId"};
    for (size_t i = 0; i < 2; i++) {
        char credentials[256], message[256];
        snprintf(credentials, sizeof(credentials),
                 "{\"accessKeyId\":\"%s\",\"userId\":\"%s\",\"secretAccessKey\":\"s\","
                 "\"datakey\":\"d\"}",
                 bad[i][0], bad[i][1]);
        snprintf(message, sizeof(message),
                 "Validation exception: %s must not contain a colon for connector: INFORNEXUS",
                 members[i]);
        assert_false(script_check(&script, infornexus.type, infornexus.properties, credentials));
        assert_int_equal(script.error.code, ERR_VALIDATION);
        assert_string_equal(script.error.message, message);
    }
}

#define WORKBOOK                                                                                   \
    "GET https://tables.example.com/workbooks/00000000-0000-0000-0000-000000000000/tables"         \
    "?maxResults=1\nAccept: application/json\nAuthorization: Bearer t0ken\n\n"
#define AWS_ERROR(name) "x-amzn-ErrorType: " name "\n"

static const struct vendor honeycode = {"Honeycode", "{}", "{\"accessToken\":\"t0ken\"}", WORKBOOK};

static void a_closed_vendor_is_told_and_not_called(void **state)
{
    (void)state;
    assert_false(run(&honeycode, NULL, NULL, 0));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_NONE, 0,
                   "Amazon closed Honeycode on 29 February 2024. Only a service that took its "
                   "place can be used, when the operator of this server names it (--endpoint "
                   "Honeycode=URL).");
}

static void what_took_its_place_is_called(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers, *body;
        enum verdict_kind kind;
    } cases[] = {
        {404, AWS_ERROR("ResourceNotFoundException"), "{\"message\":\"none\"}", VERDICT_ACCEPTED},
        {200, NULL, "{\"tables\":[]}", VERDICT_ACCEPTED},
        {200, NULL, "{}", VERDICT_UNREACHABLE},
        {404, NULL, "{}", VERDICT_MISCONFIGURED},
        {404, AWS_ERROR("UnknownOperationException"), "{}", VERDICT_MISCONFIGURED},
        {401, AWS_ERROR("UnrecognizedClientException"), "{}", VERDICT_REJECTED},
        {403, AWS_ERROR("ExpiredTokenException"), "{}", VERDICT_REJECTED},
        {403, AWS_ERROR("AccessDeniedException"), "{}", VERDICT_FORBIDDEN},
        {402, AWS_ERROR("ServiceQuotaExceededException"), "{}", VERDICT_THROTTLED},
        {400, AWS_ERROR("ThrottlingException"), "{}", VERDICT_THROTTLED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct scripted step = {WORKBOOK, cases[i].status, cases[i].headers, .body = cases[i].body};
        script.endpoint = "https://tables.example.com";
        assert_int_equal(run(&honeycode, NULL, &step, 1), cases[i].kind == VERDICT_ACCEPTED);
        assert_int_equal(script.verdict.kind, cases[i].kind);
        again();
    }
}

static void who_may_not_view_keys_is_known(void **state)
{
    (void)state;
    static const struct scripted good[] = {{OWN_KEY, 403, .body = NO_VIEW},
                                           {COMPUTERS, 200, .body = "{\"computers\":[]}"}};
    assert_true(RUN(&trendmicro, good));
    static const struct scripted bad[] = {
        {OWN_KEY, 403, .body = NO_VIEW},
        {COMPUTERS, 403, .body = "{\"message\":\"Not authorized to view computers.\"}"}};
    assert_false(RUN(&trendmicro, bad));
    assert_verdict(&script, VERDICT_FORBIDDEN, STEP_API, 403, "Not authorized to view computers.");
}

static void the_operator_names_another_manager(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {"GET https://dsm.example.com:4119/api/apikeys/current\nAccept: "
         "application/json\n" MANAGER_HEADERS,
         200, .body = "{\"ID\":7}"}};
    script.endpoint = "https://dsm.example.com:4119";
    assert_true(RUN(&trendmicro, steps));
}

/* Only what is a time, in UTC, can be over. */
static void only_a_time_is_over(void **state)
{
    (void)state;
    static const char *const others[] = {"null",
                                         "\"\"",
                                         "\"never\"",
                                         "1",
                                         "\"2020-11-12\"",
                                         "\"2020-11-12T08:15:30\"",
                                         "\"2020-11-12T08:15:30+25:00\""};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        char body[128];
        snprintf(body, sizeof(body), "{\"id\":\"a\",\"expirationDate\":%s}", others[i]);
        const struct scripted steps[] = {{LOOKUP, 200, .body = body},
                                         {PROBLEMS, 200, .body = "{\"problems\":[]}"}};
        assert_true(RUN(&dynatrace, steps));
        again();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_answer_has_its_meaning),
        TEST(a_site_is_found_by_what_people_call_it),
        TEST(a_vendors_own_header_is_waited_for),
        TEST(a_token_is_known_and_may_read),
        TEST(a_call_may_be_enough_though_refused),
        TEST(only_a_time_is_over),
        TEST(a_closed_vendor_is_told_and_not_called),
        TEST(what_took_its_place_is_called),
        TEST(a_network_is_found_by_its_name),
        TEST(parts_of_a_signed_header_hold_no_colon),
        TEST(who_may_not_view_keys_is_known),
        TEST(the_operator_names_another_manager),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
