/* What a profile's vendor says about its entities: from the cache, or over a connection with the
 * profile's credentials. Tokens that are renewed on the way are stored as those of a verification
 * are. What is cached is found by everything that it depends on: the profile with its version, so
 * that a change of the profile makes it unreachable, and the profile's resets. */
#pragma once

#include "profile/context.h"
#include "profile/metadata_call.h"
#include "store/metadata_resets.h"
#include "store/profiles.h"

#include <stdbool.h>

/* Waits for the vendor. Call metadata_release. NULL: ERR_NOT_FOUND (no such profile),
 * ERR_VALIDATION, ERR_CONNECTOR_AUTHENTICATION, ERR_CONNECTOR_SERVER and what the store says. */
struct metadata *profile_metadata(const struct profile_context *context, struct arena *arena,
                                  const struct metadata_question *question, struct error *error);

/* Forgets what this node has cached of a profile; `resets` is what the store's counts have grown
 * by. Frees memory alone: the counts make it unreachable. */
void profile_metadata_forget(const struct profile_context *context, struct arena *arena,
                             const struct profile_key *key, const struct metadata_resets *resets);
