/* Which targets' tokens the server can renew by itself, and what it does about a refresh token
 * whose answer was lost. */
#include "connector/http/internal.h"

#include "auth/oauth2.h"
#include "base/clock.h"
#include "connector/token_policies.h"

enum {
    /* With so much left of an access token, an attempt that may end it costs nothing any more. */
    NOTHING_TO_LOSE_MS = 2 * 60 * 1000,
    UNKNOWN_END_MS = 10 * 60 * 1000, /* after the attempt: of an access token without a known end */
};

const struct token_policy *vendor_policy(const struct vendor_connection *connection)
{
    return token_policy_in_force(&connection->auth->oauth2->policy);
}

static struct str client_of(const struct target *target)
{
    const struct oauth2_material *material = &target->http->material;
    if (material->client_id.len > 0)
        return material->client_id;
    return material->client_arn.len > 0 ? material->client_arn : target->connector->type;
}

/* As connection_call.c takes it: what is reached by another way is another endpoint. */
static struct str route_of(const struct target *target, struct str host)
{
    if (!target->private_routes || target->tokens_are_public)
        return STR("");
    const struct private_route *route = target_route(target, host);
    return route ? str_from(route->connect_to) : STR("none");
}

bool token_renewal_of(const struct target *target, const struct oauth_tokens *stored,
                      struct token_renewal *ret_renewal)
{
    const struct http_target *http = target->http;
    if (target->fault || !http || !http->auth || !http->auth->oauth2 || !http->token_url.data ||
        !target->connector->ops->open)
        return false;
    const struct connector_oauth2 *oauth2 = http->auth->oauth2;
    struct oauth2_material material = http->material;
    if (stored->refresh_token.data)
        material.refresh_token = stored->refresh_token;
    *ret_renewal = (struct token_renewal){
        .policy = token_policy_in_force(&oauth2->policy),
        .by_refresh_token = oauth2_suffices(oauth2, &material, GRANT_REFRESH),
        .by_key = oauth2_suffices(oauth2, &material, GRANT_ASSERTION_KEY),
        .host = http->token->url.host,
        .port = http->token->url.port,
        .route = route_of(target, http->token->url.host),
        .client = client_of(target),
    };
    /* Tokens of a user are not replaced by those of a client. */
    bool is_users = material.access_token.len > 0 || material.code.len > 0;
    return ret_renewal->by_refresh_token || ret_renewal->by_key ||
           (!is_users && (oauth2_suffices(oauth2, &material, GRANT_CLIENT_CREDENTIALS) ||
                          oauth2_suffices(oauth2, &material, GRANT_PASSWORD)));
}

/* --- a lost answer --- */

enum probed { PROBED_UNKNOWN, PROBED_UNSPENT, PROBED_SPENT };

/* The endpoint that stands beside the token endpoint; STR_NULL: the token URL has another path. */
static struct str url_beside(const struct vendor_connection *connection, struct str token_url,
                             const char *path)
{
    const struct connector_oauth2 *oauth2 = connection->auth->oauth2;
    if (!oauth2->token_path || !str_ends(token_url, str_from(oauth2->token_path)))
        return STR_NULL;
    struct str base = {token_url.data, token_url.len - str_from(oauth2->token_path).len};
    return arena_printf(connection->arena, "%.*s%s", STR_ARG(base), path);
}

bool vendor_introspect(struct vendor_connection *connection,
                       const struct introspection *introspection, bool *ret_active,
                       struct vendor_response *ret_response)
{
    struct str url = url_beside(connection, introspection->token_url, introspection->path);
    struct oauth2_request form = {.count = 0};
    struct client_request request;
    if (!url.data)
        return vendor_fail(
            connection, VERDICT_MISCONFIGURED, STEP_TOKEN, STR_NULL,
            "The token URL is not the vendor's, so there is no introspection beside it.");
    oauth2_add(&form, "token", introspection->token);
    oauth2_add(&form, "token_type_hint", introspection->hint);
    oauth2_build(connection->arena, &form, url, introspection->app, OAUTH2_FORM, &request);
    if (!vendor_send(connection, STEP_TOKEN, "/active", &request, true, ret_response))
        return false;
    const struct value *active = value_get(ret_response->json, "active");
    *ret_active = active && active->kind == VALUE_BOOLEAN && active->boolean;
    return (active && active->kind == VALUE_BOOLEAN) ||
           vendor_fail_status(connection, VERDICT_UNREACHABLE, STEP_TOKEN,
                              ret_response->http.status, STR_NULL,
                              "The response does not say whether the token is active.");
}

