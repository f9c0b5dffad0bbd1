/* The calls that prove credentials. */
#include "connector/http/connection.h"

#include "auth/api_key.h"
#include "auth/basic.h"
#include "auth/signed.h"
#include "base/buf.h"
#include "base/clock.h"
#include "wire/json_pointer.h"

enum { PROBE_HEADERS_FIXED = 4 }; /* Accept, Content-Type, Authorization, a date */

static struct str authorization(struct connection *connection)
{
    struct arena *arena = connection->v->arena;
    const struct connector_auth *auth = connection->auth;
    if (auth->oauth2)
        return auth_bearer(arena, connection->tokens.access_token);
    if (!auth->basic)
        return STR_NULL;
    struct str user = template_fill(arena, auth->basic->user, &connection->scope, ESCAPE_NONE);
    struct str password =
        template_fill(arena, auth->basic->password, &connection->scope, ESCAPE_NONE);
    return auth_basic(arena, user, password);
}

static size_t add_filled(struct connection *connection, const struct connector_headers *rows,
                         struct http_header *headers, size_t count)
{
    for (size_t i = 0; rows && i < rows->count; i++)
        headers[count++] = (struct http_header){
            str_from(rows->rows[i].name), template_fill(connection->v->arena, rows->rows[i].value,
                                                        &connection->scope, ESCAPE_NONE)};
    return count;
}

/* What shows who we are. A session is shown once there is one. */
static const struct connector_headers *own_headers(const struct connection *connection)
{
    if (connection->auth->session)
        return connection->scope.session ? &connection->auth->session->headers : NULL;
    if (connection->auth->signed_request)
        return &connection->auth->signed_request->headers;
    return connection->auth->headers;
}

static struct str fill(struct connection *connection, const char *template)
{
    return template_fill(connection->v->arena, template, &connection->scope, ESCAPE_NONE);
}

/* Signs the request, which is whole but for these two headers. */
static size_t add_signature(struct connection *connection, const struct connector_call *call,
                            const struct client_request *request, struct http_header *headers,
                            size_t count)
{
    struct arena *arena = connection->v->arena;
    const struct connector_signed *auth = connection->auth->signed_request;
    const struct connector_env *env = connection->v->env;
    if (!auth)
        return count;
    struct signed_request parts = {
        .date = signed_date(arena, env->wall_ms ? env->wall_ms() : clock_wall_ms()),
        .method = request->method,
        .url = request->url,
        .body = request->body,
        .content_type = str_from(call->content_type),
    };
    struct str signature =
        signed_signature(arena, fill(connection, auth->secret), signed_message(arena, &parts));
    redact_add(&connection->redaction, signature);
    headers[count++] = (struct http_header){
        STR("Authorization"),
        signed_authorization(arena, str_from(auth->scheme), fill(connection, auth->key_id),
                             signature, fill(connection, auth->user))};
    headers[count++] = (struct http_header){str_from(auth->date_header), parts.date};
    return count;
}

static void add_headers(struct connection *connection, const struct connector_call *call,
                        struct client_request *request)
{
    const struct connector_headers *keys = own_headers(connection);
    size_t most = PROBE_HEADERS_FIXED + call->headers.count + (keys ? keys->count : 0);
    struct http_header *headers = arena_array(connection->v->arena, struct http_header, most);
    struct str value = authorization(connection);
    size_t count = 0;
    headers[count++] = (struct http_header){STR("Accept"), STR("application/json")};
    if (call->content_type)
        headers[count++] = (struct http_header){STR("Content-Type"), str_from(call->content_type)};
    if (value.data)
        headers[count++] = (struct http_header){STR("Authorization"), value};
    count = add_signature(connection, call, request, headers, count);
    count = add_filled(connection, keys, headers, count);
    request->header_count = add_filled(connection, &call->headers, headers, count);
    request->headers = headers;
}

