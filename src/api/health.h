/* What an operator's machines ask a running server: is it alive, can it work, what does it do.
 * Plain HTTP on a listener of its own, GET only, no authentication: it tells no secret and no name
 * of a caller, but belongs on loopback or in a network of the operator's. */
#pragma once

#include "api/service.h"
#include "net/server/server.h"

#include <stdatomic.h>
#include <stdint.h>

struct health {
    struct service *service;
    struct server *server; /* the API's */
    int64_t started_ms;    /* wall clock */
    atomic_bool stopping;  /* set it when the API's server begins to stop */
};

/* Handles GET /healthz, /readyz and /metrics; the context is a struct health. /readyz reads the
 * store, on a thread for reads where it is across a network: the listener's loop waits for a disk
 * at most.
 */
void health_handle(void *health, struct http_exchange *exchange);
