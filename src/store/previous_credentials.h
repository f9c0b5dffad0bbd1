/* The previous credentials of a profile: what it had before the last new ones, sealed as it was,
 * with the properties that it belongs to and the OAuth tokens that were got for it. They are
 * columns of the profile's row and of its row of tokens, so that they move there in the statements
 * of the change itself (profile_replace_keeping, oauth_tokens_put), with no seal opened, and go
 * with the profile.
 *
 * Previous credentials whose credentials_version is that of the credentials in use have one line of
 * tokens with them (profile/token_line.h), which is the one in use. */
#pragma once

#include "store/oauth_tokens.h"
#include "store/profiles.h"

struct previous_credentials {
    struct profile profile;         /* the row as it was, but for its provisioning */
    struct oauth_tokens_row tokens; /* of these credentials; version 0: there are none */
};

/* Of the row `current`, as profile_find gave it: *ret_found false as well when it has changed
 * since. Texts are copied into the arena. */
_must_use_ bool previous_find(struct store_reader *reader, struct arena *arena,
                              const struct profile *current,
                              struct previous_credentials *ret_previous, bool *ret_found,
                              struct error *error);

enum { PREVIOUS_EXPIRED_MAX = 200 };
/* Profiles, at most PREVIOUS_EXPIRED_MAX, whose previous credentials are kept until `now_ms` or
 * less: the first ones behind the key `after`, in order. Reads all rows on the way. */
_must_use_ bool previous_expired(struct store_reader *reader, struct arena *arena, int64_t now_ms,
                                 struct profile_key after, struct profile_key **ret_keys,
                                 size_t *ret_count, struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* Removes them, and their tokens, if they are kept until `now_ms` or less; it is no failure when
 * there are none. */
_must_use_ bool previous_remove(struct db *db, struct profile_key key, int64_t now_ms,
                                struct error *error);

/* Notes what the vendor said of them, if the profile is still at the version of `current`. */
_must_use_ bool previous_refuse(struct db *db, const struct profile *current, struct str words,
                                struct error *error);

/* For the rotation of keys: replaces the sealed value where it still is `old`. */
_must_use_ bool previous_reseal(struct db *db, struct profile_key key, struct str sealed,
                                struct str old, struct error *error);
_must_use_ bool previous_tokens_reseal(struct db *db, struct profile_key key, struct str sealed,
                                       struct str old, struct error *error);
