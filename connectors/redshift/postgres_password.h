/* A password as PostgreSQL stores it. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

/* SASLprep (RFC 4013) as PostgreSQL applies it before SCRAM: a password that is not valid UTF-8 or
 * holds a control character is used as it is. Exact for characters up to U+00FF, which is what
 * keyboards for Latin letters have. Others are left as they are, which is right for most of them;
 * *ret_sure is false then. */
struct str password_prepare(struct arena *arena, struct str password, bool *ret_sure);
