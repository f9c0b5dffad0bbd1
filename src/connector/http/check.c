/* Rules across members, checked before any call is made. They read the target: its addresses must
 * be good in form, what the probes send must be there, and the credentials must hold what the
 * chosen method of authentication needs. */
#include "auth/api_key.h"
#include "connector/http/target.h"

#include <string.h>

/* The real service writes a connector's name in capitals here. */
static struct str capitals(struct arena *arena, struct str text)
{
    struct str copy = arena_copy(arena, text);
    char *data = (char *)copy.data;
    for (size_t i = 0; i < copy.len; i++)
        data[i] = ascii_upper(data[i]);
    return copy;
}

static bool fail_blank(const struct target *target, const char *member, struct error *error)
{
    return fail(error, ERR_VALIDATION,
                "Validation exception: %s cannot be blank for connector: %.*s", member,
                STR_ARG(capitals(target->arena, target->connector->type)));
}

/* Nothing can be exchanged by a client without a name, nor by one that is to prove itself without
 * a secret. */
static bool check_client(const struct target *target, struct error *error)
{
    const struct oauth2_material *material = &target->http->material;
    bool as_client = str_eq(material->grant_type, STR("CLIENT_CREDENTIALS"));
    bool as_bearer = str_eq(material->grant_type, STR("JWT_BEARER"));
    if (target->http->auth->oauth2->client == CLIENT_APP || material->access_token.len > 0 ||
        as_bearer)
        return true;
    if (material->client_id.len == 0)
        return fail_blank(target, "ClientId", error);
    return !as_client || material->client_secret.len > 0 ||
           fail_blank(target, "ClientSecret", error);
}

/* Without a grant type, what was given says which is meant. CLIENT_CREDENTIALS at a vendor that
 * does not take it gets the text of the real service, which then misses a code. */
static bool check_oauth2(const struct target *target, struct error *error)
{
    const struct connector_oauth2 *oauth2 = target->http->auth->oauth2;
    const struct oauth2_material *material = &target->http->material;
    struct str grant = material->grant_type;
    bool has_token = material->access_token.len > 0 || material->refresh_token.len > 0;
    bool as_client = str_eq(grant, STR("CLIENT_CREDENTIALS"));
    if (str_eq(grant, STR("JWT_BEARER")) && !has_token && material->assertion.len == 0)
        return fail_blank(target, "JwtToken", error);
    if (!as_client && material->code.len > 0 && material->redirect_uri.len == 0)
        return fail_blank(target, "RedirectUri", error);
    bool can_grant = false;
    for (unsigned each = GRANT_REFRESH; each <= GRANT_LAST; each <<= 1)
        can_grant = can_grant || oauth2_suffices(oauth2, material, each);
    bool refused = as_client && !(oauth2->grants & GRANT_CLIENT_CREDENTIALS);
    if (refused || (!has_token && !can_grant))
        return fail_blank(target, "AuthCode", error);
    return check_client(target, error);
}

/* "{credentials.apiKey}" is reported as ApiKey, as the real service names members here. */
static const char *member_of(struct arena *arena, const char *template)
{
    const char *dot = strrchr(template, '.');
    char *name = (char *)arena_cstr(arena, str_from(dot ? dot + 1 : template));
    name += *name == '{';
    name[strcspn(name, "}")] = '\0';
    name[0] = ascii_upper(name[0]);
    return name;
}

static bool check_filled(const struct target *target, const char *template, struct error *error)
{
    return template_fill(target->arena, template, &target->http->scope, ESCAPE_NONE).len > 0 ||
           fail_blank(target, member_of(target->arena, template), error);
}

