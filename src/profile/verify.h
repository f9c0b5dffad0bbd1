/* Asking a profile's vendor about its credentials: at once for a Public profile, in the background
 * for a Private one. */
#pragma once

#include "profile/context.h"
#include "profile/grant_journal.h"

struct profile_question {
    const struct connector *connector;
    struct profile_key key;
    const struct value *properties;    /* the connector's own structure */
    const struct value *credentials;   /* likewise */
    const struct oauth_tokens *stored; /* got for these credentials earlier; NULL: none */
    bool is_private;                   /* every call takes one of the operator's private ways */
};

/* Within the service's time limit. Starts `journal`, which is to be consumed with the tokens and
 * then to be done with. Otherwise as connector_verify. */
bool profile_verify(const struct profile_context *context, const struct profile_question *question,
                    struct arena *arena, struct grant_journal *journal, struct verdict *ret_verdict,
                    struct oauth_tokens *ret_tokens);
