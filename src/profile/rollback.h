/* Putting a profile's previous credentials back: they are verified with the vendor as new ones are,
 * with the properties that they belong to and the tokens that were got for them, and then swapped
 * with those in use, in one transaction. The others become the previous ones. */
#pragma once

#include "profile/change.h"

/* As the steps of a change: false with *change->error set, and then the profile is as it was. Sets
 * change->verification once the vendor was asked. `current`: the row. `refused`: what the vendor
 * says of the credentials in use, so that the server falls back; STR_NULL: a person asks for it.
 *
 * ERR_NOT_FOUND: there are no previous credentials, or they have expired. ERR_CONFLICT: a private
 * connection is being made, or another request changed the profile. */
_must_use_ bool profile_rollback(struct profile_change *change, const struct profile *current,
                                 struct str refused);
