/* From a stored profile to the facts of its forecast: which kinds of credentials it has, and when
 * they were given, got and last accepted. An outline of the credentials suffices for that, so AWS
 * KMS is not asked (profile/envelope.h). */
#include "profile/forecast.h"

#include "connector/connector.h"
#include "connector/http/target.h"
#include "connector/token_policies.h"
#include "profile/provisioning_state.h"
#include "profile/seal.h"
#include "profile/tokens.h"
#include "store/credential_ends.h"
#include "wire/restjson.h"

/* Registered connectors have the type's own methods of authentication: where their function is does
 * not matter here. */
static void resolve(struct target *target, const struct connector *connector,
                    const struct value *properties, const struct value *credentials,
                    struct arena *arena)
{
    static const struct connector_env none;
    target_resolve(target,
                   &(struct target_source){
                       .connector = connector,
                       .env = &none,
                       .properties = properties->count > 0 ? properties->items[0] : properties,
                   },
                   arena);
    target_set_credentials(target, credentials);
}

static bool open_tokens(const struct keyring *keyring, const struct profile *profile,
                        const struct oauth_tokens_row *row, struct arena *arena,
                        struct oauth_tokens *ret_tokens, struct error *error)
{
    struct profile_tokens opened = {0};
    bool ok = !row || row->credentials_version != profile->credentials_version ||
              profile_tokens_outline(keyring, &profile->key, row, arena, &opened, error);
    *ret_tokens = opened.tokens;
    return ok;
}

/* The row's first version is the time of its creation in microseconds; each change adds one. Of
 * credentials from a change in between, only the creation is known to be before. */
static int64_t given_ms(const struct profile *profile)
{
    return profile->credentials_version == profile->version &&
                   profile->version != 1000 * profile->created_at_ms
               ? profile->updated_at_ms
               : profile->created_at_ms;
}

static void note_oauth(const struct http_target *http, const struct oauth_tokens *tokens,
                       struct forecast_facts *facts)
{
    const struct connector_oauth2 *oauth2 = http->auth->oauth2;
    struct oauth2_material material = http->material;
    if (tokens->refresh_token.len > 0)
        material.refresh_token = tokens->refresh_token;
    unsigned grants = oauth2_grants(oauth2, &material, ~0U);
    facts->policy = token_policy_in_force(&oauth2->policy);
    facts->has[CREDENTIAL_REFRESH_TOKEN] = grants & GRANT_REFRESH;
    facts->has[CREDENTIAL_CLIENT] = grants & GRANT_CLIENT_CREDENTIALS;
    facts->has[CREDENTIAL_PASSWORD] = grants & GRANT_PASSWORD;
    facts->has[CREDENTIAL_ACCESS_TOKEN] =
        tokens->access_token.len > 0 || material.access_token.len > 0;
    facts->from_assertion = grants & GRANT_JWT_BEARER;
    facts->signs = grants & GRANT_ASSERTION_KEY;
    facts->access_expires_ms = tokens->expires_at_ms;
    facts->refresh_expires_ms = tokens->refresh_expires_at_ms;
    facts->obtained_ms = tokens->obtained_at_ms;
    if (facts->obtained_ms > facts->verified_ms)
        facts->verified_ms = facts->obtained_ms;
}

static void note_kinds(const struct target *target, const struct oauth_tokens *tokens,
                       struct forecast_facts *facts)
{
    const struct connector_auth *auth = target->http ? target->http->auth : NULL;
    if (!target->http) /* a database's user, or a role that the properties name */
        facts->has[value_text(target->credentials, "username").len > 0 ? CREDENTIAL_PASSWORD
                                                                       : CREDENTIAL_ROLE] = true;
    else if (!auth)
        return; /* nothing that any method of authentication takes */
    else if (auth->oauth2)
        note_oauth(target->http, tokens, facts);
    else if ((auth->basic && !facts->life->basic_is_key) || auth->session)
        facts->has[CREDENTIAL_PASSWORD] = true;
    else
        facts->has[CREDENTIAL_KEY] = true;
}

