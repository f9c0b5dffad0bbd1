/* What the functions of this room work with: the parts of a running server that a profile's life
 * needs, handed in by name, so that each can be tested without the rest of the server. Made once at
 * the start; read by any thread. */
#pragma once

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct connector_env;
struct data_keys;
struct escrow;
struct consents_taken;
struct grants_in_flight;
struct host_breakers;
struct job_runner;
struct keyring;
struct memory_limit;
struct metadata_cache;
struct pool;
struct private_routes;
struct references;
struct secret;
struct store;
struct token_lanes;

enum { CREDENTIALS_HASH_KEY_SIZE = 16 }; /* bytes; of SipHash */

struct profile_context {
    struct store *store;
    struct memory_limit *memory; /* NULL: no limit */
    const struct keyring *keyring;
    const struct secret *service_secret; /* for keyed hashes: see service_secret_open */
    const struct connector_env *connectors;
    const struct private_routes *private_routes; /* never NULL */
    struct references *references;               /* NULL: none may be used */
    struct data_keys *data_keys;                 /* NULL: there is no AWS KMS */
    int64_t verify_timeout_ms;                   /* for all calls to a vendor of one verification */
    /* How long credentials are kept after new ones replaced them; 0: not at all. */
    int64_t previous_ms;
    unsigned char credentials_hash_key[CREDENTIALS_HASH_KEY_SIZE]; /* see profile/previous.h */
    int64_t restored_at_ms;                                        /* store/restored.h */
    int64_t profile_quota; /* profiles an account may have in a region; 0: no limit */
    struct grants_in_flight *grants_in_flight;
    struct consents_taken *consents_taken;
    struct escrow *escrow;    /* NULL: an answer that comes while the process dies is lost */
    struct pool *escrow_pool; /* for grant_escrow_look */
    struct job_runner *private_connections;
    struct job_runner *secret_mirror;  /* NULL: no copies of secrets are kept */
    struct job_runner *token_keeper;   /* NULL: this node renews no tokens by itself */
    struct host_breakers *token_hosts; /* of the keeper, as the next */
    struct token_lanes *token_lanes;
    struct job_runner *end_lookups;  /* NULL: this node asks no vendor when credentials end */
    struct job_runner *webhook;      /* NULL: there is none; without both, events are in the log */
    struct job_runner *event_bus;    /* of events of runs; NULL: there is none */
    struct metadata_cache *metadata; /* what vendors said about their entities */
    /* Used when the operator has set no OAuth app for a connector; NULL: none. Outputs are
     * STR_NULL when there is none either. */
    void (*default_oauth_app)(struct str connector_type, struct str *ret_client_id,
                              struct str *ret_client_secret);
};
