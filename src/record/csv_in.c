/* Pages of CSV: a header, which says which field belongs to which column, and rows. */
#include "record/csv_in.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "record/csv_scan.h"
#include "record/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum csv_state {
    CSV_START, /* a byte order mark may come */
    CSV_HEADER,
    CSV_ROWS,
    CSV_SKIPPED, /* the rest of a row that is too long */
};

/* Of a page's bytes, beyond its length: those that may be scanned once more because a row whose
 * quotes never close was followed up to the limit of a record. */
enum { CSV_AGAIN_MAX = 8 * RECORD_BYTES_MAX };

enum { CSV_DOUBLED = 0x80 }; /* of a cell's flags, until its row is added: see undouble_cells */

struct csv_in {
    struct record_decoder decoder;
    struct record_schema schema;
    bool empty_is_null, empty_row_counts;
    enum csv_value *values; /* of each column; NULL: texts */
    const char *utc;
    /* Of the page at hand. */
    enum csv_state state;
    uint64_t page;
    struct record_place place; /* of the next record */
    uint64_t start_byte;       /* of the window, in the page */
    uint64_t scanned_again;    /* bytes: see CSV_AGAIN_MAX */
    size_t field_count;
    int *columns;        /* for each field of the header */
    bool *in_header;     /* for each column */
    size_t used;         /* columns that the header has */
    struct arena memory; /* of these two arrays */
};

/* One call of read(). */
struct csv_reading {
    struct csv_in *in;
    struct csv_scan scan;
    struct str window;
    struct record_batch *batch;
    const char *done; /* up to here everything is read */
    bool doubled;     /* the row at hand has cells with CSV_DOUBLED */
    struct error *error;
};

enum csv_step { STEP_ON, STEP_STOP, STEP_FAILED };

_printf_(2, 3) static enum csv_step page_fails(struct csv_reading *reading, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    fail(reading->error, ERR_VALIDATION,
         "The header of page %llu of the source cannot be used: %s.",
         (unsigned long long)reading->in->page, what);
    return STEP_FAILED;
}

static const char *end_of(const struct csv_reading *reading)
{
    return reading->window.data + reading->window.len;
}

/* Everything before `p` is read. */
static void advance(struct csv_reading *reading, const char *p)
{
    reading->in->place.line += reading->scan.lines;
    reading->scan.lines = 0;
    reading->done = p;
}

/* The first byte that is not UTF-8; NULL: all of it is. */
static const char *fault_in_utf8(struct str text)
{
    size_t width;
    uint32_t code;
    if (utf8_is_valid(text))
        return NULL;
    while ((width = utf8_next(text, &code)) > 0)
        text = (struct str){text.data + width, text.len - width};
    return text.data;
}

static struct str field_text(const struct csv_field *field, struct arena *arena)
{
    if (!field->doubled)
        return (struct str){field->text, field->len};
    char *text = arena_take(arena, field->len);
    return (struct str){text, csv_undouble(field, text)};
}

/* The field of the header becomes a column, or is not wanted. */
static enum csv_step take_name(struct csv_reading *reading, const struct csv_field *field)
{
    struct csv_in *in = reading->in;
    struct str name = field_text(field, &in->memory);
    enum record_fault fault;
    int *column = &in->columns[in->field_count];
    if (in->field_count == RECORD_COLUMNS_MAX)
        return page_fails(reading, "it has more than %d columns", RECORD_COLUMNS_MAX);
    if (!utf8_is_valid(name))
        return page_fails(reading, "it is not valid UTF-8");
    if (!record_schema_column(&in->schema, name, column, &fault))
        return page_fails(reading, "column %zu: %s", in->field_count + 1, record_fault_text(fault));
    in->field_count++;
    if (*column == RECORD_NO_COLUMN)
        return STEP_ON;
    if (in->in_header[*column])
        return page_fails(reading, "it has the column %.*s twice", STR_ARG(utf8_cut(name, 256)));
    in->in_header[*column] = true;
    in->used++;
    return STEP_ON;
}

static enum csv_step check_header(struct csv_reading *reading)
{
    struct csv_in *in = reading->in;
    if (in->schema.is_open)
        return STEP_ON;
    for (size_t i = 0; i < in->schema.count; i++) {
        if (!in->in_header[i])
            return page_fails(reading, "it has no column %.*s",
                              STR_ARG(utf8_cut(in->schema.names[i], 256)));
    }
    return STEP_ON;
}