/* A key that signs assertions. What a reference leads to is not looked at where it was not
 * resolved: that there is something to keep says then that it is a key, and no ready-made
 * assertion. */
static void note_signer(bool is_kept, struct forecast_facts *facts)
{
    facts->signs =
        facts->signs || (is_kept && facts->from_assertion && !facts->has[CREDENTIAL_REFRESH_TOKEN]);
    facts->from_assertion = facts->from_assertion && !facts->signs;
    facts->has[CREDENTIAL_KEY] = facts->has[CREDENTIAL_KEY] || facts->signs;
}

/* The vendor of a private connection is asked after the change. */
static bool is_accepted(const struct provisioning *provisioning)
{
    return !provisioning->status.data || str_eq(provisioning->status, STR("CREATED"));
}

static void note_asked(const struct profile *profile, const struct profile_asked *asked,
                       const struct http_connector *http, struct forecast_facts *facts)
{
    if (!asked || asked->version == 0 || asked->version != profile->credentials_version)
        return;
    facts->asked_end_ms = asked->end_ms;
    facts->asked_moves = http && http->end && http->end->moves_with_use;
    facts->is_endless = asked->end_ms == 0 && !asked->words.data;
}

void forecast_of_target(const struct target *target, const struct profile *profile,
                        const struct oauth_tokens *tokens, const struct profile_asked *asked,
                        bool is_kept, int64_t now_ms, struct profile_forecast *ret_forecast)
{
    static const struct token_policy no_policy;
    static const struct credential_life no_life;
    const struct http_connector *http = target->connector->http;
    struct forecast_facts facts = {
        .life = http ? &http->life : &no_life,
        .policy = &no_policy,
        .given_ms = given_ms(profile),
        .verified_ms = is_accepted(&profile->provisioning) ? profile->updated_at_ms : 0,
        .now_ms = now_ms,
    };
    note_kinds(target, tokens, &facts);
    note_signer(is_kept, &facts);
    note_asked(profile, asked, http, &facts);
    forecast_compute(&facts, ret_forecast);
}

void forecast_heed_row(struct profile_forecast *forecast, const struct profile *profile)
{
    if (provisioning_is_pending(&profile->provisioning))
        forecast->state = FORECAST_PENDING;
    else if (str_eq(profile->provisioning.status, STR("FAILED")))
        forecast->state = FORECAST_FAILED;
    else if (profile->fell_back_at_ms != 0 && forecast->state > FORECAST_FELL_BACK)
        forecast->state = FORECAST_FELL_BACK;
}

bool profile_forecast(const struct keyring *keyring, const struct stored_credentials *stored,
                      int64_t now_ms, struct arena *arena, struct profile_forecast *ret_forecast,
                      struct error *error)
{
    const struct profile *profile = stored->profile;
    const struct connector *connector = connector_by_type(profile->connector_type);
    const struct value *credentials;
    struct value *properties;
    struct oauth_tokens opened;
    struct target target;
    if (!connector || !connector->http)
        return fail(error, ERR_INTERNAL, "Profile %.*s is for a connector unknown here.",
                    STR_ARG(profile->key.name));
    if (!profile_unseal_outline(keyring, profile, arena, &credentials, error) ||
        !open_tokens(keyring, profile, stored->tokens, arena, &opened, error))
        return false;
    if (!json_parse(profile->properties, arena, &properties))
        return fail(error, ERR_INTERNAL, "The properties of profile %.*s cannot be read.",
                    STR_ARG(profile->key.name));
    resolve(&target, connector, properties, credentials, arena);
    forecast_of_target(&target, profile, &opened, stored->asked, stored->state != NULL, now_ms,
                       ret_forecast);
    if (stored->state)
        forecast_heed_keeper(ret_forecast, stored->state, now_ms, arena);
    forecast_heed_row(ret_forecast, profile);
    return true;
}
