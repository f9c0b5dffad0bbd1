/* Rows are added in slices, so that all columns are at the same row when a row group ends. */
#include "record/parquet_out.h"

#include "base/alloc.h"
#include "record/parquet_cells.h"
#include "record/parquet_column.h"
#include "record/parquet_footer.h"
#include "record/pieces.h"

#include <inttypes.h>
#include <stdlib.h>

struct parquet_out {
    struct record_encoder encoder;
    size_t group_bytes, group_rows; /* limits */
    struct pieces pieces;
    struct parquet_column *columns;
    size_t count;
    uint64_t rows;                  /* of the row group in the making */
    size_t slice_rows, slice_bytes; /* of the slice in the making */
    struct parquet_footer footer;
    struct parquet_scratch scratch;
    struct arena names;
    bool failed;
};

static struct str page_text(const struct parquet_page *page)
{
    return (struct str){(const char *)page->bytes, page->len};
}

static bool write_chunk(struct parquet_out *out, const struct parquet_chunk *chunk,
                        struct error *error)
{
    if (chunk->dictionary && !pieces_add(&out->pieces, page_text(chunk->dictionary), error))
        return false;
    for (const struct parquet_page *page = chunk->first; page; page = page->next)
        if (!pieces_add(&out->pieces, page_text(page), error))
            return false;
    return true;
}

static bool footer_fits(const struct parquet_out *out, struct error *error)
{
    if (out->footer.row_groups.len <= PARQUET_FOOTER_MAX)
        return true;
    return fail(error, ERR_TOO_LARGE,
                "A Parquet file of %zu columns is too large after %zu row groups: its footer has "
                "more than %d bytes. Let the flow write several files: set targetFileSize.",
                out->count, out->footer.row_group_count, PARQUET_FOOTER_MAX);
}

static bool write_group(struct parquet_out *out, struct error *error)
{
    uint64_t offset = pieces_size(&out->pieces);
    if (out->rows == 0)
        return true;
    for (size_t i = 0; i < out->count; i++)
        parquet_column_end_chunk(&out->columns[i], &out->scratch);
    parquet_footer_add(&out->footer, out->columns, out->count, out->rows, offset);
    for (size_t i = 0; i < out->count; i++) {
        if (!write_chunk(out, &out->columns[i].chunk, error))
            return false;
        parquet_column_next_chunk(&out->columns[i]);
    }
    out->rows = 0;
    return footer_fits(out, error);
}

static bool some_column_is_full(const struct parquet_out *out)
{
    for (size_t i = 0; i < out->count; i++)
        if (parquet_column_is_full(&out->columns[i]))
            return true;
    return false;
}

static size_t held_bytes(const struct parquet_out *out)
{
    size_t sum = 0;
    for (size_t i = 0; i < out->count; i++)
        sum += parquet_column_bytes(&out->columns[i]);
    return sum;
}

static size_t value_bytes(const struct record_batch *batch, size_t at, size_t rows)
{
    size_t bytes = 0;
    for (size_t i = 0; i < batch->column_count; i++)
        for (size_t row = at; row < at + rows; row++)
            bytes += parquet_cell_bytes(&batch->columns[i].cells[row]);
    return bytes;
}

/* How many of the batch's rows from `at` on the slice takes. It ends after PARQUET_SLICE_ROWS rows,
 * at the row group's last row, or with the row that makes its values PARQUET_SLICE_BYTES. The batch
 * may end before: its end must not show in the file. */
static size_t rows_for_slice(struct parquet_out *out, const struct record_batch *batch, size_t at)
{
    size_t rows = 0, most = batch->rows - at, group_left = out->group_rows - (size_t)out->rows;
    most = most < group_left ? most : group_left;
    if (most > PARQUET_SLICE_ROWS - out->slice_rows)
        most = PARQUET_SLICE_ROWS - out->slice_rows;
    size_t bytes = value_bytes(batch, at, most);
    if (out->slice_bytes + bytes < PARQUET_SLICE_BYTES) {
        out->slice_bytes += bytes;
        return most;
    }
    while (rows < most && out->slice_bytes < PARQUET_SLICE_BYTES)
        out->slice_bytes += value_bytes(batch, at + rows++, 1);
    return rows;
}

static bool slice_ends(const struct parquet_out *out)
{
    return out->slice_rows >= PARQUET_SLICE_ROWS || out->slice_bytes >= PARQUET_SLICE_BYTES ||
           out->rows >= out->group_rows;
}

static bool group_ends(const struct parquet_out *out)
{
    return out->rows >= out->group_rows || held_bytes(out) >= out->group_bytes ||
           some_column_is_full(out);
}

static bool add_rows(struct parquet_out *out, const struct record_batch *batch, size_t at,
                     size_t rows, struct error *error)
{
    uint64_t row = out->footer.rows + out->rows;
    for (size_t i = 0; i < out->count; i++)
        if (!parquet_cells_add(&out->columns[i], batch->columns[i].cells + at, rows, row,
                               &out->scratch, error))
            return false;
    out->rows += rows;
    out->slice_rows += rows;
    if (!slice_ends(out))
        return true;
    out->slice_rows = out->slice_bytes = 0;
    return !group_ends(out) || write_group(out, error);
}

