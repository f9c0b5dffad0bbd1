/* The authorization request (RFC 6749, 4.1.1), from a connector's description and a target. */
#include "connector/http/consent.h"

#include "auth/oauth_app.h"
#include "base/buf.h"
#include "base/encode.h"
#include "connector/http/target.h"
#include "wire/json_pointer.h"

#include <string.h>

enum { SCOPE_MAX = 4096, ACCOUNT_MAX = 1024, LISTED_MAX = 600 }; /* bytes */

const struct connector_auth *consent_auth(const struct connector *connector)
{
    for (size_t i = 0; connector->http && i < connector->http->auth.count; i++) {
        const struct connector_auth *auth = &connector->http->auth.rows[i];
        if (auth->oauth2 && auth->oauth2->consent)
            return auth;
    }
    return NULL;
}

/* --- the request --- */

static bool is_at_token_host(const struct target *target, const struct connector_url *row)
{
    struct url url;
    return url_parse(target->arena, str_from(row->url), NULL, &url, NULL) &&
           str_eq(url.host, target->http->token->url.host);
}

/* As many as fit into a sentence. */
static struct str list_urls(struct arena *arena, const struct connector_urls *urls)
{
    struct buf list = buf_in(arena, LISTED_MAX + URL_MAX);
    size_t i = 0;
    for (; i < urls->count && list.len < LISTED_MAX; i++)
        buf_add_item(&list, str_from(urls->rows[i].url));
    if (i < urls->count)
        buf_printf(&list, " and %zu more", urls->count - i);
    return buf_str(&list);
}

/* One row of `urls` where any of them may be meant; ERR_VALIDATION when it is not clear which. */
static bool choose_url(const struct target *target, const struct connector_consent *consent,
                       struct str wished, struct connector_urls *ret_urls, struct error *error)
{
    const struct connector_urls *all = &consent->urls;
    const struct connector_url *found = NULL;
    size_t count = 0;
    *ret_urls = *all;
    if (!consent->is_choice)
        return !wished.data ||
               fail(error, ERR_VALIDATION,
                    "%.*s has one authorization URL, so none can be chosen. Leave it out.",
                    STR_ARG(connector_name(target->connector, target->arena)));
    for (size_t i = 0; i < all->count; i++) {
        bool fits = wished.data ? str_eq(wished, str_from(all->rows[i].url))
                                : all->count == 1 || is_at_token_host(target, &all->rows[i]);
        count += fits;
        found = fits ? &all->rows[i] : found;
    }
    *ret_urls = (struct connector_urls){found, 1};
    if (count == 1)
        return true;
    return fail(error, ERR_VALIDATION,
                wished.data ? "The connector does not declare this authorization URL. It declares: "
                              "%.*s"
                            : "The connector declares several authorization URLs. Name the one to "
                              "use (X-Headgate-Consent-Authorization-Url, headgate connect "
                              "--authorization-url): %.*s",
                STR_ARG(list_urls(target->arena, all)));
}

/* STR_NULL: they are longer than SCOPE_MAX. */
static struct str scopes_of(const struct target *target, const struct connector_consent *consent)
{
    const struct value *list =
        consent->scopes ? scope_value(&target->http->scope, consent->scopes) : NULL;
    bool is_given = list && list->kind == VALUE_LIST;
    struct buf text = buf_in(target->arena, SCOPE_MAX);
    if (!is_given && consent->scope)
        return str_from(consent->scope);
    if (!is_given)
        return STR("");
    for (size_t i = 0; i < list->count; i++)
        buf_printf(&text, "%s%.*s", i > 0 ? " " : "", STR_ARG(list->items[i]->text));
    return text.overflow ? STR_NULL : buf_str(&text);
}

/* The id alone goes into the address. The operator's app is found all the same as it is for the
 * exchange, so that one which is missing is reported before a person has authorized. */
static bool client_id(const struct target *target, int64_t deadline_ms, struct str *ret_id,
                      struct error *error)
{
    const struct connector_oauth2 *oauth2 = target->http->auth->oauth2;
    const struct oauth2_material *material = &target->http->material;
    struct oauth_app app = {.client_id = material->client_id};
    if (oauth2->client == CLIENT_APP) {
        if (!endpoint_is_fixed(target->http->token))
            return fail(error, ERR_VALIDATION,
                        "The token URL comes from the profile's properties, and the app's client "
                        "secret is sent only to the vendor's own hosts. Correct the properties.");
        if (!target->env->apps)
            return fail(error, ERR_NOT_FOUND, "No OAuth app is set up for this connector.");
        if (!oauth_app_for(target->env->apps, target->connector->type, material->client_arn,
                           deadline_ms, target->arena, &app, error))
            return false;
    }
    *ret_id = app.client_id;
    return app.client_id.len > 0 ||
           fail(error, ERR_VALIDATION, "The credentials have no clientId to authorize.");
}

static void add_param(struct buf *url, const char *name, struct str value)
{
    if (value.len == 0)
        return;
    bool is_first = !memchr(url->data, '?', url->len);
    buf_printf(url, "%c%s=", is_first ? '?' : '&', name);
    encode_percent(url, value, "");
}

