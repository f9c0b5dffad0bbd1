/* Between claims.c and tokens.c. */
#pragma once

#include "store/client_tokens.h"

/* The stored answer: TOKEN_CLAIMED when there is none, else TOKEN_ANSWERED or TOKEN_CONFLICT. */
bool token_find(struct store_reader *reader, struct arena *arena, const struct token_key *key,
                const unsigned char hash[REQUEST_HASH_SIZE], enum token_state *ret_state,
                struct str *ret_answer, struct error *error);