/* Forgets a header that was read in part. */
static void begin_header(struct csv_in *in)
{
    arena_reset(&in->memory);
    in->columns = arena_array(&in->memory, int, RECORD_COLUMNS_MAX + 1);
    in->in_header = arena_array(&in->memory, bool, RECORD_COLUMNS_MAX);
    in->field_count = 0;
    in->used = 0;
}

static enum csv_step header_cut(struct csv_reading *reading)
{
    if (reading->window.len > RECORD_BYTES_MAX)
        return page_fails(reading, "it is longer than 4 MiB");
    return STEP_STOP;
}

/* Behind empty rows; NULL: more bytes are needed. */
static const char *skip_empty_rows(struct csv_reading *reading)
{
    const struct csv_in *in = reading->in;
    const char *p = reading->done;
    bool counts = in->empty_row_counts && in->state == CSV_ROWS && in->field_count == 1;
    while (!counts && p && p < end_of(reading) && (*p == '\n' || *p == '\r')) {
        p = csv_line_break(&reading->scan, p);
        if (p)
            advance(reading, p);
    }
    return p && (p < end_of(reading) || reading->scan.is_last) ? p : NULL;
}

/* False: more bytes are needed. */
static bool skip_mark(struct csv_reading *reading)
{
    static const struct str mark = STR("\xEF\xBB\xBF"); /* UTF-8's byte order mark */
    struct csv_in *in = reading->in;
    if (reading->window.len < mark.len && !reading->scan.is_last)
        return false;
    if (str_starts(reading->window, mark))
        advance(reading, reading->done + mark.len);
    in->state = CSV_HEADER;
    return true;
}

static enum csv_step read_header(struct csv_reading *reading)
{
    struct csv_in *in = reading->in;
    if (in->state == CSV_START && !skip_mark(reading))
        return STEP_STOP;
    const char *p = skip_empty_rows(reading);
    if (!p || p == end_of(reading))
        return STEP_STOP;
    begin_header(in);
    enum csv_end end;
    do {
        struct csv_field field;
        end = csv_scan_field(&reading->scan, &p, &field);
        if (end == CSV_CUT)
            return header_cut(reading);
        if (end == CSV_BROKEN)
            return page_fails(reading, "a quote is not closed, or closed before the field's end");
        enum csv_step step = take_name(reading, &field);
        if (step != STEP_ON)
            return step;
    } while (end == CSV_FIELD);
    in->state = CSV_ROWS;
    advance(reading, p);
    return check_header(reading);
}

/* The first line break at or after `p`, or the window's end; *ret_behind: behind it, or NULL when
 * it is not known where that is. */
static const char *line_break(struct csv_reading *reading, const char *p, const char **ret_behind)
{
    while (p < end_of(reading) && *p != '\n' && *p != '\r')
        p++;
    *ret_behind = p < end_of(reading) ? csv_line_break(&reading->scan, p) : NULL;
    if (p == end_of(reading) && reading->scan.is_last)
        *ret_behind = p;
    return p;
}

static enum csv_step add_error(struct csv_reading *reading, const char *p, enum record_fault fault,
                               const char *fault_at)
{
    struct record_batch *batch = reading->batch;
    const char *from = reading->done;
    size_t len = (size_t)(p - from);
    batch->errors[batch->error_count++] = (struct record_error){
        .place = reading->in->place,
        .fault = fault,
        .byte = (uint32_t)(fault_at - from),
        .record = {from, len < RECORD_BYTES_MAX ? len : RECORD_BYTES_MAX},
    };
    reading->in->place.position++;
    reading->scan.lines = csv_lines(from, p);
    advance(reading, p);
    return STEP_ON;
}

/* Counts what will be scanned once more when reading continues at `p`, inside a row that was
 * followed up to the limit. */
static enum csv_step scan_again(struct csv_reading *reading, const char *p)
{
    struct csv_in *in = reading->in;
    uint64_t skipped = (uint64_t)(p - reading->done);
    uint64_t row_byte = in->start_byte + (uint64_t)(reading->done - reading->window.data);
    in->scanned_again += skipped < RECORD_BYTES_MAX ? RECORD_BYTES_MAX - skipped : 0;
    if (in->scanned_again <= CSV_AGAIN_MAX + row_byte)
        return STEP_ON;
    fail(reading->error, ERR_VALIDATION,
         "Page %llu of the source cannot be read from line %llu on: too many of its rows have "
         "quotes "
         "that are not closed within 4 MiB.",
         (unsigned long long)in->page, (unsigned long long)in->place.line);
    return STEP_FAILED;
}

