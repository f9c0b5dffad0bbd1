/* Forecasts as a table, as a page about one profile, and as JSON. */
#include "cli/profile_print.h"

#include "base/buf.h"
#include "base/clock.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "connector/connector.h"
#include "connector/http/http_connector.h"
#include "connector/token_policies.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <string.h>

enum {
    JSON_MAX = 128 * 1024,
    JSON_TEXT_MAX = 2048, /* so that all texts fit JSON_MAX */
    MINUTE_TEXT = 16      /* of "2026-01-31T23:59:59Z" */
};

/* An answer about other credentials counts for nothing. */
static struct profile_asked asked_of(struct arena *arena, const struct stored_credentials_row *row)
{
    struct profile_asked asked = row->asked;
    if (asked.version != row->profile.credentials_version)
        return (struct profile_asked){0};
    asked.words = asked.words.data ? arena_copy(arena, asked.words) : STR_NULL;
    return asked;
}

void shown_profile_set(struct arena *arena, const struct stored_credentials_row *row,
                       const struct profile_forecast *forecast, struct shown_profile *ret_shown)
{
    const struct profile *profile = &row->profile;
    const struct connector *connector = connector_by_type(profile->connector_type);
    struct str label = profile->connector_label;
    const struct credential_forecast *first = forecast->first;
    *ret_shown = (struct shown_profile){
        .key = profile_key_copy(arena, profile->key),
        .connector = arena_printf(arena, "%.*s%s%.*s", STR_ARG(profile->connector_type),
                                  label.len > 0 ? " " : "", STR_ARG(label)),
        .connection_mode = arena_copy(arena, profile->connection_mode),
        .forecast = *forecast,
        .previous_until_ms = profile->previous_until_ms,
        .previous_refused = profile->previous_refused.data
                                ? arena_copy(arena, profile->previous_refused)
                                : STR_NULL,
        .fell_back_at_ms = profile->fell_back_at_ms,
        .asked = asked_of(arena, row),
        .life = connector && connector->http ? &connector->http->life : NULL,
    };
    for (size_t i = 0; i < forecast->count; i++) {
        struct credential_forecast *each = &ret_shown->forecast.credentials[i];
        each->because = arena_cstr(arena, str_from(each->because));
    }
    if (first) {
        struct credential_forecast *copy = arena_new(arena, struct credential_forecast);
        *copy = ret_shown->forecast.credentials[first - forecast->credentials];
        ret_shown->forecast.first = copy;
    }
}

/* "2026-01-31 23:59" in UTC, or "-". */
static struct str minute(struct arena *arena, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];
    if (ms == 0)
        return STR("-");
    clock_text(ms, text);
    text[10] = ' ';
    return arena_copy(arena, (struct str){text, MINUTE_TEXT});
}

static struct str because(const struct shown_profile *shown)
{
    if (shown->forecast.state == FORECAST_UNREADABLE)
        return STR("what is stored does not open: see headgate check");
    if (!shown->forecast.first)
        return STR("the credentials contain nothing to authenticate with");
    return str_from(shown->forecast.first->because);
}

static const char *confidence(const struct shown_profile *shown)
{
    const struct credential_forecast *first = shown->forecast.first;
    return first ? forecast_confidence_name(first->confidence) : "-";
}

/* --- the table --- */

void shown_profiles_print(struct arena *arena, const struct shown_profile *rows, size_t count)
{
    static const struct table_column columns[] = {
        {"ACCOUNT", 12, true},   {"REGION", 9, true},      {"NAME", 12, false},
        {"CONNECTOR", 8, false}, {"STATE", 5, false},      {"WORKS UNTIL", 16, false},
        {"BECAUSE", 12, false},  {"CONFIDENCE", 7, false},
    };
    enum { COLUMNS = sizeof(columns) / sizeof(*columns) };
    struct str *cells = arena_array(arena, struct str, count * COLUMNS + 1);
    for (size_t i = 0; i < count; i++) {
        const struct shown_profile *row = &rows[i];
        const struct str texts[COLUMNS] = {
            row->key.account,
            row->key.region,
            row->key.name,
            row->connector,
            str_from(forecast_state_name(row->forecast.state)),
            minute(arena, row->forecast.works_until_ms),
            because(row),
            str_from(confidence(row)),
        };
        memcpy(&cells[i * COLUMNS], texts, sizeof(texts));
    }
    table_print(columns, COLUMNS, cells, count);
}

