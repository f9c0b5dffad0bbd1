/* What a connector declares about itself, held against a profile: which kinds of credentials it
 * takes, which settings it needs, which token URLs may get them. All of it is looked at before any
 * call, after the shapes that every profile of this type has.
 *
 * Settings and parameters that the declaration does not name are let through: the function sees
 * them in ValidateConnectorRuntimeSettings, and may know more than it declares. */
#include "base/buf.h"
#include "connector/custom/declared.h"
#include "connector/custom/token_url.h"
#include "connector/http/http_connector.h"
#include "connector/http/target.h"

enum { LISTED_MAX = 512 }; /* bytes of what a message lists */

static const struct value *configuration_of(const struct target *target)
{
    const struct custom_connector *custom = target->connector->custom;
    return custom->configuration;
}

static const struct value *authentication_of(const struct target *target)
{
    return value_get(configuration_of(target), "authenticationConfig");
}

static struct str text_of(const struct value *value)
{
    return value && value->kind == VALUE_STRING ? value->text : STR_NULL;
}

static bool contains(const struct value *list, struct str text)
{
    for (size_t i = 0; list && i < list->count; i++) {
        if (str_eq(text_of(list->items[i]), text))
            return true;
    }
    return false;
}

static struct str listed(struct arena *arena, const struct value *list)
{
    struct buf text = buf_in(arena, LISTED_MAX);
    for (size_t i = 0; list && i < list->count && !text.overflow; i++)
        buf_printf(&text, "%s%.*s", i == 0 ? "" : ", ", STR_ARG(text_of(list->items[i])));
    return text.len > 0 ? buf_str(&text) : STR("none");
}

/* --- versions of the vendor's API --- */

const struct value *custom_declared_versions(const struct target *target)
{
    return value_get(configuration_of(target), "supportedApiVersions");
}

struct str custom_version_at(const struct value *versions, size_t index)
{
    struct str version = text_of(versions->items[index]);
    return version.data ? version : STR("");
}

/* --- the kind of credentials --- */

static const struct {
    const char *type;
    const char *flag;
} kinds[] = {
    {"BASIC", "isBasicAuthSupported"},
    {"APIKEY", "isApiKeyAuthSupported"},
    {"OAUTH2", "isOAuth2Supported"},
    {"CUSTOM", "isCustomAuthSupported"},
};

struct str custom_authentication_type(const struct target *target)
{
    struct str type = value_text(target->credentials, "authenticationType");
    return type.data ? type : STR("");
}

static bool check_kind(const struct target *target, struct error *error)
{
    struct str type = custom_authentication_type(target);
    struct buf supported = buf_in(target->arena, LISTED_MAX);
    bool found = false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (!value_flag(authentication_of(target), kinds[i].flag, false))
            continue;
        found = found || str_eq(type, str_from(kinds[i].type));
        buf_printf(&supported, "%s%s", supported.len > 0 ? ", " : "", kinds[i].type);
    }
    return found || fail(error, ERR_VALIDATION,
                         "Validation exception: connector %.*s does not take authenticationType "
                         "%.*s, but %s",
                         STR_ARG(target->connector->label), STR_ARG(type),
                         supported.len > 0 ? supported.data : "none");
}

/* --- settings and parameters: keys, whether they are needed, and the values to choose from --- */

/* One declared entry of the contract: {key, required, connectorSuppliedValues}. */
struct declared {
    const struct value *entry;
    const char *supplied; /* the member with the values to choose from */
    const char *where;    /* the member of the request that the entries are for */
};

static bool check_entry(const struct target *target, const struct declared *declared,
                        const struct value *given, struct error *error)
{
    struct arena *arena = target->arena;
    struct str key = value_text(declared->entry, "key");
    const struct value *supplied = value_get(declared->entry, declared->supplied);
    struct str text = key.len > 0 ? value_text(given, arena_cstr(arena, key)) : STR_NULL;
    if (text.len == 0)
        return !value_flag(declared->entry, "required", false) ||
               fail(error, ERR_VALIDATION, "Validation exception: connector %.*s needs %.*s in %s",
                    STR_ARG(target->connector->label), STR_ARG(key), declared->where);
    return !supplied || supplied->count == 0 || contains(supplied, text) ||
           fail(error, ERR_VALIDATION,
                "Validation exception: %.*s in %s must be one of those that connector %.*s "
                "supplies: %.*s",
                STR_ARG(key), declared->where, STR_ARG(target->connector->label),
                STR_ARG(listed(arena, supplied)));
}

static bool is_given(const struct target *target, const struct value *given,
                     const struct value *entry)
{
    struct str key = value_text(entry, "key");
    return key.len > 0 && value_get(given, arena_cstr(target->arena, key));
}

