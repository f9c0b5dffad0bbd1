/* A refresh token that two profiles of an account were given. Where its vendor replaces it, the
 * first one that uses it has the successor, and showing it again for the other one may end both
 * (RFC 9700, 4.14.2). docs/internals/token-grants.md has the rule. */
#pragma once

#include "auth/oauth_tokens.h"
#include "profile/context.h"
#include "store/profile_key.h"
#include "store/token_grants.h"

bool grant_is_of(const struct token_grant *row, const struct profile_key *profile);

/* Whether the vendor gave another refresh token than the one with this digest (tokens_digest). */
bool grant_is_replaced(const struct profile_context *context, const unsigned char *digest,
                       const struct oauth_tokens *tokens);

/* Of a row, SAVED or CONSUMED, of another profile than `asking`: the name of that profile, for
 * people, in the arena, where the vendor has replaced the refresh token with this digest for it;
 * STR_NULL: it has not, or the profile is of another account, which learns nothing of it. Errors as
 * envelope_open, where AWS KMS is away. */
_must_use_ bool grant_used_by(const struct profile_context *context, const struct token_grant *row,
                              const struct profile_key *asking, const unsigned char *digest,
                              struct arena *arena, struct str *ret_profile, struct error *error);
