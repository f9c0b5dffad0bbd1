/* Consents: authorizations that a person gives in a browser, from the link until a while after the
 * end. A row is in one of four stages:
 *
 *   OPEN   the link was made
 *   ASKED  a browser was sent to the vendor; `state` is a hash of what must come back with it
 *   TAKEN  the vendor's answer came, and is worked on: a code is exchanged by this row's taker
 * alone ENDED  `outcome` says how; what was sealed is gone
 *
 *   (no row) --add--> OPEN --ask--> ASKED --take--> TAKEN --end--> ENDED
 *                                    |  ^
 *                                    +--+ ask, by the same browser: replaces the state
 *
 * A row that expires is asked and taken no more, and the store's expiry (core/maintenance.c)
 * removes what was sealed. It is kept CONSENT_KEPT_MS longer, so that a page can say what happened.
 */
#pragma once

#include "store/core/store.h"
#include "store/profile_key.h"

enum {
    CONSENT_ID_SIZE = 33, /* 32 hex digits and a NUL */
    CONSENT_HASH_SIZE = 32,
    CONSENT_LIFE_MS = 10 * 60 * 1000,
    CONSENT_KEPT_MS = 60 * 60 * 1000,
    CONSENTS_OF_ACCOUNT_MAX = 32, /* that have not ended or expired */
    CONSENTS_KEPT_MAX = 1024,     /* of an account, in all */
    CONSENT_WORDS_MAX = 2048,     /* bytes; longer ones are cut */
};

enum consent_stage { CONSENT_OPEN, CONSENT_ASKED, CONSENT_TAKEN, CONSENT_ENDED };

struct consent_row {
    struct str id;
    struct profile_key key;
    enum consent_stage stage;
    int64_t expires_at_ms; /* wall clock; of TAKEN: without an end by then there will be none */
    struct str browser;    /* hash of the browser's cookie; STR_NULL: none has begun */
    struct str state;      /* hash; STR_NULL unless ASKED */
    struct str sealed;     /* STR_NULL once ENDED or expired */
    struct str outcome;    /* a word of api/consent_outcome.h; STR_NULL unless ENDED */
    struct str words;      /* more about it, no secret; STR_NULL: none */
};

_must_use_ bool consent_row_find(struct store_reader *reader, struct arena *arena, struct str id,
                                 struct consent_row *ret_row, bool *ret_found, struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* OPEN, of row->id, key, expires_at_ms and sealed. ERR_QUOTA when the account has
 * CONSENTS_OF_ACCOUNT_MAX or CONSENTS_KEPT_MAX already. */
_must_use_ bool consent_row_add(struct db *db, const struct consent_row *row, int64_t now_ms,
                                struct error *error);
/* By row->id, with its browser, state and expires_at_ms. ERR_LOST_RACE when the row is not as it
 * must be. */
_must_use_ bool consent_row_ask(struct db *db, const struct consent_row *row, int64_t now_ms,
                                struct error *error);
/* The same; ERR_LOST_RACE also when browser or state are others. */
_must_use_ bool consent_row_take(struct db *db, const struct consent_row *row, int64_t now_ms,
                                 struct error *error);
/* By row->id, with outcome and words. ERR_LOST_RACE unless it is TAKEN. */
_must_use_ bool consent_row_end(struct db *db, const struct consent_row *row, struct error *error);
