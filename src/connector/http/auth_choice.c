/* Choosing the method of authentication, and reading the members of OAuth credentials. */
#include "connector/http/auth_choice.h"

#include "auth/assertion_key.h"

const struct connector_auth *auth_choose(struct arena *arena, const struct connector *connector,
                                         const struct scope *scope)
{
    for (size_t i = 0; i < connector->http->auth.count; i++) {
        const struct connector_auth *auth = &connector->http->auth.rows[i];
        if (scope_allows(arena, scope, auth->given, auth->equals))
            return auth;
    }
    return NULL;
}

static struct str login_part(struct arena *arena, const char *template, const struct scope *scope)
{
    return template_fill(arena, template, scope, ESCAPE_NONE);
}

struct oauth2_material oauth2_material(struct arena *arena, const struct connector_oauth2 *oauth2,
                                       const struct scope *scope)
{
    const struct value *members = scope_value(scope, oauth2->members);
    const struct value *request = value_get(members, "oAuthRequest");
    const struct value *params = oauth2->params ? scope_value(scope, oauth2->params) : NULL;
    const struct connector_basic *login = oauth2->login;
    struct oauth2_material material = {
        .access_token = value_text(members, "accessToken"),
        .refresh_token = value_text(members, "refreshToken"),
        .code = value_text(request, "authCode"),
        .redirect_uri = value_text(request, "redirectUri"),
        .assertion = value_text(members, "jwtToken"),
        .client_id = value_text(members, "clientId"),
        .client_secret = value_text(members, "clientSecret"),
        .client_arn = value_text(members, "clientCredentialsArn"),
        .grant_type = oauth2->grant_type ? scope_text(arena, scope, oauth2->grant_type) : STR_NULL,
        .username = login ? login_part(arena, login->user, scope) : STR_NULL,
        .password = login ? login_part(arena, login->password, scope) : STR_NULL,
        .params = params,
    };
    if (!material.assertion.data)
        material.assertion = value_text(params, "assertion");
    material.signs = oauth2->assertion && assertion_key_is_meant(material.assertion);
    return material;
}

bool oauth2_suffices(const struct connector_oauth2 *oauth2, const struct oauth2_material *material,
                     enum connector_grant grant)
{
    struct str chosen = material->grant_type;
    bool any = chosen.len == 0;
    unsigned taken = grant == GRANT_ASSERTION_KEY ? GRANT_JWT_BEARER : grant;
    if (!(oauth2->grants & taken))
        return false;
    switch (grant) {
    case GRANT_REFRESH:
        return material->refresh_token.len > 0;
    case GRANT_CODE:
        return material->code.len > 0 && material->redirect_uri.len > 0 &&
               (any || str_eq(chosen, STR("AUTHORIZATION_CODE")));
    case GRANT_JWT_BEARER:
        return material->assertion.len > 0 && !material->signs &&
               (any || str_eq(chosen, STR("JWT_BEARER")));
    case GRANT_ASSERTION_KEY:
        return material->signs && (any || str_eq(chosen, STR("JWT_BEARER")));
    case GRANT_CLIENT_CREDENTIALS:
        return oauth2->grant_type ? str_eq(chosen, STR("CLIENT_CREDENTIALS"))
                                  : material->client_id.len > 0 && material->client_secret.len > 0;
    case GRANT_PASSWORD:
        return material->username.len > 0 && material->password.len > 0;
    }
    return false;
}

unsigned oauth2_grants(const struct connector_oauth2 *oauth2,
                       const struct oauth2_material *material, unsigned grants)
{
    unsigned found = 0;
    for (unsigned grant = 1; grant <= GRANT_LAST; grant <<= 1) {
        if (grants & grant && oauth2_suffices(oauth2, material, (enum connector_grant)grant))
            found |= grant;
    }
    return found;
}
