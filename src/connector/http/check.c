/* Rules across members, checked before any call is made. */
#include "auth/api_key.h"
#include "connector/http/auth_choice.h"
#include "connector/http/target.h"
#include "connector/http/verify.h"

#include <string.h>

/* The real service writes a connector's name in capitals here. */
static struct str capitals(struct arena *arena, struct str text)
{
    struct str copy = arena_copy(arena, text);
    char *data = (char *)copy.data;
    for (size_t i = 0; i < copy.len; i++) {
        if (data[i] >= 'a' && data[i] <= 'z')
            data[i] = (char)(data[i] - 'a' + 'A');
    }
    return copy;
}

static bool fail_blank(struct arena *arena, const struct connector *connector, const char *member,
                       struct error *error)
{
    return fail(error, ERR_VALIDATION,
                "Validation exception: %s cannot be blank for connector: %.*s", member,
                STR_ARG(capitals(arena, connector->type)));
}

/* Nothing can be exchanged by a client without a name, nor by one that is to prove itself without
 * a secret. */
static bool check_client(struct arena *arena, const struct connector *connector,
                         const struct connector_oauth2 *oauth2,
                         const struct oauth2_material *material, struct error *error)
{
    bool as_client = str_eq(material->grant_type, STR("CLIENT_CREDENTIALS"));
    bool as_bearer = str_eq(material->grant_type, STR("JWT_BEARER"));
    if (oauth2->client == CLIENT_APP || material->access_token.len > 0 || as_bearer)
        return true;
    if (material->client_id.len == 0)
        return fail_blank(arena, connector, "ClientId", error);
    return !as_client || material->client_secret.len > 0 ||
           fail_blank(arena, connector, "ClientSecret", error);
}

/* Without a grant type, what was given says which is meant. CLIENT_CREDENTIALS at a vendor that
 * does not take it gets the text of the real service, which then misses a code. */
static bool check_oauth2(struct arena *arena, const struct connector *connector,
                         const struct connector_oauth2 *oauth2, const struct scope *scope,
                         struct error *error)
{
    struct oauth2_material material = oauth2_material(arena, oauth2, scope);
    struct str grant = material.grant_type;
    bool has_token = material.access_token.len > 0 || material.refresh_token.len > 0;
    bool as_client = str_eq(grant, STR("CLIENT_CREDENTIALS"));
    if (str_eq(grant, STR("JWT_BEARER")) && !has_token && material.assertion.len == 0)
        return fail_blank(arena, connector, "JwtToken", error);
    if (!as_client && material.code.len > 0 && material.redirect_uri.len == 0)
        return fail_blank(arena, connector, "RedirectUri", error);
    bool can_grant = false;
    for (unsigned each = GRANT_REFRESH; each <= GRANT_PASSWORD; each <<= 1)
        can_grant = can_grant || oauth2_suffices(oauth2, &material, each);
    bool refused = as_client && !(oauth2->grants & GRANT_CLIENT_CREDENTIALS);
    if (refused || (!has_token && !can_grant))
        return fail_blank(arena, connector, "AuthCode", error);
    return check_client(arena, connector, oauth2, &material, error);
}

/* "{credentials.apiKey}" is told as ApiKey, which is how the real service names members here. */
static const char *member_of(struct arena *arena, const char *template)
{
    const char *dot = strrchr(template, '.');
    char *name = (char *)arena_cstr(arena, str_from(dot ? dot + 1 : template));
    name += *name == '{';
    name[strcspn(name, "}")] = '\0';
    if (name[0] >= 'a' && name[0] <= 'z')
        name[0] = (char)(name[0] - 'a' + 'A');
    return name;
}

static bool check_filled(struct arena *arena, const struct connector *connector,
                         const char *template, const struct scope *scope, struct error *error)
{
    return template_fill(arena, template, scope, ESCAPE_NONE).len > 0 ||
           fail_blank(arena, connector, member_of(arena, template), error);
}

static bool check_basic(struct arena *arena, const struct connector *connector,
                        const struct connector_basic *basic, const struct scope *scope,
                        struct error *error)
{
    struct str user = template_fill(arena, basic->user, scope, ESCAPE_NONE);
    if (!check_filled(arena, connector, basic->user, scope, error) ||
        !check_filled(arena, connector, basic->password, scope, error))
        return false;
    if (str_contains(user, STR(":")))
        return fail(error, ERR_VALIDATION,
                    "Validation exception: what is sent as the user name for connector: %.*s must "
                    "not contain a colon",
                    STR_ARG(capitals(arena, connector->type)));
    return true;
}