static enum csv_step row_too_long(struct csv_reading *reading)
{
    const char *from = reading->done, *behind;
    const char *p = line_break(reading, from, &behind);
    if (scan_again(reading, behind ? behind : p) != STEP_ON)
        return STEP_FAILED;
    if (!behind)
        reading->in->state = CSV_SKIPPED;
    return add_error(reading, behind ? behind : p, RECORD_FAULT_TOO_LONG, from);
}

/* The row ends at `p`; NULL: with the line in which the fault is. */
static enum csv_step row_fails(struct csv_reading *reading, const char *p, enum record_fault fault,
                               const char *fault_at)
{
    if (!p)
        line_break(reading, fault_at, &p);
    const char *end = p ? p : end_of(reading);
    if (end - reading->done > RECORD_BYTES_MAX)
        return row_too_long(reading);
    return p ? add_error(reading, p, fault, fault_at) : STEP_STOP;
}

static void put_cell(struct csv_reading *reading, int column, const struct csv_field *field)
{
    struct record_batch *batch = reading->batch;
    struct record_cell *cell = &batch->columns[column].cells[batch->rows];
    bool is_null = field->len == 0 && reading->in->empty_is_null;
    *cell = (struct record_cell){
        .text = field->text,
        .len = (uint32_t)field->len,
        .kind = is_null ? RECORD_NULL : RECORD_TEXT,
        .flags = field->doubled ? CSV_DOUBLED : 0,
    };
    reading->doubled |= field->doubled;
}

/* Copies the texts with doubled quotes, of a row that has no error: an error leaves none behind. */
static void undouble_cells(struct csv_reading *reading)
{
    struct record_batch *batch = reading->batch;
    for (size_t i = 0; i < batch->column_count; i++) {
        struct record_cell *cell = &batch->columns[i].cells[batch->rows];
        if (!reading->in->in_header[i] || !(cell->flags & CSV_DOUBLED))
            continue;
        struct csv_field field = {.text = cell->text, .len = cell->len, .doubled = true};
        struct str text = field_text(&field, &batch->texts);
        *cell =
            (struct record_cell){.text = text.data, .len = (uint32_t)text.len, .kind = RECORD_TEXT};
    }
}

/* Texts that are not null become what their columns hold. */
static void read_values(struct csv_reading *reading)
{
    const struct csv_in *in = reading->in;
    struct record_batch *batch = reading->batch;
    for (size_t i = 0; i < in->schema.count; i++) {
        struct record_cell *cell = &batch->columns[i].cells[batch->rows];
        if (in->values[i] != CSV_VALUE_TEXT && cell->kind == RECORD_TEXT)
            csv_value_read(cell, in->values[i], in->utc, &batch->texts);
    }
}

/* Columns of other pages, which this one's header does not have. */
static void clear_missing(const struct csv_in *in, struct record_batch *batch)
{
    for (size_t i = 0; i < batch->column_count; i++) {
        if (!in->in_header[i])
            batch->columns[i].cells[batch->rows] = (struct record_cell){.kind = RECORD_NULL};
    }
}

static enum csv_step add_row(struct csv_reading *reading, const char *p)
{
    struct csv_in *in = reading->in;
    struct record_batch *batch = reading->batch;
    if (p - reading->done > RECORD_BYTES_MAX)
        return row_too_long(reading);
    if (reading->doubled)
        undouble_cells(reading);
    if (in->used < batch->column_count)
        clear_missing(in, batch);
    if (in->values)
        read_values(reading);
    batch->places[batch->rows++] = in->place;
    in->place.position++;
    advance(reading, p);
    return STEP_ON;
}

/* Gives the batch the columns that the schema has by now. */
static void widen(struct csv_reading *reading)
{
    struct record_batch *batch = reading->batch;
    batch->is_full = batch->is_full || !record_schema_widen(&reading->in->schema, batch);
}

