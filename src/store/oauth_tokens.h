/* The OAuth tokens of profiles: one row a profile, beside the profile's own row and with a version
 * of its own. So a renewal changes no profile, a user's update and a renewal never conflict, and
 * what expires next is found by an index. */
#pragma once

#include "store/profiles.h"

struct oauth_tokens_row {
    /* The profile's credentials_version when these tokens were got: tokens of other credentials are
     * of no use. */
    int64_t credentials_version;
    int64_t version;       /* grows with each change of the row */
    int64_t expires_at_ms; /* of the access token, wall clock; 0: the vendor did not say */
    struct str sealed;     /* see profile/tokens.h */
};

_must_use_ bool oauth_tokens_find(struct store_reader *reader, struct arena *arena,
                                  struct profile_key key, struct oauth_tokens_row *ret_row,
                                  bool *ret_found, struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* Puts a row in the place of the one at `expected_version` (0: of none), or of one that belongs to
 * older credentials. Any other row stays: what another request got from the same credentials
 * meanwhile is as good, and what belongs to newer credentials is better. */
_must_use_ bool oauth_tokens_put(struct db *db, struct profile_key key,
                                 const struct oauth_tokens_row *row, int64_t expected_version,
                                 struct error *error);
/* It is no failure when there is none. */
_must_use_ bool oauth_tokens_delete(struct db *db, struct profile_key key, struct error *error);
