/* Rows are written one after another. A short text is copied first and looked at in its place,
 * where there is memory behind it to look at it in blocks; one that needs quotes is written once
 * more. */
#include "record/csv_out.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "record/blocks.h"
#include "record/pieces.h"
#include "record/print.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_NEAR = 16 * 1024 }; /* bytes of a text that is written into one piece */

struct csv_out {
    struct record_encoder encoder;
    struct pieces pieces;
    bool header_written;
    size_t column_count;
    struct str *names;
    struct arena memory;
    struct arena scratch; /* for bytes as base64 */
};

/* The text is at `p`, with PIECES_SLACK bytes behind it. */
static bool needs_quotes(const char *p, size_t len)
{
    for (size_t at = 0; at < len; at += BLOCK_BYTES) {
        struct block block = block_load(p + at);
        uint32_t found = block_equal(block, ',') | block_equal(block, '"') |
                         block_equal(block, '\n') | block_equal(block, '\r');
        size_t left = len - at;
        if (left < BLOCK_BYTES)
            found &= block_of_first((unsigned)left);
        if (found != 0)
            return true;
    }
    return false;
}

static char *put_doubled(char *out, struct str text)
{
    const char *p = text.data, *end = p + text.len;
    while (p < end) {
        const char *quote = memchr(p, '"', (size_t)(end - p));
        size_t len = (size_t)((quote ? quote + 1 : end) - p);
        memcpy(out, p, len);
        out += len;
        p += len;
        if (quote)
            *out++ = '"';
    }
    return out;
}

static bool add_quoted(struct pieces *pieces, struct str text, struct error *error)
{
    bool done = pieces_add_char(pieces, '"', error);
    while (done && text.len > 0) {
        size_t len = text.len < TEXT_NEAR ? text.len : TEXT_NEAR;
        done = pieces_room(pieces, 2 * len, error);
        if (done)
            pieces->next = put_doubled(pieces->next, (struct str){text.data, len});
        text = (struct str){text.data + len, text.len - len};
    }
    return done && pieces_add_char(pieces, '"', error);
}

static bool add_text(struct pieces *pieces, struct str text, struct error *error)
{
    if (text.len == 0 || text.len > TEXT_NEAR)
        return add_quoted(pieces, text, error);
    if (!pieces_room(pieces, text.len, error))
        return false;
    copy_text(pieces->next, text.data, text.len);
    if (needs_quotes(pieces->next, text.len))
        return add_quoted(pieces, text, error);
    pieces->next += text.len;
    return true;
}

static bool add_cell(struct csv_out *out, const struct record_cell *cell, struct error *error)
{
    char space[RECORD_PRINT_MAX];
    if (cell->kind == RECORD_TEXT)
        return add_text(&out->pieces, record_cell_text(cell), error);
    if (cell->kind == RECORD_NULL)
        return true;
    struct str text = record_print(cell, space, &out->scratch);
    bool done = add_text(&out->pieces, text, error);
    if (cell->kind == RECORD_BYTES)
        arena_reset(&out->scratch);
    return done;
}

static bool add_row(struct csv_out *out, const struct record_batch *batch, size_t row,
                    struct error *error)
{
    struct pieces *pieces = &out->pieces;
    if (out->column_count == 1 && batch->columns[0].cells[row].kind == RECORD_NULL)
        return pieces_add(pieces, STR("\"\"\n"), error);
    for (size_t i = 0; i < out->column_count; i++) {
        if ((i > 0 && !pieces_add_char(pieces, ',', error)) ||
            !add_cell(out, &batch->columns[i].cells[row], error))
            return false;
    }
    return pieces_add_char(pieces, '\n', error);
}

static bool add_header(struct csv_out *out, struct error *error)
{
    out->header_written = true;
    for (size_t i = 0; i < out->column_count; i++) {
        if ((i > 0 && !pieces_add_char(&out->pieces, ',', error)) ||
            !add_text(&out->pieces, out->names[i], error))
            return false;
    }
    return pieces_add_char(&out->pieces, '\n', error);
}

static bool csv_out_write(struct record_encoder *encoder, const struct record_batch *batch,
                          struct error *error)
{
    struct csv_out *out = (struct csv_out *)encoder;
    assert(batch->rows == 0 || batch->column_count == out->column_count);
    if (!out->header_written && !add_header(out, error))
        return false;
    for (size_t row = 0; row < batch->rows; row++) {
        if (!add_row(out, batch, row, error))
            return false;
    }
    return true;
}

static bool csv_out_finish(struct record_encoder *encoder, struct error *error)
{
    struct csv_out *out = (struct csv_out *)encoder;
    return (out->header_written || add_header(out, error)) && pieces_flush(&out->pieces, error);
}

static uint64_t csv_out_size(const struct record_encoder *encoder)
{
    return pieces_size(&((const struct csv_out *)encoder)->pieces);
}

static void csv_out_free(struct record_encoder *encoder)
{
    struct csv_out *out = (struct csv_out *)encoder;
    if (!out)
        return;
    pieces_done(&out->pieces);
    arena_done(&out->memory);
    arena_done(&out->scratch);
    free(out);
}

static const struct record_encoder_ops csv_out_ops = {
    .write = csv_out_write,
    .finish = csv_out_finish,
    .size = csv_out_size,
    .free = csv_out_free,
};

struct record_encoder *csv_out_new(const struct record_fields *fields,
                                   const struct record_output *output)
{
    struct csv_out *out = xcalloc(1, sizeof(*out));
    out->encoder.ops = &csv_out_ops;
    out->memory.kind = out->scratch.kind = ARENA_PLAIN;
    out->column_count = fields->count;
    out->names = arena_array(&out->memory, struct str, fields->count);
    for (size_t i = 0; i < fields->count; i++)
        out->names[i] = arena_copy(&out->memory, fields->fields[i].name);
    pieces_init(&out->pieces, output);
    return &out->encoder;
}
