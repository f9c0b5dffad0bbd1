/* Token grants: what a vendor gave for a one-time credential (authorization code, refresh token,
 * assertion), kept until the change that needs it is committed.
 *
 * A row is found by a keyed hash of the credential and is in one of three states:
 *
 *   ATTEMPTED  an attempt is about to send the credential to the vendor, or sent it and has not
 *              recorded a result (`attempt` is not 0)
 *   SAVED      the vendor's tokens are sealed in the row (`sealed`)
 *   CONSUMED   a committed change uses them; the tokens are erased, the row stays so that the
 *              credential is known as used (`consumed`)
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
    TOKEN_GRANT_ID_SIZE = 32, /* a keyed hash of grant type, token URL and one-time credential */
    /* Rows kept for a profile, the newest: bounds what the profile's deletion removes. A credential
     * is known as used until that many others followed it, or TOKEN_GRANT_LIFE_MS passed. */
    TOKEN_GRANTS_KEPT_MAX = 256,
};

struct token_grant {
    unsigned char id[TOKEN_GRANT_ID_SIZE];
    struct str account;
    struct str region;
    struct str profile;
    bool one_time;     /* for token_grant_save: the credential works once, so it is saved once */
    bool consumed;     /* a committed change used the tokens */
    struct str sealed; /* the vendor's tokens; STR_NULL unless SAVED */
    int64_t attempt;   /* random number of the attempt; 0 unless ATTEMPTED */
    /* ATTEMPTED: wall clock, the attempt's deadline; 0: the attempt ended, its outcome is unknown.
     */
    int64_t attempt_ends_at_ms;
};

/* Finds a row that has not expired. Texts are copied into the arena. */
_must_use_ bool token_grant_find(struct store_reader *reader, struct arena *arena,
                                 const unsigned char id[TOKEN_GRANT_ID_SIZE],
                                 struct token_grant *ret_grant, bool *ret_found,
                                 struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* Records, before the credential is sent, that grant->attempt (not 0) will send it. Keeps id,
 * profile and attempt_ends_at_ms. ERR_LOST_RACE when there is a row that has not expired, unless it
 * is the same attempt's. Removes the profile's oldest rows as token_grant_save does. */
_must_use_ bool token_grant_begin(struct db *db, const struct token_grant *grant, int64_t now_ms,
                                  struct error *error);
/* Removes the attempt's row: the vendor did not get the credential, or gave nothing for it. */
_must_use_ bool token_grant_take_back(struct db *db, const struct token_grant *grant,
                                      struct error *error);
/* Ends the attempt and keeps its row: the outcome will stay unknown. */
_must_use_ bool token_grant_give_up(struct db *db, const struct token_grant *grant,
                                    struct error *error);
/* Saves the vendor's tokens (grant->sealed), and removes the profile's oldest rows beyond
 * TOKEN_GRANTS_KEPT_MAX. ERR_LOST_RACE for a one-time credential whose row is not grant->attempt's.
 * `consumed` is ignored. */
_must_use_ bool token_grant_save(struct db *db, const struct token_grant *grant, int64_t now_ms,
                                 struct error *error);
/* SAVED becomes CONSUMED, in the write that stores the tokens in their profile. */
_must_use_ bool token_grant_consume(struct db *db, const unsigned char id[TOKEN_GRANT_ID_SIZE],
                                    struct error *error);
/* A profile is deleted: its SAVED rows become CONSUMED, its tokens are erased. */
_must_use_ bool token_grants_discard(struct db *db, struct str account, struct str region,
                                     struct str profile, struct error *error);
