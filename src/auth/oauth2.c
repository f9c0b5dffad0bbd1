/* Building token requests. */
#include "auth/oauth2.h"

#include "auth/basic.h"
#include "base/buf.h"
#include "base/encode.h"

#include <assert.h>

void oauth2_add(struct oauth2_request *request, const char *name, struct str value)
{
    if (!value.data)
        return;
    assert(request->count < OAUTH2_PARAMS_MAX);
    request->params[request->count++] = (struct oauth2_param){name, value, false};
}

void oauth2_add_number(struct oauth2_request *request, const char *name, int number,
                       struct arena *arena)
{
    oauth2_add(request, name, arena_printf(arena, "%d", number));
    request->params[request->count - 1].is_number = true;
}

static void start(struct oauth2_request *request, struct str grant_type)
{
    request->count = 0;
    oauth2_add(request, "grant_type", grant_type);
}

void oauth2_code(struct oauth2_request *request, struct str code, struct str redirect_uri)
{
    start(request, STR("authorization_code"));
    oauth2_add(request, "code", code);
    oauth2_add(request, "redirect_uri", redirect_uri);
}

void oauth2_refresh(struct oauth2_request *request, struct str refresh_token)
{
    start(request, STR("refresh_token"));
    oauth2_add(request, "refresh_token", refresh_token);
}

void oauth2_jwt_bearer(struct oauth2_request *request, struct str assertion)
{
    start(request, STR("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    oauth2_add(request, "assertion", assertion);
}

void oauth2_client_credentials(struct oauth2_request *request)
{
    start(request, STR("client_credentials"));
}

void oauth2_password(struct oauth2_request *request, struct str username, struct str password)
{
    start(request, STR("password"));
    oauth2_add(request, "username", username);
    oauth2_add(request, "password", password);
}

static struct str form_body(struct arena *arena, const struct oauth2_request *request)
{
    struct buf body = buf_in(arena, OAUTH2_BODY_MAX);
    for (size_t i = 0; i < request->count; i++) {
        buf_add_cstr(&body, i == 0 ? "" : "&");
        buf_add_cstr(&body, request->params[i].name);
        buf_add_char(&body, '=');
        encode_percent(&body, request->params[i].value, NULL);
    }
    return buf_str(&body);
}

static struct str json_body(struct arena *arena, const struct oauth2_request *request)
{
    struct buf body = buf_in(arena, OAUTH2_BODY_MAX);
    for (size_t i = 0; i < request->count; i++) {
        buf_add_char(&body, i == 0 ? '{' : ',');
        encode_json_string(&body, str_from(request->params[i].name));
        buf_add_char(&body, ':');
        if (request->params[i].is_number)
            buf_add(&body, request->params[i].value);
        else
            encode_json_string(&body, request->params[i].value);
    }
    buf_add_char(&body, '}');
    return buf_str(&body);
}

static struct str escaped(struct arena *arena, struct str text)
{
    struct buf out = buf_in(arena, OAUTH2_BODY_MAX);
    encode_percent(&out, text, NULL);
    return buf_str(&out);
}

static struct str with_query(struct arena *arena, struct str url,
                             const struct oauth2_request *request)
{
    struct str query = form_body(arena, request);
    return arena_printf(arena, "%.*s%s%.*s", STR_ARG(url), str_contains(url, STR("?")) ? "&" : "?",
                        STR_ARG(query));
}

/* The id and the secret are escaped before they are put together: RFC 6749, 2.3.1. */
static struct str client_header_value(struct arena *arena, const struct oauth_app *app,
                                      unsigned style)
{
    if (style & OAUTH2_USER)
        return auth_basic(arena, app->client_id, app->client_secret);
    return auth_basic(arena, escaped(arena, app->client_id), escaped(arena, app->client_secret));
}

void oauth2_build(struct arena *arena, struct oauth2_request *request, struct str token_url,
                  const struct oauth_app *app, unsigned style, struct client_request *ret_request)
{
    struct http_header *headers = arena_array(arena, struct http_header, 3);
    size_t count = 0;
    bool get = style & OAUTH2_GET, json = style & OAUTH2_JSON;
    headers[count++] = (struct http_header){STR("Accept"), STR("application/json")};
    if (!get)
        headers[count++] = (struct http_header){STR("Content-Type"),
                                                json ? STR("application/json")
                                                     : STR("application/x-www-form-urlencoded")};
    if (app && style & OAUTH2_BASIC) {
        headers[count++] =
            (struct http_header){STR("Authorization"), client_header_value(arena, app, style)};
        if (style & OAUTH2_USER)
            oauth2_add(request, "client_id", app->client_id);
    } else if (app) {
        oauth2_add(request, "client_id", app->client_id);
        oauth2_add(request, "client_secret", app->client_secret);
    }
    *ret_request = (struct client_request){
        .method = get ? STR("GET") : STR("POST"),
        .url = get ? with_query(arena, token_url, request) : token_url,
        .headers = headers,
        .header_count = count,
        .body = get    ? STR_NULL
                : json ? json_body(arena, request)
                       : form_body(arena, request),
    };
}
