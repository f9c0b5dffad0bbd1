/* When credentials end, asked of the vendor: times as answers have them, who is asked, what is
 * sent, and answers that are of no use. */
#include "connector_script.h"

#include "base/clock.h"
#include "connector/credential_end.h"
#include "connector/http/vendor_time.h"
#include "keyring_scratch.h"
#include "profile/forecast.h"
#include "profile/seal.h"
#include "store/credential_ends.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <string.h>

static struct script script;

/* --- times --- */

static const struct time_case {
    const char *json;
    enum vendor_time_form form;
    int64_t ms; /* -1: no time */
} times[] = {
    {"\"2020-11-12T08:15:30.001Z\"", TIME_TEXT, 1605168930001},
    {"\"2020-11-12T08:15:30Z\"", TIME_TEXT, 1605168930000},
    {"\"2020-11-12T08:15:30.123456789Z\"", TIME_TEXT, 1605168930123},
    {"\"2020-11-12T08:15:30.5Z\"", TIME_TEXT, 1605168930500},
    {"\"2020-11-12T10:15:30+02:00\"", TIME_TEXT, 1605168930000},
    {"\"2020-11-12T02:45:30.001-05:30\"", TIME_TEXT, 1605168930001},
    {"\"2024-02-29T00:00:00Z\"", TIME_TEXT, 1709164800000},
    {"\"2023-02-29T00:00:00Z\"", TIME_TEXT, -1},
    {"\"2020-11-31T08:15:30Z\"", TIME_TEXT, -1},
    {"\"2020-13-12T08:15:30Z\"", TIME_TEXT, -1},
    {"\"2020-11-12T24:15:30Z\"", TIME_TEXT, -1},
    {"\"2020-11-12T08:60:30Z\"", TIME_TEXT, -1},
    {"\"2020-11-12T08:15:61Z\"", TIME_TEXT, -1},
    {"\"2020-11-12T08:15:30\"", TIME_TEXT, -1}, /* of which zone? */
    {"\"2020-11-12T08:15:30.Z\"", TIME_TEXT, -1},
    {"\"2020-11-12T08:15:30+2:00\"", TIME_TEXT, -1},
    {"\"2020-11-12 08:15:30Z\"", TIME_TEXT, -1},
    {"\" 2020-11-12T08:15:30Z\"", TIME_TEXT, -1},
    {"\"2020-11-12T08:15:30Zz\"", TIME_TEXT, -1},
    {"\"20201-11-12T08:15:30Z\"", TIME_TEXT, -1},
    {"\"1969-12-31T23:59:59Z\"", TIME_TEXT, -1},
    {"\"\"", TIME_TEXT, -1},
    {"1605168930", TIME_TEXT, -1},
    {"1605168930", TIME_S, 1605168930000},
    {"1605168930.25", TIME_S, 1605168930000},
    {"0", TIME_S, 0},
    {"9223372036854775807", TIME_S, -1},
    {"1e300", TIME_S, -1},
    {"\"1605168930\"", TIME_S, -1},
    {"true", TIME_S, -1},
    {"{}", TIME_S, -1},
    {"1605168930001", TIME_MS, 1605168930001},
    {"9223372036854775807", TIME_MS, 9223372036854775807},
    {"1e300", TIME_MS, -1},
    {"\"2020-11-12T08:15:30Z\"", TIME_MS, -1},
};

static void times_of_answers_are_read(void **state)
{
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        struct value *value;
        char text[128];
        int64_t ms = -1;
        snprintf(text, sizeof(text), "{\"at\":%s}", times[i].json);
        assert_true(json_parse(str_from(text), &arena, &value));
        bool read = vendor_time_read(value_get(value, "at"), times[i].form, &ms);
        if (read != (times[i].ms >= 0) || (read && ms != times[i].ms))
            fail_msg("%s: %d, %lld", times[i].json, read, (long long)ms);
    }
    arena_done(&arena);
}

