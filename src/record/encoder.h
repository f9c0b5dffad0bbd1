/* What all encoders have in common: batches in, bytes of one object out. An encoder serves one
 * object from its first byte to its last. The formats are json_out.h, csv_out.h and parquet_out.h.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "record/batch.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the bytes go. `take` copies or writes what it is given, or fails; it may wait, which is how
 * a slow destination slows the run down. Encoders give pieces of RECORD_PIECE_BYTES and more,
 * except for the last one. */
struct record_output {
    bool (*take)(void *context, struct str bytes, struct error *error);
    void *context;
};

enum { RECORD_PIECE_BYTES = 64 * 1024 };

/* A column of an object, for formats that say so before the first record. */
struct record_field {
    struct str name;
    enum record_kind kind; /* what its values are; RECORD_TEXT: whatever they are, as text */
    uint8_t precision;     /* RECORD_DECIMAL: digits in all; 0: not known */
    uint8_t scale;         /* RECORD_DECIMAL: digits after the point */
    bool local;            /* RECORD_TIMESTAMP: times of a wall clock, without a zone */
};

struct record_fields {
    const struct record_field *fields;
    size_t count;
};

struct record_encoder {
    const struct record_encoder_ops *ops;
};

/* The first member of each encoder's own struct is a record_encoder. */
struct record_encoder_ops {
    /* Writes all rows of a batch. Its columns are those of the fields that the encoder was made
     * with, in the same order. The batch may be cleared afterwards. */
    bool (*write)(struct record_encoder *encoder, const struct record_batch *batch,
                  struct error *error);
    /* Writes what ends the object. Nothing may be written afterwards. */
    bool (*finish)(struct record_encoder *encoder, struct error *error);
    /* Bytes given to the output so far, and what is held back: how large the object would be if it
     * ended now, about. For targetFileSize. */
    uint64_t (*size)(const struct record_encoder *encoder);
    void (*free)(struct record_encoder *encoder); /* at any time, once; NULL: nothing */
};
