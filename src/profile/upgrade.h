/* Brings profiles that an earlier version wrote up to date, at the start and before requests. */
#pragma once

#include "profile/context.h"

#include "base/error.h"

/* Moves OAuth tokens that are sealed together with their profile's credentials into rows of their
 * own (schema 8). Where it is cut off, the next start goes on. A profile whose seal does not open
 * is marked as moved without tokens, with a warning: new credentials mend it. Takes about a second
 * for 50,000 profiles; logs its progress. */
_must_use_ bool profile_upgrade(const struct profile_context *context, struct error *error);