static enum csv_step read_row(struct csv_reading *reading)
{
    struct csv_in *in = reading->in;
    struct csv_scan *scan = &reading->scan;
    const char *p = skip_empty_rows(reading);
    widen(reading);
    if (!p || p == end_of(reading) || !record_batch_has_room(reading->batch))
        return STEP_STOP;
    enum csv_end end;
    size_t count = 0;
    const char *not_utf8 = NULL; /* the first such byte */
    reading->doubled = false;
    do {
        struct csv_field field;
        scan->high = 0;
        end = csv_scan_field(scan, &p, &field);
        if (end == CSV_BROKEN)
            return row_fails(reading, NULL, RECORD_FAULT_SYNTAX, scan->fault);
        if (end == CSV_CUT)
            return row_fails(reading, NULL, RECORD_FAULT_SYNTAX, end_of(reading));
        if (scan->high != 0 && !not_utf8)
            not_utf8 = fault_in_utf8((struct str){field.text, field.len});
        if (count < in->field_count && in->columns[count] != RECORD_NO_COLUMN)
            put_cell(reading, in->columns[count], &field);
        count++;
    } while (end == CSV_FIELD);
    if (count != in->field_count)
        return row_fails(reading, p, RECORD_FAULT_RAGGED, reading->done);
    if (not_utf8)
        return row_fails(reading, p, RECORD_FAULT_UTF8, not_utf8);
    return add_row(reading, p);
}

static enum csv_step skip_row(struct csv_reading *reading)
{
    const char *behind;
    const char *p = line_break(reading, reading->done, &behind);
    if (behind)
        reading->in->state = CSV_ROWS;
    advance(reading, behind ? behind : p);
    return behind ? STEP_ON : STEP_STOP;
}

static enum csv_step take_step(struct csv_reading *reading)
{
    static enum csv_step (*const steps[])(struct csv_reading *) = {
        [CSV_START] = read_header,
        [CSV_HEADER] = read_header,
        [CSV_ROWS] = read_row,
        [CSV_SKIPPED] = skip_row,
    };
    reading->scan.lines = 0; /* a step that could not be finished may have counted some */
    return steps[reading->in->state](reading);
}

static bool csv_in_read(struct record_decoder *decoder, struct str window, bool is_last,
                        struct record_batch *batch, size_t *ret_used, struct error *error)
{
    struct csv_in *in = (struct csv_in *)decoder;
    struct csv_reading reading = {
        .in = in,
        .scan = {.end = window.data + window.len, .is_last = is_last},
        .window = window,
        .batch = batch,
        .done = window.data,
        .error = error,
    };
    batch->page = in->page;
    widen(&reading);
    *ret_used = 0;
    if (record_decoder_waits(decoder, window, is_last))
        return true;
    enum csv_step step = STEP_ON;
    while (step == STEP_ON)
        step = take_step(&reading);
    *ret_used = (size_t)(reading.done - window.data);
    in->start_byte += *ret_used;
    record_decoder_stops(decoder, window.len - *ret_used, record_batch_has_room(batch));
    return step != STEP_FAILED;
}

static void csv_in_start_page(struct record_decoder *decoder, uint64_t page)
{
    struct csv_in *in = (struct csv_in *)decoder;
    decoder->retry_len = 0;
    in->state = CSV_START;
    in->page = page;
    in->start_byte = 0;
    in->scanned_again = 0;
    in->place = (struct record_place){.position = 0, .line = 1};
}

static void csv_in_forget_columns(struct record_decoder *decoder)
{
    struct csv_in *in = (struct csv_in *)decoder;
    const struct record_columns found = {0};
    if (!in->schema.is_open)
        return;
    record_schema_done(&in->schema);
    record_schema_init(&in->schema, &found);
}

static void csv_in_free(struct record_decoder *decoder)
{
    struct csv_in *in = (struct csv_in *)decoder;
    if (!in)
        return;
    record_schema_done(&in->schema);
    arena_done(&in->memory);
    free(in->values);
    free(in);
}

static const struct record_decoder_ops csv_in_ops = {
    .start_page = csv_in_start_page,
    .read = csv_in_read,
    .forget_columns = csv_in_forget_columns,
    .free = csv_in_free,
};

static enum csv_value *copy_values(const struct csv_in_options *options)
{
    size_t count = options->columns.count;
    enum csv_value *values = xcalloc(count + 1, sizeof(*values));
    for (size_t i = 0; i < count; i++)
        values[i] = options->values[i];
    return values;
}

struct record_decoder *csv_in_new(const struct csv_in_options *options)
{
    struct csv_in *in = xcalloc(1, sizeof(*in));
    in->decoder.ops = &csv_in_ops;
    in->empty_is_null = options->empty_is_null;
    in->empty_row_counts = options->empty_row_counts;
    in->utc = options->utc;
    if (options->values && options->columns.count > 0)
        in->values = copy_values(options);
    in->memory.kind = ARENA_PLAIN;
    record_schema_init(&in->schema, &options->columns);
    csv_in_start_page(&in->decoder, 0);
    return &in->decoder;
}
