/* Until when credentials work: each row of the table, credentials that outlived what was assumed of
 * them, which of a profile's credentials decides, and what follows from a stored row. */
#include "cmocka_all.h"

#include "keyring_scratch.h"

#include "connector/connector.h"
#include "connector/http/http_connector.h"
#include "profile/forecast.h"
#include "profile/seal.h"
#include "wire/restjson.h"

#include <string.h>

#define DAY (24 * 60 * 60 * 1000LL)
#define NOW (1000 * DAY)

enum {
    REFRESH = 1 << CREDENTIAL_REFRESH_TOKEN,
    CLIENT = 1 << CREDENTIAL_CLIENT,
    PASSWORD = 1 << CREDENTIAL_PASSWORD,
    KEY = 1 << CREDENTIAL_KEY,
    ROLE = 1 << CREDENTIAL_ROLE,
    ACCESS = 1 << CREDENTIAL_ACCESS_TOKEN
};

/* Given and got a day ago, and accepted then, unless a case says otherwise. */
struct forecast_case {
    const char *what;
    struct credential_life life;
    unsigned has;
    struct token_policy policy;
    bool from_assertion;
    int64_t expires;  /* the access token; after now */
    int64_t refresh;  /* the refresh token, as the vendor said; after now */
    int64_t given;    /* ago */
    int64_t verified; /* ago; 0: with `given` */
    /* What is expected: */
    enum credential_kind first;
    int64_t until; /* after now; NOW: no end */
    enum forecast_confidence confidence;
    enum forecast_state state;
    const char *because; /* NULL: any */
};

#define NO_END NOW

