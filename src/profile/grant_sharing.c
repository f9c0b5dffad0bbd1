/* Reading another profile's row: a committed one says whether its refresh token was replaced; of
 * one that is not committed yet the saved tokens do. */
#include "profile/grant_sharing.h"

#include "profile/envelope.h"
#include "profile/grant_seal.h"
#include "profile/tokens.h"

#include <string.h>

bool grant_is_of(const struct token_grant *row, const struct profile_key *profile)
{
    return str_eq(row->account, profile->account) && str_eq(row->region, profile->region) &&
           str_eq(row->profile, profile->name);
}

bool grant_is_replaced(const struct profile_context *context, const unsigned char *digest,
                       const struct oauth_tokens *tokens)
{
    unsigned char now[TOKENS_DIGEST_SIZE];
    if (tokens->refresh_token.len == 0)
        return false;
    tokens_digest(context, tokens->refresh_token, now);
    return memcmp(now, digest, sizeof(now)) != 0;
}

/* What does not open any more is in no use. */
static bool read_saved(const struct profile_context *context, const struct token_grant *row,
                       const unsigned char *digest, struct arena *arena, bool *ret_replaced,
                       struct error *error)
{
    struct oauth_tokens tokens;
    struct error why = {0};
    if (token_grant_open(context, row, arena, &tokens, &why))
        *ret_replaced = grant_is_replaced(context, digest, &tokens);
    else if (envelope_key_is_away(&why))
        return fail(error, why.code, "%s", why.message);
    return true;
}

bool grant_used_by(const struct profile_context *context, const struct token_grant *row,
                   const struct profile_key *asking, const unsigned char *digest,
                   struct arena *arena, struct str *ret_profile, struct error *error)
{
    bool replaced = row->replaced;
    *ret_profile = STR_NULL;
    if (!str_eq(row->account, asking->account) || (row->consumed && !row->replaced))
        return true;
    if (!row->consumed && !read_saved(context, row, digest, arena, &replaced, error))
        return false;
    if (replaced)
        *ret_profile =
            arena_printf(arena, "%.*s (%.*s)", STR_ARG(row->profile), STR_ARG(row->region));
    return true;
}