/* The three parts of the header stand between colons. */
static bool check_signed(struct arena *arena, const struct connector *connector,
                         const struct connector_signed *auth, const struct scope *scope,
                         struct error *error)
{
    const char *const parts[] = {auth->key_id, auth->user};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (str_contains(template_fill(arena, parts[i], scope, ESCAPE_NONE), STR(":")))
            return fail(error, ERR_VALIDATION,
                        "Validation exception: %s must not contain a colon for connector: %.*s",
                        member_of(arena, parts[i]), STR_ARG(capitals(arena, connector->type)));
    }
    return true;
}

struct blank_search {
    struct arena *arena;
    const struct scope *scope;
    const char *blank; /* a place in the credentials that has nothing in it */
};

static void look_for_blank(void *context, struct str path)
{
    struct blank_search *search = context;
    const char *text = arena_cstr(search->arena, path);
    if (!search->blank && str_starts(path, STR("credentials.")) &&
        scope_text(search->arena, search->scope, text).len == 0)
        search->blank = text;
}

static bool check_session(struct arena *arena, const struct connector *connector,
                          const struct connector_session *session, const struct scope *scope,
                          struct error *error)
{
    struct blank_search search = {arena, scope, NULL};
    template_placeholders(session->login.body, look_for_blank, &search);
    return !search.blank || fail_blank(arena, connector, member_of(arena, search.blank), error);
}

static bool is_sendable(const struct value *value)
{
    if (value->kind == VALUE_STRING && !auth_key_is_sendable(value->text))
        return false;
    for (size_t i = 0; i < value->count; i++) {
        if (!is_sendable(value->items[i]))
            return false;
    }
    return true;
}

static bool check_credentials(struct arena *arena, const struct connector *connector,
                              const struct scope *scope, struct error *error)
{
    const struct connector_auth *auth = auth_choose(arena, connector, scope);
    if (!auth)
        return fail(error, ERR_VALIDATION,
                    "Validation exception: the credentials for connector: %.*s hold nothing to "
                    "authenticate with",
                    STR_ARG(capitals(arena, connector->type)));
    if (!is_sendable(scope->credentials))
        return fail(error, ERR_VALIDATION,
                    "Validation exception: the credentials must not contain control characters");
    if (auth->basic)
        return check_basic(arena, connector, auth->basic, scope, error);
    if (auth->oauth2)
        return check_oauth2(arena, connector, auth->oauth2, scope, error);
    if (auth->session)
        return check_session(arena, connector, auth->session, scope, error);
    if (auth->signed_request)
        return check_signed(arena, connector, auth->signed_request, scope, error);
    return true;
}

/* What every probe sends of the properties must be there. */
static bool check_probes(struct arena *arena, const struct connector *connector,
                         const struct scope *scope, struct error *error)
{
    struct endpoint account;
    for (size_t i = 0; i < connector->http->probes.count; i++) {
        const struct connector_call *call = &connector->http->probes.rows[i];
        for (size_t j = 0; j < call->headers.count; j++) {
            const char *value = call->headers.rows[j].value;
            if (!strstr(value, "{credentials.") &&
                !check_filled(arena, connector, value, scope, error))
                return false;
        }
        if (call->account_at &&
            !endpoint_choose(NULL, connector, call->account, scope, arena, &account, error))
            return false;
    }
    return true;
}

static bool check_urls(struct arena *arena, const struct connector *connector,
                       const struct scope *scope, struct error *error)
{
    const struct connector_auth *auth =
        scope->credentials ? auth_choose(arena, connector, scope) : NULL;
    struct endpoint api;
    struct str token_url;
    if (connector->http->api.count > 0 &&
        !endpoint_choose(NULL, connector, &connector->http->api, scope, arena, &api, error))
        return false;
    return !auth || !auth->oauth2 ||
           endpoint_token_url(NULL, connector, auth->oauth2, scope, arena, &token_url, error);
}

bool connector_check(const struct connector *connector, const struct value *properties,
                     const struct value *credentials, struct arena *arena, struct error *error)
{
    struct scope scope;
    if (!scope_make(connector, properties, credentials, arena, &scope, error))
        return false;
    /* The connector's own rule comes first: what it refuses may make the others miss something. */
    if (connector->http->check && !connector->http->check(properties, credentials, error))
        return false;
    if (connector->http->auth.count == 0)
        return true;
    return check_urls(arena, connector, &scope, error) &&
           check_probes(arena, connector, &scope, error) &&
           (!credentials || check_credentials(arena, connector, &scope, error));
}
