/* Reads everything that is stored, for `headgate check`: in pages of rows, in the order of the
 * keys. */
#pragma once

#include "store/oauth_tokens.h"
#include "store/profiles.h"
#include "store/token_grants.h"

enum { FSCK_PAGE = 200 };

/* Checks the database file itself: each page, each index against its rows. ERR_UNAVAILABLE with
 * what is wrong. PostgreSQL checks its own files: true. */
_must_use_ bool fsck_database(struct store *store, struct error *error);

/* A database file that is older than the newest change that was recorded beside it
 * (core/rollback_check.c): *ret_warning says so; else it is STR_NULL. */
_must_use_ bool fsck_rollback(struct store *store, struct store_reader *reader, struct arena *arena,
                              struct str *ret_warning, struct error *error);

/* Profiles of all accounts behind the key `after` (empty texts: from the start), at most FSCK_PAGE:
 * key, version, properties, sealed credentials. */
_must_use_ bool fsck_profiles(struct store_reader *reader, struct arena *arena,
                              struct profile_key after, struct profile **ret_profiles,
                              size_t *ret_count, struct error *error);

struct oauth_tokens_owned {
    struct profile_key key;
    struct oauth_tokens_row row;
};

/* OAuth tokens of all profiles, in the same way. */
_must_use_ bool fsck_oauth_tokens(struct store_reader *reader, struct arena *arena,
                                  struct profile_key after, struct oauth_tokens_owned **ret_tokens,
                                  size_t *ret_count, struct error *error);

/* Token grants with sealed tokens behind the id `after` (NULL: from the start), at most FSCK_PAGE.
 */
_must_use_ bool fsck_token_grants(struct store_reader *reader, struct arena *arena,
                                  const unsigned char *after, struct token_grant **ret_grants,
                                  size_t *ret_count, struct error *error);

/* A profile that differs from what the last change in the audit left. */
struct strayed_profile {
    struct profile_key key;
    int64_t version; /* of the row; 0: there is none */
    int64_t made;    /* the last that a change made; 0: not known */
    int64_t deleted; /* when, in microseconds; 0: not known */
};

enum { STRAYED_MAX = 1000 };
_must_use_ bool fsck_strayed(struct store_reader *reader, struct arena *arena,
                             struct strayed_profile **ret_strayed, size_t *ret_count,
                             struct error *error);
