/* The client token of a change: the claim on it while the change is worked on, and the stored
 * answer (store/client_tokens.h). For changes of profiles and of registered connectors alike. */
#pragma once

#include "base/cleanup.h"
#include "profile/context.h"
#include "store/client_tokens.h"
#include "wire/value.h"

struct idempotency_claim;

struct token_claim {
    const struct profile_context *context;
    struct client_token token;             /* token.token is STR_NULL when the caller gave none */
    unsigned char hash[REQUEST_HASH_SIZE]; /* of everything that was asked for */
    struct idempotency_claim *claim;
};

struct token_claim_request {
    const struct profile_context *context;
    struct arena *arena;
    const struct value *input; /* whose clientToken it is */
    struct str account;
    struct str region;
    struct str operation;
    int64_t wait_ms; /* for another request that has the token in hand */
};

/* *ret_answered: the request was answered before, and *ret_answer is that answer. ERR_CONFLICT when
 * the token was used with other parameters, or another request still works on it. Waits; never on
 * an event loop. */
_must_use_ bool token_claim_take(const struct token_claim_request *request,
                                 struct token_claim *ret_claim, bool *ret_answered,
                                 struct str *ret_answer, struct error *error);
/* For a dry run: claims nothing. ERR_CONFLICT when the token was used with other parameters; one
 * that was used for the same is fine. */
_must_use_ bool token_claim_look(const struct token_claim_request *request, struct error *error);
/* Inside the write that makes the change. */
_must_use_ bool token_claim_answer(struct db *db, const struct token_claim *claim,
                                   struct str answer, struct error *error);
/* After a change failed. The claim may be lost with the node's connection to a store that is
 * shared: when another node then finished the same request first, *ret_answer is this one's too. */
bool token_claim_answered_meanwhile(const struct token_claim *claim, struct arena *arena,
                                    struct str *ret_answer);
void token_claim_release(struct token_claim *claim);
#define _cleanup_token_claim_ _cleanup_(token_claim_release)
