/* The calls that prove credentials. */
#include "connector/http/connection.h"

#include "auth/api_key.h"
#include "auth/basic.h"
#include "auth/signed.h"
#include "base/buf.h"
#include "base/clock.h"
#include "wire/json_pointer.h"

enum { PROBE_HEADERS_FIXED = 4 }; /* Accept, Content-Type, Authorization, a date */

static struct str authorization(struct run *run)
{
    struct arena *arena = run->v->arena;
    const struct connector_auth *way = run->way;
    if (way->oauth2)
        return auth_bearer(arena, run->tokens.access_token);
    if (!way->basic)
        return STR_NULL;
    struct str user = template_fill(arena, way->basic->user, &run->scope, ESCAPE_NONE);
    struct str password = template_fill(arena, way->basic->password, &run->scope, ESCAPE_NONE);
    struct str value = auth_basic(arena, user, password);
    redact_add(&run->redaction, (struct str){value.data + 6, value.len - 6}); /* after "Basic " */
    return value;
}

static size_t add_filled(struct run *run, const struct connector_headers *rows,
                         struct http_header *headers, size_t count)
{
    for (size_t i = 0; rows && i < rows->count; i++)
        headers[count++] = (struct http_header){
            str_from(rows->rows[i].name),
            template_fill(run->v->arena, rows->rows[i].value, &run->scope, ESCAPE_NONE)};
    return count;
}

/* What shows who we are. A session is shown once there is one. */
static const struct connector_headers *own_headers(const struct run *run)
{
    if (run->way->session)
        return run->scope.session ? &run->way->session->headers : NULL;
    if (run->way->signed_request)
        return &run->way->signed_request->headers;
    return run->way->headers;
}

static struct str fill(struct run *run, const char *template)
{
    return template_fill(run->v->arena, template, &run->scope, ESCAPE_NONE);
}

/* Signs the request, which is whole but for these two headers. */
static size_t add_signature(struct run *run, const struct connector_call *call,
                            const struct client_request *request, struct http_header *headers,
                            size_t count)
{
    struct arena *arena = run->v->arena;
    const struct connector_signed *way = run->way->signed_request;
    const struct connector_env *env = run->v->env;
    if (!way)
        return count;
    struct signed_request parts = {
        .date = signed_date(arena, env->wall_ms ? env->wall_ms() : clock_wall_ms()),
        .method = request->method,
        .url = request->url,
        .body = request->body,
        .content_type = str_from(call->content_type),
    };
    struct str signature =
        signed_signature(arena, fill(run, way->secret), signed_message(arena, &parts));
    redact_add(&run->redaction, signature);
    headers[count++] = (struct http_header){STR("Authorization"),
                                            signed_authorization(arena, str_from(way->scheme),
                                                                 fill(run, way->key_id), signature,
                                                                 fill(run, way->user))};
    headers[count++] = (struct http_header){str_from(way->date_header), parts.date};
    return count;
}

static void add_headers(struct run *run, const struct connector_call *call,
                        struct client_request *request)
{
    const struct connector_headers *keys = own_headers(run);
    size_t most = PROBE_HEADERS_FIXED + call->headers.count + (keys ? keys->count : 0);
    struct http_header *headers = arena_array(run->v->arena, struct http_header, most);
    struct str value = authorization(run);
    size_t count = 0;
    headers[count++] = (struct http_header){STR("Accept"), STR("application/json")};
    if (call->content_type)
        headers[count++] = (struct http_header){STR("Content-Type"), str_from(call->content_type)};
    if (value.data)
        headers[count++] = (struct http_header){STR("Authorization"), value};
    count = add_signature(run, call, request, headers, count);
    count = add_filled(run, keys, headers, count);
    request->header_count = add_filled(run, &call->headers, headers, count);
    request->headers = headers;
}

