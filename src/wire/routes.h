/* From method and raw target to an operation. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "wire/shape.h"
#include "wire/value.h"

/* Routing is on the raw path (an ARN in /tags/… is percent-encoded and may hold slashes, encoded or
 * not). ERR_UNKNOWN_OPERATION when there is none for method and path. */
bool route_find(struct str method, struct str target, const struct api_operation **ret_operation,
                struct error *error);

/* Decodes and validates the input of an operation: body, path and query together. */
bool route_decode_input(const struct api_operation *operation, struct str target, struct str body,
                        struct arena *arena, struct value **ret_input, struct error *error);
