/* The first bytes of an object, decompressed if they are gzip. */
#pragma once

#include "aws/s3.h"
#include "record/decoder.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes, before and after decompression: a record that a flow can read ends within them. */
enum { S3_BEGINNING_MAX = RECORD_WINDOW_MAX };

struct s3_beginning {
    struct str text; /* in the arena */
    bool is_whole;   /* the object has no more */
};

/* Of an object with bytes, as it was listed: at most `look` of them, S3_BEGINNING_MAX at most.
 * Errors as s3_get; ERR_VALIDATION as well for gzip that is damaged or ends too early,
 * ERR_UNAVAILABLE when the arena has no room. */
_must_use_ bool s3_beginning_read(const struct s3 *s3, struct str bucket,
                                  const struct s3_entry *object, uint64_t look, struct arena *arena,
                                  struct s3_beginning *ret_beginning, struct error *error);