/* A call that is refused may have proved enough. */
static bool was_enough(struct run *run, const struct connector_call *call)
{
    if (!call->suffices || run->verdict.status != call->suffices ||
        run->verdict.kind != VERDICT_FORBIDDEN)
        return false;
    run->verdict = (struct verdict){.kind = VERDICT_ACCEPTED, .step = STEP_API};
    return true;
}

static struct str url_of(struct run *run, const struct url *base, const struct connector_call *call)
{
    struct arena *arena = run->v->arena;
    struct buf url = buf_in(arena, URL_MAX + 2 * TEMPLATE_MAX);
    buf_add(&url, url_text(arena, base));
    buf_add(&url, template_fill(arena, call->path, &run->scope, ESCAPE_PERCENT));
    for (size_t i = 0; i < call->query.count; i++) {
        const struct connector_param *param = &call->query.rows[i];
        if (!scope_allows(arena, &run->scope, param->given, NULL) ||
            !scope_allows(arena, &run->scope, param->flag, "true"))
            continue;
        buf_add_char(&url, str_contains(buf_str(&url), STR("?")) ? '&' : '?');
        buf_add_cstr(&url, param->name);
        buf_add_char(&url, '=');
        buf_add(&url, template_fill(arena, param->value, &run->scope, ESCAPE_PERCENT));
    }
    return buf_str(&url);
}

static struct str body_of(struct run *run, const struct connector_call *call)
{
    if (!call->body)
        return STR_NULL;
    struct str type = str_from(call->content_type);
    enum template_escape escape =
        str_eq(type, STR("application/x-www-form-urlencoded")) ? ESCAPE_PERCENT : ESCAPE_JSON;
    return template_fill(run->v->arena, call->body, &run->scope, escape);
}

bool run_request(struct run *run, enum verdict_step step, const struct url *base,
                 const struct connector_call *call, bool repeatable, struct answer *ret_answer)
{
    struct client_request request = {
        .method = str_from(call->method),
        .url = url_of(run, base, call),
        .body = body_of(run, call),
    };
    add_headers(run, call, &request);
    return run_call(run, step, call->needs, &request, repeatable, ret_answer);
}

/* Good credentials of another account than the properties name are a mistake to be told. */
static bool is_of_account(struct run *run, const struct connector_call *call,
                          const struct answer *answer)
{
    struct arena *arena = run->v->arena;
    struct endpoint wanted;
    struct url told;
    if (!call->account_at)
        return true;
    struct str text = pointer_text(arena, answer->json, call->account_at);
    if (url_parse(arena, text, NULL, "The answer", &told, NULL) &&
        endpoint_choose(NULL, run->v->connector, call->account, &run->scope, arena, &wanted,
                        NULL) &&
        str_eq(told.host, wanted.url.host))
        return true;
    run_conclude(run, VERDICT_MISCONFIGURED, STEP_API, text,
                 "The credentials are good, but for another account than the properties name.");
    run->verdict.status = answer->response.status;
    return false;
}

/* *ret_end: no further call is needed. */
static bool make_call(struct run *run, const struct url *base, const struct connector_call *call,
                      bool *ret_end)
{
    struct answer answer;
    bool good = run_request(run, STEP_API, base, call, true, &answer);
    *ret_end = good && call->conclusive;
    return good ? is_of_account(run, call, &answer) : was_enough(run, call);
}

bool run_probe(struct run *run)
{
    const struct connector *connector = run->v->connector;
    struct error error = {0};
    struct endpoint endpoint;
    bool end = false;
    if (!endpoint_api(run->v->env, connector, &run->scope, &run->tokens, run->v->arena, &endpoint,
                      &error))
        return run_conclude(run, VERDICT_MISCONFIGURED, STEP_NONE, str_from(error.message), NULL);
    if (endpoint.probe)
        return make_call(run, &endpoint.url, endpoint.probe, &end);
    for (size_t i = 0; i < connector->probes.count && !end; i++) {
        if (!make_call(run, &endpoint.url, &connector->probes.rows[i], &end))
            return false;
    }
    return true;
}
