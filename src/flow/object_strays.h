/* Objects that a try of a run wrote behind its last checkpoint, and that the next try did not write
 * again, since the source changed meanwhile: they are in no manifest, and are removed before the
 * run ends. What is removed has a key that this run and no other makes, and is not listed. */
#pragma once

#include "flow/object_key.h"
#include "flow/run_s3.h"

enum { OBJECT_STRAYS_SEEN_MAX = 1000 * 1000 }; /* keys that are looked at, of all runs of a flow */

/* For a run that ends, and whose job is still this node's. Waits. Errors as of s3.h, and
 * ERR_UNAVAILABLE when the store does not answer. */
_must_use_ bool object_strays_remove(struct flow_engine_run *run,
                                     const struct object_key_config *keys, struct run_s3 *calls,
                                     struct error *error);
