/* What all decoders have in common: bytes of pages in, batches out. A decoder serves one source
 * throughout a run, so that its columns have the same order in every batch until they are
 * forgotten. The formats are json_in.h and csv_in.h; window.h keeps the bytes between two calls. */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "record/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which columns a source has. */
struct record_columns {
    const struct str
        *names;   /* these, in this order; all else is skipped, though it must be valid */
    size_t count; /* 0: those that the records have, in the order in which they are found */
};

/* The name of the only column of records that are not taken apart. */
#define RECORD_WHOLE_COLUMN "record"

struct record_decoder {
    const struct record_decoder_ops *ops;
    size_t retry_len; /* bytes of a window that are worth a scan; see record_decoder_waits */
};

/* The first member of each decoder's own struct is a record_decoder. */
struct record_decoder_ops {
    /* The bytes of another page follow: a vendor's answer, or an object. */
    void (*start_page)(struct record_decoder *decoder, uint64_t page);

    /* Adds records from the beginning of `window` to the batch until it is full, or what is left of
     * the window is not a whole record. The batch is either fresh, or was filled by this decoder;
     * all of its records must be of the page at hand. Missing columns are added to it.
     *
     * *ret_used: how many bytes of the window were consumed. The rest is the beginning of the next
     * window, with more bytes after it. When the batch has room (record_batch_has_room) and
     * `is_last` is false, more bytes are needed. A window of RECORD_WINDOW_MAX bytes is always
     * enough: a longer record is a record error. The window's bytes must stay as they are until the
     * batch is cleared.
     *
     * `is_last`: nothing of the page follows. It is over when *ret_used is window.len then.
     *
     * What is wrong with a record goes to the batch's errors. False: nothing of the page can be
     * read any more, as it is not in the format, or ends too early.
     * - ERR_VALIDATION: says what, and at which byte or line. */
    bool (*read)(struct record_decoder *decoder, struct str window, bool is_last,
                 struct record_batch *batch, size_t *ret_used, struct error *error);

    /* Between two pages: forgets the columns that were found, so that those of the next batch,
     * which is a fresh one, depend on the pages behind this point alone. Given columns stay. */
    void (*forget_columns)(struct record_decoder *decoder);

    void (*free)(struct record_decoder *decoder); /* NULL: nothing */
};

enum { RECORD_WINDOW_MAX = RECORD_BYTES_MAX + 64 * 1024 };

/* A record that the window's end cuts is scanned from its beginning again, but only when the window
 * is twice as long, or longer than a record may be: so all scans of a record together cost twice
 * its length, however small the pieces are. For decoders: whether read() should return at once. */
static inline bool record_decoder_waits(const struct record_decoder *decoder, struct str window,
                                        bool is_last)
{
    return !is_last && window.len < decoder->retry_len;
}

/* For decoders, at the end of read(): `rest` bytes of the window are not used. `wants_more`: for
 * lack of further bytes. */
static inline void record_decoder_stops(struct record_decoder *decoder, size_t rest,
                                        bool wants_more)
{
    size_t twice = rest <= RECORD_BYTES_MAX / 2 ? 2 * rest : RECORD_BYTES_MAX + 1;
    decoder->retry_len = wants_more ? twice : 0;
}
