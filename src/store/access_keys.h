/* Access keys, which authenticate API requests. A key belongs to an account; its secret is stored
 * sealed. */
#pragma once

#include "store/core/store.h"

struct access_key {
    struct str id;
    struct str account;
    struct str sealed_secret;
    int64_t created_at_ms;
};

_must_use_ bool access_key_find(struct store_reader *reader, struct arena *arena, struct str id,
                                struct access_key *ret_key, bool *ret_found, struct error *error);
/* All keys, ordered by account, then id. */
_must_use_ bool access_key_list(struct store_reader *reader, struct arena *arena,
                                struct access_key **ret_keys, size_t *ret_count,
                                struct error *error);
/* ERR_CONFLICT when the id is taken. */
_must_use_ bool access_key_insert(struct db *db, const struct access_key *key, struct error *error);
_must_use_ bool access_key_delete(struct db *db, struct str id,
                                  struct error *error); /* ERR_NOT_FOUND */