static const struct forecast_case cases[] = {
    {"an access token with an end, and nothing to renew it",
     {0},
     ACCESS,
     .expires = DAY,
     .first = CREDENTIAL_ACCESS_TOKEN,
     .until = DAY,
     .confidence = FORECAST_KNOWN,
     .state = FORECAST_FRESH},
    {"the same, over",
     {0},
     ACCESS,
     .expires = -DAY / 2,
     .first = CREDENTIAL_ACCESS_TOKEN,
     .until = -DAY / 2,
     .confidence = FORECAST_KNOWN,
     .state = FORECAST_NEEDS_REAUTHORIZATION},
    {"a refresh token whose end the vendor said",
     {.young_s = 7 * LIFE_DAY_S, .young = "young"},
     REFRESH | ACCESS,
     {.idle_s = 30 * LIFE_DAY_S},
     .refresh = 90 * DAY,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = 90 * DAY,
     .confidence = FORECAST_KNOWN,
     .state = FORECAST_FRESH},
    {"the same where each use brings another",
     {0},
     REFRESH | ACCESS,
     {.rotation = ROTATION_ALWAYS, .idle_s = 30 * LIFE_DAY_S},
     .refresh = 90 * DAY,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = 90 * DAY,
     .confidence = FORECAST_KNOWN,
     .state = FORECAST_FRESH,
     .because = "the refresh token ends unless it is used; each use brings a new one"},
    {"the same, over",
     {0},
     REFRESH | ACCESS,
     .refresh = -DAY,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = -DAY,
     .confidence = FORECAST_KNOWN,
     .state = FORECAST_NEEDS_REAUTHORIZATION},
    {"an access token without an end",
     {0},
     ACCESS,
     .first = CREDENTIAL_ACCESS_TOKEN,
     .until = NO_END,
     .confidence = FORECAST_ASSUMED,
     .state = FORECAST_FRESH},
    {"an access token that a refresh token renews",
     {0},
     ACCESS | REFRESH,
     .expires = DAY / 24,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = NO_END,
     .confidence = FORECAST_ASSUMED,
     .state = FORECAST_FRESH},
    {"the same, over: the next use renews it",
     {0},
     ACCESS | REFRESH,
     .expires = -DAY / 24,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = NO_END,
     .confidence = FORECAST_ASSUMED,
     .state = FORECAST_DUE},
    {"an idle limit",
     {0},
     ACCESS | REFRESH,
     .policy = {.idle_s = 180 * LIFE_DAY_S},
     .expires = DAY / 24,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = 179 * DAY,
     .confidence = FORECAST_DOCUMENTED,
     .state = FORECAST_FRESH},
    {"an idle limit that may apply",
     {.idle_is_conditional = true},
     REFRESH,
     .policy = {.idle_s = 30 * LIFE_DAY_S},
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = 29 * DAY,
     .confidence = FORECAST_ASSUMED,
     .state = FORECAST_FRESH},
    {"a life from the authorization on",
     {0},
     ACCESS | REFRESH,
     .policy = {.absolute_s = 100 * LIFE_DAY_S},
     .given = 90 * DAY,
     .verified = DAY,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = 10 * DAY,
     .confidence = FORECAST_DOCUMENTED,
     .state = FORECAST_FRESH},
    {"the same, over",
     {0},
     REFRESH,
     .policy = {.absolute_s = 100 * LIFE_DAY_S},
     .given = 101 * DAY,
     .verified = 2 * DAY,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = -DAY,
     .confidence = FORECAST_DOCUMENTED,
     .state = FORECAST_NEEDS_REAUTHORIZATION},
    {"the same, outlived: its administrator chose a longer one",
     {0},
     REFRESH,
     .policy = {.absolute_s = 100 * LIFE_DAY_S},
     .given = 103 * DAY,
     .verified = 2 * DAY,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = NO_END,
     .confidence = FORECAST_ASSUMED,
     .state = FORECAST_FRESH},
    {"a life from the authorization on that ends before the newest of many refresh tokens",
     {0},
     ACCESS | REFRESH,
     .policy = {.rotation = ROTATION_ALWAYS,
                .idle_s = 30 * LIFE_DAY_S,
                .absolute_s = 100 * LIFE_DAY_S},
     .refresh = 14 * DAY,
     .given = 90 * DAY,
     .verified = DAY,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = 10 * DAY,
     .confidence = FORECAST_DOCUMENTED,
     .state = FORECAST_FRESH,
     .because = "the refresh token ends a fixed time after the authorization"},
    {"the same, while the newest ends before",
     {0},
     ACCESS | REFRESH,
     .policy = {.rotation = ROTATION_ALWAYS, .absolute_s = 100 * LIFE_DAY_S},
     .refresh = 14 * DAY,
     .given = 80 * DAY,
     .verified = DAY,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = 14 * DAY,
     .confidence = FORECAST_KNOWN,
     .state = FORECAST_FRESH},
    {"the same with an idle limit alone",
     {0},
     ACCESS | REFRESH,
     .policy = {.rotation = ROTATION_ALWAYS,
                .idle_s = 30 * LIFE_DAY_S,
                .absolute_s = 100 * LIFE_DAY_S},
     .given = 90 * DAY,
     .verified = DAY,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = 10 * DAY,
     .confidence = FORECAST_DOCUMENTED,
     .state = FORECAST_FRESH},
    {"a life of each issue",
     {0},
     ACCESS | REFRESH,
     .policy = {.rotation = ROTATION_ALWAYS, .idle_s = 30 * LIFE_DAY_S},
     .given = 90 * DAY,
     .verified = DAY,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = 29 * DAY,
     .confidence = FORECAST_DOCUMENTED,
     .state = FORECAST_FRESH},
    {"a young authorization",
     {.young_s = 7 * LIFE_DAY_S, .young = "young"},
     REFRESH,
     .policy = {.idle_s = 180 * LIFE_DAY_S},
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = 6 * DAY,
     .confidence = FORECAST_ASSUMED,
     .state = FORECAST_FRESH},
    {"one that outlived its youth",
     {.young_s = 7 * LIFE_DAY_S, .young = "young"},
     REFRESH,
     .policy = {.idle_s = 180 * LIFE_DAY_S},
     .given = 8 * DAY,
     .verified = DAY / 2,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = 180 * DAY - DAY / 2,
     .confidence = FORECAST_DOCUMENTED,
     .state = FORECAST_FRESH},
    {"a refresh token with an end, beside a client that gets another one",
     {.young_s = 7 * LIFE_DAY_S, .young = "young"},
     ACCESS | REFRESH | CLIENT,
     .policy = {.absolute_s = 100 * LIFE_DAY_S},
     .given = 101 * DAY,
     .verified = 2 * DAY,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = NO_END,
     .confidence = FORECAST_KNOWN,
     .state = FORECAST_FRESH,
     .because = "when it ends, the client brings another one"},
    {"the same beside a password: only a client replaces it",
     {0},
     REFRESH | PASSWORD,
     .policy = {.absolute_s = 100 * LIFE_DAY_S},
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = 99 * DAY,
     .confidence = FORECAST_DOCUMENTED,
     .state = FORECAST_FRESH},
    {"a refresh token of which the vendor says something else",
     {.refresh = "as registered"},
     REFRESH,
     .first = CREDENTIAL_REFRESH_TOKEN,
     .until = NO_END,
     .confidence = FORECAST_ASSUMED,
     .state = FORECAST_FRESH,
     .because = "as registered"},
    {"a ready access token from an assertion",
     {0},
     ACCESS,
     .from_assertion = true,
     .first = CREDENTIAL_ACCESS_TOKEN,
     .until = NO_END,
     .confidence = FORECAST_UNKNOWN,
     .state = FORECAST_FRESH},
    {"the same with an end",
     {0},
     ACCESS,
     .from_assertion = true,
     .expires = DAY / 2,
     .first = CREDENTIAL_ACCESS_TOKEN,
     .until = DAY / 2,
     .confidence = FORECAST_KNOWN,
     .state = FORECAST_FRESH},
    {"client credentials",
     {0},
     CLIENT | ACCESS,
     .expires = DAY / 24,
     .first = CREDENTIAL_CLIENT,
     .until = NO_END,
     .confidence = FORECAST_ASSUMED,
     .state = FORECAST_FRESH},
    {"a key",
     {0},
     KEY,
     .first = CREDENTIAL_KEY,
     .until = NO_END,
     .confidence = FORECAST_UNKNOWN,
     .state = FORECAST_FRESH},
    {"a password",
     {0},
     PASSWORD,
     .first = CREDENTIAL_PASSWORD,
     .until = NO_END,
     .confidence = FORECAST_UNKNOWN,
     .state = FORECAST_FRESH},
    {"passwords that the vendor ends",
     {.password_ends_ms = NOW + 40 * DAY, .password_ends = "announced"},
     PASSWORD,
     .first = CREDENTIAL_PASSWORD,
     .until = 40 * DAY,
     .confidence = FORECAST_ANNOUNCED,
     .state = FORECAST_FRESH},
    {"the same, past, and not accepted since",
     {.password_ends_ms = NOW - DAY / 2, .password_ends = "announced"},
     PASSWORD,
     .first = CREDENTIAL_PASSWORD,
     .until = -DAY / 2,
     .confidence = FORECAST_ANNOUNCED,
     .state = FORECAST_FRESH},
    {"the same, exempt: accepted after it",
     {.password_ends_ms = NOW - 2 * DAY, .password_ends = "announced"},
     PASSWORD,
     .first = CREDENTIAL_PASSWORD,
     .until = NO_END,
     .confidence = FORECAST_UNKNOWN,
     .state = FORECAST_FRESH},
    {"a role",
     {0},
     ROLE,
     .first = CREDENTIAL_ROLE,
     .until = NO_END,
     .confidence = FORECAST_ASSUMED,
     .state = FORECAST_FRESH},
};

