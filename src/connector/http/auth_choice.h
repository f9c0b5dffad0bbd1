/* Which method of authentication the credentials choose, and what they bring for it. */
#pragma once

#include "base/arena.h"
#include "connector/http/http_connector.h"
#include "connector/http/template.h"

/* The first method that applies; NULL when none does. */
const struct connector_auth *auth_choose(struct arena *arena, const struct connector *connector,
                                         const struct scope *scope);

/* The members of OAuth credentials, by AppFlow's names for them; STR_NULL: absent. */
struct oauth2_material {
    struct str access_token;
    struct str refresh_token;
    struct str code; /* with a redirect_uri; Terraform can send that alone, which means nothing */
    struct str redirect_uri;
    struct str assertion; /* jwtToken */
    bool signs;           /* it is what an assertion is signed with (auth/assertion_key.h) */
    struct str client_id;
    struct str client_secret;
    struct str client_arn; /* clientCredentialsArn */
    struct str grant_type; /* an OAuth2GrantType */
    struct str username;   /* of the password grant */
    struct str password;
    const struct value *params; /* further parameters of every request; NULL: none */
};

struct oauth2_material oauth2_material(struct arena *arena, const struct connector_oauth2 *oauth2,
                                       const struct scope *scope);

/* Whether the material suffices for a grant. A grant type that was chosen rules out the one-time
 * credential of another. */
bool oauth2_suffices(const struct connector_oauth2 *oauth2, const struct oauth2_material *material,
                     enum connector_grant grant);

/* Which of `grants` (enum connector_grant) the material suffices for. */
unsigned oauth2_grants(const struct connector_oauth2 *oauth2,
                       const struct oauth2_material *material, unsigned grants);
