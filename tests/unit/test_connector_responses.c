/* What vendors document that they answer (connectors/NAME/responses.json), held against the rules:
 * each row is decided by the rule that it names, each rule decides a row, and neither the verdict
 * nor the hint gives a reason that the vendor does not give. */
#include "cmocka_all.h"

#include "base/buf.h"
#include "connector/http/classify.h"
#include "connector/http/redact.h"
#include "wire/json_pointer.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 256 * 1024, RULES_MAX = 128, HEADERS_MAX = 4, TEXT_MAX = 4096 };

static const char *const cause_names[] = {
    "credential", "grant",   "client",     "redirect", "second-factor", "new-password",
    "user",       "account", "permission", "policy",   "gateway",       "limit",
    "busy",       "outage",  "address",    "object",   "unsupported",   "clock",
};

static const struct {
    const char *name;
    unsigned grant;
} grant_names[] = {
    {"refresh", GRANT_REFRESH},       {"code", GRANT_CODE},
    {"jwt-bearer", GRANT_JWT_BEARER}, {"client-credentials", GRANT_CLIENT_CREDENTIALS},
    {"password", GRANT_PASSWORD},
};

/* Of these causes the vendor must give at least one for the verdict to be true. */
static const unsigned true_for[] = {
    [VERDICT_ACCEPTED] = 0,
    [VERDICT_REJECTED] = CAUSE_CREDENTIAL | CAUSE_GRANT | CAUSE_CLIENT | CAUSE_REDIRECT |
                         CAUSE_SECOND_FACTOR | CAUSE_NEW_PASSWORD | CAUSE_USER | CAUSE_ACCOUNT |
                         CAUSE_PERMISSION,
    [VERDICT_FORBIDDEN] = CAUSE_PERMISSION | CAUSE_ACCOUNT | CAUSE_CLIENT,
    [VERDICT_BLOCKED] = CAUSE_POLICY | CAUSE_GATEWAY,
    [VERDICT_THROTTLED] = CAUSE_LIMIT,
    [VERDICT_BUSY] = CAUSE_BUSY,
    [VERDICT_UNREACHABLE] = CAUSE_OUTAGE | CAUSE_GATEWAY | CAUSE_ADDRESS | CAUSE_UNSUPPORTED,
    [VERDICT_MISCONFIGURED] =
        CAUSE_ADDRESS | CAUSE_OBJECT | CAUSE_UNSUPPORTED | CAUSE_CLIENT | CAUSE_PERMISSION,
    [VERDICT_ABSENT] = CAUSE_OBJECT,
    [VERDICT_INTERNAL] = 0,
};

/* What a hint cannot say, whatever it is tagged with, without meaning one of these causes. */
static const struct {
    const char *phrase; /* in small letters */
    unsigned means;
} phrases[] = {
    {"second factor", CAUSE_SECOND_FACTOR},
    {"two-factor", CAUSE_SECOND_FACTOR},
    {"try again", CAUSE_LIMIT | CAUSE_BUSY | CAUSE_OUTAGE | CAUSE_GATEWAY},
    {"revoked", CAUSE_GRANT | CAUSE_CREDENTIAL},
    {"expired", CAUSE_GRANT | CAUSE_CREDENTIAL | CAUSE_NEW_PASSWORD | CAUSE_ACCOUNT},
    {"expires", CAUSE_GRANT | CAUSE_CREDENTIAL},
    {"get a new", CAUSE_GRANT | CAUSE_CREDENTIAL},
    {"get new", CAUSE_GRANT | CAUSE_CREDENTIAL},
    {"ip address", CAUSE_POLICY},
    {"login hours", CAUSE_POLICY},
    {"session control", CAUSE_POLICY},
    {"firewall", CAUSE_GATEWAY},
    {"proxy", CAUSE_GATEWAY},
    {"vendor's gateway", CAUSE_GATEWAY},
    {"scope", CAUSE_PERMISSION},
    {"permission", CAUSE_PERMISSION},
    {"privilege", CAUSE_PERMISSION},
    {"authorization s_", CAUSE_PERMISSION},
    {" role", CAUSE_PERMISSION | CAUSE_CREDENTIAL},
    {"change the password", CAUSE_NEW_PASSWORD},
    {"password", CAUSE_CREDENTIAL | CAUSE_NEW_PASSWORD | CAUSE_SECOND_FACTOR},
    {"inactive", CAUSE_USER | CAUSE_ACCOUNT},
    {" locked", CAUSE_USER | CAUSE_ACCOUNT | CAUSE_CLIENT},
    {"enable the user", CAUSE_USER},
    {"clock", CAUSE_CLOCK},
    {"redirecturi", CAUSE_REDIRECT},
    {"pkce", CAUSE_UNSUPPORTED},
    {"client id", CAUSE_CLIENT},
    {"clientid", CAUSE_CLIENT},
    {"clientsecret", CAUSE_CLIENT},
    {"refresh token is", CAUSE_GRANT},
    {"code works once", CAUSE_GRANT},
    {"api key", CAUSE_CREDENTIAL},
    {"secret key", CAUSE_CREDENTIAL},
    {"instanceurl", CAUSE_ADDRESS},
    {"quota", CAUSE_LIMIT},
    {"limit ", CAUSE_LIMIT},
    {"too many c", CAUSE_LIMIT},
    {"maintenance", CAUSE_OUTAGE},
    {"internal error", CAUSE_OUTAGE},
    {"is busy", CAUSE_BUSY},
    {"another request", CAUSE_BUSY},
};

