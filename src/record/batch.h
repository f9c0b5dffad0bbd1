/* A batch: up to a few thousand records, column by column. It is the contract between the stages of
 * a flow's run: a decoder (json_in.h, csv_in.h) fills it, the tasks change it, an encoder
 * (encoder.h) writes it. A stage knows nothing of its neighbours but the batch.
 *
 *     page bytes ─▶ decoder ─▶ batch ─▶ tasks ─▶ batch ─▶ encoder ─▶ bytes of an object
 *
 * Memory. A batch is made once and used again for each part of each page: record_batch_clear()
 * keeps its cells. Texts are slices of the page's buffer, which must stay as it is until the batch
 * is cleared, or of `batch->texts`, an arena for what a stage makes anew (an unescaped, masked or
 * merged text), which record_batch_clear() empties. Nothing else owns memory of a value.
 *
 * One thread at a time uses a batch. Different threads may use different batches. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of what vendors send. A record past one of them is a record error. A batch
 * takes 16 bytes a cell, which is 4 MiB at RECORD_CELLS_MAX (up to five times as much until it is
 * cleared, when columns are found late), 56 bytes for each of `rows_max`, and its texts. */
enum {
    RECORD_ROWS_MAX = 4096,        /* records of a batch, those with an error included */
    RECORD_CELLS_MAX = 256 * 1024, /* rows × columns of a batch: many columns make it shorter */
    RECORD_COLUMNS_MAX = 2000,     /* of one source or object */
    RECORD_BYTES_MAX = 4 * 1024 * 1024, /* of one record as it came */
    RECORD_NAME_MAX = 1024,             /* bytes of a column's name */
    RECORD_NUMBER_MAX = 1024,           /* bytes of a number as it came */
    RECORD_DEPTH_MAX = 64,              /* objects and arrays in each other, the record included */
};

enum record_kind {
    RECORD_NULL,      /* null, and a member or field that the record does not have */
    RECORD_TEXT,      /* `text`: UTF-8, decoded: escapes and quoting are undone. May hold U+0000 */
    RECORD_INTEGER,   /* `number`: all of int64_t. An integer past it is a RECORD_DECIMAL */
    RECORD_DECIMAL,   /* `text`, `scale`: a number in the grammar of JSON, exactly as it came */
    RECORD_BOOLEAN,   /* `number`: 0 or 1 */
    RECORD_TIMESTAMP, /* `number`: microseconds since 1970 in UTC; `flags`: RECORD_HAD_ZONE */
    RECORD_DATE,      /* `number`: days since 1970-01-01, within int32_t */
    RECORD_BYTES,     /* `text`: any bytes */
    RECORD_NESTED,    /* `text`: one valid JSON object or array, as it came */
    RECORD_KINDS,     /* how many kinds there are */
};

/* Of a cell's `flags`. */
enum {
    RECORD_HAD_ZONE = 1, /* a timestamp that was written with a zone; else UTC was assumed */
    RECORD_PLAIN = 2,    /* a text that JSON can hold as it is: no '"', '\', or control character.
                          * Not set: it is not known */
};

/* The `scale` of a decimal with an exponent, such as "1.5E3". Every other decimal's scale is the
 * number of digits after its point, 0 or more. */
enum { RECORD_SCALE_EXPONENT = -1 };

/* One value: 16 bytes. Look at `kind` before a member of the union is read. All zeros are null. */
struct record_cell {
    union {
        const char *text; /* text, decimal, bytes, nested; never NULL there */
        int64_t number;   /* integer, boolean, timestamp, date */
    };
    uint32_t len;  /* bytes of `text`; 0 for numbers */
    uint8_t kind;  /* enum record_kind */
    uint8_t flags; /* RECORD_HAD_ZONE, RECORD_PLAIN */
    int16_t scale; /* decimal */
};

static inline struct str record_cell_text(const struct record_cell *cell)
{
    return (struct str){cell->text, cell->len};
}

struct record_column {
    struct str name;           /* UTF-8; lives as long as the batch */
    struct record_cell *cells; /* one a row: cells[0] … cells[batch->rows - 1] */
    size_t capacity;           /* cells that there is memory for */
};

