/* Resolving a target: what every connector has in common. The connector's `resolve` operation finds
 * the addresses; what is here keeps the list of origins in one form and compares it. */
#include "connector/target.h"

#include "base/buf.h"
#include "base/url.h"
#include "connector/connector.h"

#include <assert.h>
#include <stdlib.h>

void target_resolve(struct target *target, const struct target_source *source, struct arena *arena)
{
    *target = (struct target){
        .connector = source->connector,
        .env = source->env,
        .arena = arena,
        .properties = source->properties,
        .private_routes = source->private_routes,
        .account = source->account,
    };
    if (source->connector->ops && source->connector->ops->resolve)
        source->connector->ops->resolve(target);
}

void target_set_credentials(struct target *target, const struct value *credentials)
{
    const struct connector_ops *ops = target->connector->ops;
    assert(!target->credentials);
    target->credentials = credentials;
    if (credentials && ops && ops->choose_auth)
        ops->choose_auth(target);
}

void target_replace_credentials(struct target *target, const struct value *credentials)
{
    const struct target_source source = {
        .connector = target->connector,
        .env = target->env,
        .properties = target->properties,
        .private_routes = target->private_routes,
        .account = target->account,
    };
    target_resolve(target, &source, target->arena);
    target_set_credentials(target, credentials);
}

const struct private_route *target_route(const struct target *target, struct str host)
{
    return private_routes_find(target->private_routes, target->account, target->private_service,
                               host);
}

static int by_bytes(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

void target_set_origins(struct target *target, struct str *origins, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(origins, count, sizeof(*origins), by_bytes);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !str_eq(origins[kept - 1], origins[i]))
            origins[kept++] = origins[i];
    }
    target->origins = origins;
    target->origin_count = kept;
}

/* Whether an origin before this one has the same scheme, host and port. */
static bool host_is_repeated(const struct target *target, size_t index)
{
    struct str host = url_without_path(target->origins[index]);
    for (size_t i = 0; i < index; i++) {
        if (str_eq(url_without_path(target->origins[i]), host))
            return true;
    }
    return false;
}

struct str target_hosts(const struct target *target)
{
    struct buf hosts = buf_in(target->arena, TARGET_HOSTS_MAX);
    for (size_t i = 0; i < target->origin_count; i++) {
        if (host_is_repeated(target, i))
            continue;
        if (hosts.len > 0)
            buf_add_char(&hosts, '\n');
        buf_add(&hosts, url_without_path(target->origins[i]));
    }
    return buf_str(&hosts);
}

static bool same_origins(const struct target *a, const struct target *b)
{
    bool same = a->origin_count == b->origin_count;
    for (size_t i = 0; same && i < a->origin_count; i++)
        same = str_eq(a->origins[i], b->origins[i]);
    return same;
}

static bool all_are_authenticated(const struct target *target)
{
    for (size_t i = 0; i < target->origin_count; i++) {
        if (!str_starts(target->origins[i], STR("https:")))
            return false;
    }
    return true;
}

static bool same_route(const struct target *a, const struct target *b)
{
    if (!a->private_routes || !b->private_routes)
        return a->private_routes == b->private_routes;
    return str_eq(a->private_service, b->private_service) &&
           a->tokens_are_public == b->tokens_are_public;
}

bool target_same_recipients(const struct target *a, const struct target *b)
{
    return same_origins(a, b) && str_eq(a->receiver_settings, b->receiver_settings) &&
           (all_are_authenticated(b) || same_route(a, b));
}
