/* A bump allocator over a chain of blocks. Blocks double in size up to ARENA_BLOCK_MAX; a larger
 * piece gets a block of its own.
 *
 * In a secret arena the part of a block that has not been handed out is always zero: the block
 * comes zeroed, and what was handed out is wiped before the block is used again or freed. A plain
 * arena does neither; there arena_alloc clears each piece as it hands it out. */
#include "base/arena.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_BLOCK_MIN = 8192 - 64, /* most requests that read fit, with room for malloc's header */
    ARENA_BLOCK_MAX = 1024 * 1024 - 64,
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
    if (capacity > ARENA_BLOCK_MAX)
        capacity = ARENA_BLOCK_MAX;
    if (capacity < at_least)
        capacity = at_least;
    size_t size = sizeof(struct arena_block) + capacity;
    struct arena_block *block = arena->kind == ARENA_SECRET ? xcalloc(1, size) : xmalloc(size);
    block->next = arena->head;
    block->capacity = capacity;
    block->used = 0;
    arena->head = block;
    return block;
}

static size_t round_up(size_t size)
{
    return (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

void *arena_take(struct arena *arena, size_t size)
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

void *arena_alloc(struct arena *arena, size_t size)
{
    void *piece = arena_take(arena, size);
    if (arena->kind == ARENA_PLAIN)
        memset(piece, 0, size);
    return piece;
}

bool arena_resize(struct arena *arena, void *piece, size_t old_size, size_t new_size)
{
    struct arena_block *block = arena->head;
    size_t before = round_up(old_size), after = round_up(new_size);
    assert(block && before <= block->used);
    if ((char *)piece + before != block->data + block->used || new_size > SIZE_MAX / 4 ||
        after > block->capacity - (block->used - before))
        return false;
    if (after < before && arena->kind == ARENA_SECRET)
        explicit_bzero((char *)piece + after, before - after);
    block->used = block->used - before + after;
    arena->used = arena->used - before + after;
    return true;
}

void *arena_alloc_array(struct arena *arena, size_t size, size_t count)
{
    if (count != 0 && size > SIZE_MAX / count)
        out_of_memory(SIZE_MAX);
    return arena_alloc(arena, size * count);
}

struct str arena_copy(struct arena *arena, struct str s)
{
    char *copy = arena_take(arena, s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.data, s.len);
    copy[s.len] = '\0';
    return (struct str){copy, s.len};
}

struct str arena_lower(struct arena *arena, struct str s)
{
    char *copy = arena_take(arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = ascii_lower(s.data[i]);
    copy[s.len] = '\0';
    return (struct str){copy, s.len};
}

const char *arena_cstr(struct arena *arena, struct str s)
{
    return arena_copy(arena, s).data;
}

/* Printed into what the newest block has left, which is mostly enough; if not, that part is cleared
 * again and the text printed into another block. */
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
    char *text = arena_take(arena, len + 1);
    if (!fits && printed >= 0)
        vsnprintf(text, len + 1, format, again);
    text[len] = '\0';
    va_end(again);
    return (struct str){text, len};
}

static void block_clear(const struct arena *arena, struct arena_block *block)
{
    if (arena->kind == ARENA_SECRET)
        explicit_bzero(block->data, block->used);
    block->used = 0;
}

void arena_done(struct arena *arena)
{
    while (arena->head) {
        struct arena_block *block = arena->head;
        arena->head = block->next;
        block_clear(arena, block);
        free(block);
    }
    arena->used = 0;
}

void arena_reset(struct arena *arena)
{
    struct arena_block *kept = arena->head; /* the largest, mostly */
    if (!kept || kept->capacity > ARENA_BLOCK_MAX) {
        arena_done(arena);
        return;
    }
    arena->head = kept->next;
    arena_done(arena);
    block_clear(arena, kept);
    kept->next = NULL;
    arena->head = kept;
}