/* Settings of flows (SOURCE, DESTINATION, SOURCE_AND_DESTINATION) have no place in a profile. */
static bool check_settings(const struct target *target, struct error *error)
{
    const struct value *settings = value_get(configuration_of(target), "connectorRuntimeSetting");
    const struct value *given = value_get(target->properties, "profileProperties");
    for (size_t i = 0; settings && i < settings->count; i++) {
        const struct value *setting = settings->items[i];
        struct str scope = value_text(setting, "scope");
        const struct declared declared = {setting, "connectorSuppliedValueOptions",
                                          "profileProperties"};
        if (str_eq(scope, STR("CONNECTOR_PROFILE"))) {
            if (!check_entry(target, &declared, given, error))
                return false;
        } else if (is_given(target, given, setting)) {
            return fail(error, ERR_VALIDATION,
                        "Validation exception: %.*s is a setting of connector %.*s for flows "
                        "(scope %.*s): leave it out of profileProperties",
                        STR_ARG(value_text(setting, "key")), STR_ARG(target->connector->label),
                        STR_ARG(scope));
        }
    }
    return true;
}

/* --- custom authentication --- */

static const struct value *find_custom(const struct value *configs, struct str type)
{
    for (size_t i = 0; configs && i < configs->count; i++) {
        if (str_eq(value_text(configs->items[i], "authenticationType"), type))
            return configs->items[i];
    }
    return NULL;
}

static bool check_custom(const struct target *target, struct error *error)
{
    const struct value *configs = value_get(authentication_of(target), "customAuthConfig");
    const struct value *custom = value_get(target->credentials, "custom");
    struct str type = value_text(custom, "customAuthenticationType");
    const struct value *config = find_custom(configs, type);
    const struct value *params = value_get(config, "authParameters");
    if (!config)
        return fail(error, ERR_VALIDATION,
                    "Validation exception: connector %.*s declares no customAuthenticationType "
                    "%.*s",
                    STR_ARG(target->connector->label), STR_ARG(type));
    for (size_t i = 0; params && i < params->count; i++) {
        const struct declared declared = {params->items[i], "connectorSuppliedValues",
                                          "credentialsMap"};
        if (!check_entry(target, &declared, value_get(custom, "credentialsMap"), error))
            return false;
    }
    return true;
}

/* --- OAuth 2 --- */

/* Parameters of the authorization URL were used before the code was there. */
static bool check_token_params(const struct target *target, const struct value *defaults,
                               struct error *error)
{
    const struct value *params = value_get(defaults, "oAuth2CustomProperties");
    const struct value *given =
        value_get(value_get(target->properties, "oAuth2Properties"), "tokenUrlCustomProperties");
    if (!params) /* the SDK for Java spells it so */
        params = value_get(defaults, "oauth2CustomProperties");
    for (size_t i = 0; params && i < params->count; i++) {
        const struct declared declared = {params->items[i], "connectorSuppliedValues",
                                          "tokenUrlCustomProperties"};
        if (!str_eq(value_text(params->items[i], "type"), STR("AUTH_URL")) &&
            !check_entry(target, &declared, given, error))
            return false;
    }
    return true;
}

static bool check_token_url(const struct target *target, const struct value *defaults,
                            struct str url, struct error *error)
{
    const struct value *urls = value_get(defaults, "tokenURL");
    for (size_t i = 0; urls && i < urls->count; i++) {
        if (custom_token_url_matches(text_of(urls->items[i]), url))
            return true;
    }
    for (size_t i = 0; target->env && i < target->env->token_url_count; i++) {
        if (custom_token_url_matches(target->env->token_urls[i], url))
            return true;
    }
    return fail(error, ERR_VALIDATION,
                "Validation exception: oAuth2Properties.tokenUrl is none of the token URLs that "
                "connector %.*s declares: %.*s. The operator of this server can allow further ones "
                "(--connector-token-url).",
                STR_ARG(target->connector->label), STR_ARG(listed(target->arena, urls)));
}

/* Without a tokenUrl it is the engine that says so. */
static bool check_oauth2(const struct target *target, struct error *error)
{
    const struct value *defaults = value_get(authentication_of(target), "oAuth2Defaults");
    const struct value *grants = value_get(defaults, "oAuth2GrantTypesSupported");
    const struct value *given = value_get(target->properties, "oAuth2Properties");
    struct str grant = value_text(given, "oAuth2GrantType"), url = value_text(given, "tokenUrl");
    if (grants && grants->count > 0 && grant.len > 0 && !contains(grants, grant))
        return fail(error, ERR_VALIDATION,
                    "Validation exception: connector %.*s does not take oAuth2GrantType %.*s, but "
                    "%.*s",
                    STR_ARG(target->connector->label), STR_ARG(grant),
                    STR_ARG(listed(target->arena, grants)));
    return (url.len == 0 || check_token_url(target, defaults, url, error)) &&
           check_token_params(target, defaults, error);
}

/* --- all of it --- */

static bool check_credentials(const struct target *target, struct error *error)
{
    struct str type = custom_authentication_type(target);
    if (!check_kind(target, error))
        return false;
    if (str_eq(type, STR("CUSTOM")))
        return check_custom(target, error);
    return !str_eq(type, STR("OAUTH2")) || check_oauth2(target, error);
}

bool custom_check(const struct target *target, struct error *error)
{
    const struct http_connector *http = target->connector->http;
    return http->check(target->properties, target->credentials, error) &&
           (!target->credentials || check_credentials(target, error)) &&
           check_settings(target, error) && http_check(target, error);
}
