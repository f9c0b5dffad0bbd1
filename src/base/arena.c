/* A bump allocator over a chain of blocks. What a block has not handed out yet is always zero: it
 * comes zeroed, and what was handed out is wiped before the block is used again. */
#include "base/arena.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_BLOCK_MIN = 8192 - 64, /* most requests that read fit, with room for malloc's header */
    ARENA_ALIGN = 16,
};

struct arena_block {
    struct arena_block *next; /* older block */
    size_t capacity;          /* bytes in data */
    size_t used;              /* bytes handed out of data */
    size_t unused;            /* keeps data aligned */
    char data[];
};

static struct arena_block *block_push(struct arena *arena, size_t at_least)
{
    size_t capacity = arena->head ? arena->head->capacity * 2 : ARENA_BLOCK_MIN;
    if (capacity < at_least)
        capacity = at_least;
    struct arena_block *block = xcalloc(1, sizeof(*block) + capacity);
    block->next = arena->head;
    block->capacity = capacity;
    arena->head = block;
    return block;
}

static size_t round_up(size_t size)
{
    return (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 4)
        out_of_memory(size);
    size_t rounded = round_up(size);
    struct arena_block *block = arena->head;
    if (!block || block->capacity - block->used < rounded)
        block = block_push(arena, rounded);
    void *piece = block->data + block->used;
    block->used += rounded;
    arena->used += rounded;
    return piece;
}

void *arena_alloc_array(struct arena *arena, size_t size, size_t count)
{
    if (count != 0 && size > SIZE_MAX / count)
        out_of_memory(SIZE_MAX);
    return arena_alloc(arena, size * count);
}

struct str arena_copy(struct arena *arena, struct str s)
{
    char *copy = arena_alloc(arena, s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.data, s.len);
    return (struct str){copy, s.len};
}

const char *arena_cstr(struct arena *arena, struct str s)
{
    return arena_copy(arena, s).data;
}

/* Printed into what the newest block has left, which mostly suffices; if not, that is zeroed again,
 * and the text printed into another. */
struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    struct arena_block *block = arena->head;
    char *here = block ? block->data + block->used : NULL;
    size_t room = block ? block->capacity - block->used : 0;
    va_start(args, format);
    va_copy(again, args);
    int printed = vsnprintf(here, room, format, args);
    va_end(args);
    size_t len = printed < 0 ? 0 : (size_t)printed;
    bool fits = printed >= 0 && round_up(len + 1) <= room;
    if (!fits && room > 0)
        explicit_bzero(here, room);
    char *text = arena_alloc(arena, len + 1);
    if (!fits && printed >= 0)
        vsnprintf(text, len + 1, format, again);
    va_end(again);
    return (struct str){text, len};
}

static void block_free(struct arena_block *block)
{
    explicit_bzero(block->data, block->used);
    free(block);
}

void arena_done(struct arena *arena)
{
    while (arena->head) {
        struct arena_block *next = arena->head->next;
        block_free(arena->head);
        arena->head = next;
    }
    arena->used = 0;
}

void arena_reset(struct arena *arena)
{
    if (!arena->head)
        return;
    struct arena_block *kept = arena->head; /* the largest, mostly */
    arena->head = kept->next;
    arena_done(arena);
    explicit_bzero(kept->data, kept->used);
    kept->used = 0;
    kept->next = NULL;
    arena->head = kept;
}