static bool check_basic(const struct target *target, struct error *error)
{
    const struct connector_basic *basic = target->http->auth->basic;
    struct str user = template_fill(target->arena, basic->user, &target->http->scope, ESCAPE_NONE);
    if (!check_filled(target, basic->user, error) || !check_filled(target, basic->password, error))
        return false;
    if (str_contains(user, STR(":")))
        return fail(error, ERR_VALIDATION,
                    "Validation exception: what is sent as the user name for connector: %.*s must "
                    "not contain a colon",
                    STR_ARG(capitals(target->arena, target->connector->type)));
    return true;
}

/* The header's three parts are separated by colons. */
static bool check_signed(const struct target *target, struct error *error)
{
    const struct connector_signed *auth = target->http->auth->signed_request;
    const char *const parts[] = {auth->key_id, auth->user};
    struct arena *arena = target->arena;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        struct str part = template_fill(arena, parts[i], &target->http->scope, ESCAPE_NONE);
        if (str_contains(part, STR(":")))
            return fail(error, ERR_VALIDATION,
                        "Validation exception: %s must not contain a colon for connector: %.*s",
                        member_of(arena, parts[i]),
                        STR_ARG(capitals(arena, target->connector->type)));
    }
    return true;
}

struct blank_search {
    const struct target *target;
    const char *blank; /* a member of the credentials that is empty */
};

static void look_for_blank(void *context, struct str path)
{
    struct blank_search *search = context;
    const struct target *target = search->target;
    const char *text = arena_cstr(target->arena, path);
    if (!search->blank && str_starts(path, STR("credentials.")) &&
        scope_text(target->arena, &target->http->scope, text).len == 0)
        search->blank = text;
}

static bool check_session(const struct target *target, struct error *error)
{
    struct blank_search search = {.target = target};
    template_placeholders(target->http->auth->session->login.body, look_for_blank, &search);
    return !search.blank || fail_blank(target, member_of(target->arena, search.blank), error);
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

static bool check_credentials(const struct target *target, struct error *error)
{
    const struct connector_auth *auth = target->http->auth;
    if (!auth)
        return fail(error, ERR_VALIDATION,
                    "Validation exception: the credentials for connector: %.*s hold nothing to "
                    "authenticate with",
                    STR_ARG(capitals(target->arena, target->connector->type)));
    if (!is_sendable(target->credentials))
        return fail(error, ERR_VALIDATION,
                    "Validation exception: the credentials must not contain control characters");
    if (auth->basic)
        return check_basic(target, error);
    if (auth->oauth2)
        return check_oauth2(target, error);
    if (auth->session)
        return check_session(target, error);
    if (auth->signed_request)
        return check_signed(target, error);
    return true;
}

/* What every probe sends of the properties must be there. */
static bool check_probes(const struct target *target, struct error *error)
{
    const struct connector_calls *probes = &target->connector->http->probes;
    for (size_t i = 0; i < probes->count; i++) {
        const struct connector_call *call = &probes->rows[i];
        for (size_t j = 0; j < call->headers.count; j++) {
            const char *value = call->headers.rows[j].value;
            if (!strstr(value, "{credentials.") && !check_filled(target, value, error))
                return false;
        }
        if (call->account_at && !endpoint_check(&target->http->account, error))
            return false;
    }
    return true;
}

static bool check_urls(const struct target *target, struct error *error)
{
    const struct connector_auth *auth = target->http->auth;
    if (target->connector->http->api.count > 0 && !endpoint_check(&target->http->api, error))
        return false;
    return !auth || !auth->oauth2 || endpoint_check(target->http->token, error);
}

bool http_check(const struct target *target, struct error *error)
{
    const struct http_connector *http = target->connector->http;
    if (target->fault)
        return fail(error, target->fault->code, "%s", target->fault->message);
    /* The connector's own rule comes first: what it refuses may make the others miss something. */
    if (http->check && !http->check(target->properties, target->credentials, error))
        return false;
    if (http->auth.count == 0)
        return true;
    return check_urls(target, error) && check_probes(target, error) &&
           (!target->credentials || check_credentials(target, error)) &&
           http_check_encrypted(target, error);
}
