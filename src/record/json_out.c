/* Rows are written one after another: for each column what stands before its value, then the value.
 */
#include "record/json_out.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/encode.h"
#include "record/blocks.h"
#include "record/pieces.h"
#include "record/print.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ESCAPE_MAX = 6,        /* bytes of \u001f */
    TEXT_NEAR = 16 * 1024, /* texts up to this are written into one piece */
};

struct json_out {
    struct record_encoder encoder;
    struct pieces pieces;
    bool whole;
    size_t column_count;
    struct str *before; /* for each column, such as `,"Name":` */
    struct arena memory;
    struct arena scratch; /* for bytes as base64 */
};

/* How many bytes at `p` need no escape. */
static size_t plain_len(const char *p, size_t len)
{
    size_t at = 0;
    for (; len - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
        uint32_t special = block_json_special(block_load(p + at));
        if (special != 0)
            return at + block_first(special);
    }
    char tail[BLOCK_BYTES] = {0};
    unsigned left = (unsigned)(len - at);
    copy_short(tail, p + at, left);
    uint32_t special = block_json_special(block_load(tail)) & block_of_first(left);
    return special != 0 ? at + block_first(special) : len;
}

static char *put_escape(char *out, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    static const char hex[] = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(from, c) : NULL;
    *out++ = '\\';
    if (found) {
        *out++ = to[found - from];
        return out;
    }
    memcpy(out, "u00", 3);
    out[3] = hex[c >> 4];
    out[4] = hex[c & 15];
    return out + 5;
}

/* `out` has room for ESCAPE_MAX times the text. */
static char *put_escaped(char *out, struct str text)
{
    while (text.len > 0) {
        size_t plain = plain_len(text.data, text.len);
        copy_text(out, text.data, plain);
        out += plain;
        if (plain == text.len)
            break;
        out = put_escape(out, (unsigned char)text.data[plain]);
        text = (struct str){text.data + plain + 1, text.len - plain - 1};
    }
    return out;
}

/* A string that is too long for one piece. */
static bool add_long_string(struct pieces *pieces, struct str text, struct error *error)
{
    bool done = pieces_add_char(pieces, '"', error);
    while (done && text.len > 0) {
        size_t len = text.len < TEXT_NEAR ? text.len : TEXT_NEAR;
        done = pieces_room(pieces, ESCAPE_MAX * len, error);
        if (done)
            pieces->next = put_escaped(pieces->next, (struct str){text.data, len});
        text = (struct str){text.data + len, text.len - len};
    }
    return done && pieces_add_char(pieces, '"', error);
}

static bool add_string(struct pieces *pieces, struct str text, bool is_plain, struct error *error)
{
    if (text.len > TEXT_NEAR)
        return add_long_string(pieces, text, error);
    if (!pieces_room(pieces, (is_plain ? text.len : ESCAPE_MAX * text.len) + 2, error))
        return false;
    char *out = pieces->next;
    *out++ = '"';
    if (is_plain) {
        copy_text(out, text.data, text.len);
        out += text.len;
    } else {
        out = put_escaped(out, text);
    }
    *out++ = '"';
    pieces->next = out;
    return true;
}

/* A line break cannot be inside a string of valid JSON, so it is a blank between two tokens. */
static bool add_nested(struct pieces *pieces, struct str text, struct error *error)
{
    while (text.len > 0) {
        size_t len = 0;
        while (len < text.len && text.data[len] != '\n' && text.data[len] != '\r')
            len++;
        if (!pieces_add(pieces, (struct str){text.data, len}, error))
            return false;
        if (len == text.len)
            break;
        if (!pieces_add_char(pieces, ' ', error))
            return false;
        text = (struct str){text.data + len + 1, text.len - len - 1};
    }
    return true;
}

static bool add_printed(struct json_out *out, const struct record_cell *cell, struct error *error)
{
    char space[RECORD_PRINT_MAX];
    bool done = add_string(&out->pieces, record_print(cell, space, &out->scratch), true, error);
    arena_reset(&out->scratch);
    return done;
}

