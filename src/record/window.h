/* The bytes of a page on their way to a decoder: what a decoder has not used stays, and more come
 * behind it. Used in turn:
 *
 *     char *space = record_window_space(&window, &room);
 *     … up to `room` bytes of the page are written to `space` …
 *     record_window_add(&window, count);
 *     decoder->ops->read(decoder, record_window_text(&window), is_last, &batch, &used, error);
 *     … the batch is given on and cleared …
 *     record_window_use(&window, used);
 */
#pragma once

#include "base/str.h"
#include "record/decoder.h"

#include <stddef.h>

/* Bytes of a window, as long as no record is longer: more of them would not stay in the processor's
 * second cache, and cost up to a third of the speed. */
enum { RECORD_WINDOW_BYTES = 256 * 1024 };

struct record_window {
    char *data;
    size_t from, to; /* what is in it */
    size_t
        capacity; /* RECORD_WINDOW_BYTES, or more after a long record; at most RECORD_WINDOW_MAX */
};

void record_window_init(struct record_window *window);
void record_window_done(struct record_window *window);

/* Where more bytes may be written; moves what is in the window, so no batch may refer to it. There
 * is room, unless RECORD_WINDOW_MAX bytes are in it. */
char *record_window_space(struct record_window *window, size_t *ret_room);
void record_window_add(struct record_window *window, size_t count); /* bytes were written */
struct str record_window_text(const struct record_window *window);
void record_window_use(struct record_window *window,
                       size_t count); /* the first ones are done with */
