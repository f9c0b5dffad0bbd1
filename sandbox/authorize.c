/* The page on which a person authorizes (RFC 6749, 4.1.1), as vendors have one, and where it sends
 * the browser (4.1.2). A request whose client or redirect URI is wrong gets a page that says so,
 * and no redirect.
 *
 * A redirect goes to a server of this machine only, at any port (RFC 8252, 7.3), and to exactly the
 * paths that the vendor's file lists: a mock vendor is no way to send a browser elsewhere. */
#include "base/encode.h"
#include "base/url.h"
#include "sandbox/code.h"
#include "sandbox/glob.h"
#include "sandbox/play.h"

enum {
    FIELD_MAX = 2048, /* bytes of a parameter */
    SHOWN_MAX = 1024, /* bytes of a text on the page */
    CHALLENGE_LEN = 43,
    PORT_DIGITS_MAX = 5,
};

struct authorization {
    struct play *play;
    const struct vendor_authorize *page;
    struct parameters parameters;
    struct code_binding binding;
};

static struct str field(const struct authorization *ask, struct str name)
{
    return parameters_get(&ask->parameters, name);
}

/* --- the page --- */

static struct sandbox_response *html(const struct authorization *ask, int status, struct buf *body)
{
    static const struct http_header headers[] = {
        {STR("Content-Type"), STR("text/html; charset=utf-8")},
        {STR("Cache-Control"), STR("no-store")},
        {STR("Content-Security-Policy"),
         STR("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
             "frame-ancestors 'none'")},
        {STR("Referrer-Policy"), STR("no-referrer")},
        {STR("X-Content-Type-Options"), STR("nosniff")},
    };
    struct sandbox_response *response =
        arena_new(ask->play->request->arena, struct sandbox_response);
    buf_add_cstr(body, "</body>\n</html>\n");
    response->status = status;
    response->headers = headers;
    response->header_count = sizeof(headers) / sizeof(*headers);
    response->body = buf_str(body);
    return response;
}

static struct buf begin(const struct authorization *ask)
{
    struct buf body = buf_in(ask->play->request->arena, VENDOR_TEXT_MAX);
    struct str vendor = ask->play->vendor->name;
    buf_printf(&body,
               "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width\">\n"
               "<title>%.*s (mock vendor)</title>\n"
               "<style>:root{color-scheme:light dark}body{max-width:34rem;margin:8vh auto;"
               "padding:0 1rem;font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
               "button{padding:.6rem 1.5rem;font:inherit}</style>\n</head>\n<body>\n"
               "<h1>%.*s (mock vendor)</h1>\n",
               STR_ARG(vendor), STR_ARG(vendor));
    return body;
}

static void add_shown(struct buf *body, const char *name, struct str value)
{
    buf_printf(body, "<dt>%s</dt><dd>", name);
    encode_html(body, utf8_cut(value, SHOWN_MAX));
    buf_add_cstr(body, "</dd>\n");
}

static const struct sandbox_response *show_fault(const struct authorization *ask, const char *why)
{
    struct buf body = begin(ask);
    buf_printf(&body, "<p role=\"alert\">%s</p>\n", why);
    return html(ask, 400, &body);
}

static const struct sandbox_response *show_question(const struct authorization *ask)
{
    struct buf body = begin(ask);
    struct str scope = field(ask, ask->page->scope_parameter);
    buf_add_cstr(&body, "<p>An app asks for access to your account. There is no account: this is a "
                        "mock server of Headgate's sandbox.</p>\n<dl>\n");
    add_shown(&body, "App", ask->binding.client_id);
    add_shown(&body, "Returns to", ask->binding.redirect_uri);
    add_shown(&body, "Permissions", scope.len > 0 ? scope : STR("those of the app"));
    buf_add_cstr(&body, "</dl>\n<form method=\"post\">"
                        "<button id=\"allow\" name=\"decision\" value=\"allow\">Allow</button> "
                        "<button id=\"deny\" name=\"decision\" value=\"deny\">Deny</button>"
                        "</form>\n");
    return html(ask, 200, &body);
}

/* --- the way back --- */

static bool is_loopback(struct str authority)
{
    static const struct str hosts[] = {STR("127.0.0.1"), STR("localhost"), STR("[::1]")};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        if (!str_starts(authority, hosts[i]))
            continue;
        struct str port = {authority.data + hosts[i].len, authority.len - hosts[i].len};
        bool digits = port.len == 0 ||
                      (port.data[0] == ':' && port.len >= 2 && port.len <= 1 + PORT_DIGITS_MAX);
        for (size_t k = 1; k < port.len; k++)
            digits = digits && ascii_is_digit(port.data[k]);
        return digits;
    }
    return false;
}

/* No blank, quote or control character; no query and no fragment. */
static bool is_plain_path(struct str path)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.data[i];
        if (!ascii_is_alnum(c) && c != '/' && c != '-' && c != '.' && c != '_' && c != '~' &&
            c != '%')
            return false;
    }
    return true;
}