struct table {
    struct arena arena;
    const struct connector *connector;
    char folder[64];
    struct value *json;
    bool decided[RULES_MAX];
};

/* Across all tables: the common rules are everybody's. */
static bool common_decided[RULES_MAX];

static const char *in_small(struct arena *arena, const char *text)
{
    char *copy = (char *)arena_copy(arena, (struct str){text, strlen(text) + 1}).data;
    for (char *c = copy; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    return copy;
}

static void open_table(struct table *table, const struct connector *connector)
{
    char path[512];
    *table = (struct table){.connector = connector};
    snprintf(table->folder, sizeof(table->folder), "%s",
             in_small(&table->arena, arena_cstr(&table->arena, connector->type)));
    snprintf(path, sizeof(path), CONNECTORS "/%s/responses.json", table->folder);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s is missing", path);
    char *text = arena_array(&table->arena, char, FILE_MAX);
    size_t len = fread(text, 1, FILE_MAX, file);
    fclose(file);
    if (!json_parse((struct str){text, len}, &table->arena, &table->json))
        fail_msg("%s is not JSON", path);
}

static unsigned causes_of(const struct table *table, const struct value *row)
{
    const struct value *list = value_get(row, "causes");
    unsigned causes = 0;
    for (size_t i = 0; i < list->count; i++) {
        unsigned cause = 0;
        for (size_t j = 0; j < sizeof(cause_names) / sizeof(*cause_names); j++)
            cause |= str_eq(list->items[i]->text, str_from(cause_names[j])) ? 1U << j : 0;
        if (cause == 0)
            fail_msg("%s: no cause %.*s", table->folder, STR_ARG(list->items[i]->text));
        causes |= cause;
    }
    return causes;
}

static void read_response(struct table *table, const struct value *row,
                          struct vendor_response *response)
{
    const struct value *json = value_get(row, "json"), *headers = value_get(row, "headers");
    struct buf body = buf_in(&table->arena, TEXT_MAX);
    if (json)
        value_encode(&body, json);
    else
        buf_add(&body, value_text(row, "text"));
    assert_false(body.overflow);
    *response = (struct vendor_response){.http = {.outcome = CLIENT_OK,
                                                  .status = (int)value_integer(row, "status", -1),
                                                  .body = buf_str(&body)}};
    struct http_header *list = arena_array(&table->arena, struct http_header, HEADERS_MAX);
    for (size_t i = 0; headers && i < headers->count; i++)
        list[i] = (struct http_header){headers->names[i], headers->items[i]->text};
    response->http.headers = list;
    response->http.header_count = headers ? headers->count : 0;
    vendor_response_read(&table->arena, response);
}

static struct call_context call_of(const struct value *row)
{
    struct call_context call = {.step = str_eq(value_text(row, "step"), STR("token")) ? STEP_TOKEN
                                                                                      : STEP_API};
    for (size_t i = 0; i < sizeof(grant_names) / sizeof(*grant_names); i++) {
        if (str_eq(value_text(row, "grant"), str_from(grant_names[i].name)))
            call.grant = grant_names[i].grant;
    }
    assert_true(!value_get(row, "grant") || call.grant);
    return call;
}

static void spell_condition(struct buf *out, const struct connector_rule *rule)
{
    if (rule->at)
        buf_printf(out, " %s", rule->at);
    else if (rule->header)
        buf_printf(out, " header %s", rule->header);
    else if (rule->contains || rule->equals)
        buf_add_cstr(out, " body");
    if (rule->equals)
        buf_printf(out, " = %s", rule->equals);
    else if (rule->contains)
        buf_printf(out, " ~ %s", rule->contains);
    if (rule->absent)
        buf_add_cstr(out, " absent");
    if (rule->past)
        buf_add_cstr(out, " past");
}

/* As rows name it: "refresh: 400 /error = invalid_grant", "common 429". */
static struct str spell_rule(struct arena *arena, const struct connector *connector,
                             const struct connector_rule *rule)
{
    struct buf out = buf_in(arena, TEXT_MAX);
    if (!rule)
        return STR("none");
    const struct connector_rule *rows = connector->http->rules.rows;
    if (!rows || rule < rows || rule >= rows + connector->http->rules.count)
        buf_add_cstr(&out, "common");
    for (size_t i = 0; i < sizeof(grant_names) / sizeof(*grant_names); i++) {
        if (rule->grants & grant_names[i].grant)
            buf_printf(&out, " %s:", grant_names[i].name);
    }
    if (rule->status != 0)
        buf_printf(&out, rule->status < 10 ? " %dxx" : " %d", rule->status);
    if (rule->page)
        buf_add_cstr(&out, " page");
    spell_condition(&out, rule);
    return str_trim(buf_str(&out));
}

static void note_decided(struct table *table, const struct connector_rule *rule)
{
    struct connector_rules common = classify_common_rules();
    const struct connector_rules *own = &table->connector->http->rules;
    assert_true(own->count <= RULES_MAX && common.count <= RULES_MAX);
    if (own->rows && rule >= own->rows && rule < own->rows + own->count)
        table->decided[rule - own->rows] = true;
    else if (rule)
        common_decided[rule - common.rows] = true;
}

static void assert_hint_is_true(struct table *table, const char *row, const char *hint,
                                unsigned causes)
{
    const char *text = in_small(&table->arena, hint);
    for (size_t i = 0; i < sizeof(phrases) / sizeof(*phrases); i++) {
        if (strstr(text, phrases[i].phrase) && !(phrases[i].means & causes))
            fail_msg("%s, %s: the hint says \"%s\", which the vendor does not: %s", table->folder,
                     row, phrases[i].phrase, hint);
    }
}

static void assert_row(struct table *table, const struct value *row)
{
    struct vendor_response response;
    struct call_context call = call_of(row);
    read_response(table, row, &response);
    struct classification classification =
        classify(&table->arena, table->connector, &call, &response);
    const char *name = arena_cstr(&table->arena, response.http.body);
    struct str rule = spell_rule(&table->arena, table->connector, classification.rule);
    if (!str_eq(rule, value_text(row, "rule")))
        fail_msg("%s, %d %s: decided by \"%.*s\"", table->folder, response.http.status, name,
                 STR_ARG(rule));
    if (!str_eq(value_text(row, "kind"), str_from(verdict_kind_name(classification.kind))))
        fail_msg("%s, %d %s: %s", table->folder, response.http.status, name,
                 verdict_kind_name(classification.kind));
    unsigned causes = causes_of(table, row);
    if (classification.kind != VERDICT_ACCEPTED && !(causes & true_for[classification.kind]))
        fail_msg("%s, %s: the verdict %s is not what the vendor says", table->folder, name,
                 verdict_kind_name(classification.kind));
    if (classification.causes & ~causes)
        fail_msg("%s, %s: the hint gives reasons (0x%x) that the vendor does not: %s",
                 table->folder, name, classification.causes & ~causes, classification.hint);
    if (classification.hint)
        assert_hint_is_true(table, name, classification.hint, causes);
    const struct value *sources = value_get(table->json, "sources");
    struct str source = value_text(row, "source");
    if (value_text(sources, arena_cstr(&table->arena, source)).len == 0)
        fail_msg("%s, %s: no source", table->folder, name);
    note_decided(table, classification.rule);
}

static void assert_all_decided(const struct table *table, const struct connector *connector,
                               const struct connector_rules *rules, const bool *decided)
{
    struct arena arena = {0};
    for (size_t i = 0; i < rules->count; i++) {
        struct str rule = spell_rule(&arena, connector, &rules->rows[i]);
        if (!decided[i])
            fail_msg("%s: no documented answer is decided by \"%.*s\" (step %s)", table->folder,
                     STR_ARG(rule), verdict_step_name(rules->rows[i].step));
        if (rules->rows[i].hint && !rules->rows[i].causes && strstr(rules->rows[i].hint, "Check"))
            fail_msg("%s: the hint of \"%.*s\" names no cause", table->folder, STR_ARG(rule));
    }
    arena_done(&arena);
}

static void documented_answers_are_decided_by_their_own_rules(void **state)
{
    struct table table;
    struct connector_rules common = classify_common_rules();
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        if (!connector_at(i)->http)
            continue;
        open_table(&table, connector_at(i));
        const struct value *rows = value_get(table.json, "responses");
        assert_true(rows->count > 0);
        for (size_t j = 0; j < rows->count; j++)
            assert_row(&table, rows->items[j]);
        assert_all_decided(&table, table.connector, &table.connector->http->rules, table.decided);
        arena_done(&table.arena);
    }
    snprintf(table.folder, sizeof(table.folder), "the common table");
    assert_all_decided(&table, connector_at(0), &common, common_decided);
}

