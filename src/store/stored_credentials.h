/* Whole profiles with their OAuth tokens, the states of these and what was reported of them: what a
 * forecast needs, with one query a page. */
#pragma once

#include "store/credential_ends.h"
#include "store/oauth_tokens.h"
#include "store/profiles.h"
#include "store/token_states.h"

struct stored_credentials_row {
    struct profile profile; /* as profile_find gives it */
    struct profile_asked asked;
    bool has_tokens, has_state;
    struct oauth_tokens_row tokens; /* without refresh_digest */
    struct token_state_row state;
};

/* Profiles of all accounts behind the key `after` (empty texts: from the start), at most `limit`.
 * `name`: only those of this name; STR_NULL: all. */
_must_use_ bool stored_credentials_list(struct store_reader *reader, struct arena *arena,
                                        struct profile_key after, struct str name, size_t limit,
                                        struct stored_credentials_row **ret_rows, size_t *ret_count,
                                        struct error *error);
