/* Credentials do not go out unencrypted. A URL of the profile's with http:// is refused unless the
 * operator opened its host: every address of it is in the egress list, or the private route to it
 * is one for http. The address is judged once more when it is connected to (opened_only in
 * net/client), since a name may resolve differently then. */
#include "base/clock.h"
#include "connector/http/target.h"

#include <strings.h>

enum { LOOKUP_MS = 5 * 1000 }; /* for the addresses of one name */

/* The member that the URL was made of. */
static const char *member_of(const struct target *target, const struct connector_url *row)
{
    static const struct str http = STR("http://");
    const struct value *properties = target->properties;
    for (size_t i = 0; !row->given && i < properties->count; i++) {
        const struct value *value = properties->items[i];
        if (value->kind == VALUE_STRING && value->text.len > http.len &&
            strncasecmp(value->text.data, http.data, http.len) == 0)
            return arena_cstr(target->arena, properties->names[i]);
    }
    return row->given ? row->given : "connectorProfileProperties";
}

static bool is_opened(const struct target *target, struct str host, bool is_private, bool *ret_busy)
{
    *ret_busy = false;
    const struct client *client = target->env ? target->env->client : NULL;
    if (!is_private) /* a test may have no client */
        return !client ||
               client_opens(client, target->account, host, clock_mono_ms() + LOOKUP_MS, ret_busy);
    const struct private_route *route = target_route(target, host);
    return route && route->plain;
}

bool http_check_endpoint_encrypted(const struct target *target, const struct endpoint *endpoint,
                                   bool is_private, struct error *error)
{
    bool busy = false;
    if (!endpoint->row || endpoint->fault || str_eq(endpoint->url.scheme, STR("https")) ||
        is_opened(target, endpoint->url.host, is_private, &busy))
        return true;
    if (busy)
        return fail(error, ERR_THROTTLING,
                    "Rate exceeded: as many host names as one account may have looked up at a "
                    "time are being looked up.");
    return fail(error, ERR_VALIDATION,
                "Validation exception: %s must begin with https://, since http:// would send the "
                "credentials unencrypted. The operator of this server can allow it for addresses "
                "of its own network (%s).",
                member_of(target, endpoint->row),
                is_private ? "--private-route NAME=http://HOST:PORT" : "--egress-allow");
}

bool http_check_encrypted(const struct target *target, struct error *error)
{
    const struct http_target *own = target->http;
    bool is_private = target->private_routes != NULL;
    if (!http_check_endpoint_encrypted(target, &own->api, is_private, error) ||
        !http_check_endpoint_encrypted(target, &own->account, is_private, error))
        return false;
    is_private = is_private && !target->tokens_are_public;
    for (size_t i = 0; i < target->connector->http->auth.count; i++) {
        if (target->connector->http->auth.rows[i].oauth2 &&
            !http_check_endpoint_encrypted(target, &own->tokens[i], is_private, error))
            return false;
    }
    return true;
}