static void each_row_of_the_table_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct forecast_case *each = &cases[i];
        int64_t given_ms = NOW - (each->given != 0 ? each->given : DAY);
        int64_t verified_ms = each->verified != 0 ? NOW - each->verified : given_ms;
        struct forecast_facts facts = {
            .life = &each->life,
            .policy = &each->policy,
            .from_assertion = each->from_assertion,
            .access_expires_ms = each->expires != 0 ? NOW + each->expires : 0,
            .refresh_expires_ms = each->refresh != 0 ? NOW + each->refresh : 0,
            .obtained_ms = each->has & (ACCESS | REFRESH) ? verified_ms : 0,
            .given_ms = given_ms,
            .verified_ms = verified_ms,
            .now_ms = NOW,
        };
        struct profile_forecast forecast;
        for (int kind = 0; kind < CREDENTIAL_KINDS; kind++)
            facts.has[kind] = each->has >> kind & 1;
        forecast_compute(&facts, &forecast);
        assert_non_null(forecast.first);
        int64_t until_ms = each->until == NO_END ? 0 : NOW + each->until;
        if (forecast.first->kind != each->first || forecast.works_until_ms != until_ms ||
            forecast.first->confidence != each->confidence || forecast.state != each->state ||
            strlen(forecast.first->because) == 0 ||
            (each->because && strcmp(forecast.first->because, each->because) != 0))
            fail_msg("%s: %s until %lld (%s), %s", each->what,
                     credential_kind_name(forecast.first->kind),
                     (long long)(forecast.works_until_ms - NOW),
                     forecast_confidence_name(forecast.first->confidence),
                     forecast_state_name(forecast.state));
    }
}

