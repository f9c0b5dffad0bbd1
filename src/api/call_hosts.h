/* Which hosts a change or a private connection is going to call, before it is worked on. */
#pragma once

#include "api/request.h"

/* The scheme, host and port of each place that verifying would send credentials to, a line each, in
 * the arena. `properties` is the connector's own structure; never NULL, may be empty. */
struct str hosts_of(const struct service *service, const struct connector *connector,
                    const struct value *properties, struct arena *arena);

/* Those of its configuration, in the request's arena; STR_NULL when it calls nobody. Changes whose
 * input does not tell (only the stored profile does) have one line in common. Reads nothing but the
 * request's input, so it may stand on an event loop. */
struct str request_hosts(const struct api_request *request);
