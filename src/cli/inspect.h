/* Verifies the integrity of all stored data: pages, seals, properties, and that each profile
 * is the one that the last change made. */
#pragma once

#include "base/error.h"
#include "store/core/store.h"
#include "vault/keyring.h"

#include <stddef.h>

struct generation_floor;
struct secret;

struct store_check {
    const struct keyring *keyring;
    const struct secret *service_secret; /* for what has a MAC */
    struct generation_floor *key_generations;
    void (*tell)(const char *problem); /* a sentence a problem; no secret in it */
    /* That were looked at. */
    size_t profiles, previous, oauth_tokens, token_grants, access_keys, oauth_apps;
    size_t connectors, flows, flow_runs, schedules, tags, secret_copies;
    size_t problems;
};

/* False when it could not be done. Problems are reported and counted as they are found. */
_must_use_ bool inspect(struct store_check *inspection, struct store *store, struct error *error);