static bool may_return_to(const struct vendor_authorize *page, struct str redirect_uri)
{
    struct url_parts parts;
    if (redirect_uri.len > FIELD_MAX || !url_split(redirect_uri, &parts) ||
        !(str_eq(parts.scheme, STR("http")) || str_eq(parts.scheme, STR("https"))) ||
        !is_loopback(parts.authority) || !is_plain_path(parts.rest))
        return false;
    for (size_t i = 0; i < page->callback_count; i++) {
        if (glob_match_path(page->callbacks[i], parts.rest))
            return true;
    }
    return false;
}

static void add_field(struct buf *url, const char *name, struct str value)
{
    if (!value.data)
        return;
    buf_printf(url, "&%s=", name);
    encode_percent(url, value, "");
}

/* With `value` as the parameter `name`, which is "code" or "error". */
static const struct sandbox_response *send_back(const struct authorization *ask, const char *name,
                                                struct str value, struct str description)
{
    struct arena *arena = ask->play->request->arena;
    struct buf url = buf_in(arena, VENDOR_TEXT_MAX);
    struct sandbox_response *response = arena_new(arena, struct sandbox_response);
    struct http_header *headers = arena_array(arena, struct http_header, 3);
    buf_printf(&url, "%.*s?%s=", STR_ARG(ask->binding.redirect_uri), name);
    encode_percent(&url, value, "");
    add_field(&url, "error_description", description);
    add_field(&url, "state", field(ask, STR("state")));
    add_field(&url, "iss", ask->page->issuer);
    headers[0] = (struct http_header){STR("Location"), buf_str(&url)};
    headers[1] = (struct http_header){STR("Cache-Control"), STR("no-store")};
    headers[2] = (struct http_header){STR("Referrer-Policy"), STR("no-referrer")};
    response->status = 303;
    response->headers = headers;
    response->header_count = 3;
    return response;
}

static const struct sandbox_response *refuse(const struct authorization *ask, struct str error,
                                             struct str description)
{
    return send_back(ask, "error", error, description);
}

/* --- the request --- */

static bool is_client(const struct vendor_oauth *oauth, struct str id)
{
    for (size_t i = 0; i < oauth->client_count; i++) {
        if (str_eq(oauth->clients[i].id, id))
            return true;
    }
    return false;
}

static bool read_fields(struct authorization *ask)
{
    struct sandbox_request *request = ask->play->request;
    if (!parameters_parse(request->query, request->arena, &ask->parameters))
        return false;
    for (size_t i = 0; i < ask->parameters.count; i++) {
        if (ask->parameters.values[i].len > FIELD_MAX)
            return false;
    }
    ask->binding.client_id = field(ask, STR("client_id"));
    ask->binding.redirect_uri = field(ask, STR("redirect_uri"));
    return true;
}

/* RFC 7636, 4.3. A vendor that does not take it ignores it, as unknown parameters are. */
static bool read_challenge(struct authorization *ask)
{
    struct str challenge = field(ask, STR("code_challenge"));
    ask->binding.challenge = STR("");
    if (!ask->page->takes_pkce)
        return true;
    ask->binding.challenge = challenge;
    return challenge.len == CHALLENGE_LEN &&
           str_eq(field(ask, STR("code_challenge_method")), STR("S256"));
}

static const struct sandbox_response *decide(const struct authorization *ask)
{
    struct play *play = ask->play;
    struct request_part part = {PART_FORM, STR("decision")};
    struct str decision = request_part(play->request, &part);
    if (str_eq(decision, STR("deny")))
        return refuse(ask, STR("access_denied"), ask->page->denied);
    if (!str_eq(decision, STR("allow")))
        return show_fault(ask, "The form has no decision.");
    struct str code =
        code_make(play->request->arena, play->vendor->issuer, &ask->binding, play->now_ms / 1000);
    return code.data ? send_back(ask, "code", code, STR_NULL)
                     : refuse(ask, STR("server_error"), STR_NULL);
}

const struct sandbox_response *authorize_answer(struct play *play)
{
    const struct vendor_oauth *oauth = play->vendor->oauth;
    struct authorization ask = {.play = play, .page = oauth->authorize};
    if (!read_fields(&ask))
        return show_fault(&ask, "The address cannot be read: a parameter is there twice, is too "
                                "long, or has a wrong escape.");
    if (!is_client(oauth, ask.binding.client_id))
        return show_fault(&ask, "There is no app with this client_id. The sandbox's apps are in "
                                "<code>headgate sandbox --list</code>.");
    if (!may_return_to(ask.page, ask.binding.redirect_uri))
        return show_fault(&ask, "The redirect_uri is none of the app's: http or https, 127.0.0.1, "
                                "localhost or [::1], and Headgate's own path for this connector.");
    if (!str_eq(field(&ask, STR("response_type")), STR("code")))
        return refuse(&ask, STR("unsupported_response_type"), STR("response_type must be code"));
    if (!read_challenge(&ask))
        return refuse(&ask, STR("invalid_request"),
                      STR("code_challenge with code_challenge_method S256 is required"));
    return str_eq(play->request->head->method, STR("POST")) ? decide(&ask) : show_question(&ask);
}