/* --- JSON --- */

static void put_time(struct arena *arena, struct value *value, const char *name, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];
    if (ms == 0)
        return;
    clock_text(ms, text);
    value_put_text(arena, value, name, arena_copy(arena, str_from(text)));
}

/* A row that something else than the server wrote may hold any bytes, of any length. */
static void put_text(struct arena *arena, struct value *value, const char *name, struct str text)
{
    if (text.len > JSON_TEXT_MAX)
        text.len = JSON_TEXT_MAX;
    if (text.data)
        value_put_text(arena, value, name, terminal_text(arena, text));
}

static struct value *profile_value(struct arena *arena, const struct shown_profile *shown)
{
    struct value *value = value_structure(arena);
    put_text(arena, value, "account", shown->key.account);
    put_text(arena, value, "region", shown->key.region);
    put_text(arena, value, "name", shown->key.name);
    put_text(arena, value, "connector", shown->connector);
    put_text(arena, value, "connectionMode", shown->connection_mode);
    put_text(arena, value, "state", str_from(forecast_state_name(shown->forecast.state)));
    put_time(arena, value, "worksUntil", shown->forecast.works_until_ms);
    put_text(arena, value, "because", because(shown));
    put_text(arena, value, "confidence", str_from(confidence(shown)));
    put_time(arena, value, "verifiedAt", shown->forecast.verified_ms);
    put_time(arena, value, "fellBackAt", shown->fell_back_at_ms);
    return value;
}

static struct value *credentials_value(struct arena *arena, const struct profile_forecast *forecast)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; i < forecast->count; i++) {
        const struct credential_forecast *each = &forecast->credentials[i];
        struct value *value = value_structure(arena);
        put_text(arena, value, "kind", str_from(credential_kind_name(each->kind)));
        put_time(arena, value, "obtainedAt", each->obtained_ms);
        put_time(arena, value, "expiresAt", each->expires_ms);
        put_time(arena, value, "worksUntil", each->works_until_ms);
        put_text(arena, value, "because", str_from(each->because));
        put_text(arena, value, "confidence", str_from(forecast_confidence_name(each->confidence)));
        value_append(arena, list, value);
    }
    return list;
}

static bool has_refresh_token(const struct profile_forecast *forecast)
{
    bool found = false;
    for (size_t i = 0; i < forecast->count; i++)
        found |= forecast->credentials[i].kind == CREDENTIAL_REFRESH_TOKEN;
    return found;
}

static bool has_tokens(const struct profile_forecast *forecast)
{
    bool found = has_refresh_token(forecast);
    for (size_t i = 0; i < forecast->count; i++)
        found |= forecast->credentials[i].kind == CREDENTIAL_ACCESS_TOKEN;
    return found;
}

static struct value *previous_value(struct arena *arena, const struct shown_profile *shown)
{
    struct value *value = value_structure(arena);
    put_time(arena, value, "keptUntil", shown->previous_until_ms);
    put_text(arena, value, "refused", shown->previous_refused);
    return value;
}

static struct value *vendor_value(struct arena *arena, const struct shown_profile *shown)
{
    static const char *const rotations[] = {
        [ROTATION_POSSIBLE] = "possible", [ROTATION_NEVER] = "never", [ROTATION_ALWAYS] = "always"};
    const struct token_policy *policy = shown->forecast.policy;
    struct value *value = value_structure(arena);
    if (has_refresh_token(&shown->forecast))
        put_text(arena, value, "rotation", str_from(rotations[policy->rotation]));
    if (policy->absolute_s != 0)
        value_put_integer(arena, value, "refreshTokenSeconds", policy->absolute_s);
    if (policy->idle_s != 0)
        value_put_integer(arena, value, "idleSeconds", policy->idle_s);
    if (policy->idle_s != 0)
        value_put_flag(arena, value, "idleLimitMayApply", shown->life->idle_is_conditional);
    put_time(arena, value, "passwordsEndAt", shown->life->password_ends_ms);
    return value;
}

