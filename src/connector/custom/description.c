/* How a registered connector gets its tokens, as the declarative engine wants it said: the shapes
 * of CustomConnector, with the style of token requests that oAuth2Defaults declares. */
#include "base/buf.h"
#include "connector/custom/declared.h"
#include "connector/http/http_connector.h"
#include "connector/token_policies.h"

enum {
    SCOPES_MAX = 16 * 1024, /* bytes; a declaration may have more than it sends */
    URLS_MAX = 50,          /* to authorize at */
};

/* Scopes are separated by blanks: RFC 6749, 3.3. */
static const char *scopes_of(struct arena *arena, const struct value *defaults)
{
    const struct value *scopes = value_get(defaults, "oAuthScopes");
    struct buf text = buf_in(arena, SCOPES_MAX);
    for (size_t i = 0; scopes && i < scopes->count; i++) {
        if (scopes->items[i]->kind != VALUE_STRING)
            continue;
        if (text.len > 0)
            buf_add_char(&text, ' ');
        buf_add(&text, scopes->items[i]->text);
    }
    return text.len > 0 && !text.overflow ? text.data : NULL;
}

static bool is_among(const struct connector_urls *urls, struct str url)
{
    for (size_t i = 0; i < urls->count; i++) {
        if (str_eq(str_from(urls->rows[i].url), url))
            return true;
    }
    return false;
}

/* The authorization URLs that are declared, each once, at most URLS_MAX: a registration may have
 * thousands. Those with place-holders are for a caller of the API to fill. */
static const struct connector_consent *consent_of(struct arena *arena, const struct value *defaults)
{
    const struct value *urls = value_get(defaults, "authURL");
    if (!urls || urls->kind != VALUE_LIST)
        return NULL;
    struct connector_url *rows = arena_array(arena, struct connector_url, URLS_MAX);
    struct connector_consent *consent = arena_new(arena, struct connector_consent);
    *consent = (struct connector_consent){
        .urls.rows = rows,
        .is_choice = true,
        .scope = scopes_of(arena, defaults),
    };
    for (size_t i = 0; i < urls->count && consent->urls.count < URLS_MAX; i++) {
        const struct value *url = urls->items[i];
        if (url->kind == VALUE_STRING && !str_contains(url->text, STR("{")) &&
            !is_among(&consent->urls, url->text))
            rows[consent->urls.count++] =
                (struct connector_url){.url = arena_cstr(arena, url->text), .exact = true};
    }
    return consent->urls.count > 0 ? consent : NULL;
}

static struct connector_oauth2 *oauth2_of(struct arena *arena, const struct connector_oauth2 *usual,
                                          const struct value *defaults)
{
    struct connector_oauth2 *oauth2 = arena_new(arena, struct connector_oauth2);
    *oauth2 = *usual;
    oauth2->policy = *token_policy_in_force(&usual->policy); /* which is found by its address */
    oauth2->json = str_eq(value_text(defaults, "oAuth2ContentType"), STR("APPLICATION_JSON"));
    oauth2->get = str_eq(value_text(defaults, "oAuth2MethodType"), STR("HTTP_GET"));
    oauth2->basic = value_flag(defaults, "addBasicAuthHeader", false);
    oauth2->scope = scopes_of(arena, defaults);
    oauth2->scope_is_clients = true;
    oauth2->consent = consent_of(arena, defaults);
    return oauth2;
}

const struct http_connector *custom_description_new(struct arena *arena,
                                                    const struct value *configuration)
{
    const struct http_connector *usual = connector_by_type(CUSTOM_CONNECTOR)->http;
    const struct value *defaults =
        value_get(value_get(configuration, "authenticationConfig"), "oAuth2Defaults");
    struct http_connector *http = arena_new(arena, struct http_connector);
    struct connector_auth *auth = arena_array(arena, struct connector_auth, usual->auth.count);
    for (size_t i = 0; i < usual->auth.count; i++) {
        auth[i] = usual->auth.rows[i];
        if (auth[i].oauth2)
            auth[i].oauth2 = oauth2_of(arena, auth[i].oauth2, defaults);
    }
    *http = *usual;
    http->auth.rows = auth;
    return http;
}
