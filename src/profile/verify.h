/* Asking a profile's vendor about its credentials: at once for a Public profile, in the background
 * for a Private one. */
#pragma once

#include "base/metrics.h"
#include "connector/connector.h"
#include "connector/http/http_connector.h"
#include "connector/target.h"
#include "profile/context.h"
#include "profile/grant_journal.h"
#include "profile/tokens.h"

extern const struct metric metric_verifications;        /* connector, verdict */
extern const struct metric metric_verification_seconds; /* connector; in microseconds */

struct profile_question {
    struct profile_key key;
    const struct target *target;   /* with its credentials set */
    struct profile_tokens *stored; /* loaded for these credentials; NULL: none */
    const struct profile *owner;   /* of `stored`, to be followed (grant_journal_follow); NULL: the
                                    * profile is pending, so nothing else gets tokens for it */
    bool renews;                   /* `stored` before its access token is used */
    const struct data_key *data_key; /* see grant_journal_seal_under */
    struct str credentials_arn;      /* the profile's, also while it is not stored yet */
    struct str request_id;           /* STR_NULL: no request waits for the answer */
    /* What is tried may never be stored, so grants that work only once are not made, and what a
     * vendor gives for a new refresh token is kept for longer. */
    bool is_trial;
    unsigned withheld;        /* grants (enum connector_grant) that are not made */
    int64_t deadline_ms;      /* of the monotonic clock; 0: the service's time limit from now on */
    struct step_times *times; /* NULL: not wanted */
    struct credential_end *end; /* see vendor_connection_config */
};

/* Grants whose credential works once: a trial does not make them. */
enum { DRY_RUN_WITHHOLDS = GRANT_CODE | GRANT_JWT_BEARER };

/* Within the service's time limit. Starts `journal`, which is to be consumed with the tokens and
 * then to be done with. Otherwise as connector_verify. */
bool profile_verify(const struct profile_context *context, const struct profile_question *question,
                    struct arena *arena, struct grant_journal *journal, struct verdict *ret_verdict,
                    struct oauth_tokens *ret_tokens);
