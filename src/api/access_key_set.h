/* Which access keys are valid, so that one that was deleted stays deleted although its row, which
 * was valid once, is put back into the database.
 *
 * All valid keys belong to the current generation, a number that starts at the time of the first
 * state, in milliseconds, and that each deletion raises. A key's
 * secret is sealed with the generation; a deletion seals all other keys again with the new one, in
 * one transaction. The current generation is in a sealed row of its own ("access-keys" in `meta`).
 * It is read with each key, so that a row of an earlier generation is refused. To revive a deleted
 * key, a writer of the database must also put that sealed row back. generation_floor.h is about
 * that. */
#pragma once

#include "store/access_keys.h"
#include "store/audit.h"
#include "vault/seal.h"

enum {
    ACCESS_KEY_SET_ATTEMPTS = 50, /* of a change, while other processes change the keys, too */
    ACCESS_KEY_STATE_MAX = 100,   /* bytes of the state's text */
};

struct access_key_state {
    int64_t generation; /* what a valid key's version is */
    int64_t revision;   /* grows with each change of the set */
    int64_t count;      /* of valid keys */
};

/* The state's row in `meta`, and what it is sealed to. */
#define ACCESS_KEY_STATE_NAME STR("access-keys")
extern const struct seal_binding access_key_state_binding;
/* What the secret of a key is sealed to. */
struct seal_binding access_key_binding(const struct access_key *key);

/* Opens access_key.sealed_state. */
_must_use_ bool access_key_state_open(const struct keyring *keyring, struct str sealed,
                                      struct arena *arena, struct access_key_state *ret_state,
                                      struct error *error);

/* The sealed state; STR_NULL: there is none. */
_must_use_ bool access_key_state_get(struct store_reader *reader, struct arena *arena,
                                     struct str *ret_sealed, struct error *error);
/* As the database has it now. */
_must_use_ bool access_key_state_read(struct store *store, const struct keyring *keyring,
                                      struct access_key_state *ret_state, struct error *error);

/* For a database without keys: seals the first state, and stores it unless there is one. */
_must_use_ bool access_key_state_first(const struct keyring *keyring, struct arena *arena,
                                       struct str *ret_sealed, struct error *error);
_must_use_ bool access_key_state_put(struct db *db, struct str sealed, bool *ret_put,
                                     struct error *error);

/* Id, account and time of `key` are given; its secret is sealed here. `audit`, unless NULL, is
 * added to the audit in the same transaction. ERR_CONFLICT when the id is taken. */
_must_use_ bool access_key_create(struct store *store, const struct keyring *keyring,
                                  struct access_key key, struct str secret,
                                  const struct audit_entry *audit, struct error *error);
/* Deletes a key and seals all others again, which opens their secrets. ERR_NOT_FOUND. */
_must_use_ bool access_key_remove(struct store *store, const struct keyring *keyring, struct str id,
                                  const struct audit_entry *audit, struct error *error);

/* Seals the keys of a database in form 1 again, as the first generation. */
_must_use_ bool access_key_set_upgrade(struct store *store, const struct keyring *keyring,
                                       struct error *error);
