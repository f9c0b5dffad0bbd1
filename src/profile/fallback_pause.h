/* Profiles about whose previous credentials the vendor could not be asked: each use of the refused
 * ones would wait for it again. In the memory of this node, which forgets the older one where two
 * meet, so that the table is bounded; then the vendor is asked once more than needed. */
#pragma once

#include "store/profiles.h"

enum {
    FALLBACK_PAUSE_MS = 5 * 60 * 1000, /* as the longest wait of the token keeper's tries */
    FALLBACK_PAUSES_MAX = 1024,
};

/* Any thread. Until FALLBACK_PAUSE_MS from now, or the profile's credentials change. */
void fallback_pause(const struct profile *profile);
bool fallback_is_paused(const struct profile *profile);
