/* The scripted vendor. */
#include "connector_script.h"

#include "base/clock.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* client_call has no context: one script runs at a time. */
static struct script *running;

static void add_log(struct script *script, const char *verb, struct str a, struct str b,
                    struct str c)
{
    if (!script->log.limit)
        script->log = buf_in(&script->arena, SCRIPT_TEXT_MAX);
    buf_printf(&script->log, "%s %.*s %.*s %.*s\n", verb, STR_ARG(a), STR_ARG(b), STR_ARG(c));
}

/* A date and a signature, which differ each time, as words: "Credential=ID/DATE/REGION/…". */
static struct str shown(struct arena *arena, const struct http_header *header)
{
    struct str id, date, rest, before;
    if (str_eq(header->name, STR("X-Amz-Date")))
        return STR("TIME");
    if (!str_eq(header->name, STR("Authorization")) ||
        !str_starts(header->value, STR("AWS4-HMAC-SHA256 ")))
        return header->value;
    assert_true(str_cut(header->value, '/', &id, &rest) && str_cut(rest, '/', &date, &rest));
    const char *end = memmem(rest.data, rest.len, "Signature=", 10);
    assert_non_null(end);
    before = (struct str){rest.data, (size_t)(end - rest.data)};
    return arena_printf(arena, "%.*s/DATE/%.*sSignature=SIGNATURE", STR_ARG(id), STR_ARG(before));
}

static const char *spell(struct arena *arena, const struct client_request *request)
{
    struct buf out = buf_in(arena, SCRIPT_TEXT_MAX);
    buf_printf(&out, "%.*s %.*s\n", STR_ARG(request->method), STR_ARG(request->url));
    for (size_t i = 0; i < request->header_count; i++)
        buf_printf(&out, "%.*s: %.*s\n", STR_ARG(request->headers[i].name),
                   STR_ARG(shown(arena, &request->headers[i])));
    buf_printf(&out, "\n%.*s", STR_ARG(request->body));
    assert_false(out.overflow);
    return out.data;
}

static bool is_uuid(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx";
    for (size_t i = 0; form[i]; i++) {
        if (form[i] == 'x' ? !text[i] || !strchr("0123456789abcdef", text[i]) : text[i] != form[i])
            return false;
    }
    return true;
}

/* What is expected, with the UUIDs that are in `bytes` at the same places. */
static const char *put_uuids(struct arena *arena, const char *expected, const char *bytes)
{
    struct buf out = buf_in(arena, SCRIPT_TEXT_MAX);
    const char *place;
    while ((place = strstr(expected, "%UUID%"))) {
        buf_add(&out, (struct str){expected, (size_t)(place - expected)});
        expected = place + strlen("%UUID%");
        bool found = strlen(bytes) > out.len && is_uuid(bytes + out.len);
        buf_add(&out, found ? (struct str){bytes + out.len, 36} : STR("(a UUID)"));
    }
    buf_add_cstr(&out, expected);
    return out.data;
}

static void add_headers(struct arena *arena, const char *lines, struct client_response *response)
{
    struct http_header *headers = arena_array(arena, struct http_header, 8);
    struct str left = str_from(lines), line, name, value;
    while (left.len > 0 && str_cut(left, '\n', &line, &left)) {
        assert_true(str_cut(line, ':', &name, &value));
        headers[response->header_count++] = (struct http_header){name, str_trim(value)};
    }
    response->headers = headers;
}

/* In pieces of one byte, as a slow peer sends them. */
static void push_body(const struct client_sink *sink, struct client_response *response)
{
    struct str body = response->body;
    response->body = STR_NULL;
    bool taken =
        response->outcome == CLIENT_OK && (!sink->head || sink->head(sink->context, response));
    for (size_t i = 0; taken && i < body.len; i++)
        taken = sink->push(sink->context, (struct str){body.data + i, 1});
    if (response->outcome == CLIENT_OK && !taken)
        response->outcome = CLIENT_ABORTED;
}

