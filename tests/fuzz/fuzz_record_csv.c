/* Any bytes as a page of CSV, whose first byte chooses pieces and batches. In pieces it must give
 * what it gives in one, and what is written of it must be read as the same again. */
#include "../unit/record_dump.h"

#include "record/csv_in.h"
#include "record/csv_out.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_page(const struct csv_in_options *options, struct str page,
                      struct record_feed feed, struct record_encoder *encoder,
                      struct record_dump *ret_dump)
{
    struct record_decoder *decoder = csv_in_new(options);
    record_dump_page(decoder, page, feed, encoder, ret_dump);
    decoder->ops->free(decoder);
}

static void check_pieces(struct str page, unsigned choice)
{
    static const struct str names[] = {STR("a"), STR("b"), STR("c")};
    static const enum csv_value values[] = {CSV_VALUE_NUMBER, CSV_VALUE_TIME, CSV_VALUE_FLAG};
    struct csv_in_options options = {.empty_is_null = choice & 1};
    if (choice & 2) {
        options.columns = (struct record_columns){names, 3};
        options.values = values;
        options.utc = "+0000";
    }
    struct record_feed feed = {1 + choice % 16 * 5, 1 + choice / 16};
    struct record_dump whole, pieces;
    read_page(&options, page, (struct record_feed){0, RECORD_ROWS_MAX}, NULL, &whole);
    read_page(&options, page, feed, NULL, &pieces);
    record_must(whole.read == pieces.read);
    record_must(str_eq(record_text(&whole.records), record_text(&pieces.records)));
    record_must(str_eq(record_text(&whole.errors), record_text(&pieces.errors)));
    record_dump_done(&whole);
    record_dump_done(&pieces);
}

/* Columns that a page of two columns named so has; other pages have no records here. */
static bool write_rows(struct str page, struct buf *out)
{
    static const struct str names[] = {STR("a"), STR("b")};
    static const struct record_field fields[] = {{.name = STR("a")}, {.name = STR("b")}};
    static const struct record_fields all = {fields, 2};
    struct csv_in_options options = {.columns = {names, 2}};
    struct record_output output = {record_keep, out};
    struct record_encoder *encoder = csv_out_new(&all, &output);
    struct record_dump dump;
    struct error error;
    read_page(&options, page, (struct record_feed){0, 3}, encoder, &dump);
    record_must(encoder->ops->finish(encoder, &error));
    encoder->ops->free(encoder);
    bool read = dump.read;
    record_dump_done(&dump);
    return read;
}

static void check_written(struct str page)
{
    struct buf once = buf_on_heap(RECORD_DUMP_MAX), twice = buf_on_heap(RECORD_DUMP_MAX);
    if (write_rows(page, &once)) {
        record_must(write_rows(record_text(&once), &twice));
        record_must(str_eq(record_text(&once), record_text(&twice)));
    }
    buf_done(&once);
    buf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct str page = {(const char *)data + 1, size - 1};
    check_pieces(page, data[0]);
    check_written(page);
    return 0;
}
