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

/* "scheme://host:port" of a URL, without what follows. */
/* The list is sorted, so equal hosts are neighbours. */
struct str target_hosts(const struct target *target)
{
    struct buf hosts = buf_in(target->arena, TARGET_HOSTS_MAX);
    struct str previous = STR_NULL;
    for (size_t i = 0; i < target->origin_count; i++) {
        struct str host = url_without_path(target->origins[i]);
        if (previous.data && str_eq(host, previous))
            continue;
        if (previous.data)
            buf_add_char(&hosts, '\n');
        buf_add(&hosts, host);
        previous = host;
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
    return same_origins(a, b) && (all_are_authenticated(b) || same_route(a, b));
}