/* --- who is asked, and what comes of it --- */

#define DYNATRACE "Dynatrace", "{\"instanceUrl\":\"abc12345\"}", "{\"apiToken\":\"dt0c01.AB.CD\"}"
#define LOOKUP                                                                                     \
    "POST https://abc12345.live.dynatrace.com/api/v2/apiTokens/lookup\nAccept: application/json\n" \
    "Content-Type: application/json\nAuthorization: Api-Token dt0c01.AB.CD\n\n"                    \
    "{\"token\":\"dt0c01.AB.CD\"}"
#define TREND "Trendmicro", "{}", "{\"apiSecretKey\":\"7:c2VjcmV0\"}"
#define OWN_KEY                                                                                    \
    "GET https://app.deepsecurity.trendmicro.com/api/apikeys/current\nAccept: application/json\n"  \
    "api-secret-key: 7:c2VjcmV0\napi-version: v1\n\n"
#define ZENDESK                                                                                    \
    "Zendesk", "{\"instanceUrl\":\"acme\"}",                                                       \
        "{\"clientId\":\"c\",\"clientSecret\":\"s\",\"accessToken\":\"t1\"}"
#define CURRENT                                                                                    \
    "GET https://acme.zendesk.com/api/v2/oauth/tokens/current.json\nAccept: application/json\n"    \
    "Authorization: Bearer t1\n\n"
#define SALESFORCE "Salesforce", "{}", "{\"accessToken\":\"t1\"}"
#define INTROSPECT                                                                                 \
    "POST https://login.salesforce.com/services/oauth2/introspect\nAccept: application/json\n"     \
    "Content-Type: application/x-www-form-urlencoded\n\n"                                          \
    "token=t1&token_type_hint=access_token&client_id=app-id&client_secret=app-secret"

enum { SAID = 1, ENDLESS, UNSAID, REFUSED }; /* what an answer comes to */

