/* An array that grows in an arena, and reading a statement's rows into it. */
#pragma once

#include "base/arena.h"
#include "store/db/db.h"

#include <string.h>

enum { ROWS_FIRST = 4 };

struct rows {
    struct arena *arena;
    void *items; /* NULL while there is none */
    size_t size; /* of one */
    size_t count;
    size_t capacity;
};

static inline struct rows rows_of(struct arena *arena, size_t size)
{
    return (struct rows){.arena = arena, .size = size};
}

/* A new, zeroed item at the end. Earlier items may move. */
static inline void *rows_add(struct rows *rows)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? rows->capacity * 2 : ROWS_FIRST;
        void *more = arena_alloc_array(rows->arena, rows->size, capacity);
        if (rows->count > 0)
            memcpy(more, rows->items, rows->count * rows->size);
        rows->items = more;
        rows->capacity = capacity;
    }
    return (char *)rows->items + rows->count++ * rows->size;
}

/* Whether there is memory for another row like the last one, before which the arena had `used`
 * bytes. Where the store is across a network, many requests hold what they read at once. */
static inline bool rows_have_room(const struct rows *rows, size_t used, struct error *error)
{
    return arena_has_room(rows->arena, rows->arena->used - used) ||
           fail(error, ERR_THROTTLING, "Rate exceeded: no memory is left for the rows read.");
}

/* Reads one row into a new item, whose texts go into the arena. */
typedef void row_fn(const struct stmt *stmt, struct arena *arena, void *item);

/* Steps through what is left of the statement. ERR_THROTTLING when the arena has no room for it. */
static inline bool rows_read(struct rows *rows, struct stmt *stmt, row_fn *read,
                             struct error *error)
{
    for (bool row = true; row;) {
        if (!stmt_step(stmt, &row, error))
            return false;
        size_t used = rows->arena->used;
        if (row)
            read(stmt, rows->arena, rows_add(rows));
        if (!rows_have_room(rows, used, error))
            return false;
    }
    return true;
}