static bool add_batch(struct parquet_out *out, const struct record_batch *batch,
                      struct error *error)
{
    if (batch->column_count != out->count)
        return fail(error, ERR_VALIDATION,
                    "A Parquet file cannot take further columns once it is begun: it has %zu, and "
                    "record %" PRIu64 " has %zu. Map the fields one by one.",
                    out->count, out->footer.rows + out->rows, batch->column_count);
    for (size_t at = 0; at < batch->rows;) {
        size_t rows = rows_for_slice(out, batch, at);
        if (!add_rows(out, batch, at, rows, error))
            return false;
        at += rows;
    }
    return true;
}

static bool is_usable(const struct parquet_out *out, struct error *error)
{
    return !out->failed || fail(error, ERR_INTERNAL, "This Parquet file has failed before.");
}

static struct parquet_out *out_of(const struct record_encoder *encoder)
{
    return (struct parquet_out *)(uintptr_t)encoder; /* its first member */
}

static bool write(struct record_encoder *encoder, const struct record_batch *batch,
                  struct error *error)
{
    struct parquet_out *out = out_of(encoder);
    if (!is_usable(out, error))
        return false;
    out->failed = !add_batch(out, batch, error);
    return !out->failed;
}

static bool end_file(struct parquet_out *out, struct error *error)
{
    _cleanup_(byte_buffer_done) struct byte_buffer footer = {0};
    if (!write_group(out, error))
        return false;
    parquet_footer_write(&out->footer, out->columns, out->count, &footer);
    parquet_footer_done(&out->footer);
    struct str text = {(const char *)footer.data, footer.len};
    return pieces_add(&out->pieces, text, error) && pieces_flush(&out->pieces, error);
}

static bool finish(struct record_encoder *encoder, struct error *error)
{
    struct parquet_out *out = out_of(encoder);
    bool done = is_usable(out, error) && end_file(out, error);
    out->failed = true; /* nothing may follow */
    return done;
}

static uint64_t size(const struct record_encoder *encoder)
{
    const struct parquet_out *out = out_of(encoder);
    uint64_t bytes = pieces_size(&out->pieces) + out->footer.row_groups.len;
    for (size_t i = 0; i < out->count; i++)
        bytes += parquet_column_file_bytes(&out->columns[i]);
    return bytes;
}

static void release(struct record_encoder *encoder)
{
    if (!encoder)
        return;
    struct parquet_out *out = out_of(encoder);
    for (size_t i = 0; i < out->count; i++)
        parquet_column_done(&out->columns[i]);
    free(out->columns);
    pieces_done(&out->pieces);
    parquet_footer_done(&out->footer);
    parquet_scratch_done(&out->scratch);
    arena_done(&out->names);
    free(out);
}

static const struct record_encoder_ops ops = {
    .write = write, .finish = finish, .size = size, .free = release};

/* A quarter of the row group's memory at most is for pages that are not full yet. */
static size_t page_bytes_of(size_t group_bytes, size_t columns)
{
    size_t bytes = group_bytes / 4 / columns;
    bytes = bytes < PARQUET_PAGE_BYTES ? bytes : PARQUET_PAGE_BYTES;
    return bytes > PARQUET_PAGE_BYTES_MIN ? bytes : PARQUET_PAGE_BYTES_MIN;
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* Readers refuse a file in which two columns have one name. */
static bool names_differ(const struct record_fields *fields, struct error *error)
{
    const struct str *twice = NULL;
    struct str *names = xcalloc(fields->count, sizeof(*names));
    for (size_t i = 0; i < fields->count; i++)
        names[i] = fields->fields[i].name;
    qsort(names, fields->count, sizeof(*names), compare_names);
    for (size_t i = 1; i < fields->count; i++)
        if (str_eq(names[i - 1], names[i]))
            twice = &names[i];
    bool differ = !twice || fail(error, ERR_VALIDATION,
                                 "A Parquet file would have two columns of the name %.*s, which "
                                 "readers refuse. Map one of them to another name.",
                                 STR_ARG(*twice));
    free(names);
    return differ;
}

static bool make_columns(struct parquet_out *out, const struct record_fields *fields,
                         struct error *error)
{
    if (fields->count == 0 || fields->count > RECORD_COLUMNS_MAX)
        return fail(error, ERR_VALIDATION,
                    "A Parquet file has between 1 and %d columns, and this one would have %zu.",
                    RECORD_COLUMNS_MAX, fields->count);
    if (!names_differ(fields, error))
        return false;
    out->columns = xcalloc(fields->count, sizeof(*out->columns));
    for (size_t i = 0; i < fields->count; i++) {
        struct parquet_type type;
        if (!parquet_type_of(&fields->fields[i], &type, error))
            return false;
        struct str name = arena_copy(&out->names, fields->fields[i].name);
        parquet_column_init(&out->columns[i], &type, name);
        out->count = i + 1;
    }
    return true;
}

bool parquet_out_new(const struct parquet_out_options *options, const struct record_output *output,
                     struct record_encoder **ret_encoder, struct error *error)
{
    struct parquet_out *out = xcalloc(1, sizeof(*out));
    out->encoder.ops = &ops;
    out->group_bytes = options->group_bytes ? options->group_bytes : PARQUET_GROUP_BYTES;
    out->group_rows = options->group_rows ? options->group_rows : PARQUET_GROUP_ROWS;
    out->names.kind = out->scratch.texts.kind = ARENA_PLAIN;
    pieces_init(&out->pieces, output);
    if (!make_columns(out, &options->fields, error) ||
        !pieces_add(&out->pieces, STR("PAR1"), error)) {
        release(&out->encoder);
        return false;
    }
    out->scratch.page_bytes = page_bytes_of(out->group_bytes, out->count);
    *ret_encoder = &out->encoder;
    return true;
}
