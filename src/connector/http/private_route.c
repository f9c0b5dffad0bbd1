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

static bool stays_public(const struct run *run, enum verdict_step step)
{
    const struct connector *connector = run->v->connector;
    return step == STEP_TOKEN && connector->private_tokens &&
           !scope_allows(run->v->arena, &run->scope, connector->private_tokens, "true");
}

/* The PrivateLink service that the properties name goes before the host. */
static struct str way_name(const struct run *run, const struct client_request *request)
{
    const struct connector *connector = run->v->connector;
    struct str service = connector->private_service
                             ? scope_text(run->v->arena, &run->scope, connector->private_service)
                             : STR_NULL;
    return service.len > 0 ? service : host_of(request->url);
}

bool run_take_way(struct run *run, enum verdict_step step, struct client_request *request)
{
    request->route = NULL;
    if (!run->v->private_routes || stays_public(run, step))
        return true;
    struct str name = way_name(run, request);
    request->route = private_routes_find(run->v->private_routes, name);
    return request->route ||
           run_conclude(
               run, VERDICT_MISCONFIGURED, step,
               arena_printf(run->v->arena, "There is no private route for %.*s.", STR_ARG(name)),
               "The operator of this server sets up private routes.");
}
