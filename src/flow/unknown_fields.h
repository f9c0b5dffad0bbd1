/* Fields that a flow's tasks read and that its source does not describe: they were renamed or
 * removed at the vendor, are hidden from the user, or are misspelt. A run reads them as null, or
 * the vendor refuses the query. */
#pragma once

#include "base/arena.h"
#include "profile/context.h"
#include "store/flows.h"
#include "wire/value.h"

/* A list of structures with `task`, its number from 1, and `field`, in the arena. NULL: the source
 * has no profile, or does not say now which fields it has. By the cache of entities, else the
 * vendor is asked: waits. `definition`: DescribeFlow's members. */
struct value *flow_unknown_fields(const struct profile_context *context, struct flow_key flow,
                                  const struct value *definition, struct str request_id,
                                  struct arena *arena);
