/* Where a run stages its records for a destination that loads them (connector/loading.h): in
 * intermediateBucketName, below bucketPrefix/FLOW/EXECUTIONID/, as objects of JSON lines. They stay
 * there, as those of the real service do: the bucket's owner decides for how long. */
#pragma once

#include "flow/definition.h"

enum { STAGED_OBJECT_MIB = 64 }; /* about; a run begins another one with the page that follows */

/* What stands for S3DestinationProperties then, in the arena. NULL: records are not staged. */
const struct value *flow_staging(const struct flow_end *destination, struct arena *arena);
