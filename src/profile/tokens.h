/* A profile's OAuth tokens: sealed apart from its credentials, in a row of their own, bound to
 * account, region, name, the version of the credentials that they were got from, and the row's own
 * version. A connector whose vendor gives no tokens has none. */
#pragma once

#include "auth/oauth_tokens.h"
#include "connector/connector.h"
#include "profile/context.h"
#include "store/oauth_tokens.h"
#include "vault/seal.h"

/* What was loaded. */
struct profile_tokens {
    struct oauth_tokens tokens; /* all absent when none were got for the current credentials */
    int64_t version;            /* of the row; 0: there is none */
};

/* What a change does with the row when it is committed. */
struct profile_tokens_change {
    enum { TOKENS_KEEP, TOKENS_PUT, TOKENS_DROP } what;
    struct oauth_tokens_row row;
    int64_t expected_version;
};

/* What the row is sealed to. */
struct seal_binding profile_tokens_binding(const struct profile_key *key,
                                           const struct oauth_tokens_row *row, struct arena *arena);

/* Reads and opens what was got for the profile's current credentials. */
_must_use_ bool profile_tokens_load(const struct profile_context *context,
                                    const struct connector *connector,
                                    const struct profile *profile, struct arena *arena,
                                    struct profile_tokens *ret_tokens, struct error *error);

/* What the profile is going to be, and what was there. */
struct profile_tokens_question {
    const struct profile *profile;       /* key, version and credentials_version are set */
    const struct profile_tokens *before; /* loaded for the same credentials; NULL: these are new */
    const struct oauth_tokens *tokens;   /* that shall be there */
};

/* What to do with the row for that. Seals in the arena. */
_must_use_ bool profile_tokens_plan(const struct profile_context *context,
                                    const struct profile_tokens_question *question,
                                    struct arena *arena, struct profile_tokens_change *ret_change,
                                    struct error *error);

/* Inside a write (store_apply_fn). */
_must_use_ bool profile_tokens_apply(struct db *db, const struct profile_key *key,
                                     const struct profile_tokens_change *change,
                                     struct error *error);
