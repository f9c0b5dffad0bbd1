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
    {&datadog, 200, "{}", VERDICT_UNREACHABLE, NULL},
    {&datadog, 200, "<html>", VERDICT_MISCONFIGURED, NULL},
    {&datadog, 401, "{\"errors\":[\"Unauthorized\"]}", VERDICT_REJECTED, "Unauthorized"},
    {&datadog, 403, "{\"errors\":[\"Forbidden\"]}", VERDICT_REJECTED, "Forbidden"},
    {&datadog, 403, "{\"errors\":[\"Forbidden\",\"Failed permission authorization checks\"]}",
     VERDICT_FORBIDDEN, "Failed permission authorization checks"},
    {&datadog, 403, "<html><body>Request forbidden by administrative rules.</body></html>",
     VERDICT_UNREACHABLE, NULL},
    {&datadog, 404, "{\"errors\":[\"Not found\"]}", VERDICT_MISCONFIGURED, "Not found"},
    {&datadog, 302, "", VERDICT_MISCONFIGURED, NULL},
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
        {"ddog-gov.com", DATADOG_AT("api.ddog-gov.com")},
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

static int fresh(void **state)
{
    (void)state;
    shapes_init();
    script = (struct script){0};
    return 0;
}

static int clean(void **state)
{
    (void)state;
    script_done(&script);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, clean)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_answer_has_its_meaning),
        TEST(a_site_is_found_by_what_people_call_it),
        TEST(a_vendors_own_header_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