static void script_call(struct client *client, struct arena *arena,
                        const struct client_request *request, struct client_response *ret_response)
{
    struct script *script = running;
    assert_null(client);
    const char *bytes = spell(arena, request);
    if (script->next == script->count)
        fail_msg("a call that the script does not have: %s", bytes);
    const struct scripted *step = &script->steps[script->next++];
    if (step->request)
        assert_string_equal(bytes, put_uuids(arena, step->request, bytes));
    assert_str(request->route ? request->route->name : STR_NULL, step->route);
    while (step->late && clock_mono_ms() <= request->deadline_ms)
        nanosleep(&(struct timespec){0, 1000 * 1000}, NULL);
    *ret_response = (struct client_response){
        .outcome = step->outcome,
        .status = step->status,
        .body = str_from(step->body ? step->body : ""),
        .connected = step->connected,
        .sent = step->sent,
        .reused = step->reused,
        .detail = step->detail,
    };
    add_headers(arena, step->headers, ret_response);
    if (request->sink)
        push_body(request->sink, ret_response);
}

/* 2024-01-31T08:15:30.007Z, always. */
static int64_t script_wall_ms(void)
{
    return 1706688930007;
}

static void script_pause(int64_t duration_ms)
{
    running->pauses++;
    running->paused_ms += duration_ms;
}

static struct str script_endpoint(void *context, struct str connector_type)
{
    struct script *script = context;
    assert_true(connector_type.len > 0);
    return str_from(script->endpoint);
}

static bool is_next_resumed(struct script *script)
{
    size_t resumed = script->resumes++;
    return script->resumed_next.access_token.data &&
           (script->resumes_in_turn ? resumed % 2 == 1 : resumed > 0);
}

static enum grant_journal_state script_begin(void *context, struct token_grant_intent *intent,
                                             struct arena *arena, struct oauth_tokens *ret_tokens,
                                             struct error *error)
{
    struct script *script = context;
    (void)arena;
    assert_false(script->held);
    add_log(script, intent->again ? "begin again" : "begin", intent->grant, intent->token_url,
            intent->secret);
    script->durable = intent->durable;
    intent->attempted_at_ms = script->attempted_at_ms;
    enum grant_journal_state state =
        script->states ? script->states[script->begun] : GRANT_JOURNAL_NEW;
    script->begun++;
    script->held = state == GRANT_JOURNAL_NEW;
    if (state == GRANT_JOURNAL_RESUME)
        *ret_tokens = is_next_resumed(script) ? script->resumed_next : script->resumed;
    if (state == GRANT_JOURNAL_FAILED)
        fail(error, ERR_UNAVAILABLE, "The store cannot be read.");
    return state;
}

static bool script_save(void *context, const struct oauth_tokens *tokens, struct error *error)
{
    struct script *script = context;
    add_log(script, "save", tokens->access_token, tokens->refresh_token, tokens->instance_url);
    script->saved = *tokens;
    return script->save_fails ? fail(error, ERR_UNAVAILABLE, "The disk is full.") : true;
}

static void script_end(void *context, enum token_grant_end how)
{
    static const char *const names[] = {
        [TOKEN_GRANT_VOID] = "void", [TOKEN_GRANT_SAVED] = "saved", [TOKEN_GRANT_LOST] = "lost"};
    struct script *script = context;
    script->held = false;
    add_log(script, "end", str_from(names[how]), STR(""), STR(""));
}

/* The operator's list of apps. */
static bool script_find(void *context, struct str connector_type, struct arena *arena,
                        struct oauth_app *ret_app, struct error *error)
{
    struct script *script = context;
    assert_non_null(arena);
    add_log(script, "app", connector_type, STR(""), STR(""));
    if (script->app_error != ERR_NONE)
        return fail(error, script->app_error, "The app is away.");
    if (!script->app_secret)
        return fail(error, ERR_NOT_FOUND, "No OAuth app is set up for %.*s.",
                    STR_ARG(connector_type));
    *ret_app = (struct oauth_app){STR("app-id"), str_from(script->app_secret)};
    return true;
}

static const struct shape *find_shape(const char *name)
{
    for (size_t i = 0; i < api_shape_count; i++) {
        if (str_eq(api_shapes[i].name, str_from(name)))
            return &api_shapes[i];
    }
    fail_msg("no shape %s", name);
    return NULL;
}

const struct value *script_value(struct script *script, const char *shape, const char *json)
{
    struct value *value = NULL;
    if (!json)
        return NULL;
    if (!restjson_decode(find_shape(shape), str_from(json), &script->arena, &value, &script->error))
        fail_msg("%s: %s", json, script->error.message);
    return value;
}

