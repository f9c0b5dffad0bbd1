/* Bytes that grow, for bulk data without secrets: never wiped, and with room behind the end, so
 * that a short value is stored as one or two whole words. base/buf.h is the buffer for all else. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BYTE_BUFFER_SLACK = 16 }; /* bytes behind `len` that may always be written */

/* Zeros are an empty buffer. `len` is the owner's to change, within what byte_buffer_room gave. */
struct byte_buffer {
    unsigned char *data;
    size_t len; /* bytes */
    size_t cap; /* bytes allocated, BYTE_BUFFER_SLACK included */
};

void byte_buffer_grow(struct byte_buffer *buffer, size_t extra);
void byte_buffer_done(struct byte_buffer *buffer); /* frees; may be called twice */

/* Empties the buffer, and gives its memory back when that is more than `keep_bytes`. */
void byte_buffer_reset(struct byte_buffer *buffer, size_t keep_bytes);

/* Room for `extra` bytes and the slack behind `len`; returns where they go. */
static inline unsigned char *byte_buffer_room(struct byte_buffer *buffer, size_t extra)
{
    if (buffer->len + extra + BYTE_BUFFER_SLACK > buffer->cap)
        byte_buffer_grow(buffer, extra);
    return buffer->data + buffer->len;
}

static inline void byte_buffer_add(struct byte_buffer *buffer, const void *bytes, size_t len)
{
    unsigned char *to = byte_buffer_room(buffer, len);
    if (len > 0)
        memcpy(to, bytes, len);
    buffer->len += len;
}

static inline void byte_buffer_add_byte(struct byte_buffer *buffer, unsigned byte)
{
    *byte_buffer_room(buffer, 1) = (unsigned char)byte;
    buffer->len++;
}

/* record/varint.h */
void byte_buffer_add_varint(struct byte_buffer *buffer, uint64_t number);