static bool build(const struct target *target, const struct connector_consent *consent,
                  const struct endpoint *endpoint, const struct consent_wish *wish,
                  struct str client, struct consent_place *place, struct error *error)
{
    struct arena *arena = target->arena;
    struct buf url = buf_in(arena, CONSENT_URL_MAX);
    buf_add(&url, url_text(arena, &endpoint->url));
    buf_add_cstr(&url, consent->path ? consent->path : "");
    add_param(&url, "response_type", STR("code"));
    add_param(&url, "client_id", client);
    add_param(&url, "redirect_uri", wish->redirect_uri);
    add_param(&url, consent->scope_param ? consent->scope_param : "scope", place->scope);
    for (size_t i = 0; i < consent->extra.count; i++) {
        const struct connector_param *extra = &consent->extra.rows[i];
        add_param(&url, extra->name,
                  template_fill(arena, extra->value, &target->http->scope, ESCAPE_NONE));
    }
    place->url = buf_str(&url);
    return !url.overflow ||
           fail(error, ERR_VALIDATION, "The address to authorize at would be too long.");
}

bool consent_place(const struct target *target, const struct consent_wish *wish,
                   struct consent_place *ret_place, struct error *error)
{
    const struct connector_auth *auth = target->http ? target->http->auth : NULL;
    if (!auth || !auth->oauth2 || !auth->oauth2->consent)
        return fail(error, ERR_VALIDATION,
                    "These credentials are not of the kind that a person authorizes in a browser.");
    const struct connector_consent *consent = auth->oauth2->consent;
    struct connector_urls urls;
    struct endpoint endpoint;
    struct str client = STR_NULL;
    if (!choose_url(target, consent, wish->authorization_url, &urls, error))
        return false;
    endpoint_choose(target, &urls, &target->http->scope, &endpoint);
    if (!endpoint_use(&endpoint, error) ||
        !http_check_endpoint_encrypted(target, &endpoint, false, error) ||
        !client_id(target, wish->deadline_ms, &client, error))
        return false;
    *ret_place = (struct consent_place){
        .host = endpoint.url.host,
        .origin = url_origin(target->arena, &endpoint.url),
        .scope = wish->scope.data ? wish->scope : scopes_of(target, consent),
        .with_pkce = !consent->without_pkce,
    };
    if (!ret_place->scope.data)
        return fail(error, ERR_VALIDATION, "The scopes to ask for are longer than %d bytes.",
                    SCOPE_MAX);
    return build(target, consent, &endpoint, wish, client, ret_place, error);
}

/* --- the answer --- */

struct str consent_account(struct arena *arena, const struct value *json,
                           const struct connector_texts *pointers)
{
    struct buf account = buf_in(arena, ACCOUNT_MAX);
    for (size_t i = 0; i < pointers->count; i++) {
        struct str part = json ? pointer_text(arena, json, pointers->rows[i]) : STR_NULL;
        if (part.len == 0)
            return STR_NULL;
        buf_printf(&account, "%s%.*s", i > 0 ? "/" : "", STR_ARG(part));
    }
    return account.len > 0 && !account.overflow ? buf_str(&account) : STR_NULL;
}

/* "https://HOST/id/ORGANIZATION/USER": what is after the slash before the last one. */
static struct str last_two_segments(struct str url)
{
    size_t at = url.len, slashes = 0;
    while (at > 0 && (url.data[at - 1] != '/' || ++slashes < 2))
        at--;
    return (struct str){url.data + at, url.len - at};
}

bool consent_same_account(const struct connector_oauth2 *oauth2, struct str one, struct str other)
{
    if (oauth2->consent && oauth2->consent->account_is_url)
        return str_eq(last_two_segments(one), last_two_segments(other));
    return str_eq(one, other);
}

const struct connector_texts *consent_account_in_tokens(const struct connector_oauth2 *oauth2)
{
    static const struct connector_texts none = {0};
    return oauth2->consent ? &oauth2->consent->account : &none;
}

/* The next of a list's scopes; false at its end. */
static bool next_scope(struct str *list, struct str *ret_scope)
{
    size_t from = 0, to;
    while (from < list->len && (list->data[from] == ' ' || list->data[from] == ','))
        from++;
    for (to = from; to < list->len && list->data[to] != ' ' && list->data[to] != ',';)
        to++;
    *ret_scope = (struct str){list->data + from, to - from};
    *list = (struct str){list->data + to, list->len - to};
    return ret_scope->len > 0;
}

static bool has_scope(struct str list, struct str wanted)
{
    struct str scope;
    while (next_scope(&list, &scope)) {
        if (str_eq(scope, wanted))
            return true;
    }
    return false;
}

static bool asks_for_refresh_token(struct str scope)
{
    return str_eq(scope, STR("offline_access")) || str_eq(scope, STR("refresh_token"));
}

struct str consent_missing_scopes(struct arena *arena, struct str wanted, struct str granted,
                                  bool has_refresh_token)
{
    struct buf missing = buf_in(arena, SCOPE_MAX);
    struct str scope;
    while (wanted.len > 0 && next_scope(&wanted, &scope)) {
        if (has_scope(granted, scope) || (has_refresh_token && asks_for_refresh_token(scope)))
            continue;
        buf_printf(&missing, "%s%.*s", missing.len > 0 ? " " : "", STR_ARG(scope));
    }
    return buf_str(&missing);
}
