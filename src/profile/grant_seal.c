/* The row's id and the profile that it is of. */
#include "profile/grant_seal.h"

#include "base/encode.h"
#include "profile/envelope.h"
#include "wire/restjson.h"

struct seal_binding token_grant_seal_binding(const unsigned char id[TOKEN_GRANT_ID_SIZE],
                                             const struct profile_key *profile, struct arena *arena)
{
    char hex[2 * TOKEN_GRANT_ID_SIZE + 1];
    encode_hex(id, TOKEN_GRANT_ID_SIZE, hex);
    return (struct seal_binding){
        .purpose = TOKEN_GRANT_KIND,
        .account = profile->account,
        .region = profile->region,
        .name = arena_printf(arena, "%s/%.*s", hex, STR_ARG(profile->name)),
    };
}

bool token_grant_open(const struct profile_context *context, const struct token_grant *row,
                      struct arena *arena, struct oauth_tokens *ret_tokens, struct error *error)
{
    const struct profile_key owner = {row->account, row->region, row->profile};
    struct seal_binding binding = token_grant_seal_binding(row->id, &owner, arena);
    const struct data_key *unused;
    struct value *value;
    struct str plain;
    if (!envelope_open(context, &owner, &binding, row->sealed, arena, &plain, &unused, error))
        return false;
    if (!json_parse(plain, arena, &value))
        return fail(error, ERR_INTERNAL,
                    "The tokens of a grant in the store opened, but cannot be read.");
    tokens_from_value(value, ret_tokens);
    return true;
}
