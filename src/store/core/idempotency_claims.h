/* What idempotency_claims.c needs of client_tokens.c. */
#pragma once

#include "store/client_tokens.h"

/* The stored answer: CLIENT_TOKEN_CLAIMED when there is none, else CLIENT_TOKEN_ANSWERED or
 * CLIENT_TOKEN_CONFLICT. */
_must_use_ bool client_token_find(struct store_reader *reader, struct arena *arena,
                                  const struct client_token *key,
                                  const unsigned char hash[REQUEST_HASH_SIZE],
                                  enum client_token_state *ret_state, struct str *ret_answer,
                                  struct error *error);
