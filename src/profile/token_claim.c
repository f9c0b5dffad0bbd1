/* Claiming a client token, and comparing the request with the one that had it. */
#include "profile/token_claim.h"

#include "base/clock.h"
#include "base/fault.h"
#include "store/core/idempotency_claims.h"
#include "vault/seal.h"

enum { CANONICAL_REQUEST_MAX = 1024 * 1024 };

/* A keyed hash of everything that was asked for, so that two requests can be compared while no
 * credential is kept for it. */
static void hash_request(const struct token_claim_request *request, struct token_claim *claim)
{
    const struct value *input = request->input;
    struct buf canonical = buf_in(request->arena, CANONICAL_REQUEST_MAX);
    for (size_t i = 0; i < input->count; i++) {
        if (str_eq(input->names[i], STR("clientToken")))
            continue;
        buf_add(&canonical, input->names[i]);
        buf_add_char(&canonical, '=');
        value_encode(&canonical, input->items[i]);
        buf_add_char(&canonical, '\n');
    }
    struct str parts[] = {STR("request"), request->operation, buf_str(&canonical)};
    keyed_hash(request->context->service_secret, parts, 3, claim->hash);
}

static bool check_state(enum client_token_state state, struct error *error)
{
    if (state == CLIENT_TOKEN_CONFLICT)
        return fail(error, ERR_CONFLICT,
                    "The clientToken was used with other parameters in the last 8 hours. Send the "
                    "same parameters, or a new clientToken.");
    if (state == CLIENT_TOKEN_BUSY)
        return fail(error, ERR_CONFLICT,
                    "Another request with this clientToken is still being worked on. Send it again "
                    "with the same clientToken.");
    return true;
}

bool token_claim_take(const struct token_claim_request *request, struct token_claim *ret_claim,
                      bool *ret_answered, struct str *ret_answer, struct error *error)
{
    enum client_token_state state;
    *ret_answered = false;
    *ret_claim = (struct token_claim){
        .context = request->context,
        .token = {request->account, request->region, request->operation,
                  value_text(request->input, "clientToken")},
    };
    if (!ret_claim->token.token.data)
        return true;
    hash_request(request, ret_claim);
    if (!client_token_claim(request->context->store, request->arena, &ret_claim->token,
                            ret_claim->hash, request->wait_ms, &state, &ret_claim->claim,
                            ret_answer, error))
        return false;
    fault_point("change:claimed");
    *ret_answered = state == CLIENT_TOKEN_ANSWERED;
    return check_state(state, error);
}

bool token_claim_look(const struct token_claim_request *request, struct error *error)
{
    enum client_token_state state;
    struct str ignored;
    struct token_claim claim = {
        .token = {request->account, request->region, request->operation,
                  value_text(request->input, "clientToken")},
    };
    if (!claim.token.token.data)
        return true;
    hash_request(request, &claim);
    return client_token_look_up(request->context->store, request->arena, &claim.token, claim.hash,
                                &state, &ignored, error) &&
           check_state(state, error);
}

bool token_claim_answer(struct db *db, const struct token_claim *claim, struct str answer,
                        struct error *error)
{
    return !claim->claim ||
           client_token_answer(db, &claim->token, claim->hash, answer, clock_wall_ms(), error);
}

bool token_claim_answered_meanwhile(const struct token_claim *claim, struct arena *arena,
                                    struct str *ret_answer)
{
    struct store *store = claim->context->store;
    enum client_token_state state = CLIENT_TOKEN_CLAIMED;
    struct error ignored;
    return claim->claim && store_is_remote(store) &&
           client_token_look_up(store, arena, &claim->token, claim->hash, &state, ret_answer,
                                &ignored) &&
           state == CLIENT_TOKEN_ANSWERED;
}

void token_claim_release(struct token_claim *claim)
{
    if (claim->context)
        client_token_release(claim->context->store, claim->claim);
    claim->claim = NULL;
}
