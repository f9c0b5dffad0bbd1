/* Reading the headers of a request for a link, and making the link. */
#include "api/consent_link.h"

#include "base/buf.h"
#include "base/url.h"
#include "profile/consent.h"

enum { INPUT_MAX = 512 * 1024 };

static bool fail_header(struct api_request *request, const char *name, const char *wanted)
{
    return fail(&request->error, ERR_VALIDATION,
                "The header %s must be there once, with %s. Nothing was done.", name, wanted);
}

/* *ret_value: STR_NULL: it is not there. */
static bool read_once(struct api_request *request, const char *name, struct str *ret_value)
{
    const struct http_head *head = &request->exchange->head;
    size_t count = 0;
    *ret_value = STR_NULL;
    for (size_t i = 0; i < head->header_count; i++) {
        if (!str_eq_nocase(head->headers[i].name, str_from(name)))
            continue;
        *ret_value = head->headers[i].value;
        count++;
    }
    return count < 2 || fail_header(request, name, "one value");
}

/* RFC 6749, 3.3; some vendors have commas between. */
static bool check_scope(struct api_request *request, struct str scope)
{
    bool good = scope.len <= CONSENT_SCOPE_MAX;
    for (size_t i = 0; i < scope.len; i++) {
        char c = scope.data[i];
        good = good && c >= ' ' && c <= '~' && c != '"' && c != '\\';
    }
    return good || fail_header(request, "X-Headgate-Consent-Scope",
                               "at most 1024 printable characters without '\"' and '\\'");
}

/* Where its client reached the server, as the signature covers it. */
static struct str public_url(struct api_request *request)
{
    const struct str *host = http_find_header(&request->exchange->head, STR("Host"));
    if (request->service->config.public_url.len > 0)
        return request->service->config.public_url;
    return arena_printf(request->arena, "%s://%.*s", request->exchange->over_tls ? "https" : "http",
                        STR_ARG(host ? *host : STR("localhost")));
}

/* Mock vendors send a browser back to addresses of this machine only (sandbox/authorize.c). */
static bool check_way_back(struct api_request *request, struct str own_url)
{
    struct url url;
    bool is_good = request->service->config.sandbox_url.len == 0 ||
                   (url_parse(request->arena, own_url, NULL, &url, NULL) && url_is_loopback(&url));
    return is_good || fail(&request->error, ERR_VALIDATION,
                           "With --sandbox, only a browser on this machine can authorize, and %.*s "
                           "leads elsewhere. Call the server at 127.0.0.1 or localhost, without "
                           "--public-url. Nothing was done.",
                           STR_ARG(own_url));
}

bool request_read_consent(struct api_request *request)
{
    struct str scope, account, url;
    if (!request->is_consent)
        return true;
    if (!read_once(request, "X-Headgate-Consent-Scope", &scope) || !check_scope(request, scope) ||
        !read_once(request, "X-Headgate-Consent-Account", &account) ||
        !read_once(request, "X-Headgate-Consent-Authorization-Url", &url))
        return false;
    if (account.data && !str_eq(account, STR("any")))
        return fail_header(request, "X-Headgate-Consent-Account", "the value \"any\"");
    if (!check_way_back(request, public_url(request)))
        return false;
    struct consent_use *use = arena_new(request->arena, struct consent_use);
    *use = (struct consent_use){
        .is_start = true,
        .public_url = public_url(request),
        .wish = {.scope = scope, .authorization_url = url},
        .any_account = account.data != NULL,
        .code = STR("none"), /* takes the place of the code that is going to come */
    };
    request->consent = use;
    return true;
}

/* --- the link --- */

/* The client token is not used: it belongs to the request for the link. */
static bool input_text(struct api_request *request, struct str *ret_text)
{
    struct value *input = value_structure(request->arena);
    struct buf text = buf_in(request->arena, INPUT_MAX);
    for (size_t i = 0; i < request->input->count; i++) {
        if (!str_eq(request->input->names[i], STR("clientToken")))
            value_put(request->arena, input, arena_cstr(request->arena, request->input->names[i]),
                      request->input->items[i]);
    }
    value_encode(&text, input);
    *ret_text = buf_str(&text);
    return !text.overflow ||
           fail(&request->error, ERR_VALIDATION, "The request is too long for a link.");
}

/* Browsers find a mock vendor at the sandbox, not at the vendor's name. */
static void rewrite_to_sandbox(struct api_request *request, struct consent_place *place)
{
    struct str base = request->service->config.sandbox_url;
    struct url_parts parts;
    if (base.len == 0 || !url_split(place->url, &parts))
        return;
    const char *root = str_starts(parts.rest, STR("/")) ? "" : "/";
    place->url = arena_printf(request->arena, "%.*s%.*s%s%.*s", STR_ARG(base),
                              STR_ARG(parts.authority), root, STR_ARG(parts.rest));
    place->host = arena_printf(request->arena, "%.*s (mock vendor)", STR_ARG(place->host));
}

bool request_make_consent_link(struct api_request *request, const struct profile_change *change)
{
    struct consent_use *use = request->consent;
    struct consent_place *place = &use->place;
    rewrite_to_sandbox(request, place);
    struct audit_entry audit = request_audit_entry(request, "ok", STR(""));
    struct consent_ticket ticket = {
        .operation = request->operation->name,
        .access_key_id = audit.access_key_id,
        .access_key =
            request->session ? request->session->parent_id : request->caller.access_key_id,
        .connector = connector_name(change->connector, request->arena),
        .url = place->url,
        .host = place->host,
        .origin = place->origin,
        .scope = place->scope,
        .redirect_uri = use->wish.redirect_uri,
        .seed = place->with_pkce ? consent_secret_new(request->arena) : STR(""),
        .any_account = use->any_account,
        .version = change->expected_version,
    };
    struct str link;
    if (!input_text(request, &ticket.input) ||
        !consent_new(&request->service->profiles, change->profile.key, &ticket, &audit,
                     request->arena, &link, &request->error))
        return false;
    request->consent_link =
        arena_printf(request->arena, "%.*s/connect/%.*s", STR_ARG(use->public_url), STR_ARG(link));
    return true;
}
