/* Sealed values by the key of the keyring that they are sealed with, for the rotation of keys. What
 * has sealed values is in the statements (db/statements.inc). Pages of them: profile_list_all,
 * fsck.h, meta.h, access_keys.h.
 *
 * A value is replaced only where it still is the one that was read, and no version changes: neither
 * the rotation nor a change that a request makes meanwhile undoes the other, or fails. */
#pragma once

#include "store/core/store.h"
#include "store/profile_key.h"

struct sealed_count {
    struct str kind;   /* "profiles", "OAuth tokens" ... */
    struct str key_id; /* as the values say it */
    int64_t count;
};

/* Reads the ids of all sealed values. */
_must_use_ bool sealed_counts(struct store_reader *reader, struct arena *arena,
                              struct sealed_count **ret_counts, size_t *ret_count,
                              struct error *error);

/* --- inside a write (store_apply_fn) --- */

_must_use_ bool sealed_profile_replace(struct db *db, struct profile_key key, struct str sealed,
                                       struct str old, struct error *error);
_must_use_ bool sealed_access_key_replace(struct db *db, struct str id, struct str sealed,
                                          struct str old, struct error *error);
