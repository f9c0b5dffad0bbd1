/* The token keeper's part in going back to previous credentials (profile/fallback.h): when the
 * refusal of a renewal is confirmed. */
#pragma once

#include "profile/fallback.h"
#include "profile/token_schedule.h"

struct token_fallback {
    const struct profile_context *context;
    const struct profile *profile; /* the row */
    const struct verdict *verdict; /* on the renewal */
    enum token_outcome outcome;
    const struct token_state_row *before; /* the renewal */
};

/* `after`: what is to be committed of the renewal. True: the profile has other credentials, with a
 * job and a state of their own, so that nothing of this renewal is left to commit. Else the next
 * try may be moved forward in `after`, where the previous credentials are to be tried again. */
bool token_fallback(const struct token_fallback *fallback, struct token_state_row *after,
                    struct arena *arena);