/* Where a record came from: what a manifest and an error message say of it. */
struct record_place {
    uint64_t position; /* of the record in its page, from 0 */
    uint64_t line;     /* of its first byte, from 1; 0: the page is one text without lines */
};

/* Why a record is not in the batch. What each one means is in record_fault_text(). */
enum record_fault {
    RECORD_FAULT_SYNTAX,     /* not JSON, or not CSV */
    RECORD_FAULT_UTF8,       /* bytes that are not UTF-8, or an escape of a lone surrogate */
    RECORD_FAULT_NOT_RECORD, /* JSON, but not an object */
    RECORD_FAULT_DUPLICATE,  /* a column comes twice in one record */
    RECORD_FAULT_RAGGED,     /* CSV: another number of fields than the header has */
    RECORD_FAULT_TOO_LONG,   /* past RECORD_BYTES_MAX */
    RECORD_FAULT_TOO_DEEP,   /* nested past RECORD_DEPTH_MAX */
    RECORD_FAULT_COLUMNS,    /* more columns than RECORD_COLUMNS_MAX */
    RECORD_FAULT_NAME,       /* a column's name past RECORD_NAME_MAX, or empty */
    RECORD_FAULT_NUMBER,     /* a number past RECORD_NUMBER_MAX */
    RECORD_FAULTS,           /* how many there are */
};

/* A record that a decoder could not read. The records after it are read all the same. */
struct record_error {
    struct record_place place;
    enum record_fault fault;
    uint32_t byte; /* where the fault is, counted from the record's first byte */
    struct str
        record; /* the record as it came, at most RECORD_BYTES_MAX of it; a slice of the page */
};

struct record_batch {
    uint64_t page; /* which page of the run: all records of a batch come from one */
    size_t rows;
    size_t rows_max; /* what the batch takes at most, `rows` and `error_count` together */
    bool is_full;    /* it takes no more in any case */
    size_t column_count;
    struct record_column *columns; /* in the order of the source, or of the output */
    struct record_place *places;   /* one a row */
    size_t error_count;
    struct record_error *errors; /* in the order of the page */
    struct arena texts;          /* of values that are in no page; emptied by record_batch_clear */
    /* batch.c's own. */
    size_t column_capacity;
    size_t cell_count;   /* of all columns' arrays */
    struct arena cells;  /* of the columns' arrays */
    struct arena memory; /* of names, places and errors */
};

/* An empty batch without columns. `rows_max` is at most RECORD_ROWS_MAX. */
void record_batch_init(struct record_batch *batch, size_t rows_max);
void record_batch_done(struct record_batch *batch);

/* Forgets the records and errors, and keeps the columns and their memory. */
void record_batch_clear(struct record_batch *batch);

/* Whether a column may be added without the batch passing RECORD_CELLS_MAX. False only when it has
 * rows or errors: give the batch on, clear it, and ask again. */
bool record_batch_can_widen(const struct record_batch *batch);

/* Adds a column whose cells are null in all rows there are. The name is copied. May lower
 * `rows_max`, so that RECORD_CELLS_MAX holds. Only when record_batch_can_widen, up to
 * RECORD_COLUMNS_MAX columns; that names differ is the caller's business. */
void record_batch_add_column(struct record_batch *batch, struct str name);

/* The index of the column of that name, or `column_count`: for a few look-ups, not for each row. */
size_t record_batch_find(const struct record_batch *batch, struct str name);

/* Whether it has room for one more record or error. */
static inline bool record_batch_has_room(const struct record_batch *batch)
{
    return !batch->is_full && batch->rows + batch->error_count < batch->rows_max;
}

/* Removes all rows but those in `kept`, which are row numbers in ascending order: a filter's last
 * step. */
void record_batch_keep(struct record_batch *batch, const uint32_t *kept, size_t count);

/* One sentence without a full stop, such as "a member comes twice". */
const char *record_fault_text(enum record_fault fault);

/* The name of a kind as the documentation has it, such as "timestamp". */
const char *record_kind_name(enum record_kind kind);
