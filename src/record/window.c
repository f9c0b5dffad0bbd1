/* A buffer that grows only when one record fills it. */
#include "record/window.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void record_window_init(struct record_window *window)
{
    *window = (struct record_window){
        .data = xmalloc(RECORD_WINDOW_BYTES),
        .capacity = RECORD_WINDOW_BYTES,
    };
}

void record_window_done(struct record_window *window)
{
    free(window->data);
    *window = (struct record_window){0};
}

char *record_window_space(struct record_window *window, size_t *ret_room)
{
    size_t len = window->to - window->from;
    if (window->from > 0)
        memmove(window->data, window->data + window->from, len);
    window->from = 0;
    window->to = len;
    if (len == window->capacity && len < RECORD_WINDOW_MAX) {
        size_t doubled = window->capacity * 2;
        window->capacity = doubled < RECORD_WINDOW_MAX ? doubled : RECORD_WINDOW_MAX;
        window->data = xrealloc(window->data, window->capacity);
    }
    *ret_room = window->capacity - len;
    return window->data + len;
}

void record_window_add(struct record_window *window, size_t count)
{
    assert(count <= window->capacity - window->to);
    window->to += count;
}

struct str record_window_text(const struct record_window *window)
{
    return (struct str){window->data + window->from, window->to - window->from};
}

void record_window_use(struct record_window *window, size_t count)
{
    assert(count <= window->to - window->from);
    window->from += count;
}
