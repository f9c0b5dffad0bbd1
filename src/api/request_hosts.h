/* Which vendor's hosts a request is going to call, before it is worked on. */
#pragma once

#include "api/request.h"

/* Whether request_hosts reads the store for this request, for a stored profile or for the function
 * of a registered connector: such a call may stand on an event loop only with request->reader set.
 */
bool request_hosts_are_stored(const struct api_request *request);

/* As the operation's row says, a line each, in the request's arena: scheme, host and port of each
 * host, and "function:ARN" for a registered connector's function. STR_NULL when none is called, or
 * later (connectionMode Private). Configurations that do not tell their connector have one line in
 * common. Fails request->error when the store cannot be read. */
bool request_hosts(struct api_request *request, struct str *ret_hosts);
