/* Client tokens: one effect for a request however often it is sent, for eight hours. And exchanges:
 * what a vendor gave for a one-time credential, kept until the change that needs it is committed.
 */
#pragma once

#include "store/core/store.h"

enum {
    CLIENT_TOKEN_LIFE_MS = 8 * 60 * 60 * 1000,
    TOKEN_GRANT_LIFE_MS = 8 * 60 * 60 * 1000,
    REQUEST_HASH_SIZE = 32,
};

struct client_token {
    struct str account;
    struct str region;
    struct str operation;
    struct str token;
};

/* --- claims: who is working on a token just now. In memory, where one server owns an embedded
 * store; where nodes share one, the others see it for as long as this one's connection stands. ---
 */

struct idempotency_claim; /* held by one request */

enum client_token_state {
    CLIENT_TOKEN_CLAIMED,  /* yours: work, then client_token_release whatever came of it */
    CLIENT_TOKEN_ANSWERED, /* done before: *ret_answer is the stored answer */
    CLIENT_TOKEN_CONFLICT, /* the token was used with other parameters */
    CLIENT_TOKEN_BUSY,     /* another request still works on it when `wait_ms` had passed */
};

/* Waits (at most wait_ms) while another request holds the token, then looks again, so that of two
 * at once one works and the other gets the same answer. Never call it on an event loop. */
bool client_token_claim(struct store *store, struct arena *arena, const struct client_token *key,
                        const unsigned char hash[REQUEST_HASH_SIZE], int64_t wait_ms,
                        enum client_token_state *ret_state, struct idempotency_claim **ret_claim,
                        struct str *ret_answer, struct error *error);
void client_token_release(struct store *store, struct idempotency_claim *claim); /* NULL is fine */

/* Whether a token was answered (CLIENT_TOKEN_CLAIMED: it was not), without a claim. */
bool client_token_look_up(struct store *store, struct arena *arena, const struct client_token *key,
                          const unsigned char hash[REQUEST_HASH_SIZE],
                          enum client_token_state *ret_state, struct str *ret_answer,
                          struct error *error);

/* Inside the write that makes the change: the token becomes its answer, for CLIENT_TOKEN_LIFE_MS
 * from now_ms. An expired answer is replaced; ERR_CONFLICT when there is one that is not. */
bool client_token_answer(struct db *db, const struct client_token *key,
                         const unsigned char hash[REQUEST_HASH_SIZE], struct str answer,
                         int64_t now_ms, struct error *error);

/* --- exchanges --- */

enum {
    TOKEN_GRANT_ID_SIZE = 32, /* a keyed hash of grant, token URL and one-time credential */
    /* Of one profile: the newest. A code is known for a used one until so many others came for its
     * profile, or TOKEN_GRANT_LIFE_MS are over. */
    TOKEN_GRANTS_KEPT_MAX = 256,
};

struct token_grant {
    unsigned char id[TOKEN_GRANT_ID_SIZE];
    struct str account;
    struct str region;
    struct str profile;
    bool one_time;     /* saving: what was exchanged works once, so that it is not saved again */
    bool consumed;     /* a committed change already used it */
    struct str sealed; /* what the vendor gave; gone (STR_NULL) once consumed */
    /* A random number of whoever shows it to the vendor, or did and never learned what came of it;
     * 0 from when that is known. */
    int64_t attempt;
    int64_t attempt_ends_at_ms; /* wall clock: until when that may last; 0: it does not any more */
};

/* One that has expired (TOKEN_GRANT_LIFE_MS after it was saved) is not found. */
bool token_grant_find(struct store_reader *reader, struct arena *arena,
                      const unsigned char id[TOKEN_GRANT_ID_SIZE], struct token_grant *ret_exchange,
                      bool *ret_found, struct error *error);
/* Notes that exchange->attempt is about to show it, before it does: id, profile and
 * attempt_ends_at_ms are kept with it. ERR_LOST_RACE when another attempt did, or something is
 * known of it. Removes the oldest as token_grant_save does. */
bool token_grant_begin(struct db *db, const struct token_grant *exchange, int64_t now_ms,
                       struct error *error);
/* Forgets that note: the vendor was not shown it, or gave nothing for it. */
bool token_grant_take_back(struct db *db, const struct token_grant *exchange, struct error *error);
/* Lets the note stand, but the attempt is over: what came of it nobody will know. */
bool token_grant_give_up(struct db *db, const struct token_grant *exchange, struct error *error);
/* Inserts or replaces, and removes the profile's oldest where there are more than are kept.
 * ERR_LOST_RACE when it is one-time and there is something that is not the attempt's own note.
 * `consumed` is ignored. */
bool token_grant_save(struct db *db, const struct token_grant *exchange, int64_t now_ms,
                      struct error *error);
/* Marks it consumed, in the write that stores what it gave. */
bool token_grant_consume(struct db *db, const unsigned char id[TOKEN_GRANT_ID_SIZE],
                         struct error *error);