static void print_value(struct arena *arena, const struct value *value)
{
    struct buf json = buf_in(arena, JSON_MAX);
    value_encode(&json, value);
    printf("%.*s\n", STR_ARG(buf_str(&json)));
}

void shown_profiles_print_json(struct arena *arena, const struct shown_profile *rows, size_t count)
{
    struct arena line = arena_beside(arena);
    for (size_t i = 0; i < count; i++) {
        print_value(&line, profile_value(&line, &rows[i]));
        arena_reset(&line);
    }
    arena_done(&line);
}

/* --- one profile --- */

static void print_credentials(struct arena *arena, const struct profile_forecast *forecast)
{
    static const struct table_column columns[] = {
        {"CREDENTIAL", 10, false},  {"OBTAINED", 16, false}, {"EXPIRES", 7, false},
        {"WORKS UNTIL", 16, false}, {"BECAUSE", 12, false},  {"CONFIDENCE", 7, false},
    };
    enum { COLUMNS = sizeof(columns) / sizeof(*columns) };
    struct str cells[CREDENTIAL_KINDS * COLUMNS];
    for (size_t i = 0; i < forecast->count; i++) {
        const struct credential_forecast *each = &forecast->credentials[i];
        const struct str texts[COLUMNS] = {
            str_from(credential_kind_name(each->kind)),
            minute(arena, each->obtained_ms),
            minute(arena, each->expires_ms),
            minute(arena, each->works_until_ms),
            str_from(each->because),
            str_from(forecast_confidence_name(each->confidence)),
        };
        memcpy(&cells[i * COLUMNS], texts, sizeof(texts));
    }
    putchar('\n');
    table_print(columns, COLUMNS, cells, forecast->count);
}

static struct str policy_text(struct arena *arena, const struct credential_life *life,
                              const struct token_policy *policy)
{
    struct buf text = buf_in(arena, 1024);
    if (policy->absolute_s != 0)
        buf_printf(&text, "a refresh token works %d days from the authorization",
                   policy->absolute_s / LIFE_DAY_S);
    if (policy->idle_s != 0)
        buf_printf(&text, "%san unused refresh token ends after %d days%s",
                   text.len > 0 ? "; " : "", policy->idle_s / LIFE_DAY_S,
                   life->idle_is_conditional ? " where the app has this limit" : "");
    if (policy->rotation == ROTATION_ALWAYS)
        buf_printf(&text, "%seach use replaces the refresh token", text.len > 0 ? "; " : "");
    if (life->young_s != 0)
        buf_printf(&text, "%s%s", text.len > 0 ? "; " : "", life->young);
    if (life->password_ends_ms != 0)
        buf_printf(&text, "%s%s", text.len > 0 ? "; " : "", life->password_ends);
    return buf_str(&text);
}

/* What the vendor said may be any text: it is printed as such. */
static void print_previous(struct arena *arena, const struct shown_profile *shown)
{
    struct str refused = shown->previous_refused;
    if (shown->fell_back_at_ms != 0)
        terminal_print_wrapped(
            "Note", arena_printf(arena,
                                 "went back to the previous credentials at %.*s UTC, since the "
                                 "vendor refused newer ones: give it others",
                                 STR_ARG(minute(arena, shown->fell_back_at_ms))));
    if (shown->previous_until_ms != 0)
        terminal_print_wrapped(
            "Before", arena_printf(arena, "other credentials are kept until %.*s UTC%s%.*s",
                                   STR_ARG(minute(arena, shown->previous_until_ms)),
                                   refused.data ? "; refused: " : "", STR_ARG(refused)));
}

static struct str said_text(struct arena *arena, const struct profile_asked *asked)
{
    struct str end = minute(arena, asked->end_ms);
    bool is_end_known = asked->end_ms != 0;
    if (!asked->words.data && !is_end_known)
        return STR("the vendor said that it has no end");
    if (!asked->words.data)
        return arena_printf(arena, "the vendor said that it ends at %.*s UTC", STR_ARG(end));
    return arena_printf(arena, "the vendor did not say when it ends%s%.*s%s: %.*s",
                        is_end_known ? " (before, it said " : "",
                        STR_ARG(is_end_known ? end : STR("")), is_end_known ? " UTC)" : "",
                        STR_ARG(asked->words));
}

