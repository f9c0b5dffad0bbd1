/* A growing buffer with a limit. Past its limit it takes nothing more and says so at the end. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct buf {
    char *data;          /* NUL after data[len - 1] once anything was added */
    size_t len;          /* bytes */
    size_t cap;          /* bytes allocated */
    size_t limit;        /* len never passes this */
    bool overflow;       /* something was left out */
    struct arena *arena; /* where memory comes from; NULL: the heap, and buf_done must be called */
};

struct buf buf_on_heap(size_t limit);
struct buf buf_in(struct arena *arena, size_t limit);
void buf_done(struct buf *buf); /* wipes and frees; may be called twice */

/* Bytes that the buffer would take to add `extra`; 0 when it has room for them, or adds nothing. */
size_t buf_growth(const struct buf *buf, size_t extra);

void buf_reserve(struct buf *buf, size_t extra); /* grows at once for what is going to be added */

void buf_add(struct buf *buf, struct str s);
void buf_add_cstr(struct buf *buf, const char *cstr);
void buf_add_char(struct buf *buf, char c);
void buf_add_u64(struct buf *buf, uint64_t number);
void buf_add_i64(struct buf *buf, int64_t number);
/* The text behind ", " if the buffer has some already: an item of a list in a sentence. */
void buf_add_item(struct buf *buf, struct str item);
/* The text with `value` for each `placeholder`, of which an empty one is in no text. */
void buf_add_replaced(struct buf *buf, struct str text, struct str placeholder, struct str value);
_printf_(2, 3) void buf_printf(struct buf *buf, const char *format, ...);
void buf_clear(struct buf *buf); /* wipes, keeps the memory and the limit */
struct str buf_str(const struct buf *buf);
