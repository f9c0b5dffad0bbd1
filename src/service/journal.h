/* The memory of one-time credentials: what a vendor gave for a code, an assertion or a refresh
 * token is durable before it is used, so that a retry after a crash goes on from there.
 *
 * One window cannot be closed from this side: when the process dies after the vendor has consumed a
 * code and before its answer is on disk, the code is spent and its tokens are lost. Another is open
 * between nodes: what is being exchanged is a lock (store/locks.h), which ends with its session,
 * and nothing on disk tells another node of it until the answer is saved. */
#pragma once

#include "connector/verify.h"
#include "service/service.h"
#include "store/profiles.h"
#include "store/tokens.h"
#include "vault/seal.h"

enum { JOURNAL_EXCHANGES_MAX = 8 }; /* of one request; each grant at most once, a refresh twice */

struct journal {
    const struct service *service;
    struct arena *arena;
    struct profile_key profile;
    unsigned char id[EXCHANGE_ID_SIZE];
    bool one_time;             /* what is being exchanged works once */
    struct token_claim *claim; /* held between begin and end */
    /* What this request's tokens came from: consumed by the change that stores them. */
    unsigned char used[JOURNAL_EXCHANGES_MAX][EXCHANGE_ID_SIZE];
    size_t used_count;
};

/* The journal of one verification, as the connector engine wants it. Both live as long as that. */
void journal_init(struct journal *journal, const struct service *service, struct arena *arena,
                  struct profile_key profile, struct exchange_journal *ret_interface);
void journal_done(struct journal *journal); /* gives up what is held */

/* What an exchange's tokens are sealed to. */
struct seal_binding exchange_seal_binding(const unsigned char id[EXCHANGE_ID_SIZE],
                                          const struct profile_key *profile, struct arena *arena);

/* In the change's write. Exchanges of other requests for the same profile stay as they are. */
bool journal_consume(struct db *db, const struct journal *journal, struct error *error);
