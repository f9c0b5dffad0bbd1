/* Answers to refresh tokens that a vendor may replace, between their arrival and the journal: each
 * attempt of the grant journal holds a slot of the escrow (escrow/escrow.h), whose envelope says
 * what the answer is for. What a server that was killed left there, or a write that the store
 * refused, is saved in the journal's row. The next use of the refresh token finds it there, as
 * after any attempt that was saved and not committed.
 *
 * An answer is saved only where it still counts: the attempt's row has no result yet, or the
 * profile still has the refresh token that was spent for it. Else it is stale and dropped. */
#pragma once

#include "auth/data_keys.h"
#include "base/metrics.h"
#include "escrow/escrow.h"
#include "profile/context.h"
#include "store/profile_key.h"
#include "store/token_grants.h"

/* Those that were found later, by what came of them, and those that could not be kept. */
extern const struct metric metric_escrow_answers;

/* What an answer is for. */
struct grant_escrow_note {
    struct profile_key profile;
    unsigned char grant[TOKEN_GRANT_ID_SIZE];
    unsigned char spent[ESCROW_TAG_SIZE]; /* tokens_digest of the refresh token */
    struct str tokens_at; /* a JSON pointer to the tokens in it; STR_NULL: see oauth2_holder */
    int64_t sent_at_ms;   /* wall clock */
    const struct data_key *data_key; /* of the profile; NULL: none */
};

/* Takes and prepares a slot for an attempt that is about to be begun. ERR_THROTTLING or
 * ERR_UNAVAILABLE: it must not be begun. */
_must_use_ bool grant_escrow_hold(const struct profile_context *context,
                                  const struct grant_escrow_note *note, struct arena *arena,
                                  struct escrow_hold *ret_hold, struct error *error);

/* escrow_call, and a warning about an answer that could not be kept. */
void grant_escrow_call(const struct profile_context *context, const struct profile_key *profile,
                       const struct escrow_hold *hold, client_call_fn *call, struct client *client,
                       struct arena *arena, const struct client_request *request,
                       struct client_response *ret_response);

/* At the start, before a refresh token is used again: finds out what the slots that were left are
 * for. Asks the keyring alone. */
void grant_escrow_learn(const struct profile_context *context);

/* Saves the answers that were left, and drops those that are stale. May call AWS KMS for each, one
 * after another. */
void grant_escrow_recover(const struct profile_context *context);

/* Has a thread of context->escrow_pool do that, if none is at it. Any thread, never waits; quick
 * when nothing is left. */
void grant_escrow_look(struct profile_context *context);

/* Whether a refresh token's earlier answer is still to come, or cannot be saved now: it must not be
 * sent. Saves it where it has come. */
bool grant_escrow_is_busy(const struct profile_context *context,
                          const unsigned char grant[TOKEN_GRANT_ID_SIZE]);
