/* A profile's OAuth tokens: sealed apart from its credentials, in a row of their own, bound to
 * account, region, name, the version of the credentials that they were got from, and the row's own
 * version. A connector whose vendor gives no tokens has none. */
#pragma once

#include "auth/oauth_tokens.h"
#include "connector/connector.h"
#include "profile/context.h"
#include "profile/token_follow.h"
#include "store/oauth_tokens.h"
#include "store/profiles.h"
#include "vault/seal.h"

/* What was loaded. */
struct profile_tokens {
    struct oauth_tokens tokens; /* all absent when none were got for the current credentials */
    struct str replaced;        /* refresh tokens of before (profile/replaced_tokens.h) */
    int64_t version;            /* of the row; 0: there is none */
    bool has_data_key;          /* they are encrypted under one */
};

enum { TOKENS_DIGEST_SIZE = 32 };

/* A keyed hash of a refresh token, which names it where it is not stored. */
void tokens_digest(const struct profile_context *context, struct str refresh_token,
                   unsigned char out[TOKENS_DIGEST_SIZE]);

/* What a change does with the row when it is committed. */
struct profile_tokens_change {
    enum { TOKENS_KEEP, TOKENS_PUT, TOKENS_DROP } what;
    struct oauth_tokens_row row;
    int64_t expected_version;
    struct str spent; /* see oauth_tokens_put, as the next one */
    bool keep_older;
    struct token_follow follow;
};

/* What the row is sealed to. */
struct seal_binding profile_tokens_binding(const struct profile_key *key,
                                           const struct oauth_tokens_row *row, struct arena *arena);

/* Whether the vendor gives OAuth tokens for any of its methods of authentication. */
bool profile_gives_tokens(const struct connector *connector);

/* Opens the tokens of a row. Errors as envelope_open. */
_must_use_ bool profile_tokens_open(const struct profile_context *context,
                                    const struct profile_key *key,
                                    const struct oauth_tokens_row *row, struct arena *arena,
                                    struct profile_tokens *ret_tokens, struct error *error);
/* The tokens of a row, or their outline where they are encrypted under a data key: without AWS KMS.
 */
_must_use_ bool profile_tokens_outline(const struct keyring *keyring, const struct profile_key *key,
                                       const struct oauth_tokens_row *row, struct arena *arena,
                                       struct profile_tokens *ret_tokens, struct error *error);

/* Reads and opens what was got for the profile's current credentials. Errors of the seal as
 * envelope_open. */
_must_use_ bool profile_tokens_load(const struct profile_context *context,
                                    const struct connector *connector,
                                    const struct profile *profile, struct arena *arena,
                                    struct profile_tokens *ret_tokens, struct error *error);

/* What the profile is going to be, and what was there. */
struct profile_tokens_question {
    const struct connector *connector; /* NULL: not known, so there may be tokens */
    const struct profile
        *profile; /* key and versions are set, and until when previous ones are kept */
    const struct profile_tokens *before; /* loaded for the same credentials; NULL: these are new */
    const struct oauth_tokens *tokens;   /* that shall be there */
    /* With its credentials set, so that the keeper's job follows (profile/token_follow.h); NULL:
     * something else sees to that. */
    const struct target *target;
    const unsigned char *spent;      /* grant_journal_spent; NULL: no refresh token was */
    const struct data_key *data_key; /* of the credentials (profile/seal.h); NULL: none */
    struct str replaced;             /* profile_tokens.replaced of before, where `before` is NULL */
    bool keeps_older; /* new credentials: the tokens that are there are kept with the old ones */
};

/* What to do with the row for that. Seals in the arena. */
_must_use_ bool profile_tokens_plan(const struct profile_context *context,
                                    const struct profile_tokens_question *question,
                                    struct arena *arena, struct profile_tokens_change *ret_change,
                                    struct error *error);

/* The profile that tokens were renewed for: still there with the same credentials; or it has others
 * and these are the previous ones, so that what the grant journal saved for them is to stay there
 * for a rollback; or neither, and what was got would stay for good. A profile of its name that was
 * created later is another one. */
enum profile_tokens_owner { TOKENS_OWNER_HERE, TOKENS_OWNER_PREVIOUS, TOKENS_OWNER_GONE };

/* Inside a write. */
_must_use_ bool profile_tokens_find_owner(struct db *db, const struct profile *profile,
                                          struct arena *arena, enum profile_tokens_owner *ret_owner,
                                          struct error *error);

/* Inside a write (store_apply_fn). */
_must_use_ bool profile_tokens_apply(struct db *db, const struct profile_key *key,
                                     const struct profile_tokens_change *change,
                                     struct error *error);
