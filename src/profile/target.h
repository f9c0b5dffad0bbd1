/* The targets of profiles: of the configuration in a request, and of a row of the store. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "connector/target.h"
#include "profile/context.h"
#include "store/profiles.h"

/* The target that a request's input leads to, without credentials; NULL when the input has no
 * configuration of exactly one known connector. Reads nothing but the input, so that it may run on
 * an event loop. */
struct target *profile_target_of_input(const struct profile_context *context,
                                       const struct value *input, struct arena *arena);

/* The target of a stored profile, without credentials. ERR_INTERNAL when its connector is unknown
 * here or its properties cannot be read. */
_must_use_ bool profile_target_of_row(const struct profile_context *context,
                                      const struct profile *profile, struct arena *arena,
                                      struct target *ret_target, struct error *error);