static enum probed introspect(struct vendor_connection *connection, const struct lost_refresh *lost)
{
    const struct introspection introspection = {
        .token_url = lost->token_url,
        .path = vendor_policy(connection)->probe_path,
        .token = lost->refresh_token,
        .hint = STR("refresh_token"),
        .app = lost->app,
    };
    struct vendor_response response;
    bool is_active = false;
    if (!vendor_introspect(connection, &introspection, &is_active, &response))
        return PROBED_UNKNOWN;
    return is_active ? PROBED_UNSPENT : PROBED_SPENT;
}

static bool access_token_lives(const struct vendor_connection *connection)
{
    const struct oauth_tokens *tokens = &connection->tokens;
    return tokens->access_token.len > 0 && tokens->expires_at_ms > clock_wall_ms();
}

static enum probed try_old_access_token(struct vendor_connection *connection)
{
    const struct token_policy *policy = vendor_policy(connection);
    const struct connector_call call = {.method = "GET", .path = policy->probe_path};
    struct vendor_response response;
    if (!access_token_lives(connection))
        return PROBED_UNKNOWN;
    if (vendor_request(connection, STEP_API, &call, true, &response))
        return PROBED_UNSPENT;
    return connection->verdict.kind == VERDICT_REJECTED ? PROBED_SPENT : PROBED_UNKNOWN;
}

static enum probed probe(struct vendor_connection *connection, const struct lost_refresh *lost)
{
    struct verdict before = connection->verdict;
    enum probed probed = PROBED_UNKNOWN;
    switch (vendor_policy(connection)->probe) {
    case PROBE_NONE:
        break;
    case PROBE_INTROSPECTION:
        probed = introspect(connection, lost);
        break;
    case PROBE_OLD_ACCESS_TOKEN:
        probed = try_old_access_token(connection);
        break;
    }
    connection->verdict = before;
    return probed;
}

/* When the access token ends, as far as is known. */
static int64_t access_end_ms(const struct vendor_connection *connection,
                             const struct lost_refresh *lost)
{
    const struct oauth_tokens *tokens = &connection->tokens;
    int64_t life_ms = (int64_t)vendor_policy(connection)->life_s * 1000;
    if (tokens->expires_at_ms != 0)
        return tokens->expires_at_ms;
    return tokens->obtained_at_ms != 0 && life_ms != 0 ? tokens->obtained_at_ms + life_ms
                                                       : lost->attempted_at_ms + UNKNOWN_END_MS;
}

/* The access token has ended, or was refused just now. */
static bool has_nothing_to_lose(const struct vendor_connection *connection,
                                const struct lost_refresh *lost)
{
    bool refused =
        connection->verdict.kind == VERDICT_REJECTED && connection->verdict.step == STEP_API;
    bool ends = access_end_ms(connection, lost) - NOTHING_TO_LOSE_MS <= clock_wall_ms();
    return refused || ends || connection->tokens.access_token.len == 0;
}

enum lost_refresh_step vendor_judge_lost(struct vendor_connection *connection,
                                         const struct lost_refresh *lost)
{
    const struct token_policy *policy = vendor_policy(connection);
    if (policy->reuse == REUSE_REFUSED)
        return LOST_SEND_AGAIN;
    enum probed probed = probe(connection, lost);
    if (probed == PROBED_UNSPENT)
        return LOST_SEND_AGAIN;
    if (probed == PROBED_SPENT && !policy->old_access_ends)
        return LOST_SPENT;
    if (probed == PROBED_SPENT)
        return LOST_SEND_AGAIN; /* the access token has ended with it: once, nothing is to lose */
    bool in_grace = clock_wall_ms() < lost->attempted_at_ms + (int64_t)policy->grace_s * 1000;
    return in_grace || has_nothing_to_lose(connection, lost) ? LOST_SEND_AGAIN : LOST_WAIT;
}
