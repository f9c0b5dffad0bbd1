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

/* Every part of a request is filled here, so none that contains a secret is unknown to the
 * redaction. */
static struct str fill_within(struct vendor_connection *connection, const char *template,
                              enum template_escape escape, size_t most)
{
    struct str text =
        template_fill_within(connection->arena, template, &connection->scope, escape, most);
    connection->is_overlong = connection->is_overlong || !text.data;
    if (template_is_secret(template))
        redact_add_whole(&connection->redaction, text);
    return text;
}

static struct str fill(struct vendor_connection *connection, const char *template,
                       enum template_escape escape)
{
    return fill_within(connection, template, escape, TEMPLATE_MAX);
}

static struct str authorization(struct vendor_connection *connection)
{
    struct arena *arena = connection->arena;
    const struct connector_auth *auth = connection->auth;
    if (auth->oauth2)
        return auth_bearer(arena, connection->tokens.access_token);
    if (!auth->basic)
        return STR_NULL;
    struct str user = fill(connection, auth->basic->user, ESCAPE_NONE);
    struct str password = fill(connection, auth->basic->password, ESCAPE_NONE);
    return auth_basic(arena, user, password);
}

static size_t add_filled(struct vendor_connection *connection, const struct connector_headers *rows,
                         struct http_header *headers, size_t count)
{
    for (size_t i = 0; rows && i < rows->count; i++)
        headers[count++] = (struct http_header){str_from(rows->rows[i].name),
                                                fill(connection, rows->rows[i].value, ESCAPE_NONE)};
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
    struct str signature = signed_signature(arena, fill(connection, auth->secret, ESCAPE_NONE),
                                            signed_message(arena, &parts));
    redact_add(&connection->redaction, signature);
    headers[count++] = (struct http_header){
        STR("Authorization"),
        signed_authorization(arena, str_from(auth->scheme),
                             fill(connection, auth->key_id, ESCAPE_NONE), signature,
                             fill(connection, auth->user, ESCAPE_NONE))};
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
    headers[count++] = (struct http_header){STR("Accept"), call->accept ? str_from(call->accept)
                                                                        : STR("application/json")};
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
                         const struct connector_call *call, struct str target)
{
    struct arena *arena = connection->arena;
    struct buf url = buf_in(arena, URL_MAX + 2 * TEMPLATE_MAX);
    buf_add(&url, url_text(arena, base));
    buf_add(&url, target.data ? target : fill(connection, call->path, ESCAPE_PERCENT));
    size_t count = str_contains(target, STR("?")) ? 0 : call->query.count;
    for (size_t i = 0; i < count; i++) {
        const struct connector_param *param = &call->query.rows[i];
        if (!scope_allows(arena, &connection->scope, param->given, NULL) ||
            !scope_allows(arena, &connection->scope, param->flag, "true"))
            continue;
        buf_add_char(&url, str_contains(buf_str(&url), STR("?")) ? '&' : '?');
        buf_add_cstr(&url, param->name);
        buf_add_char(&url, '=');
        buf_add(&url, fill(connection, param->value, ESCAPE_PERCENT));
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
    return fill_within(connection, call->body, escape, TEMPLATE_BODY_MAX);
}

bool vendor_api(struct vendor_connection *connection, struct endpoint *ret_endpoint)
{
    struct error error;
    target_api(connection->target, &connection->tokens, ret_endpoint);
    return endpoint_use(ret_endpoint, &error) ||
           vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE, str_from(error.message), NULL);
}

bool vendor_take_link(struct vendor_connection *connection, struct str link, struct str *ret_target)
{
    struct arena *arena = connection->arena;
    struct url_parts parts;
    struct endpoint api;
    struct url url;
    if (str_starts(link, STR("/")) && !str_starts(link, STR("//"))) {
        *ret_target = arena_copy(arena, link);
        return true;
    }
    if (!url_split(link, &parts) && !str_starts(link, STR("/")) && vendor_api(connection, &api)) {
        *ret_target = arena_printf(arena, "%.*s/%.*s", STR_ARG(api.url.path), STR_ARG(link));
        return true;
    }
    bool good = url_split(link, &parts) && str_starts(parts.rest, STR("/")) &&
                vendor_api(connection, &api) &&
                url_parse(arena, url_without_path(link), NULL, &url, NULL) &&
                url_same_origin(&url, &api.url);
    *ret_target = good ? arena_copy(arena, parts.rest) : STR_NULL;
    return good || vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                               STR("the next page of the list is at another host"), NULL);
}

bool vendor_fail_long(struct vendor_connection *connection)
{
    if (connection->scope.read)
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE,
                           STR("the query of all fields and filters is longer than a URL may be"),
                           "Let the flow read fewer fields.");
    return vendor_fail(
        connection, VERDICT_MISCONFIGURED, STEP_NONE,
        STR("the request has a URL of more than 16 KiB, a body of more than 160 KiB, "
            "or another part of more than 32 KiB"),
        NULL);
}

_Static_assert(CLIENT_URL_MAX == 16 * 1024 && TEMPLATE_BODY_MAX == 160 * 1024 &&
                   TEMPLATE_MAX == 32 * 1024,
               "as the message says");

