/* The grant journal: a durable record of token grants, which exchange a one-time credential (an
 * authorization code, an assertion, a refresh token) for OAuth tokens.
 *
 * What a vendor gave is saved before it is used, so that a retry after a crash continues from
 * there. For a code, an attempt with an end time is also committed before the code is sent: RFC
 * 6749, 4.1.2, forbids using a code twice and lets a vendor revoke what it gave for one that is.
 * The lock that keeps another node away ends with its database session (store/pg/advisory_locks.h),
 * and what a process did before it died is not known to others. The same holds for a refresh token
 * that the vendor may replace (connector/token_policy.h); whether one of unknown outcome is sent
 * again is the vendor's policy's to say.
 *
 * If another node has recorded an attempt, a request waits until that attempt's end. If it left no
 * result, the code is treated as spent, although it may not have been: only the attempt's own
 * process takes it back, when the vendor surely did not get the code or gave nothing for it. Codes
 * expire within minutes, about as soon as another node could be sure.
 * docs/internals/token-grants.md has the states and the sequence. */
#pragma once

#include "connector/grant_journal.h"
#include "escrow/escrow.h"
#include "profile/context.h"
#include "profile/tokens.h"
#include "store/core/idempotency_claims.h"
#include "store/profiles.h"
#include "store/token_grants.h"
#include "vault/seal.h"

#include <assert.h>

/* Of one request: the refresh tokens that it follows, the one after them (found, then sent), and a
 * code and an assertion (likewise). */
enum { JOURNAL_GRANTS_MAX = 16 };
static_assert(JOURNAL_GRANTS_MAX >= GRANT_RESUMES_MAX + 2 + 2 * 2, "each grant has a place");

/* Rows that are saved as one. */
struct grant_to_save {
    struct token_grant row;
    struct token_grant origin; /* see grant_journal.origin */
    bool with_origin;
};

struct grant_journal {
    const struct profile_context *context;
    struct arena *arena;
    struct profile_key profile;
    unsigned char id[TOKEN_GRANT_ID_SIZE];
    bool one_time;                   /* the credential works once: a code */
    bool durable;                    /* it may: the attempt is made durable before it is sent */
    bool is_refresh;                 /* it is a refresh token */
    bool is_given;                   /* see struct token_grant_intent */
    int64_t attempted_at_ms;         /* when it was first sent */
    int64_t replaces;                /* an attempt of unknown outcome; 0: none */
    struct idempotency_claim *claim; /* held between begin and end; longer with has_unsaved */
    int64_t attempt;                 /* of what is about to be shown; 0: nothing is */
    struct escrow_hold hold;         /* where the answer is kept until it is saved */
    bool has_hold;
    struct grant_to_save unsaved; /* what was got and could not be saved; of the arena */
    bool has_unsaved;
    /* tokens_digest of the refresh token that was sent last, for profile_tokens_question. */
    unsigned char spent[TOKENS_DIGEST_SIZE];
    bool has_spent;
    /* What this request's tokens came from: consumed by the change that stores them. */
    struct grant_used {
        unsigned char id[TOKEN_GRANT_ID_SIZE];
        bool replaced; /* a refresh token, for which the vendor gave another */
        bool is_given;
    } used[JOURNAL_GRANTS_MAX];
    size_t used_count;
    /* Whose stored tokens a refresh token is of: see grant_journal_follow. */
    const struct connector *connector;
    const struct profile *owner; /* NULL: the credentials are new */
    struct profile_tokens *stored;
    /* The first refresh token that was resumed from: what is got for its successor is saved for it
     * too, so that a request that begins with it finds the newest. */
    unsigned char origin[TOKEN_GRANT_ID_SIZE];
    bool has_origin;
    const struct data_key *data_key; /* see grant_journal_seal_under */
    int64_t life_ms;                 /* how long unused tokens are kept; 0: TOKEN_GRANT_LIFE_MS */
};

/* The journal of one verification, as the connector engine wants it. Both live as long as that.
 * `journal` is zeros, or was that of an earlier try of the same: its
 * attempt stays known as its own. */
void grant_journal_init(struct grant_journal *journal, const struct profile_context *context,
                        struct arena *arena, struct profile_key profile,
                        struct token_grant_journal *ret_interface);
/* After grant_journal_init, where a connection begins with a profile's stored tokens: a refresh
 * token that another request has used up meanwhile is not shown again, since a vendor that rotates
 * them revokes all for one that is (RFC 9700, 4.14.2). What that request stored is continued from,
 * and *stored is set to it. */
void grant_journal_follow(struct grant_journal *journal, const struct connector *connector,
                          const struct profile *owner, struct profile_tokens *stored);
/* After grant_journal_init, for a profile whose credentials are encrypted under a data key (NULL:
 * they are not): what the vendor gives is, too. It is at hand, so saving never waits for AWS KMS.
 */
void grant_journal_seal_under(struct grant_journal *journal, const struct data_key *data_key);
/* After grant_journal_init, for a dry run with new credentials: what the vendor gives for a refresh
 * token is kept TOKEN_GRANT_TRIAL_LIFE_MS, for the change that sends the same token later. */
void grant_journal_keep_longer(struct grant_journal *journal);
/* tokens_digest of the refresh token that was sent last; NULL: none was. */
const unsigned char *grant_journal_spent(const struct grant_journal *journal);
void grant_journal_done(struct grant_journal *journal); /* releases what is held */

/* Saves what could not be saved before, so that another verification continues from there. False as
 * long as the store is away; until then the arena must stay. grant_journal_done follows: until then
 * the claim is held, so that no other request sends the spent credential. */
bool grant_journal_settle(struct grant_journal *journal);

/* In the change's write. Grants of other requests for the same profile stay as they are. */
_must_use_ bool grant_journal_consume(struct db *db, const struct grant_journal *journal,
                                      struct error *error);

/* --- grants_in_flight.c: how many grants are under way ---
 *
 * A grant that is cut off loses its credential, so a stop waits for those under way. */
struct grants_in_flight;

struct grants_in_flight *grants_in_flight_new(void);
void grants_in_flight_free(struct grants_in_flight *grants); /* none may be under way */

void grants_in_flight_begin(struct grants_in_flight *grants);
void grants_in_flight_end(struct grants_in_flight *grants);

/* Waits until none is under way; false when some still are at until_ms, on clock_mono_ms(). */
bool grants_in_flight_wait(struct grants_in_flight *grants, int64_t until_ms);
