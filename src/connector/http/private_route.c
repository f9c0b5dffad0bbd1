/* Private mode: which of the operator's ways a call takes. */
#include "connector/http/connection.h"

#include <string.h>

static struct str host_of(struct str url)
{
    struct str scheme, rest = STR_NULL;
    if (!str_cut(url, ':', &scheme, &rest) || !str_starts(rest, STR("//")))
        return STR_NULL;
    rest.data += 2, rest.len -= 2;
    size_t len = 0;
    while (len < rest.len && !strchr("/?#", rest.data[len]))
        len++;
    rest.len = len;
    for (size_t i = len; i-- > 0 && rest.data[i] != ']';) {
        if (rest.data[i] == ':')
            rest.len = i;
    }
    return rest;
}

static bool stays_public(const struct connection *connection, enum verdict_step step)
{
    const struct connector *connector = connection->v->connector;
    return step == STEP_TOKEN && connector->http->private_tokens &&
           !scope_allows(connection->v->arena, &connection->scope, connector->http->private_tokens,
                         "true");
}

/* The PrivateLink service that the properties name goes before the host. */
static struct str route_name(const struct connection *connection,
                             const struct client_request *request)
{
    const struct connector *connector = connection->v->connector;
    struct str service =
        connector->http->private_service
            ? scope_text(connection->v->arena, &connection->scope, connector->http->private_service)
            : STR_NULL;
    return service.len > 0 ? service : host_of(request->url);
}

bool connection_take_route(struct connection *connection, enum verdict_step step,
                           struct client_request *request)
{
    request->route = NULL;
    if (!connection->v->private_routes || stays_public(connection, step))
        return true;
    struct str name = route_name(connection, request);
    request->route = private_routes_find(connection->v->private_routes, name);
    return request->route ||
           connection_fail(connection, VERDICT_MISCONFIGURED, step,
                           arena_printf(connection->v->arena, "There is no private route for %.*s.",
                                        STR_ARG(name)),
                           "The operator of this server sets up private routes.");
}
