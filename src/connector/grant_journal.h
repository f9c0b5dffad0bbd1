/* The grant journal as the engine sees it: a write-ahead log of one-time credentials. Tokens that a
 * grant brings are durable before they are used. An authorization code may be sent only once (RFC
 * 6749, 4.1.2), so the attempt is durable before the code is sent. src/profile implements the
 * journal over the store; every call may wait. */
#pragma once

#include "auth/oauth_tokens.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum grant_journal_state {
    GRANT_JOURNAL_NEW,    /* never sent: send it, then save */
    GRANT_JOURNAL_RESUME, /* an unfinished attempt has tokens: *ret_tokens */
    GRANT_JOURNAL_USED,   /* a finished change has used its tokens */
    GRANT_JOURNAL_LOST,   /* may have been sent to the vendor; the outcome is unknown */
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
    /* One-time credential `secret` (a code, an assertion, a refresh token) for `grant` (RFC 6749's
     * grant_type) at `token_url`. After GRANT_JOURNAL_NEW the caller holds the attempt until `end`.
     * A refresh token may work again after it was used: it is never GRANT_JOURNAL_USED or
     * GRANT_JOURNAL_LOST. */
    enum grant_journal_state (*begin)(void *context, struct str grant, struct str token_url,
                                      struct str secret, struct arena *arena,
                                      struct oauth_tokens *ret_tokens, struct error *error);
    /* Durable when it returns. After GRANT_JOURNAL_NEW; also after GRANT_JOURNAL_RESUME of a
     * refresh token, when the resumed tokens are not accepted any more and the grant was repeated.
     */
    bool (*save)(void *context, const struct oauth_tokens *tokens, struct error *error);
    void (*end)(void *context, enum token_grant_end how); /* without effect when nothing is held */
};
