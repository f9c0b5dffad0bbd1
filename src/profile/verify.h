/* Asking a profile's vendor about its credentials: at once for a Public profile, in the background
 * for a Private one. */
#pragma once

#include "connector/connector.h"
#include "connector/target.h"
#include "profile/context.h"
#include "profile/grant_journal.h"

struct profile_question {
    struct profile_key key;
    const struct target *target;       /* with its credentials set */
    const struct oauth_tokens *stored; /* got for these credentials earlier; NULL: none */
};

/* Within the service's time limit. Starts `journal`, which is to be consumed with the tokens and
 * then to be done with. Otherwise as connector_verify. */
bool profile_verify(const struct profile_context *context, const struct profile_question *question,
                    struct arena *arena, struct grant_journal *journal, struct verdict *ret_verdict,
                    struct oauth_tokens *ret_tokens);
