/* Growing by doubling. What fills a buffer is bounded by its owner. */
#include "record/byte_buffer.h"

#include "record/varint.h"

#include "base/alloc.h"

#include <stdlib.h>

enum { FIRST_BYTES = 256 };

void byte_buffer_grow(struct byte_buffer *buffer, size_t extra)
{
    size_t needed = buffer->len + extra + BYTE_BUFFER_SLACK;
    size_t cap = buffer->cap ? buffer->cap * 2 : FIRST_BYTES;
    buffer->cap = cap < needed ? needed : cap;
    buffer->data = xrealloc(buffer->data, buffer->cap);
}

void byte_buffer_done(struct byte_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct byte_buffer){0};
}

void byte_buffer_reset(struct byte_buffer *buffer, size_t keep_bytes)
{
    if (buffer->cap > keep_bytes)
        byte_buffer_done(buffer);
    buffer->len = 0;
}

void byte_buffer_add_varint(struct byte_buffer *buffer, uint64_t number)
{
    buffer->len += varint_put(byte_buffer_room(buffer, VARINT_MAX), number);
}
