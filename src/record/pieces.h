/* The bytes of an object on their way to its output, in pieces. For encoders. */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "record/encoder.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    PIECES_BYTES = 256 * 1024, /* what is held back at most */
    PIECES_SLACK = 64,         /* behind what was asked for, which may be overwritten, and read */
};

struct pieces {
    struct record_output output;
    uint64_t given; /* bytes, to the output */
    char *next;     /* where the next byte goes */
    char *full;     /* up to here there is room, and PIECES_SLACK behind it */
    char *data;
};

void pieces_init(struct pieces *pieces, const struct record_output *output);
void pieces_done(struct pieces *pieces);

/* Gives what is held back to the output. */
_must_use_ bool pieces_flush(struct pieces *pieces, struct error *error);

uint64_t pieces_size(const struct pieces *pieces); /* all bytes so far */

/* Whether `count` bytes may be written at pieces->next, which then moves on. False: it was
 * necessary to flush, and that failed. `count` is at most PIECES_BYTES. */
_must_use_ static inline bool pieces_room(struct pieces *pieces, size_t count, struct error *error)
{
    return (size_t)(pieces->full - pieces->next) >= count || pieces_flush(pieces, error);
}

/* Copies up to 32 bytes in few instructions. Nothing else is read or written. */
static inline void copy_short(char *to, const char *from, size_t len)
{
    if (len >= 16) {
        char low[16], high[16];
        memcpy(low, from, 16);
        memcpy(high, from + len - 16, 16);
        memcpy(to, low, 16);
        memcpy(to + len - 16, high, 16);
    } else if (len >= 8) {
        char low[8], high[8];
        memcpy(low, from, 8);
        memcpy(high, from + len - 8, 8);
        memcpy(to, low, 8);
        memcpy(to + len - 8, high, 8);
    } else if (len >= 4) {
        char low[4], high[4];
        memcpy(low, from, 4);
        memcpy(high, from + len - 4, 4);
        memcpy(to, low, 4);
        memcpy(to + len - 4, high, 4);
    } else {
        for (size_t i = 0; i < len; i++)
            to[i] = from[i];
    }
}

static inline void copy_text(char *to, const char *from, size_t len)
{
    if (len <= 32)
        copy_short(to, from, len);
    else
        memcpy(to, from, len);
}

/* A text that is longer than the room there is. */
_must_use_ bool pieces_add_long(struct pieces *pieces, struct str text, struct error *error);

/* A text of any length. */
_must_use_ static inline bool pieces_add(struct pieces *pieces, struct str text,
                                         struct error *error)
{
    if (text.len > (size_t)(pieces->full - pieces->next))
        return pieces_add_long(pieces, text, error);
    copy_text(pieces->next, text.data, text.len);
    pieces->next += text.len;
    return true;
}

_must_use_ static inline bool pieces_add_char(struct pieces *pieces, char c, struct error *error)
{
    return pieces_add(pieces, (struct str){&c, 1}, error);
}