static const struct end_case {
    const char *type, *properties, *credentials;
    const char *request;
    int status;
    const char *body;
    int outcome;
    int64_t end_ms;    /* SAID */
    const char *words; /* UNSAID: in why_not */
    enum verdict_kind verdict;
} cases[] = {
    {DYNATRACE, LOOKUP, 200, "{\"id\":\"x\",\"expirationDate\":\"2099-12-31T00:00:00.000Z\"}", SAID,
     4102358400000, NULL, VERDICT_ACCEPTED},
    {DYNATRACE, LOOKUP, 200, "{\"id\":\"x\",\"enabled\":true}", ENDLESS, 0, NULL, VERDICT_ACCEPTED},
    {DYNATRACE, LOOKUP, 200, "{\"id\":\"x\",\"expirationDate\":null}", ENDLESS, 0, NULL,
     VERDICT_ACCEPTED},
    {DYNATRACE, LOOKUP, 200, "{\"id\":\"x\",\"expirationDate\":\"2999-12-31T00:00:00.000Z\"}",
     UNSAID, 0, "more than 100 years away", VERDICT_ACCEPTED},
    {DYNATRACE, LOOKUP, 200, "{\"id\":\"x\",\"expirationDate\":\"soon\"}", UNSAID, 0, "is no time",
     VERDICT_ACCEPTED},
    {DYNATRACE, LOOKUP, 200, "{\"id\":\"x\",\"expirationDate\":4102358400000}", UNSAID, 0,
     "is no time", VERDICT_ACCEPTED},
    {DYNATRACE, LOOKUP, 200, "{\"id\":\"x\",\"expirationDate\":\"2020-01-01T00:00:00.000Z\"}",
     REFUSED, 0, NULL, VERDICT_REJECTED},
    {DYNATRACE, LOOKUP, 403, "{\"error\":{\"code\":403,\"message\":\"no\"}}", REFUSED, 0, NULL,
     VERDICT_FORBIDDEN},
    {TREND, OWN_KEY, 200, "{\"ID\":7,\"active\":true,\"expiryDate\":4102358400000}", SAID,
     4102358400000, NULL, VERDICT_ACCEPTED},
    {TREND, OWN_KEY, 200, "{\"ID\":7,\"active\":true}", UNSAID, 0, "does not say",
     VERDICT_ACCEPTED},
    {TREND, OWN_KEY, 200, "{\"ID\":7,\"expiryDate\":1}", UNSAID, 0, "has ended", VERDICT_ACCEPTED},
    {TREND, OWN_KEY, 403, "{\"message\":\"Not authorized to view API keys.\"}", REFUSED, 0, NULL,
     VERDICT_FORBIDDEN},
    {ZENDESK, CURRENT, 200, "{\"token\":{\"id\":1,\"expires_at\":\"2099-12-31T00:00:00Z\"}}", SAID,
     4102358400000, NULL, VERDICT_ACCEPTED},
    {ZENDESK, CURRENT, 200, "{\"token\":{\"id\":1,\"expires_at\":null}}", ENDLESS, 0, NULL,
     VERDICT_ACCEPTED},
    {ZENDESK, CURRENT, 403, "{\"error\":\"Forbidden\",\"description\":\"Missing scope\"}", REFUSED,
     0, NULL, VERDICT_FORBIDDEN},
    {ZENDESK, CURRENT, 401, "{\"error\":\"invalid_token\"}", REFUSED, 0, NULL, VERDICT_REJECTED},
    {SALESFORCE, INTROSPECT, 200, "{\"active\":true,\"exp\":4102358400}", SAID, 4102358400000, NULL,
     VERDICT_ACCEPTED},
    {SALESFORCE, INTROSPECT, 200, "{\"active\":true}", UNSAID, 0, "does not say", VERDICT_ACCEPTED},
    {SALESFORCE, INTROSPECT, 200, "{\"active\":true,\"exp\":9223372036854775807}", UNSAID, 0,
     "is no time", VERDICT_ACCEPTED},
    {SALESFORCE, INTROSPECT, 200, "{\"active\":false,\"exp\":4102358400}", UNSAID, 0, "another app",
     VERDICT_ACCEPTED},
    {SALESFORCE, INTROSPECT, 200, "{\"active\":\"yes\"}", REFUSED, 0, NULL, VERDICT_UNREACHABLE},
    {SALESFORCE, INTROSPECT, 400, "{\"error\":\"invalid_client_id\"}", REFUSED, 0, NULL,
     VERDICT_REJECTED},
    {SALESFORCE, INTROSPECT, 429, "{\"error\":\"rate\"}", REFUSED, 0, NULL, VERDICT_THROTTLED},
};

struct end_asked {
    struct credential_end end;
    bool answered, can_be_asked;
};

/* As profile/end_lookup.c does. */
static void ask(struct script *asking, const struct connector *connector,
                const struct vendor_connection_config *config, void *context)
{
    static const struct oauth_tokens none;
    struct vendor_connection_config lookup = *config;
    struct end_asked *asked = context;
    lookup.withheld = ~0U;
    lookup.without_waits = true;
    asked->can_be_asked =
        credential_end_is_asked(config->target, config->stored ? config->stored : &none);
    asked->answered = connector->ops->ask_end(&lookup, &asking->verdict, &asked->end);
}

static bool script_ask_end(const char *type, const char *properties, const char *credentials,
                           struct credential_end *ret_end)
{
    struct end_asked asked = {.answered = false};
    script_run_with(&script, connector_by_type(str_from(type)),
                    script_part(&script, type, "Properties", properties),
                    script_part(&script, type, "Credentials", credentials), NULL, ask, &asked);
    assert_true(asked.can_be_asked);
    *ret_end = asked.end;
    return asked.answered;
}

static void look_whether(struct script *asking, const struct connector *connector,
                         const struct vendor_connection_config *config, void *ret_can_be_asked)
{
    bool *can_be_asked = ret_can_be_asked;
    (void)asking;
    (void)connector;
    *can_be_asked = credential_end_is_asked(config->target, config->stored);
}

