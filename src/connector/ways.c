/* Ways of authenticating. */
#include "connector/ways.h"

const struct connector_auth *way_for(struct arena *arena, const struct connector *connector,
                                     const struct scope *scope)
{
    for (size_t i = 0; i < connector->auth.count; i++) {
        const struct connector_auth *way = &connector->auth.rows[i];
        if (scope_allows(arena, scope, way->given, way->equals))
            return way;
    }
    return NULL;
}

struct oauth2_material oauth2_material(struct arena *arena, const struct connector_oauth2 *oauth2,
                                       const struct scope *scope)
{
    const struct value *members = scope_value(scope, oauth2->members);
    const struct value *request = value_get(members, "oAuthRequest");
    return (struct oauth2_material){
        .access_token = value_text(members, "accessToken"),
        .refresh_token = value_text(members, "refreshToken"),
        .code = value_text(request, "authCode"),
        .redirect_uri = value_text(request, "redirectUri"),
        .assertion = value_text(members, "jwtToken"),
        .client_id = value_text(members, "clientId"),
        .client_secret = value_text(members, "clientSecret"),
        .client_arn = value_text(members, "clientCredentialsArn"),
        .grant_type = oauth2->grant_type ? scope_text(arena, scope, oauth2->grant_type) : STR_NULL,
    };
}