/* What the vendor said may be any text, as above. */
static void print_asked(struct arena *arena, const struct profile_asked *asked)
{
    if (asked->version != 0)
        terminal_print_wrapped("Asked", arena_printf(arena, "%.*s UTC: %.*s",
                                                     STR_ARG(minute(arena, asked->at_ms)),
                                                     STR_ARG(said_text(arena, asked))));
}

static void print_page(struct arena *arena, const struct shown_profile *shown)
{
    const struct profile_forecast *forecast = &shown->forecast;
    terminal_print_wrapped("Name", shown->key.name);
    terminal_print_wrapped("Account", arena_printf(arena, "%.*s, %.*s", STR_ARG(shown->key.account),
                                                   STR_ARG(shown->key.region)));
    terminal_print_wrapped("For", arena_printf(arena, "%.*s, %.*s", STR_ARG(shown->connector),
                                               STR_ARG(shown->connection_mode)));
    terminal_print_wrapped("State", str_from(forecast_state_name(forecast->state)));
    terminal_print_wrapped(
        "Works",
        forecast->works_until_ms != 0
            ? arena_printf(arena, "until %.*s UTC: %.*s (%s)",
                           STR_ARG(minute(arena, forecast->works_until_ms)),
                           STR_ARG(because(shown)), confidence(shown))
            : arena_printf(arena, "%.*s (%s)", STR_ARG(because(shown)), confidence(shown)));
    if (forecast->verified_ms != 0)
        terminal_print_wrapped("Checked",
                               arena_printf(arena, "%.*s UTC, accepted by the vendor",
                                            STR_ARG(minute(arena, forecast->verified_ms))));
    print_asked(arena, &shown->asked);
    print_previous(arena, shown);
    struct str policy = shown->life && forecast->policy
                            ? policy_text(arena, shown->life, forecast->policy)
                            : STR("");
    if (policy.len > 0)
        terminal_print_wrapped("Vendor", policy);
    if (forecast->policy && has_tokens(forecast))
        terminal_print_wrapped(
            "Policy",
            arena_printf(arena, "%.*s%s", STR_ARG(token_policy_text(arena, forecast->policy)),
                         forecast->policy->is_changed ? " (with the operator's --token-policy)"
                                                      : ""));
    if (forecast->count > 0)
        print_credentials(arena, forecast);
}

static void put_asked(struct arena *arena, struct value *value, const struct profile_asked *asked)
{
    struct value *lookup = value_structure(arena);
    if (asked->version == 0)
        return;
    put_time(arena, lookup, "askedAt", asked->at_ms);
    put_time(arena, lookup, "endsAt", asked->end_ms);
    put_text(arena, lookup, "error", asked->words);
    value_put(arena, value, "endLookup", lookup);
}

static void put_policy(struct arena *arena, struct value *value,
                       const struct profile_forecast *forecast)
{
    if (!forecast->policy || !has_tokens(forecast))
        return;
    put_text(arena, value, "tokenPolicy", token_policy_text(arena, forecast->policy));
    value_put_flag(arena, value, "tokenPolicyChanged", forecast->policy->is_changed);
}

void shown_profile_print(struct arena *arena, const struct shown_profile *shown, bool json)
{
    if (!json) {
        print_page(arena, shown);
        return;
    }
    struct value *value = profile_value(arena, shown);
    value_put(arena, value, "credentials", credentials_value(arena, &shown->forecast));
    put_asked(arena, value, &shown->asked);
    if (shown->previous_until_ms != 0)
        value_put(arena, value, "previousCredentials", previous_value(arena, shown));
    struct value *vendor =
        shown->life && shown->forecast.policy ? vendor_value(arena, shown) : NULL;
    if (vendor && vendor->count > 0)
        value_put(arena, value, "vendor", vendor);
    put_policy(arena, value, &shown->forecast);
    print_value(arena, value);
}
