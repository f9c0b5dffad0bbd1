/* The grant journal as the engine sees it: a write-ahead log of one-time credentials. Tokens that a
 * grant brings are durable before they are used. An authorization code may be sent only once (RFC
 * 6749, 4.1.2), so the attempt is durable before the code is sent; so is that of a refresh token
 * that the vendor may replace. src/profile implements the journal over the store; every call may
 * wait. */
#pragma once

#include "auth/oauth_tokens.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "net/client/client.h"

/* Of refresh tokens, each got for the one before it by an earlier try, so many are followed by one
 * connection. */
enum { GRANT_RESUMES_MAX = 8 };

/* What is about to be sent. */
struct token_grant_intent {
    struct str grant; /* RFC 6749's grant_type */
    struct str token_url;
    struct str secret;     /* a code, an assertion, a refresh token */
    bool durable;          /* it may work only once: the attempt is durable before it is sent */
    bool is_given;         /* it stands in the profile's credentials, so others may have it */
    bool is_strict;        /* a refresh token; showing a replaced one may end its successors */
    const char *tokens_at; /* where in the answer its tokens are, see oauth2_holder */
    bool again;            /* send it although the outcome of an earlier attempt is unknown */
    /* Set with GRANT_JOURNAL_LOST: when the first attempt began; 0: not known. */
    int64_t attempted_at_ms;
    /* Set with GRANT_JOURNAL_REPLACED: the profile that used it, for people; in the arena. Where
     * that profile did not store the successor, the request that used it failed, was a dry run, or
     * has not ended. */
    struct str used_by;
    bool is_unstored;
};

enum grant_journal_state {
    GRANT_JOURNAL_NEW,    /* never sent: send it, then save */
    GRANT_JOURNAL_RESUME, /* an unfinished attempt, or another request, has tokens: *ret_tokens */
    GRANT_JOURNAL_USED,   /* a finished change has used its tokens */
    GRANT_JOURNAL_LOST,   /* may have been sent to the vendor; the outcome is unknown */
    /* A refresh token of `is_strict` that another profile of the account has used, and that the
     * vendor has replaced then. */
    GRANT_JOURNAL_REPLACED,
    GRANT_JOURNAL_BUSY,   /* another request holds it and did not end in time */
    GRANT_JOURNAL_FAILED, /* error is set */
};

/* How a grant attempt ended. */
enum token_grant_end {
    TOKEN_GRANT_VOID,  /* the credential was not sent, or refused: it is unused */
    TOKEN_GRANT_SAVED, /* tokens received and saved */
    TOKEN_GRANT_LOST,  /* tokens may have been issued, but were not received or not saved */
};

struct token_grant_journal {
    void *context;
    /* After GRANT_JOURNAL_NEW the caller holds the attempt until `end`. A refresh token may work
     * again after it was used: it is never GRANT_JOURNAL_USED. */
    enum grant_journal_state (*begin)(void *context, struct token_grant_intent *intent,
                                      struct arena *arena, struct oauth_tokens *ret_tokens,
                                      struct error *error);
    /* Makes the call of a refresh token's attempt with `make`, or as `make` would: its answer is
     * kept from when it came until `save` or `end`, whatever becomes of this process. NULL: no
     * answer is kept. */
    void (*call)(void *context, client_call_fn *make, struct client *client, struct arena *arena,
                 const struct client_request *request, struct client_response *ret_response);
    /* Durable when it returns. After GRANT_JOURNAL_NEW; also after GRANT_JOURNAL_RESUME of a
     * refresh token, when the resumed tokens are not accepted any more and the grant was repeated.
     */
    bool (*save)(void *context, const struct oauth_tokens *tokens, struct error *error);
    void (*end)(void *context, enum token_grant_end how); /* without effect when nothing is held */
};
