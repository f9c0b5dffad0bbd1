/* Verifies the integrity of all stored data: pages, seals, properties, and that each profile
 * is the one that the last change made. */
#pragma once

#include "base/error.h"
#include "store/core/store.h"
#include "vault/keyring.h"

#include <stddef.h>

struct store_check {
    const struct keyring *keyring;
    void (*tell)(const char *problem); /* a sentence a problem; no secret in it */
    size_t profiles, oauth_tokens, token_grants, access_keys, oauth_apps; /* that were looked at */
    size_t problems;
};

/* False when it could not be done. Problems are reported and counted as they are found. */
_must_use_ bool inspect(struct store_check *inspection, struct store *store, struct error *error);
