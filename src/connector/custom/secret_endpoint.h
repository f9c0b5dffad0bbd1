/* Secrets Manager's GetSecretValue and DescribeSecret for the process of one connector that runs
 * without a server: what the process's session was granted, and nothing else. */
#pragma once

#include "auth/function_session.h"
#include "base/error.h"

struct secret_endpoint;

/* On 127.0.0.1, a free port. `sessions` outlives it. */
_must_use_ bool secret_endpoint_start(struct function_sessions *sessions,
                                      struct secret_endpoint **ret_endpoint, struct error *error);
const char *secret_endpoint_url(const struct secret_endpoint *endpoint);
void secret_endpoint_stop(struct secret_endpoint *endpoint); /* NULL is fine */
