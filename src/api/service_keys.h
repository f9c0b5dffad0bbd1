/* The server's keys at its start: the keyring, and the service secret that only it can open. */
#pragma once

#include "base/error.h"
#include "store/core/store.h"
#include "vault/keyring.h"
#include "vault/seal.h"
#include "vault/secret.h"

/* The service secret's row in `meta`, and what it is sealed to. */
#define SERVICE_SECRET_NAME STR("service-secret")
extern const struct seal_binding service_secret_binding;

struct service_keys {
    struct keyring *keyring;
    struct secret *service_secret; /* 32 bytes, for keyed hashes; the same through key rotations */
    bool keyring_created;          /* by this call: the operator must be told to back it up */
    bool database_is_old;          /* it is sealed in form 1: service_keys_upgrade comes next */
};

/* Opens the keyring; at the first start of a data directory makes it (a file, not a command) and
 * the service secret. When the database was sealed with keys that this keyring does not hold,
 * nothing is made and the error says what to do. */
_must_use_ bool service_keys_open(struct store *store, const struct keyring_source *source,
                                  struct service_keys *ret_keys, struct error *error);
/* Ends the upgrade of a database in form 1 (vault/seal.h), once all other values are sealed in form
 * 2: the service secret is sealed in form 2 in the place of the old one. Since no keyring's key
 * seals in form 1 any more, this is what says for good that the database is upgraded. */
_must_use_ bool service_keys_upgrade(struct store *store, struct service_keys *keys,
                                     struct error *error);
/* Whether the service secret can be read from the store and opened with this keyring, at this
 * moment.
 */
_must_use_ bool service_keys_check(struct store *store, const struct keyring *keyring,
                                   struct arena *arena, struct error *error);
void service_keys_done(struct service_keys *keys);
