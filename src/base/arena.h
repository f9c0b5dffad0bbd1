/* Memory with a lifetime: taken piece by piece and given back as a whole. */
#pragma once

#include "base/cleanup.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

enum arena_kind {
    ARENA_SECRET, /* wiped before its memory is used again or freed: requests carry credentials */
    ARENA_PLAIN,  /* never wiped: for bulk data that holds no secret, such as batches of records */
};

/* Counts the blocks of some arenas, such as all of one request, and says whether there may be more.
 * One thread at a time uses the arenas of a meter. work/memory_limit.h implements it. */
struct arena_meter {
    size_t held;     /* bytes of blocks */
    size_t covered;  /* up to this, more is held without a question */
    size_t reserved; /* `covered` does not go below it when blocks are freed */
    /* Sets `covered` to `bytes`. False, and nothing changed, when there is no room for that; never
     * when `forced`: pieces whose size no peer decides are taken without a question. */
    bool (*cover)(struct arena_meter *meter, size_t bytes, bool forced);
};

struct arena {
    struct arena_block *head;  /* newest block; NULL in a fresh arena, which costs nothing */
    size_t used;               /* bytes handed out over all blocks */
    enum arena_kind kind;      /* set once, before the first piece */
    struct arena_meter *meter; /* set before the first piece; outlives the blocks; NULL: none */
};

/* An arena starts zeroed, which makes it a secret one: struct arena a = {0}. A plain one is
 * {.kind = ARENA_PLAIN}. There is no failure to handle: when the system has no memory left the
 * process ends with a message, since what was acknowledged is on disk. */
void *arena_alloc(struct arena *arena, size_t size); /* zeroed, aligned for any type */

/* As arena_alloc, but the content is undefined: for pieces that are written in full at once. */
void *arena_take(struct arena *arena, size_t size);

struct str arena_copy(struct arena *arena, struct str s); /* with a NUL after it */
const char *arena_cstr(struct arena *arena, struct str s);
struct str arena_lower(struct arena *arena, struct str s); /* a copy with ASCII letters small */
_printf_(2, 3) struct str arena_printf(struct arena *arena, const char *format, ...);

/* Grows or shrinks in place the piece that was taken last. False, and nothing changed, when it is
 * not the last one or its block has no room; what is added has undefined content. */
bool arena_resize(struct arena *arena, void *piece, size_t old_size, size_t new_size);

/* Whether a piece of `size` bytes may be taken. Ask before what a peer sent, or what is made of it,
 * is taken; then it is taken without a further question. Always true without a meter. */
_must_use_ bool arena_has_room(struct arena *arena, size_t size);

/* A fresh arena with the same meter, for what is freed before the other. */
struct arena arena_beside(const struct arena *arena);

/* Counts what the arena has by `meter` from now on; NULL: by none. */
void arena_set_meter(struct arena *arena, struct arena_meter *meter);

/* Frees everything. A secret arena wipes what was handed out first. */
void arena_done(struct arena *arena);

/* As arena_done, but keeps the newest block unless it is an extra large one, so that an arena which
 * needed several blocks will soon need one. */
void arena_reset(struct arena *arena);

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_alloc_array((arena), sizeof(type), (count)))
void *arena_alloc_array(struct arena *arena, size_t size, size_t count);
