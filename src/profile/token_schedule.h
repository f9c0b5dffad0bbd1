/* When a profile's tokens are renewed, and what follows from how a renewal ended: pure functions of
 * times, the vendor's policy and a random number. docs/internals/token-keeper.md has the table. */
#pragma once

#include "connector/token_policy.h"
#include "connector/verdict.h"
#include "store/token_states.h"

enum {
    TOKEN_RETRY_MIN_MS = 2 * 1000, /* waits after a failure that will pass */
    TOKEN_RETRY_MAX_MS = 5 * 60 * 1000,
    TOKEN_SLOW_MIN_MS = 15 * 60 * 1000, /* after one that a person ends */
    TOKEN_SLOW_MAX_MS = 6 * 60 * 60 * 1000,
    TOKEN_BUSY_MIN_MS = 1000,
    TOKEN_BUSY_MAX_MS = 5000,
    TOKEN_CONFIRM_MIN_MS = 60 * 1000, /* before a refused grant is tried once more */
    TOKEN_CONFIRM_MAX_MS = 120 * 1000,
    TOKEN_REVIVE_MS = 24 * 60 * 60 * 1000, /* between tries of a dead one */
    TOKEN_KEEPER_LOOK_MS = 1000,           /* between looks of the keeper for what is due */
    TOKEN_INTERVAL_MIN_MS = 60 * 1000,     /* between a success and the next renewal */
    TOKEN_SPREAD_MS = 10 * 60 * 1000,      /* over which what is overdue is renewed */
};

/* How a renewal ended. */
enum token_outcome {
    OUTCOME_RENEWED,
    OUTCOME_VENDOR_DOWN,
    OUTCOME_THROTTLED,
    OUTCOME_BUSY,               /* the same credential is being exchanged at this moment */
    OUTCOME_REPLY_LOST,         /* the refresh token may be spent */
    OUTCOME_STORE_FAILED,       /* on this side */
    OUTCOME_SECRET_UNAVAILABLE, /* what the credentials refer to cannot be read */
    OUTCOME_KEY_UNAVAILABLE,    /* AWS KMS does not unwrap the data key of the credentials */
    OUTCOME_NOT_UNDERSTOOD, /* not the vendor's word on the credentials: a gateway, a wrong URL */
    OUTCOME_CLIENT_REFUSED, /* the OAuth app */
    OUTCOME_GRANT_REFUSED,  /* the refresh token, its user or organization */
    OUTCOME_GRANT_SPENT,    /* the refresh token was replaced, and its successor never came */
    OUTCOME_COUNT,
};

/* "renewed", "vendor_down", …: for rows, metrics and logs. */
const char *token_outcome_name(enum token_outcome outcome);

enum token_outcome token_outcome_of(const struct verdict *verdict);

struct token_times {
    const struct token_renewal *renewal;
    int64_t obtained_at_ms;        /* wall clock, as all; of the access token */
    int64_t expires_at_ms;         /* of the access token; 0: not known */
    int64_t renewed_at_ms;         /* when the refresh token was last used, or got */
    int64_t refresh_expires_at_ms; /* of the refresh token; 0: not known */
    uint32_t spread;               /* random: moves a due time, so that not all come at once */
};

/* When the tokens are to be renewed; 0: only when they are used. */
int64_t token_due_at_ms(const struct token_times *times);

/* The same for a renewal that is overdue at now_ms by a plan that is made anew for many profiles at
 * once: a random time in the next TOKEN_SPREAD_MS. It is no later than before_ms, the due time so
 * far (0: there is none), and early enough before works_until_ms, the end of the access token (0:
 * not known), if that is still to come. */
int64_t token_overdue_at_ms(int64_t now_ms, int64_t before_ms, int64_t works_until_ms,
                            uint32_t random);

struct token_event {
    enum token_outcome outcome;
    int64_t now_ms;
    int64_t
        retry_after_ms; /* what the vendor asked for, kept up to TOKEN_SLOW_MAX_MS; 0: nothing */
    int64_t due_at_ms;  /* renewed: when it is next to be renewed */
    uint32_t random;
    struct str words; /* what happened, for token_state_row.words; of a renewal none are kept */
};

/* The row after the event: state, since, attempts, wait_ms, reason, words and next_at_ms; the rest
 * is as it was. A state that needs re-authorization keeps its reason and words while tries fail for
 * another reason. next_at_ms 0: nothing is to be done any more. */
struct token_state_row token_state_after(const struct token_state_row *before,
                                         const struct token_renewal *renewal,
                                         const struct token_event *event);
