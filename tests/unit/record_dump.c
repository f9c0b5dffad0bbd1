/* Every value with its kind, and every byte that is not printable as a number. */
#include "record_dump.h"

#include "record/print.h"
#include "record/window.h"

#include <stdlib.h>
#include <string.h>

void record_must(bool condition)
{
    if (!condition)
        abort();
}

static void add_escaped(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == '\\' || c == 0x7F)
            buf_printf(out, "\\x%02x", c);
        else
            buf_add_char(out, (char)c);
    }
}

static void add_cell(struct buf *out, struct str name, const struct record_cell *cell)
{
    struct arena arena = {.kind = ARENA_PLAIN};
    char space[RECORD_PRINT_MAX];
    record_must(cell->kind < RECORD_KINDS);
    buf_add_char(out, ' ');
    add_escaped(out, name);
    buf_printf(out, "=%s", record_kind_name((enum record_kind)cell->kind));
    if (cell->kind == RECORD_DECIMAL)
        buf_printf(out, "(%d)", cell->scale);
    if (cell->kind != RECORD_NULL) {
        buf_add_char(out, ':');
        add_escaped(out, record_print(cell, space, &arena));
    }
    /* What is marked as plain needs no escape. */
    for (size_t i = 0; cell->kind == RECORD_TEXT && cell->flags & RECORD_PLAIN && i < cell->len;
         i++)
        record_must((unsigned char)cell->text[i] >= 0x20 && cell->text[i] != '"' &&
                    cell->text[i] != '\\');
    arena_done(&arena);
}

static void dump_batch(const struct record_batch *batch, struct record_dump *dump)
{
    static const char *const faults[RECORD_FAULTS] = {
        "syntax",   "utf8",     "not-record", "duplicate", "ragged",
        "too-long", "too-deep", "columns",    "name",      "number",
    };
    record_must(batch->rows + batch->error_count <= batch->rows_max && batch->page == 7);
    record_must(batch->rows * batch->column_count <= RECORD_CELLS_MAX);
    for (size_t row = 0; row < batch->rows; row++) {
        const struct record_place *place = &batch->places[row];
        buf_printf(&dump->records, "%d @%d", (int)place->position, (int)place->line);
        for (size_t i = 0; i < batch->column_count; i++) {
            /* A column that was not found yet is the same as one that is null. */
            const struct record_cell *cell = &batch->columns[i].cells[row];
            if (cell->kind != RECORD_NULL)
                add_cell(&dump->records, batch->columns[i].name, cell);
        }
        buf_add_char(&dump->records, '\n');
    }
    for (size_t i = 0; i < batch->error_count; i++) {
        const struct record_error *error = &batch->errors[i];
        record_must(error->byte <= error->record.len || error->record.len == RECORD_BYTES_MAX);
        buf_printf(&dump->errors, "! %d @%d %s %d \"", (int)error->place.position,
                   (int)error->place.line, faults[error->fault], (int)error->byte);
        add_escaped(&dump->errors, (struct str){error->record.data,
                                                error->record.len < 40 ? error->record.len : 40});
        buf_add_cstr(&dump->errors, "\"\n");
    }
}

static size_t add_piece(struct record_window *window, struct str *page, size_t piece)
{
    size_t room, len = piece > 0 && piece < page->len ? piece : page->len;
    char *space = record_window_space(window, &room);
    len = len < room ? len : room;
    if (len > 0)
        memcpy(space, page->data, len);
    record_window_add(window, len);
    *page = (struct str){page->data + len, page->len - len};
    return len;
}

void record_dump_page(struct record_decoder *decoder, struct str page, struct record_feed feed,
                      struct record_encoder *encoder, struct record_dump *ret_dump)
{
    struct record_window window;
    struct record_batch batch;
    *ret_dump = (struct record_dump){.read = true};
    ret_dump->records = buf_on_heap(RECORD_DUMP_MAX);
    ret_dump->errors = buf_on_heap(RECORD_DUMP_MAX);
    record_window_init(&window);
    record_batch_init(&batch, feed.rows_max);
    decoder->ops->start_page(decoder, 7);
    bool wants_more = true, is_last = false;
    for (;;) {
        if (wants_more) {
            record_must(add_piece(&window, &page, feed.piece) > 0 || page.len == 0);
            is_last = page.len == 0;
        }
        size_t used = 0;
        struct str text = record_window_text(&window);
        ret_dump->read =
            decoder->ops->read(decoder, text, is_last, &batch, &used, &ret_dump->error);
        record_must(used <= text.len);
        if (!ret_dump->read)
            break;
        dump_batch(&batch, ret_dump);
        record_must(!encoder || encoder->ops->write(encoder, &batch, &ret_dump->error));
        wants_more = record_batch_has_room(&batch);
        record_must(!wants_more || !is_last || used == text.len);
        record_batch_clear(&batch);
        record_window_use(&window, used);
        ret_dump->batches++;
        if (is_last && used == text.len)
            break;
    }
    record_batch_done(&batch);
    record_window_done(&window);
}

void record_dump_done(struct record_dump *dump)
{
    buf_done(&dump->records);
    buf_done(&dump->errors);
}

size_t record_dump_scans(struct record_decoder *decoder, struct str page)
{
    struct record_batch batch;
    struct error error;
    size_t scans = 0, done = 0, used;
    record_batch_init(&batch, RECORD_ROWS_MAX);
    decoder->ops->start_page(decoder, 7);
    for (size_t len = 1; len <= page.len; len++) {
        struct str window = {page.data + done, len - done};
        scans += !record_decoder_waits(decoder, window, len == page.len);
        record_must(decoder->ops->read(decoder, window, len == page.len, &batch, &used, &error));
        done += used;
    }
    record_must(done == page.len && batch.error_count == 0 && batch.rows == 1);
    record_batch_done(&batch);
    return scans;
}

struct str record_text(const struct buf *buf)
{
    return buf->len > 0 ? buf_str(buf) : STR("");
}

bool record_keep(void *context, struct str bytes, struct error *error)
{
    (void)error;
    buf_add(context, bytes);
    return true;
}