/* How a call is sent beyond what describes it. */
struct sending {
    enum verdict_step step;
    bool repeatable;
    struct str target; /* see vendor_call_read */
    const struct answer_reader *reader;
    struct str body; /* instead of the call's; STR_NULL: the call's */
};

static bool send_call(struct vendor_connection *connection, const struct connector_call *call,
                      const struct sending *sending, struct vendor_response *ret_response)
{
    struct endpoint api;
    if (!vendor_api(connection, &api))
        return false;
    struct url root = api.url;
    root.path = STR("");
    connection->is_overlong = false;
    struct client_request request = {
        .method = str_from(call->method),
        .url = url_of(connection, sending->target.data ? &root : &api.url, call, sending->target),
        .body = sending->body.data ? sending->body : body_of(connection, call),
    };
    add_headers(connection, call, &request);
    if (connection->is_overlong || request.url.len > CLIENT_URL_MAX)
        return vendor_fail_long(connection);
    return vendor_send_read(connection, sending->step, call->needs, &request, sending->repeatable,
                            sending->reader, ret_response);
}

bool vendor_request(struct vendor_connection *connection, enum verdict_step step,
                    const struct connector_call *call, bool repeatable,
                    struct vendor_response *ret_response)
{
    const struct sending sending = {.step = step, .repeatable = repeatable};
    return send_call(connection, call, &sending, ret_response);
}

/* A refused token leaves the connection to be renewed as long as a grant is left. */
static bool call_api(struct vendor_connection *connection, const struct connector_call *call,
                     const struct sending *sending, struct vendor_response *ret_response)
{
    assert(connection->state == VENDOR_READY);
    bool good = send_call(connection, call, sending, ret_response);
    if (!good && connection->renewable)
        vendor_move(connection, vendor_next_grant(connection) ? VENDOR_STALE : VENDOR_FAILED);
    return good;
}

bool vendor_call_read(struct vendor_connection *connection, const struct connector_call *call,
                      struct str target, const struct answer_reader *reader,
                      struct vendor_response *ret_response)
{
    const struct sending sending = {STEP_API, true, target, reader, STR_NULL};
    return call_api(connection, call, &sending, ret_response);
}

bool vendor_may_call_url(struct vendor_connection *connection)
{
    return !connection->target->private_routes ||
           vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_API,
                       STR("the results are at another host of the vendor's, to which no private "
                           "route leads"),
                       "Use a connector profile whose connectionMode is Public.");
}

/* The call has no credentials, so that an answer such as 401 is not about them; nor need it have
 * the form of the API's errors, so that one in another form is not a firewall's. */
static void judge_url(struct vendor_connection *connection)
{
    struct verdict *verdict = &connection->verdict;
    if (verdict->kind != VERDICT_REJECTED && verdict->kind != VERDICT_FORBIDDEN &&
        verdict->kind != VERDICT_BLOCKED)
        return;
    verdict->kind = VERDICT_MISCONFIGURED;
    verdict->hint = STR("The vendor's address of the results is refused. Run the flow again.");
    verdict->causes = 0;
    connection->renewable = false;
}

bool vendor_call_url(struct vendor_connection *connection, struct str url,
                     const struct answer_reader *reader, struct vendor_response *ret_response)
{
    static const struct http_header headers[] = {{STR("Accept"), STR("*/*")}};
    const struct client_request request = {
        .method = STR("GET"), .url = url, .headers = headers, .header_count = 1};
    struct endpoint api;
    struct url parsed;
    *ret_response = (struct vendor_response){0};
    if (!vendor_api(connection, &api))
        return false;
    bool is_plain = str_eq(api.url.scheme, STR("http"));
    redact_add_whole(&connection->redaction, url);
    if (url.len > CLIENT_URL_MAX)
        return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                           STR("the vendor names results at an address of more than 16 KiB"), NULL);
    if (!url_parse(connection->arena, url_without_path(url), NULL, &parsed, NULL) ||
        !(str_starts(url, STR("https://")) || is_plain))
        return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                           STR("the vendor names results at an address that is no https URL"),
                           NULL);
    if (!vendor_may_call_url(connection))
        return false;
    struct client_request sent = request;
    connection->is_elsewhere = true;
    bool good = vendor_send_read(connection, STEP_API, NULL, &sent, true, reader, ret_response);
    connection->is_elsewhere = false;
    if (!good)
        judge_url(connection);
    return good;
}

bool vendor_call(struct vendor_connection *connection, const struct connector_call *call,
                 struct vendor_response *ret_response)
{
    return vendor_call_read(connection, call, STR_NULL, NULL, ret_response);
}

/* A refusal (RFC 9110, 15.5) of the request as a whole, but for one that took too long to come. */
static bool is_taken(const struct client_response *response)
{
    int status = response->status;
    if (response->outcome != CLIENT_OK)
        return response->sent;
    return status / 100 == 2 || status / 100 == 5 || status == 408;
}

bool vendor_call_write(struct vendor_connection *connection, const struct connector_call *call,
                       struct str target, struct str body, bool repeatable,
                       struct vendor_response *ret_response, bool *ret_taken)
{
    const struct sending sending = {STEP_API, repeatable, target, NULL, body};
    *ret_response = (struct vendor_response){0}; /* a call that is not made has no status */
    bool good = call_api(connection, call, &sending, ret_response);
    *ret_taken = is_taken(&ret_response->http);
    return good;
}