/* --- rows --- */

static void forecast_row(struct arena *arena, struct profile profile, const char *credentials,
                         struct profile_forecast *ret_forecast)
{
    struct keyring *keyring = scratch_keyring("forecast");
    struct value *value;
    profile.key = (struct profile_key){STR("123456789012"), STR("us-east-1"), STR("crm")};
    profile.version = profile.credentials_version = 1000 * (NOW - DAY);
    profile.created_at_ms = profile.updated_at_ms = NOW - DAY;
    assert_true(json_parse(str_from(credentials), arena, &value));
    assert_true(profile_seal(keyring, &profile, &(struct profile_sealed){.credentials = value},
                             arena, &profile.sealed_credentials, NULL));
    assert_true(profile_forecast(keyring, &(struct stored_credentials){.profile = &profile}, NOW,
                                 arena, ret_forecast, NULL));
    keyring_free(keyring);
}

#define KEYS "{\"apiKey\":\"key\",\"secretKey\":\"secret\"}"

static void a_private_connection_is_accepted_when_it_is_created(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        int64_t verified_ms;
        enum forecast_state state;
    } rows[] = {
        {NULL, NOW - DAY, FORECAST_FRESH},
        {"CREATED", NOW - DAY, FORECAST_FRESH},
        {"PENDING", 0, FORECAST_PENDING},
        {"FAILED", 0, FORECAST_FAILED},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct profile profile = {
            .connector_type = STR("Amplitude"),
            .connection_mode = rows[i].status ? STR("Private") : STR("Public"),
            .properties = STR("{\"Amplitude\":{}}"),
            .provisioning = {.status = str_from(rows[i].status)},
        };
        struct profile_forecast forecast;
        forecast_row(&arena, profile, KEYS, &forecast);
        assert_int_equal(forecast.verified_ms, rows[i].verified_ms);
        assert_int_equal(forecast.state, rows[i].state);
    }
    arena_done(&arena);
}

static void credentials_that_no_method_takes_are_no_role(void **state)
{
    (void)state;
    const struct profile profile = {
        .connector_type = STR("SAPOData"),
        .connection_mode = STR("Public"),
        .properties = STR("{\"SAPOData\":{\"applicationHostUrl\":\"https://sap.example.com\","
                          "\"applicationServicePath\":\"/catalog\",\"portNumber\":443}}"),
    };
    const struct profile redshift = {
        .connector_type = STR("Redshift"),
        .connection_mode = STR("Public"),
        .properties = STR("{\"Redshift\":{\"isRedshiftServerless\":true}}"),
    };
    struct arena arena = {0};
    struct profile_forecast forecast;
    forecast_row(&arena, profile, "{}", &forecast);
    assert_int_equal(forecast.count, 0);
    assert_null(forecast.first);
    forecast_row(&arena, redshift, "{}", &forecast);
    assert_int_equal(forecast.first->kind, CREDENTIAL_ROLE);
    arena_done(&arena);
}

static void what_is_said_of_a_vendor_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct http_connector *http = connector_at(i)->http;
        if (!http)
            continue;
        const struct credential_life *life = &http->life;
        assert_int_equal(life->young_s != 0, life->young != NULL);
        assert_int_equal(life->password_ends_ms != 0, life->password_ends != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_of_the_table_decides),
        cmocka_unit_test(a_private_connection_is_accepted_when_it_is_created),
        cmocka_unit_test(credentials_that_no_method_takes_are_no_role),
        cmocka_unit_test(what_is_said_of_a_vendor_is_complete),
    };
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}
