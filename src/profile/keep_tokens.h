/* Storing the OAuth tokens that a connection with a profile's stored credentials brought, where no
 * change of the profile does it. They are kept whatever the vendor said in the end: the refresh
 * token that they came from may not work a second time. */
#pragma once

#include "profile/context.h"
#include "profile/grant_journal.h"
#include "profile/tokens.h"

struct tokens_to_keep {
    const struct profile_context *context;
    struct arena *arena;
    const struct target *target;         /* with the stored credentials set */
    const struct profile *profile;       /* the row */
    const struct profile_tokens *stored; /* what the connection began with */
    const struct data_key *data_key;     /* of the credentials; NULL: none */
    const struct grant_journal *journal; /* of the connection */
};

/* `tokens`: as vendor_tokens gave them. Writes nothing when they are the stored ones. */
_must_use_ bool profile_keep_tokens(const struct tokens_to_keep *keep,
                                    const struct oauth_tokens *tokens, struct error *error);
