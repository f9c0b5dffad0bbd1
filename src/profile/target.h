/* The targets of profiles: of the configuration in a request, and of a row of the store. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "connector/target.h"
#include "profile/context.h"
#include "store/profiles.h"

/* The target that an account's input leads to, without credentials; NULL when the input has no
 * configuration of exactly one known connector. Reads nothing but the input, so that it may run on
 * an event loop. */
struct target *profile_target_of_input(const struct profile_context *context, struct str account,
                                       const struct value *input, struct arena *arena);

/* The target of a stored profile, without credentials. `reader`: see registration_find.
 * ERR_NOT_FOUND when its connector was unregistered, ERR_THROTTLING as there, ERR_INTERNAL when it
 * is unknown here or the profile's properties cannot be read. */
_must_use_ bool profile_target_of_row(const struct profile_context *context,
                                      struct store_reader *reader, const struct profile *profile,
                                      struct arena *arena, struct target *ret_target,
                                      struct error *error);
