/* HTTP Basic authentication (RFC 7617). */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* "Basic …". A user with a ':' in it cannot be sent so: the caller refuses it before. */
struct str auth_basic(struct arena *arena, struct str user, struct str password);
