/* Credentials do not go out unencrypted. A URL of the profile's with http:// is refused unless the
 * operator opened its host: every address of it is in the egress list, or a private route leads to
 * it. The address is judged once more when it is connected to (opened_only in net/client), since a
 * name may resolve differently then. */
#include "base/clock.h"
#include "connector/http/internal.h"

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

static bool check_endpoint(const struct target *target, const struct endpoint *endpoint,
                           struct error *error)
{
    if (!endpoint->row || endpoint->fault || str_eq(endpoint->url.scheme, STR("https")) ||
        client_opens(target->env->client, endpoint->url.host, clock_mono_ms() + LOOKUP_MS))
        return true;
    return fail(error, ERR_VALIDATION,
                "Validation exception: %s must begin with https://, since http:// would send the "
                "credentials unencrypted. The operator of this server can allow it for addresses "
                "of its own network (--egress-allow).",
                member_of(target, endpoint->row));
}

bool http_check_encrypted(const struct target *target, struct error *error)
{
    const struct http_target *own = target->http;
    bool is_private = target->private_routes != NULL;
    if (!target->env || !target->env->client)
        return true;
    if (!is_private && (!check_endpoint(target, &own->api, error) ||
                        !check_endpoint(target, &own->account, error)))
        return false;
    for (size_t i = 0; i < target->connector->http->auth.count; i++) {
        bool called = target->connector->http->auth.rows[i].oauth2 &&
                      (!is_private || target->tokens_are_public);
        if (called && !check_endpoint(target, &own->tokens[i], error))
            return false;
    }
    return true;
}
