/* What each grant sends to the token endpoint. */
#include "auth/assertion_key.h"
#include "base/clock.h"
#include "connector/http/internal.h"

/* An assertion of its own for each request. */
static bool sign(struct vendor_connection *connection, struct str *ret_assertion)
{
    const struct connector_assertion *assertion = connection->auth->oauth2->assertion;
    const struct assertion_terms terms = {
        .audience =
            endpoint_first_url(&assertion->audiences, &connection->scope, connection->arena),
        .now_ms = clock_wall_ms(),
        .life_s = assertion->life_s,
    };
    struct error error = {0};
    if (!assertion_sign(connection->material.assertion, &terms, connection->arena, ret_assertion,
                        &error))
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_TOKEN, str_from(error.message),
                           "Check what the reference in jwtToken leads to.");
    redact_add(&connection->redaction, *ret_assertion);
    return true;
}

static void add_params(const struct vendor_connection *connection, struct oauth2_request *request)
{
    const struct value *params = connection->material.params;
    for (size_t i = 0; params && i < params->count; i++) {
        if (!str_eq(params->names[i], STR("assertion")))
            oauth2_add(request, arena_cstr(connection->arena, params->names[i]),
                       params->items[i]->text);
    }
}

static void add_lives(const struct vendor_connection *connection, struct oauth2_request *request)
{
    const struct connector_lives *lives = &connection->auth->oauth2->lives;
    for (size_t i = 0; i < lives->count; i++)
        oauth2_add_number(request, lives->rows[i].param, lives->rows[i].seconds, connection->arena);
}

bool vendor_grant_request(struct vendor_connection *connection, enum connector_grant grant,
                          struct oauth2_request *ret_request, struct str *ret_secret)
{
    const struct oauth2_material *material = &connection->material;
    const struct connector_oauth2 *oauth2 = connection->auth->oauth2;
    struct str scope = str_from(oauth2->scope);
    *ret_secret = STR_NULL;
    switch (grant) {
    case GRANT_REFRESH:
        *ret_secret = connection->tokens.refresh_token;
        oauth2_refresh(ret_request, *ret_secret);
        add_lives(connection, ret_request);
        break;
    case GRANT_CODE:
        *ret_secret = material->code;
        oauth2_code(ret_request, *ret_secret, material->redirect_uri);
        oauth2_add(ret_request, "code_verifier", connection->target->code_verifier);
        if (!oauth2->scope_is_clients)
            oauth2_add(ret_request, "scope", scope);
        add_lives(connection, ret_request);
        break;
    case GRANT_JWT_BEARER:
        *ret_secret = material->assertion;
        oauth2_jwt_bearer(ret_request, *ret_secret);
        break;
    case GRANT_ASSERTION_KEY:
        if (!sign(connection, ret_secret))
            return false;
        oauth2_jwt_bearer(ret_request, *ret_secret);
        break;
    case GRANT_CLIENT_CREDENTIALS:
        oauth2_client_credentials(ret_request);
        oauth2_add(ret_request, "scope", scope);
        break;
    case GRANT_PASSWORD:
        oauth2_password(ret_request, material->username, material->password);
        break;
    }
    add_params(connection, ret_request);
    return true;
}
