/* Reads pages in pieces, and writes down what came of them: for tests and fuzz targets of decoders
 * and encoders. */
#pragma once

#include "base/buf.h"
#include "record/decoder.h"
#include "record/encoder.h"

#include <stdbool.h>
#include <stddef.h>

enum { RECORD_DUMP_MAX = 64 * 1024 * 1024 };

struct record_dump {
    /* A line for each record, `0 @1 a=text:x b=null`: its position, its line, and its columns; and
     * for each error, `! 1 @2 syntax 5 "{..."`: place, fault, byte and the beginning of the record.
     * Each kind in the order of the page. */
    struct buf records;
    struct buf errors;
    size_t batches;
    bool read; /* false: `error` says why the page is no good */
    struct error error;
};

struct record_feed {
    size_t piece;    /* bytes that become known at a time; 0: all at once */
    size_t rows_max; /* of a batch */
};

/* Reads page 7 of a decoder, whole. Each batch goes to `encoder` too, unless it is NULL. */
void record_dump_page(struct record_decoder *decoder, struct str page, struct record_feed feed,
                      struct record_encoder *encoder, struct record_dump *ret_dump);
void record_dump_done(struct record_dump *dump);

/* Gives the page to the decoder byte by byte; how many of these calls scanned the window. All of
 * the page's records must fit into one batch. */
size_t record_dump_scans(struct record_decoder *decoder, struct str page);

/* What is in a buffer that may be empty. */
struct str record_text(const struct buf *buf);

/* Aborts the program otherwise, as a fuzz target must. */
void record_must(bool condition);

/* An output that keeps everything: {.take = record_keep, .context = a buffer}. */
bool record_keep(void *context, struct str bytes, struct error *error);
