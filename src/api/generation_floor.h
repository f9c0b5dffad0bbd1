/* The highest generation of the access keys (access_key_set.h) that this node has seen, kept
 * outside of the database, in DIR/access-key-generation. A database whose access keys are of an
 * earlier one was put back to an older state, in which keys that were deleted since would work
 * again: it is refused. Also by a server that runs, since the generation is in its memory, too.
 *
 * The record protects against who can write the database but not DIR, as PostgreSQL's administrator
 * can. A node that lost DIR, or is new, has seen nothing yet. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct generation_floor;

/* `dir` need not exist. A record that cannot be understood counts as none. ERR_UNAVAILABLE when it
 * cannot be read. */
_must_use_ bool generation_floor_new(const char *dir, struct generation_floor **ret_floor,
                                     struct error *error);
void generation_floor_free(struct generation_floor *floor);

/* 0: none was seen. */
int64_t generation_floor_get(const struct generation_floor *floor);

/* False, with what to do, when the generation is lower than one that was seen. One that is higher
 * is recorded; a record that cannot be written stays behind, and then protects less. Any thread. */
_must_use_ bool generation_floor_admit(struct generation_floor *floor, int64_t generation,
                                       struct error *error);

/* For a restore that the operator asked for. */
void generation_floor_forget(const char *dir);
