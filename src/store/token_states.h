/* The states of profiles' OAuth tokens: one row for each profile whose tokens the server can renew
 * by itself (profile/token_keeper.h), and a job of the kind TOKEN_KEEPER_JOB with the same key,
 * which says when something is to be done next. Only what outlives the time is stored: whether a
 * renewal is due, or under way, follows from the job. */
#pragma once

#include "store/core/store.h"
#include "store/profile_key.h"

#define TOKEN_KEEPER_JOB STR("token-keeper")

enum token_state {
    TOKEN_FRESH,                 /* stored; the access token is good, as far as is known */
    TOKEN_DUE,                   /* it should be renewed, and no node has begun */
    TOKEN_REFRESHING,            /* a node has the job */
    TOKEN_BACKING_OFF,           /* stored; a renewal failed and is tried again */
    TOKEN_NEEDS_REAUTHORIZATION, /* stored; a person must authorize again */
    TOKEN_STATES,
};

/* For people and the API of commands: "fresh", "due", "refreshing", "backing off", "needs
 * re-authorization". */
struct str token_state_name(enum token_state state);

enum {
    TOKEN_REASON_MAX = 64,  /* bytes */
    TOKEN_WORDS_MAX = 2048, /* bytes; longer ones are cut */
};

struct token_state_row {
    struct str name;        /* of the profile */
    enum token_state state; /* one that is stored */
    int64_t since_ms;       /* wall clock, as all times here */
    int64_t attempts;       /* failed renewals since the last success */
    int64_t wait_ms;        /* the last wait before a new try; 0: none */
    int64_t renewed_at_ms;  /* when the vendor last took the refresh token; 0: not yet */
    int64_t works_until_ms; /* end of the access token; 0: the vendor did not say */
    struct str reason;      /* "vendor_down", …: profile/token_outcome.h; STR_NULL: none */
    struct str words;       /* what happened, with the vendor's words, no secret in it; STR_NULL */
    /* Of the job, not written by token_state_put: */
    int64_t next_at_ms;     /* when something is to be done; 0: nothing is */
    int64_t lease_until_ms; /* until then a node has the job; 0: none has */
};

_must_use_ bool token_state_find(struct store_reader *reader, struct arena *arena,
                                 struct profile_key key, struct token_state_row *ret_row,
                                 bool *ret_found, struct error *error);
/* How many rows are in each state at this time, over all accounts. Reads all of them. */
_must_use_ bool token_state_count(struct store_reader *reader, int64_t now_ms,
                                  int64_t ret_counts[TOKEN_STATES], struct error *error);

struct stmt;
/* For the files of this room: from TOKEN_STATE_COLUMNS, which begin at `first`; all but the name.
 */
void token_state_read_row(const struct stmt *stmt, int first, struct arena *arena,
                          struct token_state_row *row);

/* --- inside a write (store_apply_fn) --- */

_must_use_ bool token_state_put(struct db *db, struct profile_key key,
                                const struct token_state_row *row, struct error *error);
/* Unless there is one, or no such profile. */
_must_use_ bool token_state_add(struct db *db, struct profile_key key,
                                const struct token_state_row *row, struct error *error);
/* With its job. It is no failure when there is none. */
_must_use_ bool token_state_delete(struct db *db, struct profile_key key, struct error *error);
