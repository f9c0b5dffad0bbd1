/* The operator's private routes: where a PrivateLink service or a host is reached inside its
 * network. A call with a route connects there instead of to the URL's own host; TLS name and Host
 * header stay the URL's. A route belongs to one account, or is for every account by name, and
 * serves calls to certain hosts, over TLS unless the operator says otherwise. */
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
    struct str account; /* AWS account that may use it; "*": every account */
    struct str name;    /* of a PrivateLink service, or a host's */
    /* Host that calls may be for, or a pattern as url_host_matches has it. STR_NULL: for a service
     * any host, since its certificate proves the host; for a host that host itself. */
    struct str called;
    struct str host; /* where it leads */
    bool plain;      /* calls without TLS are allowed */
    /* "::HOST:PORT": libcurl's words for "instead of any host at any port, this one". */
    char connect_to[PRIVATE_ROUTE_HOST_MAX + sizeof("::[]:65535")];
};

struct private_routes;

/* Each text is "[ACCOUNT:]NAME[@CALLED]=[http://]HOST:PORT"; an IPv6 address as HOST is in
 * brackets. Without ACCOUNT, which is 12 digits or "*", the route is `account`'s. The texts must
 * live as long as the routes. ERR_VALIDATION names the one that is wrong, or a route that is given
 * twice. */
_must_use_ bool private_routes_new(const char *const *texts, size_t count, struct str account,
                                   struct private_routes **ret_routes, struct error *error);
void private_routes_free(struct private_routes *routes); /* NULL is fine */

/* The first route that the account may use for calls to `host` (one of a struct url) by way of the
 * PrivateLink service `service`, or of the host itself where that is empty. Letter case of names
 * does not count. NULL when there is none; so when `routes` is NULL. */
const struct private_route *private_routes_find(const struct private_routes *routes,
                                                struct str account, struct str service,
                                                struct str host);
