/* Memory with a lifetime: taken piece by piece, wiped and given back as a whole. */
#pragma once

#include "base/cleanup.h"
#include "base/str.h"

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *head; /* newest block; NULL in a fresh arena, which costs nothing */
    size_t used;              /* bytes handed out over all blocks */
};

/* An arena starts zeroed: struct arena a = {0}. There is no failure to handle: when the system has
 * no memory left the process ends with a message, since what was acknowledged is on disk. */
void *arena_alloc(struct arena *arena, size_t size);      /* zeroed, aligned for any type */
struct str arena_copy(struct arena *arena, struct str s); /* with a NUL after it */
const char *arena_cstr(struct arena *arena, struct str s);
_printf_(2, 3) struct str arena_printf(struct arena *arena, const char *format, ...);

/* Wipes everything that was handed out (requests carry credentials) and frees it. */
void arena_done(struct arena *arena);

/* As arena_done, but keeps the newest block, so that what needed several will soon need one. */
void arena_reset(struct arena *arena);

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_alloc_array((arena), sizeof(type), (count)))
void *arena_alloc_array(struct arena *arena, size_t size, size_t count);