static bool add_number(struct pieces *pieces, int64_t number, struct error *error)
{
    if (!pieces_room(pieces, RECORD_PRINT_MAX, error))
        return false;
    pieces->next += record_print_integer(number, pieces->next);
    return true;
}

static bool add_value(struct json_out *out, const struct record_cell *cell, struct error *error)
{
    struct pieces *pieces = &out->pieces;
    switch ((enum record_kind)cell->kind) {
    case RECORD_TEXT:
        return add_string(pieces, record_cell_text(cell), cell->flags & RECORD_PLAIN, error);
    case RECORD_INTEGER:
        return add_number(pieces, cell->number, error);
    case RECORD_DECIMAL:
        return pieces_add(pieces, record_cell_text(cell), error);
    case RECORD_BOOLEAN:
        return pieces_add(pieces, cell->number ? STR("true") : STR("false"), error);
    case RECORD_TIMESTAMP:
    case RECORD_DATE:
    case RECORD_BYTES:
        return add_printed(out, cell, error);
    case RECORD_NESTED:
        return add_nested(pieces, record_cell_text(cell), error);
    case RECORD_NULL:
    case RECORD_KINDS:
        break;
    }
    return pieces_add(pieces, STR("null"), error);
}

static bool add_record(struct json_out *out, const struct record_batch *batch, size_t row,
                       struct error *error)
{
    for (size_t i = 0; i < out->column_count; i++) {
        if (!pieces_add(&out->pieces, out->before[i], error) ||
            !add_value(out, &batch->columns[i].cells[row], error))
            return false;
    }
    if (out->whole)
        return pieces_add_char(&out->pieces, '\n', error);
    return pieces_add(&out->pieces, out->column_count > 0 ? STR("}\n") : STR("{}\n"), error);
}

static bool json_out_write(struct record_encoder *encoder, const struct record_batch *batch,
                           struct error *error)
{
    struct json_out *out = (struct json_out *)encoder;
    assert(batch->rows == 0 || batch->column_count == out->column_count);
    for (size_t row = 0; row < batch->rows; row++) {
        if (!add_record(out, batch, row, error))
            return false;
    }
    return true;
}

static bool json_out_finish(struct record_encoder *encoder, struct error *error)
{
    return pieces_flush(&((struct json_out *)encoder)->pieces, error);
}

static uint64_t json_out_size(const struct record_encoder *encoder)
{
    return pieces_size(&((const struct json_out *)encoder)->pieces);
}

static void json_out_free(struct record_encoder *encoder)
{
    struct json_out *out = (struct json_out *)encoder;
    if (!out)
        return;
    pieces_done(&out->pieces);
    arena_done(&out->memory);
    arena_done(&out->scratch);
    free(out);
}

static const struct record_encoder_ops json_out_ops = {
    .write = json_out_write,
    .finish = json_out_finish,
    .size = json_out_size,
    .free = json_out_free,
};

static struct str before_value(struct arena *arena, struct str name, bool is_first)
{
    struct buf text = buf_in(arena, ESCAPE_MAX * name.len + 4);
    buf_add_char(&text, is_first ? '{' : ',');
    encode_json_string(&text, name);
    buf_add_char(&text, ':');
    return buf_str(&text);
}

struct record_encoder *json_out_new(const struct json_out_options *options,
                                    const struct record_output *output)
{
    struct json_out *out = xcalloc(1, sizeof(*out));
    out->encoder.ops = &json_out_ops;
    out->whole = options->whole;
    out->memory.kind = out->scratch.kind = ARENA_PLAIN;
    out->column_count = options->fields.count;
    out->before = arena_array(&out->memory, struct str, out->column_count);
    pieces_init(&out->pieces, output);
    for (size_t i = 0; i < out->column_count && !out->whole; i++)
        out->before[i] = before_value(&out->memory, options->fields.fields[i].name, i == 0);
    return &out->encoder;
}
