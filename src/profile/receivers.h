/* To whom a change sends credentials. */
#pragma once

#include "profile/change.h"

/* True when verifying with the new properties and mode would send credentials nowhere else than
 * with the current ones. A caller that cannot read stored credentials must not be able to have
 * them sent to a receiver of its choice. */
bool profile_same_receivers(const struct profile_change *change, const struct profile *current);
