/* What the sandbox remembers of a run: which one-time credentials were used, and how often.
 * Bounded: past its limit the oldest is forgotten. Safe from any thread. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { MEMORY_MAX = 65536 }; /* credentials remembered at once */

struct memory;

struct memory *memory_new(uint32_t limit); /* at most MEMORY_MAX */
void memory_free(struct memory *memory);

/* Counts one use of `text` by `owner`, and returns how often it was used before: of all that use a
 * credential at the same time exactly one gets 0. */
uint32_t memory_use(struct memory *memory, struct str owner, struct str text);

/* How often it was used so far. */
uint32_t memory_uses(struct memory *memory, struct str owner, struct str text);