static const struct value *part(struct script *script, const char *type, const char *what,
                                const char *json)
{
    const struct connector *connector = connector_by_type(str_from(type));
    char shape[128];
    assert_non_null(connector);
    const char *middle = str_ends(connector->key, STR("Connector")) ? "" : "Connector";
    snprintf(shape, sizeof(shape), "%.*s%sProfile%s", STR_ARG(connector->key), middle, what);
    return script_value(script, shape, json);
}

static struct connector_env env_of(struct script *script)
{
    return (struct connector_env){
        .call = script_call,
        .pause = script_pause,
        .wall_ms = script_wall_ms,
        .endpoint_override = script_endpoint,
        .endpoint_context = script,
        .functions = script->functions,
        .token_urls = script->token_urls,
        .token_url_count = script->token_url_count,
    };
}

static void resolve(struct script *script, const struct connector_env *env,
                    const struct connector *connector, const struct value *properties,
                    const struct value *credentials, struct target *target)
{
    struct target_source source = {.connector = connector,
                                   .env = env,
                                   .properties = properties,
                                   .private_routes = script->private_routes,
                                   .account = STR(SCRIPT_ACCOUNT)};
    target_resolve(target, &source, &script->arena);
    if (credentials)
        target_set_credentials(target, credentials);
}