/* Every text of a documented answer, wherever it is. */
static void assert_keeps_its_words(const struct table *table, const struct redaction *redaction,
                                   const struct value *value)
{
    if (value->kind == VALUE_STRING) {
        struct str clean = redact(redaction, value->text);
        if (!str_eq(clean, value->text))
            fail_msg("%s: \"%.*s\" became \"%.*s\"", table->folder, STR_ARG(value->text),
                     STR_ARG(clean));
    }
    for (size_t i = 0; i < value->count; i++)
        assert_keeps_its_words(table, redaction, value->items[i]);
}

/* The redaction knows ordinary secrets: passwords, tokens of several vendors, a callback. */
static void documented_answers_keep_their_words(void **state)
{
    static const char *const secrets[] = {
        "Passw0rd!2024",
        "Summer-Holiday-in-Rome-77",
        "44b9e1c7d0a35f6829be4c17d3a08f52",
        "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy",
        "5Aep861TSESvWeug_xvFHRBTTbf_YrTWgEyjBJT",
    };
    struct table table;
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        if (!connector_at(i)->http)
            continue;
        open_table(&table, connector_at(i));
        struct redaction redaction = {.arena = &table.arena};
        for (size_t j = 0; j < sizeof(secrets) / sizeof(*secrets); j++)
            redact_add(&redaction, str_from(secrets[j]));
        redact_add_whole(&redaction, STR("https://app.example.com/oauth/callback"));
        redact_add_whole(&redaction, STR("service.user@acme.example"));
        const struct value *rows = value_get(table.json, "responses");
        for (size_t j = 0; j < rows->count; j++) {
            const struct value *json = value_get(rows->items[j], "json");
            const struct value *text = value_get(rows->items[j], "text");
            assert_true(json || text);
            assert_keeps_its_words(&table, &redaction, json ? json : text);
        }
        arena_done(&table.arena);
    }
}

