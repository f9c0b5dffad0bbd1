/* The memory of one-time credentials: what a vendor gave for a code, an assertion or a refresh
 * token is durable before it is used, so that a retry after a crash goes on from there. And that a
 * code is about to be shown to the vendor is durable before it is: the lock that keeps another node
 * from it ends with its session (store/pg/advisory_locks.h), and what a process did that died
 * nobody else knows.
 *
 * Who finds such a note waits while the other may be at it, on another node; when that is over and
 * nothing came of it, the code counts as used. It may not have been: the note is taken back only by
 * whoever wrote it, when the vendor surely did not get the code or gave nothing for it. But RFC
 * 6749, 4.1.2, forbids to use a code more than once, lets a vendor revoke what he gave for one that
 * is, and codes expire within minutes, about as soon as another node could be sure. */
#pragma once

#include "connector/grant_journal.h"
#include "profile/context.h"
#include "store/client_tokens.h"
#include "store/profiles.h"
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
 * `journal` is zeros, or was that of an earlier try of the same: what of it was to be shown stays
 * known as its own. */
void grant_journal_init(struct grant_journal *journal, const struct profile_context *context,
                        struct arena *arena, struct profile_key profile,
                        struct token_grant_journal *ret_interface);
void grant_journal_done(struct grant_journal *journal); /* gives up what is held */

/* Saves what could not be saved before, so that another verification goes on from there. False as
 * long as the store is away; until then the arena must stay. */
bool grant_journal_settle(struct grant_journal *journal);

/* What an exchange's tokens are sealed to. */
struct seal_binding token_grant_seal_binding(const unsigned char id[TOKEN_GRANT_ID_SIZE],
                                             const struct profile_key *profile,
                                             struct arena *arena);

/* In the change's write. Exchanges of other requests for the same profile stay as they are. */
bool grant_journal_consume(struct db *db, const struct grant_journal *journal, struct error *error);

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
