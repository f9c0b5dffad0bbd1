/* What a grant's tokens are sealed to, in the rows of the grant journal, and opening them. */
#pragma once

#include "auth/oauth_tokens.h"
#include "base/arena.h"
#include "profile/context.h"
#include "store/profile_key.h"
#include "store/token_grants.h"
#include "vault/seal.h"

/* What rows of token grants are named by in databases: it cannot be changed any more. */
#define TOKEN_GRANT_KIND STR("exchange")

struct seal_binding token_grant_seal_binding(const unsigned char id[TOKEN_GRANT_ID_SIZE],
                                             const struct profile_key *profile,
                                             struct arena *arena);

/* Opens the tokens of a row that is SAVED. Errors as envelope_open. */
_must_use_ bool token_grant_open(const struct profile_context *context,
                                 const struct token_grant *row, struct arena *arena,
                                 struct oauth_tokens *ret_tokens, struct error *error);