static int outcome_of(bool answered, const struct credential_end *end)
{
    if (!answered)
        return REFUSED;
    return !end->is_said ? UNSAID : end->end_ms != 0 ? SAID : ENDLESS;
}

static void each_vendor_is_asked_in_its_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct end_case *it = &cases[i];
        const struct scripted step = {it->request, it->status, .body = it->body};
        struct credential_end end;
        script = (struct script){.steps = &step, .count = 1, .app_secret = "app-secret"};
        bool answered = script_ask_end(it->type, it->properties, it->credentials, &end);
        bool is_good = outcome_of(answered, &end) == it->outcome && end.end_ms == it->end_ms &&
                       script.verdict.kind == it->verdict &&
                       (!it->words || (end.why_not && strstr(end.why_not, it->words)));
        if (!is_good)
            fail_msg("%zu, %s %s: %d until %lld, %s, %s", i, it->type, it->body,
                     outcome_of(answered, &end), (long long)end.end_ms,
                     end.why_not ? end.why_not : "-", verdict_kind_name(script.verdict.kind));
        script_done(&script);
        script = (struct script){0};
    }
}

/* Nothing is sent: the client's secret goes nowhere, and no grant is made. */
static void without_an_app_nothing_is_sent(void **state)
{
    struct credential_end end;
    (void)state;
    script = (struct script){0};
    assert_false(script_ask_end(SALESFORCE, &end));
    assert_int_equal(script.verdict.step, STEP_APP);
    script_done(&script);
    script = (struct script){0};
}

static void who_is_asked(void **state)
{
    static const struct {
        const char *type, *properties, *credentials;
        struct oauth_tokens stored;
        bool is_asked;
    } rows[] = {
        {DYNATRACE, {.account = STR_NULL}, true},
        {TREND, {.account = STR_NULL}, true},
        {ZENDESK, {.account = STR_NULL}, true},
        {ZENDESK, {.refresh_token = STR("r1")}, false},
        {"Zendesk",
         "{\"instanceUrl\":\"acme\"}",
         "{\"clientId\":\"c\",\"clientSecret\":\"s\","
         "\"oAuthRequest\":{\"authCode\":\"c\",\"redirectUri\":\"https://r\"}}",
         {.access_token = STR("t1")},
         true},
        {SALESFORCE, {.account = STR_NULL}, true},
        {"Salesforce",
         "{}",
         "{\"accessToken\":\"t1\",\"refreshToken\":\"r1\"}",
         {.account = STR_NULL},
         false},
        {"Salesforce",
         "{}",
         "{\"oAuth2GrantType\":\"JWT_BEARER\",\"jwtToken\":\"a.b.c\"}",
         {.account = STR_NULL},
         false},
        {"Salesforce",
         "{}",
         "{\"oAuth2GrantType\":\"JWT_BEARER\",\"jwtToken\":\"a.b.c\"}",
         {.access_token = STR("t1")},
         true},
        {"Amplitude", "{}", "{\"apiKey\":\"k\",\"secretKey\":\"s\"}", {.account = STR_NULL}, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *type = rows[i].type;
        bool can_be_asked;
        script_run_with(&script, connector_by_type(str_from(type)),
                        script_part(&script, type, "Properties", rows[i].properties),
                        script_part(&script, type, "Credentials", rows[i].credentials),
                        &rows[i].stored, look_whether, &can_be_asked);
        if (can_be_asked != rows[i].is_asked)
            fail_msg("%zu: %s", i, type);
    }
    script_done(&script);
    script = (struct script){0};
}

/* --- the documentation --- */

enum { PAGE_MAX = 64 * 1024 };

static const char *read_page(char page[PAGE_MAX])
{
    FILE *file = fopen(TEST_DATA "/../../../docs/when-a-credential-dies.md", "re");
    assert_non_null(file);
    size_t len = fread(page, 1, PAGE_MAX - 1, file);
    assert_int_equal(fclose(file), 0);
    page[len] = '\0';
    const char *table = strstr(page, "| asked by |");
    assert_non_null(table);
    *strstr(table, "\n\n") = '\0';
    return table;
}

/* Who is asked, by which call, and what it means where the answer has no end. */
static void the_page_has_each_that_is_asked(void **state)
{
    char page[PAGE_MAX];
    const char *table = read_page(page);
    size_t rows = 0, asked = 0;
    (void)state;
    for (const char *line = strstr(table, "\n| "); line; line = strstr(line + 1, "\n| "))
        rows++;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        const struct connector_end *end = connector->http ? connector->http->end : NULL;
        char start[64], call[256];
        if (!end)
            continue;
        snprintf(start, sizeof(start), "\n| %.*s |", STR_ARG(connector->type));
        snprintf(call, sizeof(call), "`%s %s`", end->call ? end->call->method : "POST",
                 end->call ? end->call->path : end->introspection);
        const char *row = strstr(table, start);
        struct str line = {row, row ? strcspn(row + 1, "\n") + 1 : 0};
        bool is_endless = str_ends(line, STR("| it never ends |"));
        if (!row || !str_contains(line, str_from(call)) || is_endless != end->absent_is_never)
            fail_msg("docs/when-a-credential-dies.md has no good row for %.*s: %s",
                     STR_ARG(connector->type), call);
        asked++;
    }
    assert_int_equal(rows, asked);
}