/* A call that is refused may have proved enough. */
static bool was_enough(struct connection *connection, const struct connector_call *call)
{
    if (!call->suffices || connection->verdict.status != call->suffices ||
        connection->verdict.kind != VERDICT_FORBIDDEN)
        return false;
    connection->verdict = (struct verdict){.kind = VERDICT_ACCEPTED, .step = STEP_API};
    return true;
}

static struct str url_of(struct connection *connection, const struct url *base,
                         const struct connector_call *call)
{
    struct arena *arena = connection->v->arena;
    struct buf url = buf_in(arena, URL_MAX + 2 * TEMPLATE_MAX);
    buf_add(&url, url_text(arena, base));
    buf_add(&url, template_fill(arena, call->path, &connection->scope, ESCAPE_PERCENT));
    for (size_t i = 0; i < call->query.count; i++) {
        const struct connector_param *param = &call->query.rows[i];
        if (!scope_allows(arena, &connection->scope, param->given, NULL) ||
            !scope_allows(arena, &connection->scope, param->flag, "true"))
            continue;
        buf_add_char(&url, str_contains(buf_str(&url), STR("?")) ? '&' : '?');
        buf_add_cstr(&url, param->name);
        buf_add_char(&url, '=');
        buf_add(&url, template_fill(arena, param->value, &connection->scope, ESCAPE_PERCENT));
    }
    return buf_str(&url);
}

static struct str body_of(struct connection *connection, const struct connector_call *call)
{
    if (!call->body)
        return STR_NULL;
    struct str type = str_from(call->content_type);
    enum template_escape escape =
        str_eq(type, STR("application/x-www-form-urlencoded")) ? ESCAPE_PERCENT : ESCAPE_JSON;
    return template_fill(connection->v->arena, call->body, &connection->scope, escape);
}

bool connection_call(struct connection *connection, enum verdict_step step, const struct url *base,
                     const struct connector_call *call, bool repeatable,
                     struct vendor_response *ret_response)
{
    struct client_request request = {
        .method = str_from(call->method),
        .url = url_of(connection, base, call),
        .body = body_of(connection, call),
    };
    add_headers(connection, call, &request);
    return connection_send(connection, step, call->needs, &request, repeatable, ret_response);
}

/* Good credentials of another account than the properties name are a mistake to be told. */
static bool is_of_account(struct connection *connection, const struct connector_call *call,
                          const struct vendor_response *response)
{
    struct arena *arena = connection->v->arena;
    struct endpoint wanted;
    struct url told;
    if (!call->account_at)
        return true;
    struct str text = pointer_text(arena, response->json, call->account_at);
    if (url_parse(arena, text, NULL, "The answer", &told, NULL) &&
        endpoint_choose(NULL, connection->v->connector, call->account, &connection->scope, arena,
                        &wanted, NULL) &&
        str_eq(told.host, wanted.url.host))
        return true;
    connection_fail(connection, VERDICT_MISCONFIGURED, STEP_API, text,
                    "The credentials are good, but for another account than the properties name.");
    connection->verdict.status = response->http.status;
    return false;
}

/* *ret_end: no further call is needed. */
static bool make_call(struct connection *connection, const struct url *base,
                      const struct connector_call *call, bool *ret_end)
{
    struct vendor_response response;
    bool good = connection_call(connection, STEP_API, base, call, true, &response);
    *ret_end = good && call->conclusive;
    return good ? is_of_account(connection, call, &response) : was_enough(connection, call);
}

bool verify_probe(struct connection *connection)
{
    const struct connector *connector = connection->v->connector;
    struct error error = {0};
    struct endpoint endpoint;
    bool end = false;
    if (!endpoint_api(connection->v->env, connector, &connection->scope, &connection->tokens,
                      connection->v->arena, &endpoint, &error))
        return connection_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE,
                               str_from(error.message), NULL);
    if (endpoint.probe)
        return make_call(connection, &endpoint.url, endpoint.probe, &end);
    for (size_t i = 0; i < connector->http->probes.count && !end; i++) {
        if (!make_call(connection, &endpoint.url, &connector->http->probes.rows[i], &end))
            return false;
    }
    return true;
}
