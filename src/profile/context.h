/* What the functions of this room work with: the parts of a running server that a profile's life
 * needs, handed in by name, so that each can be tested without the rest of the server. Made once at
 * the start; read by any thread. */
#pragma once

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct connector_env;
struct grants_in_flight;
struct job_runner;
struct keyring;
struct private_routes;
struct secret;
struct store;

struct profile_context {
    struct store *store;
    const struct keyring *keyring;
    const struct secret *service_secret; /* for keyed hashes: see service_secret_open */
    const struct connector_env *connectors;
    const struct private_routes *private_routes; /* never NULL */
    int64_t verify_timeout_ms;                   /* for all calls to a vendor of one verification */
    int64_t profile_quota; /* profiles an account may have in a region; 0: no limit */
    struct grants_in_flight *grants_in_flight;
    struct job_runner *private_connections;
    /* Used when the operator has set no OAuth app for a connector; NULL: none. Outputs are
     * STR_NULL when there is none either. */
    void (*default_oauth_app)(struct str connector_type, struct str *ret_client_id,
                              struct str *ret_client_secret);
};
