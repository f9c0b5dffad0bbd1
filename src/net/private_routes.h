/* The operator's private routes: where a PrivateLink service or a host is reached inside its
 * network. A call with a route connects there instead of to the URL's own host; TLS name and Host
 * header stay the URL's. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PRIVATE_ROUTES_MAX = 1024,
    PRIVATE_ROUTE_NAME_MAX = 512, /* bytes; the API's limit for privateLinkServiceName */
    PRIVATE_ROUTE_HOST_MAX = 255,
};

struct private_route {
    struct str name; /* of a PrivateLink service, or a host's */
    struct str host; /* where it leads */
    /* "::HOST:PORT": libcurl's words for "instead of any host at any port, this one". */
    char connect_to[PRIVATE_ROUTE_HOST_MAX + sizeof("::[]:65535")];
};

struct private_routes;

/* Each text is "NAME=HOST:PORT"; an IPv6 address stands in brackets. The texts must live as long as
 * the routes. ERR_VALIDATION names the one that is wrong, or a name that is given twice. */
_must_use_ bool private_routes_new(const char *const *texts, size_t count,
                                   struct private_routes **ret_routes, struct error *error);
void private_routes_free(struct private_routes *routes); /* NULL is fine */

/* Letter case does not count. NULL when there is none; so when `routes` is NULL. */
const struct private_route *private_routes_find(const struct private_routes *routes,
                                                struct str name);