/* --- the forecast --- */

#define DAY (24 * 60 * 60 * 1000LL)
#define NOW (1000 * DAY)

enum {
    KEY = 1 << CREDENTIAL_KEY,
    REFRESH = 1 << CREDENTIAL_REFRESH_TOKEN,
    ACCESS = 1 << CREDENTIAL_ACCESS_TOKEN
};

static const struct {
    unsigned has;
    bool from_assertion;
    int64_t asked; /* after now; 0: no end */
    bool is_endless;
    int64_t until; /* after now; 0: no end */
    enum forecast_confidence confidence;
    const char *because;
} forecasts[] = {
    {ACCESS, false, 5 * DAY, false, 5 * DAY, FORECAST_REPORTED,
     "the access token ends, and nothing can renew it"},
    {ACCESS, true, 5 * DAY, false, 5 * DAY, FORECAST_REPORTED,
     "the access token ends, and an assertion works once"},
    {ACCESS, false, -DAY, false, -DAY, FORECAST_REPORTED,
     "the access token ends, and nothing can renew it"},
    {ACCESS, false, 0, true, 0, FORECAST_REPORTED, "it was given no end; it can be revoked"},
    {ACCESS, false, 0, false, DAY, FORECAST_KNOWN,
     "the access token ends, and nothing can renew it"},
    {ACCESS | REFRESH, false, DAY, false, 0, FORECAST_ASSUMED, "no end known; it can be revoked"},
    {KEY, false, 5 * DAY, false, 5 * DAY, FORECAST_REPORTED, "the key ends"},
    {KEY, false, 0, true, 0, FORECAST_REPORTED, "it was given no end; it can be revoked"},
    {KEY, false, 0, false, 0, FORECAST_UNKNOWN, "until it is disabled"},
};

