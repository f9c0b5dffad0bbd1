/* Which vendor's hosts a request is going to call, before it is worked on. */
#pragma once

#include "api/request.h"

/* Whether request_hosts reads the store for this operation: such a call may stand on an event loop
 * only with request->reader set. */
bool request_hosts_are_stored(const struct operation *operation);

/* As the operation's row says: scheme, host and port of each, a line each, in the request's arena;
 * STR_NULL when none is called, or later (connectionMode Private). Configurations that do not tell
 * their connector have one line in common. Fails request->error when the store cannot be read. */
bool request_hosts(struct api_request *request, struct str *ret_hosts);
