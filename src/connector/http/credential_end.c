/* Asking by description: one call, or introspection, whose answer has the time. */
#include "connector/credential_end.h"

#include "base/clock.h"
#include "connector/http/internal.h"
#include "connector/token_policy.h"
#include "wire/json_pointer.h"

bool credential_end_is_asked(const struct target *target, const struct oauth_tokens *stored)
{
    const struct http_connector *http = target->connector->http;
    const struct connector_auth *auth = target->http ? target->http->auth : NULL;
    struct token_renewal ignored;
    if (!http || !http->end || !auth)
        return false;
    bool has_token = stored->access_token.len > 0 || target->http->material.access_token.len > 0;
    return !auth->oauth2 || (has_token && !token_renewal_of(target, stored, &ignored));
}

static struct credential_end unsaid(const char *why_not)
{
    return (struct credential_end){.why_not = why_not};
}

struct credential_end vendor_read_end(const struct connector_end *end, const struct value *json)
{
    const struct value *value = pointer_find(json, end->at);
    int64_t at_ms, now_ms = clock_wall_ms();
    if (!value && end->absent_is_never)
        return (struct credential_end){.is_said = true};
    if (!value)
        return unsaid("The vendor's answer does not say when it ends.");
    if (!vendor_time_read(value, end->form, &at_ms))
        return unsaid("What the vendor's answer has as its end is no time.");
    if (at_ms <= now_ms)
        return unsaid("The vendor's answer says that it has ended, and was accepted all the same.");
    if (at_ms > now_ms + CREDENTIAL_END_MAX_MS)
        return unsaid("What the vendor's answer has as its end is more than 100 years away.");
    return (struct credential_end){.is_said = true, .end_ms = at_ms};
}

/* An app sees its own tokens only, unless the organization has allowed it more: "active" false says
 * nothing of a token that another app got. */
static bool introspect(struct vendor_connection *connection, const struct connector_end *end,
                       struct credential_end *ret_end)
{
    struct oauth_app app;
    struct vendor_response response;
    bool is_active;
    if (!vendor_find_app(connection, &app))
        return false;
    const struct introspection introspection = {
        .token_url = connection->target->http->token_url,
        .path = end->introspection,
        .token = connection->tokens.access_token,
        .hint = STR("access_token"),
        .app = app.client_id.len > 0 ? &app : NULL,
    };
    if (!vendor_introspect(connection, &introspection, &is_active, &response))
        return false;
    *ret_end = is_active ? vendor_read_end(end, response.json)
                         : unsaid("The vendor does not tell the OAuth app of this server about the "
                                  "token: it has ended, or another app got it.");
    return true;
}

static bool ask(struct vendor_connection *connection, struct credential_end *ret_end)
{
    const struct connector_end *end = connection->target->connector->http->end;
    struct vendor_response response;
    if (!end->call)
        return introspect(connection, end, ret_end);
    if (!vendor_call(connection, end->call, &response))
        return false;
    *ret_end = vendor_read_end(end, response.json);
    return true;
}

bool http_ask_end(const struct vendor_connection_config *config, struct verdict *ret_verdict,
                  struct credential_end *ret_end)
{
    struct vendor_connection *connection = vendor_connection_new(config);
    bool answered = vendor_open(connection) && ask(connection, ret_end);
    vendor_close(connection);
    *ret_verdict = vendor_verdict(connection);
    return answered;
}