/* The vendor gave each access token a day. */
static void what_was_said_is_forecast(void **state)
{
    static const struct credential_life life = {.key = "until it is disabled"};
    static const struct token_policy policy;
    (void)state;
    for (size_t i = 0; i < sizeof(forecasts) / sizeof(*forecasts); i++) {
        struct forecast_facts facts = {
            .life = &life,
            .policy = &policy,
            .from_assertion = forecasts[i].from_assertion,
            .access_expires_ms = NOW + DAY,
            .obtained_ms = NOW - DAY,
            .given_ms = NOW - DAY,
            .verified_ms = NOW - DAY,
            .now_ms = NOW,
            .asked_end_ms = forecasts[i].asked != 0 ? NOW + forecasts[i].asked : 0,
            .is_endless = forecasts[i].is_endless,
        };
        int64_t until_ms = forecasts[i].until != 0 ? NOW + forecasts[i].until : 0;
        struct profile_forecast forecast;
        for (int kind = 0; kind < CREDENTIAL_KINDS; kind++)
            facts.has[kind] = forecasts[i].has >> kind & 1;
        forecast_compute(&facts, &forecast);
        bool has_ended = until_ms != 0 && until_ms < NOW;
        enum forecast_state wanted = has_ended ? FORECAST_NEEDS_REAUTHORIZATION : FORECAST_FRESH;
        if (forecast.works_until_ms != until_ms || forecast.state != wanted ||
            forecast.first->confidence != forecasts[i].confidence ||
            strcmp(forecast.first->because, forecasts[i].because) != 0)
            fail_msg("%zu: until %lld, %s (%s), %s", i, (long long)forecast.works_until_ms,
                     forecast.first->because, forecast_confidence_name(forecast.first->confidence),
                     forecast_state_name(forecast.state));
    }
}

/* Of an Amplitude profile that was made a day ago. */
static void forecast_row(struct arena *arena, const struct profile_asked *asked,
                         struct profile_forecast *ret_forecast)
{
    struct keyring *keyring = scratch_keyring("credential-end");
    struct profile profile = {
        .key = {STR("123456789012"), STR("us-east-1"), STR("crm")},
        .version = 1000 * (NOW - DAY),
        .credentials_version = 1000 * (NOW - DAY),
        .connector_type = STR("Amplitude"),
        .connection_mode = STR("Public"),
        .properties = STR("{\"Amplitude\":{}}"),
        .created_at_ms = NOW - DAY,
        .updated_at_ms = NOW - DAY,
    };
    struct value *keys;
    assert_true(json_parse(STR("{\"apiKey\":\"k\",\"secretKey\":\"s\"}"), arena, &keys));
    assert_true(profile_seal(keyring, &profile, &(struct profile_sealed){.credentials = keys},
                             arena, &profile.sealed_credentials, NULL));
    assert_true(profile_forecast(keyring,
                                 &(struct stored_credentials){.profile = &profile, .asked = asked},
                                 NOW, arena, ret_forecast, NULL));
    keyring_free(keyring);
}

/* Only what was said of the credentials in use counts, and only an answer says that there is no
 * end.
 */
static void an_answer_counts_for_its_credentials(void **state)
{
    const int64_t in_use = 1000 * (NOW - DAY);
    const struct {
        struct profile_asked asked;
        int64_t until_ms;
        enum forecast_confidence confidence;
    } rows[] = {
        {{.version = 0}, 0, FORECAST_UNKNOWN},
        {{.version = in_use, .end_ms = NOW + DAY}, NOW + DAY, FORECAST_REPORTED},
        {{.version = in_use}, 0, FORECAST_REPORTED},
        {{.version = in_use, .words = STR("refused")}, 0, FORECAST_UNKNOWN},
        {{.version = in_use, .end_ms = NOW + DAY, .words = STR("refused")},
         NOW + DAY,
         FORECAST_REPORTED},
        {{.version = in_use - 1, .end_ms = NOW + DAY}, 0, FORECAST_UNKNOWN},
    };
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct profile_forecast forecast;
        forecast_row(&arena, &rows[i].asked, &forecast);
        assert_int_equal(forecast.works_until_ms, rows[i].until_ms);
        assert_int_equal(forecast.first->confidence, rows[i].confidence);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_answers_are_read),
        TEST(each_vendor_is_asked_in_its_way),
        TEST(without_an_app_nothing_is_sent),
        TEST(who_is_asked),
        cmocka_unit_test(the_page_has_each_that_is_asked),
        cmocka_unit_test(what_was_said_is_forecast),
        cmocka_unit_test(an_answer_counts_for_its_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
