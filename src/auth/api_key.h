/* Keys that are sent as they are, in a header. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

/* Nothing in it could end a header or begin another: no control characters (RFC 9110, 5.5). */
bool auth_key_is_sendable(struct str key);

/* "Bearer …" (RFC 6750, 2.1). */
struct str auth_bearer(struct arena *arena, struct str token);
