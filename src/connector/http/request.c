/* A call that a connector describes, made into a request: URL, query, body, headers, and what
 * authenticates it (a Basic or Bearer header, keys, a session, a signature). */
#include "connector/http/internal.h"

#include "auth/api_key.h"
#include "auth/basic.h"
#include "auth/signed.h"
#include "base/buf.h"
#include "base/clock.h"

#include <assert.h>

enum { HEADERS_FIXED = 4 }; /* Accept, Content-Type, Authorization, a date */

static struct str authorization(struct vendor_connection *connection)
{
    struct arena *arena = connection->arena;
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

static size_t add_filled(struct vendor_connection *connection, const struct connector_headers *rows,
                         struct http_header *headers, size_t count)
{
    for (size_t i = 0; rows && i < rows->count; i++)
        headers[count++] = (struct http_header){
            str_from(rows->rows[i].name),
            template_fill(connection->arena, rows->rows[i].value, &connection->scope, ESCAPE_NONE)};
    return count;
}

/* The headers that authenticate, as far as they are in hand: a login itself has no session yet. */
static const struct connector_headers *own_headers(const struct vendor_connection *connection)
{
    if (connection->auth->session)
        return connection->scope.session ? &connection->auth->session->headers : NULL;
    if (connection->auth->signed_request)
        return &connection->auth->signed_request->headers;
    return connection->auth->headers;
}

static struct str fill(struct vendor_connection *connection, const char *template)
{
    return template_fill(connection->arena, template, &connection->scope, ESCAPE_NONE);
}

/* Signs the request, which is whole but for these two headers. */
static size_t add_signature(struct vendor_connection *connection, const struct connector_call *call,
                            const struct client_request *request, struct http_header *headers,
                            size_t count)
{
    struct arena *arena = connection->arena;
    const struct connector_signed *auth = connection->auth->signed_request;
    const struct connector_env *env = connection->target->env;
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

static void add_headers(struct vendor_connection *connection, const struct connector_call *call,
                        struct client_request *request)
{
    const struct connector_headers *keys = own_headers(connection);
    size_t most = HEADERS_FIXED + call->headers.count + (keys ? keys->count : 0);
    struct http_header *headers = arena_array(connection->arena, struct http_header, most);
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

static struct str url_of(struct vendor_connection *connection, const struct url *base,
                         const struct connector_call *call)
{
    struct arena *arena = connection->arena;
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

static struct str body_of(struct vendor_connection *connection, const struct connector_call *call)
{
    if (!call->body)
        return STR_NULL;
    struct str type = str_from(call->content_type);
    enum template_escape escape =
        str_eq(type, STR("application/x-www-form-urlencoded")) ? ESCAPE_PERCENT : ESCAPE_JSON;
    return template_fill(connection->arena, call->body, &connection->scope, escape);
}

bool vendor_api(struct vendor_connection *connection, struct endpoint *ret_endpoint)
{
    struct error error;
    endpoint_for_tokens(connection->target, &connection->tokens, ret_endpoint);
    return endpoint_use(ret_endpoint, &error) ||
           vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE, str_from(error.message), NULL);
}

bool vendor_request(struct vendor_connection *connection, enum verdict_step step,
                    const struct connector_call *call, bool repeatable,
                    struct vendor_response *ret_response)
{
    struct endpoint api;
    if (!vendor_api(connection, &api))
        return false;
    struct client_request request = {
        .method = str_from(call->method),
        .url = url_of(connection, &api.url, call),
        .body = body_of(connection, call),
    };
    add_headers(connection, call, &request);
    return vendor_send(connection, step, call->needs, &request, repeatable, ret_response);
}

/* A refused token leaves the connection to be renewed as long as a grant is left. */
bool vendor_call(struct vendor_connection *connection, const struct connector_call *call,
                 struct vendor_response *ret_response)
{
    assert(connection->state == VENDOR_READY);
    bool good = vendor_request(connection, STEP_API, call, true, ret_response);
    if (!good && connection->renewable)
        vendor_move(connection, vendor_next_grant(connection) ? VENDOR_STALE : VENDOR_FAILED);
    return good;
}
