/* Growing by doubling, within a limit. */
#include "base/buf.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST = 128 }; /* most are for a name, a header or a URL */

struct buf buf_on_heap(size_t limit)
{
    return (struct buf){.limit = limit};
}

struct buf buf_in(struct arena *arena, size_t limit)
{
    return (struct buf){.limit = limit, .arena = arena};
}

void buf_done(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->len);
    if (!buf->arena)
        free(buf->data);
    *buf = (struct buf){.limit = buf->limit, .arena = buf->arena};
}

static size_t grown_cap(const struct buf *buf, size_t needed)
{
    size_t cap = buf->cap ? buf->cap * 2 : BUF_FIRST;
    while (cap < needed)
        cap *= 2;
    return buf->limit < cap ? buf->limit + 1 : cap; /* more is never used */
}

size_t buf_growth(const struct buf *buf, size_t extra)
{
    bool adds_nothing = buf->overflow || extra > buf->limit - buf->len;
    size_t needed = buf->len + extra + 1;
    return adds_nothing || needed <= buf->cap ? 0 : grown_cap(buf, needed);
}

/* Not realloc: the old copy may hold a secret and has to be wiped before it goes back. */
static void grow(struct buf *buf, size_t needed)
{
    size_t cap = grown_cap(buf, needed);
    assert(needed > buf->cap && cap >= needed);
    char *data = buf->arena ? arena_take(buf->arena, cap) : xmalloc(cap);
    if (buf->len > 0) {
        memcpy(data, buf->data, buf->len);
        explicit_bzero(buf->data, buf->len);
    }
    if (!buf->arena)
        free(buf->data);
    buf->data = data;
    buf->cap = cap;
}

static bool reserve(struct buf *buf, size_t extra)
{
    if (buf->overflow || extra > buf->limit - buf->len) {
        buf->overflow = true;
        return false;
    }
    if (buf->len + extra + 1 > buf->cap)
        grow(buf, buf->len + extra + 1);
    return true;
}

void buf_reserve(struct buf *buf, size_t extra)
{
    if (buf_growth(buf, extra) > 0)
        grow(buf, buf->len + extra + 1);
}

void buf_add(struct buf *buf, struct str s)
{
    if (!reserve(buf, s.len))
        return;
    if (s.len > 0)
        memcpy(buf->data + buf->len, s.data, s.len);
    buf->len += s.len;
    assert(buf->len < buf->cap && buf->len <= buf->limit);
    buf->data[buf->len] = '\0';
}

void buf_add_cstr(struct buf *buf, const char *cstr)
{
    buf_add(buf, str_from(cstr));
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, (struct str){&c, 1});
}

void buf_add_u64(struct buf *buf, uint64_t number)
{
    char digits[20]; /* of UINT64_MAX */
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buf_add(buf, (struct str){digits + at, sizeof(digits) - at});
}

void buf_add_i64(struct buf *buf, int64_t number)
{
    if (number < 0)
        buf_add_char(buf, '-');
    buf_add_u64(buf, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

void buf_add_item(struct buf *buf, struct str item)
{
    if (buf->len > 0)
        buf_add(buf, STR(", "));
    buf_add(buf, item);
}

void buf_add_replaced(struct buf *buf, struct str text, struct str placeholder, struct str value)
{
    while (text.len > 0 && placeholder.len > 0) {
        const char *found = memmem(text.data, text.len, placeholder.data, placeholder.len);
        if (!found)
            break;
        size_t before = (size_t)(found - text.data), taken = before + placeholder.len;
        buf_add(buf, (struct str){text.data, before});
        buf_add(buf, value);
        text = (struct str){text.data + taken, text.len - taken};
    }
    buf_add(buf, text);
}

/* Printed in place at once, which mostly fits; what did not is wiped, and printed again. */
void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    size_t room = buf->overflow ? 0 : buf->cap - buf->len;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(room > 0 ? buf->data + buf->len : NULL, room, format, args);
    va_end(args);
    bool fits = len >= 0 && (size_t)len < room && (size_t)len <= buf->limit - buf->len;
    if (!fits && room > 0)
        explicit_bzero(buf->data + buf->len, room);
    if (!fits && len >= 0 && reserve(buf, (size_t)len)) {
        vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        fits = true;
    }
    if (fits)
        buf->len += (size_t)len;
    va_end(again);
}

void buf_clear(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->len);
    buf->len = 0;
    buf->overflow = false;
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->data ? buf->data : "", buf->len};
}
