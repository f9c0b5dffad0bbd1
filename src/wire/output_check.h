/* Checks an answer against the API's model. Clients silently ignore a member that the model does
 * not have, so a misspelt one would go unnoticed. For debug and test builds. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "wire/shape.h"

/* True when `json` is an output of the operation: exactly the model's member names, its types and
 * enum values, and every required member. ERR_INTERNAL names the member that is not. An operation
 * without an output answers {}. */
_must_use_ bool output_check(const struct api_operation *operation, struct str json,
                             struct arena *arena, struct error *error);
