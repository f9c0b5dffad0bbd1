/* Client tokens (idempotency tokens): a request that is sent again with the same token within
 * CLIENT_TOKEN_LIFE_MS has no second effect and gets the stored answer of the first one.
 *
 * A token goes through two stages. A *claim* is held while a request works on it: in memory, and
 * where nodes share a database also as an advisory lock that the others see. The *answer* is a row
 * that the request's change commits in its own transaction. A claim is taken before the answer is
 * looked up, so that no answer can be committed unseen in between. */
#pragma once

#include "store/core/store.h"

enum {
    CLIENT_TOKEN_LIFE_MS = 8 * 60 * 60 * 1000,
    REQUEST_HASH_SIZE = 32,
};

struct client_token {
    struct str account;
    struct str region;
    struct str operation;
    struct str token;
};

/* --- answers --- */

enum client_token_state {
    CLIENT_TOKEN_CLAIMED,  /* claimed: do the work, then always call client_token_release */
    CLIENT_TOKEN_ANSWERED, /* finished before: *ret_answer is the stored answer */
    CLIENT_TOKEN_CONFLICT, /* the token was used with other parameters */
    CLIENT_TOKEN_BUSY,     /* another request still held it after `wait_ms` */
};

/* The stored answer: CLIENT_TOKEN_CLAIMED when there is none, else CLIENT_TOKEN_ANSWERED or
 * CLIENT_TOKEN_CONFLICT. */
_must_use_ bool client_token_find(struct store_reader *reader, struct arena *arena,
                                  const struct client_token *key,
                                  const unsigned char hash[REQUEST_HASH_SIZE],
                                  enum client_token_state *ret_state, struct str *ret_answer,
                                  struct error *error);

/* --- inside the write that makes the change (store_apply_fn) --- */

/* Stores the answer for CLIENT_TOKEN_LIFE_MS from `now_ms`. Replaces an expired answer;
 * ERR_CONFLICT when there is one that has not expired. */
_must_use_ bool client_token_answer(struct db *db, const struct client_token *key,
                                    const unsigned char hash[REQUEST_HASH_SIZE], struct str answer,
                                    int64_t now_ms, struct error *error);
