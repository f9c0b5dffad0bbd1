/* A bump allocator over a chain of blocks. Blocks double in size up to ARENA_BLOCK_MAX; a larger
 * piece gets a block of its own.
 *
 * What was handed out of a secret arena is wiped before its block is used again or freed, so a
 * block that is used again is zero as far as it was used (zero_to). arena_alloc clears what it
 * hands out beyond that; a new block is not cleared as a whole, since most of it is written in full
 * (arena_take) or not used. */
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
    size_t zero_to;           /* of data's bytes before this, those not handed out are zero */
    char data[];
};

static size_t round_up(size_t size)
{
    return (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

static size_t next_capacity(const struct arena *arena, size_t at_least)
{
    size_t capacity = arena->head ? arena->head->capacity * 2 : ARENA_BLOCK_MIN;
    if (capacity > ARENA_BLOCK_MAX)
        capacity = ARENA_BLOCK_MAX;
    return capacity < at_least ? at_least : capacity;
}

/* By chunk: a block is counted as a whole, what is handed out of it is not. */
static void count_taken(struct arena_meter *meter, size_t size)
{
    meter->held += size;
    if (meter->held > meter->covered)
        meter->cover(meter, meter->held, true);
}

static size_t block_size(const struct arena_block *block)
{
    return sizeof(*block) + block->capacity;
}

static struct arena_block *block_push(struct arena *arena, size_t at_least)
{
    size_t capacity = next_capacity(arena, at_least);
    size_t size = sizeof(struct arena_block) + capacity;
    if (arena->meter)
        count_taken(arena->meter, size);
    struct arena_block *block = xmalloc(size);
    block->next = arena->head;
    block->capacity = capacity;
    block->used = 0;
    block->zero_to = 0;
    arena->head = block;
    return block;
}

bool arena_has_room(struct arena *arena, size_t size)
{
    struct arena_meter *meter = arena->meter;
    const struct arena_block *block = arena->head;
    if (size > SIZE_MAX / 4)
        return false;
    if (!meter || (block && block->capacity - block->used >= round_up(size)))
        return true;
    size_t bytes = meter->held + sizeof(struct arena_block) + next_capacity(arena, round_up(size));
    return bytes <= meter->covered || meter->cover(meter, bytes, false);
}

struct arena arena_beside(const struct arena *arena)
{
    return (struct arena){.kind = arena->kind, .meter = arena->meter};
}

/* What was covered beyond the reservation, for a peer's long response, is given back. */
static void uncover(struct arena_meter *meter)
{
    size_t least = meter->held > meter->reserved ? meter->held : meter->reserved;
    if (meter->covered > least)
        meter->cover(meter, least, true);
}

void arena_set_meter(struct arena *arena, struct arena_meter *meter)
{
    size_t size = 0;
    for (const struct arena_block *block = arena->head; block; block = block->next)
        size += block_size(block);
    if (arena->meter) {
        arena->meter->held -= size;
        uncover(arena->meter);
    }
    arena->meter = meter;
    if (meter)
        count_taken(meter, size);
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
    assert(block->used <= block->capacity);
    arena->used += rounded;
    return piece;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    char *piece = arena_take(arena, size);
    const struct arena_block *block = arena->head;
    size_t from = (size_t)(piece - block->data);
    size_t zero = block->zero_to > from ? block->zero_to - from : 0;
    if (zero < size)
        memset(piece + zero, 0, size - zero);
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
    if (arena->kind == ARENA_SECRET) {
        explicit_bzero(block->data, block->used);
        if (block->used > block->zero_to)
            block->zero_to = block->used;
    }
    block->used = 0;
}

void arena_done(struct arena *arena)
{
    while (arena->head) {
        struct arena_block *block = arena->head;
        arena->head = block->next;
        block_clear(arena, block);
        if (arena->meter)
            arena->meter->held -= block_size(block);
        free(block);
    }
    arena->used = 0;
    if (arena->meter)
        uncover(arena->meter);
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
