/* The OAuth tokens of profiles: one row a profile, beside the profile's own row and with a version
 * of its own. So a renewal changes no profile, a user's update and a renewal never conflict, and
 * what expires next is found by an index. */
#pragma once

#include "store/core/store.h"
#include "store/profile_key.h"

struct oauth_tokens_row {
    /* The profile's credentials_version when these tokens were got: tokens of other credentials are
     * of no use. */
    int64_t credentials_version;
    int64_t version;       /* grows with each change of the row */
    int64_t expires_at_ms; /* of the access token, wall clock; 0: the vendor did not say */
    struct str sealed;     /* see profile/tokens.h */
    /* A keyed hash of the refresh token in it, for oauth_tokens_put; STR_NULL: none, or unknown */
    struct str refresh_digest;
};

_must_use_ bool oauth_tokens_find(struct store_reader *reader, struct arena *arena,
                                  struct profile_key key, struct oauth_tokens_row *ret_row,
                                  bool *ret_found, struct error *error);

struct stmt;
/* For the files of this room: from the columns of SQL_OAUTH_TOKENS_FIND, which begin at `first`. */
void oauth_tokens_read_row(const struct stmt *stmt, int first, struct arena *arena,
                           struct oauth_tokens_row *ret_row);

/* --- inside a write (store_apply_fn) --- */

/* Puts a row in the place of the one at `expected_version` (0: of none), of one that belongs to
 * older credentials, or of an older one whose refresh token has the digest `spent`: that of the
 * token that was given for these (STR_NULL: none was). Any other row stays: what another request
 * got from the same credentials meanwhile is as good, and what belongs to newer credentials is
 * better. `keep_older`: tokens of older credentials are not lost, but become those of the previous
 * ones (previous_credentials.h). */
_must_use_ bool oauth_tokens_put(struct db *db, struct profile_key key,
                                 const struct oauth_tokens_row *row, int64_t expected_version,
                                 struct str spent, bool keep_older, struct error *error);
/* It is no failure when there is none. */
_must_use_ bool oauth_tokens_delete(struct db *db, struct profile_key key, struct error *error);
/* Replaces the sealed tokens where they still are `old`. */
_must_use_ bool oauth_tokens_reseal(struct db *db, struct profile_key key, struct str sealed,
                                    struct str old, struct error *error);
