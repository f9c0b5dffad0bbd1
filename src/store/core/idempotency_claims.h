/* Claims of client tokens: which tokens running requests have in hand, on this node in memory and
 * on others by advisory locks. store/client_tokens.h explains how claims and stored answers go
 * together. */
#pragma once

#include "store/client_tokens.h"

struct idempotency_claim; /* held by one request */

/* Claims the token, waiting at most `wait_ms` while another request holds it: of two concurrent
 * requests one works and the other gets its answer. The answer is copied into the arena. Blocks:
 * never call it on an event loop. */
_must_use_ bool client_token_claim(struct store *store, struct arena *arena,
                                   const struct client_token *key,
                                   const unsigned char hash[REQUEST_HASH_SIZE], int64_t wait_ms,
                                   enum client_token_state *ret_state,
                                   struct idempotency_claim **ret_claim, struct str *ret_answer,
                                   struct error *error);
void client_token_release(struct store *store, struct idempotency_claim *claim); /* NULL is fine */

/* Looks for a stored answer without claiming the token. CLIENT_TOKEN_CLAIMED means that there is
 * none. */
_must_use_ bool client_token_look_up(struct store *store, struct arena *arena,
                                     const struct client_token *key,
                                     const unsigned char hash[REQUEST_HASH_SIZE],
                                     enum client_token_state *ret_state, struct str *ret_answer,
                                     struct error *error);
