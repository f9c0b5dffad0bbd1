/* Times of the API's answers, for people. */
#pragma once

#include "base/arena.h"
#include "wire/value.h"

/* A member with seconds since the epoch, in milliseconds; 0: it is not there. */
int64_t shown_time_ms(const struct value *structure, const char *name);
/* "2026-01-31 23:59:59" in UTC; of 0 "". In the arena. */
struct str shown_second(struct arena *arena, int64_t ms);