void script_run_with(struct script *script, const struct connector *connector,
                     const struct value *properties, const struct value *credentials,
                     const struct oauth_tokens *stored, script_fn *run, void *argument)
{
    struct oauth_apps_config apps_config = {.find = script_find, .find_context = script};
    struct oauth_apps *apps = oauth_apps_new(&apps_config);
    struct secret *secret = secret_new(STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
    struct aws_access access = {
        .access_key_id = STR("AKIDEXAMPLE"),
        .secret_access_key = script->no_aws ? NULL : secret,
        .call = script_call,
    };
    struct connector_env env = env_of(script);
    struct token_grant_journal journal = {
        .context = script, .begin = script_begin, .save = script_save, .end = script_end};
    struct target target;
    env.apps = apps;
    env.aws = &access;
    resolve(script, &env, connector, properties, credentials, &target);
    struct vendor_connection_config config = {
        .target = &target,
        .stored = stored,
        .journal = &journal,
        .region = STR("eu-west-3"),
        .secret_arn = STR(SCRIPT_SECRET_ARN),
        .request_id = STR("request-1"),
        .profile_name = STR("p"),
        .without_waits = script->gate != NULL,
        .gate = script->gate,
        .arena = &script->arena,
        .deadline_ms =
            clock_mono_ms() + (script->time_limit_ms ? script->time_limit_ms : 10 * 1000),
    };
    running = script;
    run(script, connector, &config, argument);
    oauth_apps_free(apps);
    secret_free(secret);
    assert_int_equal(script->next, script->count);
    assert_false(script->held);
}

static void verify(struct script *script, const struct connector *connector,
                   const struct vendor_connection_config *config, void *ret_accepted)
{
    bool *accepted = ret_accepted;
    *accepted = connector->ops->verify(config, &script->verdict, &script->tokens);
    assert_int_equal(*accepted, script->verdict.kind == VERDICT_ACCEPTED);
}

bool script_verify_with(struct script *script, const struct connector *connector,
                        const struct value *properties, const struct value *credentials,
                        const struct oauth_tokens *stored)
{
    bool accepted;
    script_run_with(script, connector, properties, credentials, stored, verify, &accepted);
    return accepted;
}

struct ask {
    const struct entity_query *query;
    struct entity_list *list;     /* NULL: the fields are asked for */
    struct entity_fields *fields; /* or this is NULL */
    bool answered;
};

/* As the server asks: what was filled before a renewal is forgotten. */
static void ask(struct script *script, const struct connector *connector,
                const struct vendor_connection_config *config, void *argument)
{
    struct ask *asked = argument;
    const struct connector_ops *ops = connector->ops;
    struct vendor_connection *connection = vendor_connection_new(config);
    bool open = !ops->open || ops->open(connection);
    while (open) {
        if (asked->list)
            entity_list_init(asked->list, &script->arena);
        asked->answered = asked->list
                              ? ops->list_entities(connection, asked->query, asked->list)
                              : ops->describe_entity(connection, asked->query, asked->fields);
        open = !asked->answered && vendor_state(connection) == VENDOR_STALE &&
               vendor_renew(connection);
    }
    vendor_close(connection);
    script->verdict = vendor_verdict(connection);
    script->tokens = vendor_tokens(connection);
    assert_int_equal(asked->answered, script->verdict.kind == VERDICT_ACCEPTED);
}

bool script_list(struct script *script, const struct connector *connector,
                 const struct value *properties, const struct value *credentials,
                 const char *within, struct entity_list *ret_list)
{
    const struct entity_query query = {str_from(within), str_from(script->api_version)};
    struct ask asked = {.query = &query, .list = ret_list};
    entity_list_init(ret_list, &script->arena);
    script_run_with(script, connector, properties, credentials, NULL, ask, &asked);
    if (asked.answered)
        entity_list_sort(ret_list);
    return asked.answered;
}

bool script_describe(struct script *script, const struct connector *connector,
                     const struct value *properties, const struct value *credentials,
                     const char *entity, struct str *ret_fields)
{
    const struct entity_query query = {str_from(entity), str_from(script->api_version)};
    struct entity_fields fields;
    struct ask asked = {.query = &query, .fields = &fields};
    entity_fields_init(&fields, NULL);
    script_run_with(script, connector, properties, credentials, NULL, ask, &asked);
    *ret_fields = arena_copy(&script->arena, buf_str(&fields.json));
    script->kept_s = fields.kept_s;
    entity_fields_done(&fields);
    return asked.answered;
}

const struct value *script_part(struct script *script, const char *type, const char *what,
                                const char *json)
{
    return part(script, type, what, json);
}

static void renew(struct script *script, const struct connector *connector,
                  const struct vendor_connection_config *config, void *ret_renewed)
{
    struct vendor_connection *connection = vendor_connection_new(config);
    bool *renewed = ret_renewed;
    *renewed = connector->ops->open(connection) &&
               (vendor_is_renewed(connection) || vendor_renew(connection));
    vendor_close(connection);
    script->verdict = vendor_verdict(connection);
    script->tokens = vendor_tokens(connection);
}

bool script_renew(struct script *script, const struct connector *connector,
                  const struct value *properties, const struct value *credentials,
                  const struct oauth_tokens *stored)
{
    bool renewed;
    script_run_with(script, connector, properties, credentials, stored, renew, &renewed);
    return renewed;
}

bool script_verify(struct script *script, const char *type, const char *properties,
                   const char *credentials, const struct oauth_tokens *stored)
{
    assert_true(script_check(script, type, properties, credentials));
    return script_verify_with(script, connector_by_type(str_from(type)),
                              part(script, type, "Properties", properties),
                              part(script, type, "Credentials", credentials), stored);
}

bool script_check_with(struct script *script, const struct connector *connector,
                       const struct value *properties, const struct value *credentials)
{
    struct connector_env env = env_of(script);
    struct target target;
    resolve(script, &env, connector, properties, credentials, &target);
    return connector->ops->check(&target, &script->error);
}

bool script_check(struct script *script, const char *type, const char *properties,
                  const char *credentials)
{
    return script_check_with(script, connector_by_type(str_from(type)),
                             part(script, type, "Properties", properties),
                             part(script, type, "Credentials", credentials));
}

void assert_refused(struct script *script, const struct refusal *refusal)
{
    script->error = (struct error){0};
    assert_false(script_check(script, refusal->type, refusal->properties, refusal->credentials));
    assert_int_equal(script->error.code, ERR_VALIDATION);
    assert_string_equal(script->error.message, refusal->message);
}

void assert_str(struct str text, const char *expected)
{
    char copy[8192];
    assert_int_equal(text.data != NULL, expected != NULL);
    if (!expected)
        return;
    snprintf(copy, sizeof(copy), "%.*s", STR_ARG(text));
    assert_string_equal(copy, expected);
}

void assert_verdict(const struct script *script, enum verdict_kind kind, enum verdict_step step,
                    int status, const char *words)
{
    assert_string_equal(verdict_kind_name(script->verdict.kind), verdict_kind_name(kind));
    assert_string_equal(verdict_step_name(script->verdict.step), verdict_step_name(step));
    assert_int_equal(script->verdict.status, status);
    assert_str(script->verdict.message, words);
}

const char *script_log(struct script *script)
{
    return script->log.data ? script->log.data : "";
}

void script_done(struct script *script)
{
    arena_done(&script->arena);
}

int script_set_up(void **state)
{
    *(struct script *)*state = (struct script){0};
    return 0;
}

int script_tear_down(void **state)
{
    script_done(*state);
    return 0;
}
