/* Reads the token and the cookies out of an answer's headers. */
#include "connectors/sapodata/session.h"

#include "base/buf.h"
#include "connectors/sapodata/entities.h"

enum {
    TOKEN_MAX = 1024,        /* bytes */
    COOKIES_MAX = 16 * 1024, /* bytes of all together */
    COOKIE_SECRET_MIN = 16,  /* bytes of a value that is no setting, such as the client's number */
};

/* A header's value, and no template. */
static bool is_fit(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < ' ' || text.data[i] > '~' || text.data[i] == '{')
            return false;
    }
    return text.len > 0;
}

/* "name=value" of "name=value; path=/; secure". sap-usercontext is the client's number and the
 * language. */
static void add_cookie(struct vendor_connection *connection, struct str header, struct buf *out)
{
    struct str cookie = header, rest, name, value;
    str_cut(header, ';', &cookie, &rest);
    cookie = str_trim(cookie);
    if (!is_fit(cookie) || !str_cut(cookie, '=', &name, &value))
        return;
    if (value.len >= COOKIE_SECRET_MIN && !str_eq_nocase(name, STR("sap-usercontext")))
        vendor_redact(connection, value);
    if (out->len > 0)
        buf_add_cstr(out, "; ");
    buf_add(out, cookie);
}

static bool take(struct vendor_connection *connection, const struct vendor_response *response,
                 struct arena *scratch, struct sapodata_session *ret_session)
{
    struct arena *arena = vendor_config(connection)->arena;
    const struct str *token = client_header(&response->http, STR("X-CSRF-Token"));
    struct buf cookies = buf_in(scratch, COOKIES_MAX);
    *ret_session = (struct sapodata_session){0};
    if (!token)
        return true;
    for (size_t i = 0; i < response->http.header_count; i++) {
        if (str_eq_nocase(response->http.headers[i].name, STR("Set-Cookie")))
            add_cookie(connection, response->http.headers[i].value, &cookies);
    }
    if (!is_fit(*token) || token->len > TOKEN_MAX || cookies.overflow)
        return vendor_fail_status(connection, VERDICT_UNREACHABLE, STEP_API, response->http.status,
                                  STR("the response's X-CSRF-Token or cookies cannot be used"),
                                  NULL);
    ret_session->token = arena_copy(arena, *token);
    vendor_redact(connection, ret_session->token);
    if (cookies.len > 0)
        ret_session->cookies = arena_copy(arena, buf_str(&cookies));
    return true;
}

bool sapodata_session_fetch(struct vendor_connection *connection, struct str service_path,
                            struct arena *scratch, struct sapodata_session *ret_session)
{
    static const struct connector_header fetch[] = {{"X-CSRF-Token", "Fetch"}};
    static const struct connector_call call = {
        .method = "GET", .path = "/", .query = SAPODATA_QUERY, .headers = LIST(fetch)};
    struct vendor_response response;
    struct str target = arena_printf(scratch, "%.*s/", STR_ARG(service_path));
    if (!vendor_call_read(connection, &call, target, NULL, &response))
        return false;
    if (sapodata_session_ended(&response))
        return vendor_fail_status(connection, VERDICT_FORBIDDEN, STEP_API, 403,
                                  STR("the system requires a CSRF token of the very call that "
                                      "asks for one"),
                                  NULL);
    return take(connection, &response, scratch, ret_session);
}

bool sapodata_session_ended(const struct vendor_response *response)
{
    const struct str *token = response->http.outcome == CLIENT_OK && response->http.status == 403
                                  ? client_header(&response->http, STR("X-CSRF-Token"))
                                  : NULL;
    return token && str_eq_nocase(*token, STR("Required"));
}
