/* Token grants: what a vendor gave for a one-time credential (authorization code, refresh token,
 * assertion), kept until the change that needs it is committed.
 *
 * A row is found by a keyed hash of the credential and is in one of three states:
 *
 *   ATTEMPTED  an attempt is about to send the credential to the vendor, or sent it and has not
 *              recorded a result (`attempt` is not 0)
 *   SAVED      the vendor's tokens are sealed in the row (`sealed`)
 *   CONSUMED   a committed change uses them; the tokens are erased, the row stays so that the
 *              credential is known as used (`consumed`), and whether its vendor replaced it by
 *              another one (`replaced`)
 *
 *   (no row) --begin--> ATTEMPTED --save--> SAVED --consume--> CONSUMED
 *                           |                  ^
 *                           +--take_back--> (no row)      a credential that may be used more than
 *                                                         once is saved without an attempt
 * give_up leaves a row ATTEMPTED and ends its deadline: the outcome stays unknown. Rows expire
 * TOKEN_GRANT_LIFE_MS after they were written. */
#pragma once

#include "store/core/store.h"

enum {
    TOKEN_GRANT_LIFE_MS = 8 * 60 * 60 * 1000,
    TOKEN_GRANT_TRIAL_DAYS = 30, /* kept of a dry run, see grant_journal_keep_longer */
    /* ATTEMPTED, and what is saved for it, of a credential that may work again: as long as its
     * access token may live. */
    TOKEN_GRANT_DOUBT_DAYS = 60,
    /* CONSUMED, of a refresh token that was given to a profile and that its vendor has replaced: it
     * may be given to another profile years later, and showing it ends what the first one has. */
    TOKEN_GRANT_REPLACED_DAYS = 10 * 365,
    TOKEN_GRANT_ID_SIZE = 32, /* a keyed hash of grant type, token URL and one-time credential */
    /* Rows of one life kept for a profile, the newest: bounds what the profile's deletion removes.
     * A credential is known as used until that many others followed it, or TOKEN_GRANT_LIFE_MS
     * passed. */
    TOKEN_GRANTS_KEPT_MAX = 256,
};

#define TOKEN_GRANT_TRIAL_LIFE_MS (TOKEN_GRANT_TRIAL_DAYS * 24LL * 60 * 60 * 1000)
#define TOKEN_GRANT_DOUBT_LIFE_MS (TOKEN_GRANT_DOUBT_DAYS * 24LL * 60 * 60 * 1000)
#define TOKEN_GRANT_REPLACED_LIFE_MS (TOKEN_GRANT_REPLACED_DAYS * 24LL * 60 * 60 * 1000)

struct token_grant {
    unsigned char id[TOKEN_GRANT_ID_SIZE];
    struct str account;
    struct str region;
    struct str profile;
    bool one_time;     /* for token_grant_save: the credential works once, so it is saved once */
    bool consumed;     /* a committed change used the tokens */
    bool replaced;     /* CONSUMED: a refresh token, for which the vendor gave another */
    struct str sealed; /* the vendor's tokens; STR_NULL unless SAVED */
    int64_t attempt;   /* random number of the attempt; 0 unless ATTEMPTED */
    /* ATTEMPTED: wall clock, the attempt's deadline; 0: the attempt ended, its outcome is unknown.
     */
    int64_t attempt_ends_at_ms;
    int64_t life_ms;         /* for a save or an attempt; 0: TOKEN_GRANT_LIFE_MS */
    int64_t attempted_at_ms; /* when the credential was first sent, as far as is known; 0: not */
    int64_t replaces; /* for token_grant_begin: an attempt of unknown outcome, whose row this one
                       * takes; 0: none */
};

/* Finds a row that has not expired. Texts are copied into the arena. */
_must_use_ bool token_grant_find(struct store_reader *reader, struct arena *arena,
                                 const unsigned char id[TOKEN_GRANT_ID_SIZE],
                                 struct token_grant *ret_grant, bool *ret_found,
                                 struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* Records, before the credential is sent, that grant->attempt (not 0) will send it. Keeps id,
 * profile, attempt_ends_at_ms and attempted_at_ms. ERR_LOST_RACE when there is a row that has not
 * expired, unless it is the same attempt's, or grant->replaces', or, for a credential that may work
 * again, CONSUMED or SAVED for another profile. Removes the profile's oldest rows as
 * token_grant_save does. */
_must_use_ bool token_grant_begin(struct db *db, const struct token_grant *grant, int64_t now_ms,
                                  struct error *error);
/* Removes the attempt's row: the vendor did not get the credential, or gave nothing for it. */
_must_use_ bool token_grant_take_back(struct db *db, const struct token_grant *grant,
                                      struct error *error);
/* Ends the attempt and keeps its row: the outcome will stay unknown. */
_must_use_ bool token_grant_give_up(struct db *db, const struct token_grant *grant,
                                    struct error *error);
/* Saves the vendor's tokens (grant->sealed), and removes the profile's oldest rows of the same life
 * beyond TOKEN_GRANTS_KEPT_MAX. Tokens that are replaced and were kept for longer pass that on,
 * unless the credential works once. ERR_LOST_RACE for a one-time credential whose row is not
 * grant->attempt's. `consumed` is ignored. */
_must_use_ bool token_grant_save(struct db *db, const struct token_grant *grant, int64_t now_ms,
                                 struct error *error);
/* SAVED becomes CONSUMED, in the write that stores the tokens in their profile: of grant->id, with
 * grant->replaced. The row is kept TOKEN_GRANT_LIFE_MS from now at most; where grant->life_ms is
 * set, so long, and of the profile's rows of that life the newest. A row that an attempt has taken
 * meanwhile stays as it is. */
_must_use_ bool token_grant_consume(struct db *db, const struct token_grant *grant, int64_t now_ms,
                                    struct error *error);
/* A profile is deleted: its SAVED rows become CONSUMED, its tokens are erased. What was replaced is
 * forgotten: nothing works any more that came of it. */
_must_use_ bool token_grants_discard(struct db *db, struct str account, struct str region,
                                     struct str profile, struct error *error);

/* Replaces the sealed tokens where they still are `old`. */
_must_use_ bool token_grant_reseal(struct db *db, const struct token_grant *grant, struct str old,
                                   struct error *error);
