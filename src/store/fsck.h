/* Looking at everything that is kept, for a check: page by page, in the order of the keys. */
#pragma once

#include "store/client_tokens.h"
#include "store/oauth_tokens.h"
#include "store/profiles.h"

enum { FSCK_PAGE = 200 };

/* Whether the database itself is whole: each page, each index against its rows. ERR_UNAVAILABLE
 * with what is wrong. A server's database looks after its own: true. */
bool fsck_database(struct store *store, struct error *error);

/* Of all accounts, at most FSCK_PAGE, from behind `after` on (texts of no length: from the
 * start): key, version, properties, sealed credentials. */
bool fsck_profiles(struct store_reader *reader, struct arena *arena, struct profile_key after,
                   struct profile **ret_profiles, size_t *ret_count, struct error *error);

struct oauth_tokens_owned {
    struct profile_key key;
    struct oauth_tokens_row row;
};

/* OAuth tokens of all profiles, in the same way. */
bool fsck_oauth_tokens(struct store_reader *reader, struct arena *arena, struct profile_key after,
                       struct oauth_tokens_owned **ret_tokens, size_t *ret_count,
                       struct error *error);

/* Those that were not consumed, from behind the id `after` on (NULL: from the start). */
bool fsck_token_grants(struct store_reader *reader, struct arena *arena, const unsigned char *after,
                       struct token_grant **ret_exchanges, size_t *ret_count, struct error *error);

/* A profile that is not as the audit says the last change left it. */
struct strayed_profile {
    struct profile_key key;
    int64_t version; /* of the row; 0: there is none */
    int64_t made;    /* the last that a change made; 0: not known */
    int64_t deleted; /* when, in microseconds; 0: not known */
};

enum { STRAYED_MAX = 1000 };
bool fsck_strayed(struct store_reader *reader, struct arena *arena,
                  struct strayed_profile **ret_strayed, size_t *ret_count, struct error *error);
