/* Access keys, which authenticate API requests. A key belongs to an account; its secret is stored
 * sealed. */
#pragma once

#include "store/core/store.h"

enum { ACCESS_KEY_ID_SIZE = 129 }; /* with NUL: the API's model has ids of up to 128 characters */

struct access_key {
    struct str id;
    struct str account;
    struct str sealed_secret;
    int64_t created_at_ms;
    int64_t version;         /* the generation of the keys that it was sealed in */
    struct str limits;       /* api/access_limits.h; STR_NULL: none */
    int64_t last_used_ms;    /* to an hour; 0: not yet */
    struct str sealed_state; /* read only: of all keys (api/access_key_set.h); STR_NULL: none */
};

_must_use_ bool access_key_find(struct store_reader *reader, struct arena *arena, struct str id,
                                struct access_key *ret_key, bool *ret_found, struct error *error);
/* All keys, ordered by account, then id. */
_must_use_ bool access_key_list(struct store_reader *reader, struct arena *arena,
                                struct access_key **ret_keys, size_t *ret_count,
                                struct error *error);
/* ERR_CONFLICT when the id is taken. */
_must_use_ bool access_key_insert(struct db *db, const struct access_key *key, struct error *error);
/* Replaces the sealed secret and the version. */
_must_use_ bool access_key_reseal(struct db *db, const struct access_key *key, struct error *error);
_must_use_ bool access_key_delete(struct db *db, struct str id,
                                  struct error *error); /* ERR_NOT_FOUND */
/* Only forward. An unknown id is no error: the key may have been deleted since. */
_must_use_ bool access_key_note_use(struct db *db, struct str id, int64_t at_ms,
                                    struct error *error);