/* Pages and JSON of firewalls and delivery networks, which no vendor's API sends. */
static const struct {
    int status;
    const char *body;
} foreign[] = {
    {403, "<html><head><title>Access denied</title></head><body>Blocked by policy</body></html>"},
    {403, "<!DOCTYPE HTML><html><title>ERROR: The request could not be satisfied</title></html>"},
    {403, "{\"message\":\"Forbidden\"}"},
    {403, "{\"blocked\":true,\"ray\":\"8a1b\"}"},
    {403, "Access denied by the web gateway"},
    {403, ""},
};

static void assert_says_nothing_of_credentials(const struct connector *connector,
                                               enum verdict_step step, int status, const char *body)
{
    static const char *const words[] = {"credential", "password", "permission", "token",
                                        "scope",      "revoked",  " key",       "secret"};
    struct arena arena = {0};
    struct vendor_response response = {
        .http = {.outcome = CLIENT_OK, .status = status, .body = str_from(body)}};
    const struct call_context call = {.step = step};
    vendor_response_read(&arena, &response);
    struct classification classification = classify(&arena, connector, &call, &response);
    struct verdict verdict = {
        .kind = classification.kind, .status = status, .hint = str_from(classification.hint)};
    struct str text = verdict_describe(&arena, connector->type, &verdict);
    if (classification.kind != VERDICT_BLOCKED)
        fail_msg("%.*s", STR_ARG(text));
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strstr(in_small(&arena, arena_cstr(&arena, text)), words[i]))
            fail_msg("%s: %.*s", words[i], STR_ARG(text));
    }
    arena_done(&arena);
}

static void a_firewalls_page_says_nothing_of_credentials(void **state)
{
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        if (!connector->http)
            continue;
        for (size_t j = 0; j < sizeof(foreign) / sizeof(*foreign); j++) {
            assert_says_nothing_of_credentials(connector, STEP_API, foreign[j].status,
                                               foreign[j].body);
            assert_says_nothing_of_credentials(connector, STEP_TOKEN, foreign[j].status,
                                               foreign[j].body);
        }
        if (connector->http->errors.count > 0)
            assert_says_nothing_of_credentials(connector, STEP_API, 401, foreign[0].body);
    }
}

static int set_up(void **state)
{
    (void)state;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documented_answers_are_decided_by_their_own_rules),
        cmocka_unit_test(documented_answers_keep_their_words),
        cmocka_unit_test(a_firewalls_page_says_nothing_of_credentials),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
