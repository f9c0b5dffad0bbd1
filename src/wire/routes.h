/* From method and raw target to an operation. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "wire/shape.h"
#include "wire/value.h"

/* Routing is on the path as it was sent, but for what sigv4_normalized_target takes out of it: an
 * ARN in /tags/… is percent-encoded and may hold slashes, encoded or not. NULL when there is no
 * operation for method and path: also for another method on a known path, which AWS's front ends do
 * not tell apart. */
const struct api_operation *route_find(struct str method, struct str target);

/* Decodes and validates the input of an operation: body, path and query together. A GET or DELETE
 * has no body to look at; a query on an operation that takes none is ignored. '+' in a query is a
 * plus, since SDKs send blanks as %20 and a tag key may hold '+'. */
_must_use_ bool route_decode_input(const struct api_operation *operation, struct str target,
                                   struct str body, struct arena *arena, struct value **ret_input,
                                   struct error *error);
