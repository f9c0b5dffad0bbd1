/* Decoding of a response's content coding (RFC 9110, 8.4.1): gzip and deflate, piece by piece. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* What Accept-Encoding asks for. */
#define CODING_ACCEPTED "gzip, deflate"

enum {
    CODING_PIECE = 64 * 1024, /* bytes that are decoded at a time */
};

enum coding {
    CODING_NONE,
    CODING_GZIP,
    CODING_DEFLATE,
    CODING_UNKNOWN, /* another one, or several one after the other */
};

/* `value` is the Content-Encoding header's. */
enum coding coding_of(struct str value);

struct decoder;

/* What it keeps of a body is wiped when it is freed. */
struct decoder *decoder_new(enum coding coding);
void decoder_free(struct decoder *decoder); /* NULL is fine */

enum decoded {
    DECODED_ALL,     /* all of `input` was used up */
    DECODED_CORRUPT, /* it is not in that coding */
    DECODED_STOPPED, /* `push` returned false */
};

/* Gives what `input` decodes to, in pieces of at most CODING_PIECE bytes. */
enum decoded decoder_feed(struct decoder *decoder, struct str input,
                          bool (*push)(void *context, struct str bytes), void *context);
bool decoder_is_complete(const struct decoder *decoder); /* the body may end here */
