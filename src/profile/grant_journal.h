/* The grant journal: a durable record of token grants, which exchange a one-time credential (an
 * authorization code, an assertion, a refresh token) for OAuth tokens.
 *
 * What a vendor gave is saved before it is used, so that a retry after a crash continues from
 * there. For a code, an attempt with an end time is also committed before the code is sent: RFC
 * 6749, 4.1.2, forbids using a code twice and lets a vendor revoke what it gave for one that is.
 * The lock that keeps another node away ends with its database session (store/pg/advisory_locks.h),
 * and what a process did before it died is not known to others.
 *
 * If another node has recorded an attempt, a request waits until that attempt's end. If it left no
 * result, the code is treated as spent, although it may not have been: only the attempt's own
 * process takes it back, when the vendor surely did not get the code or gave nothing for it. Codes
 * expire within minutes, about as soon as another node could be sure.
 * docs/internals/token-grants.md has the states and the sequence. */
#pragma once

#include "connector/grant_journal.h"
#include "profile/context.h"
#include "store/client_tokens.h"
#include "store/profiles.h"
#include "store/token_grants.h"
#include "vault/seal.h"

enum { JOURNAL_EXCHANGES_MAX = 8 }; /* of one request; each grant at most once, a refresh twice */

struct grant_journal {
    const struct profile_context *context;
    struct arena *arena;
    struct profile_key profile;
    unsigned char id[TOKEN_GRANT_ID_SIZE];
    bool one_time;                   /* what is being exchanged works once */
    struct idempotency_claim *claim; /* held between begin and end */
    int64_t attempt;                 /* of what is about to be shown; 0: nothing is */
    struct token_grant unsaved;      /* what was got and could not be saved; of the arena */
    bool has_unsaved;
    /* What this request's tokens came from: consumed by the change that stores them. */
    unsigned char used[JOURNAL_EXCHANGES_MAX][TOKEN_GRANT_ID_SIZE];
    size_t used_count;
};

/* The journal of one verification, as the connector engine wants it. Both live as long as that.
 * `journal` is zeros, or was that of an earlier try of the same: its
 * attempt stays known as its own. */
void grant_journal_init(struct grant_journal *journal, const struct profile_context *context,
                        struct arena *arena, struct profile_key profile,
                        struct token_grant_journal *ret_interface);
void grant_journal_done(struct grant_journal *journal); /* releases what is held */

/* Saves what could not be saved before, so that another verification continues from there. False as
 * long as the store is away; until then the arena must stay. */
bool grant_journal_settle(struct grant_journal *journal);

/* What an exchange's tokens are sealed to. */
struct seal_binding token_grant_seal_binding(const unsigned char id[TOKEN_GRANT_ID_SIZE],
                                             const struct profile_key *profile,
                                             struct arena *arena);

/* In the change's write. Exchanges of other requests for the same profile stay as they are. */
_must_use_ bool grant_journal_consume(struct db *db, const struct grant_journal *journal,
                                      struct error *error);

/* --- how many grants are being exchanged just now ---
 *
 * An exchange that is cut off loses its grant, so a stop waits for those under way. */
struct grants_in_flight;

struct grants_in_flight *grants_in_flight_new(void);
void grants_in_flight_free(struct grants_in_flight *grants); /* none may be under way */

void grants_in_flight_begin(struct grants_in_flight *grants);
void grants_in_flight_end(struct grants_in_flight *grants);

/* Waits until none is under way; false when some still are at until_ms, on clock_mono_ms(). */
bool grants_in_flight_wait(struct grants_in_flight *grants, int64_t until_ms);
