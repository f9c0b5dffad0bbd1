/* Any bytes as a page of JSON records, whose first byte chooses pieces and batches.
 *
 * In pieces it must give what it gives in one; what is written of it must be read as the same
 * again; and of a single line, another reader (yyjson) must say what ours says: whether it is JSON.
 */
#include "../unit/record_dump.h"

#include "record/json_in.h"
#include "record/json_out.h"
#include "wire/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_page(const struct json_in_options *options, struct str page,
                      struct record_feed feed, struct record_encoder *encoder,
                      struct record_dump *ret_dump)
{
    struct record_decoder *decoder = json_in_new(options);
    record_dump_page(decoder, page, feed, encoder, ret_dump);
    decoder->ops->free(decoder);
}

static void check_pieces(struct str page, const char *path, unsigned choice)
{
    struct json_in_options options = {.path = path};
    struct record_feed feed = {1 + choice % 16 * 5, 1 + choice / 16};
    struct record_dump whole, pieces;
    read_page(&options, page, (struct record_feed){0, RECORD_ROWS_MAX}, NULL, &whole);
    read_page(&options, page, feed, NULL, &pieces);
    record_must(whole.read == pieces.read);
    record_must(!whole.read || str_eq(record_text(&whole.records), record_text(&pieces.records)));
    record_must(!whole.read || str_eq(record_text(&whole.errors), record_text(&pieces.errors)));
    record_dump_done(&whole);
    record_dump_done(&pieces);
}

static const struct str names[] = {STR("a"), STR("b"), STR("Name")};

/* Writes the columns of those names as lines. */
static void write_lines(struct str page, struct buf *out)
{
    struct json_in_options options = {.columns = {names, 3}};
    struct record_field fields[3];
    for (size_t i = 0; i < 3; i++)
        fields[i] = (struct record_field){.name = names[i]};
    struct json_out_options json = {.fields = {fields, 3}};
    struct record_output output = {record_keep, out};
    struct record_encoder *encoder = json_out_new(&json, &output);
    struct record_dump dump;
    struct error error;
    read_page(&options, page, (struct record_feed){0, 3}, encoder, &dump);
    record_must(encoder->ops->finish(encoder, &error));
    encoder->ops->free(encoder);
    record_dump_done(&dump);
}

static void check_written(struct str page)
{
    struct buf once = buf_on_heap(RECORD_DUMP_MAX), twice = buf_on_heap(RECORD_DUMP_MAX);
    write_lines(page, &once);
    write_lines(record_text(&once), &twice);
    record_must(str_eq(record_text(&once), record_text(&twice)));
    buf_done(&once);
    buf_done(&twice);
}

static void check_against_yyjson(struct str line)
{
    struct json_in_options options = {.whole = true};
    struct record_dump dump;
    if (line.len == 0 || memchr(line.data, '\n', line.len) || line.data[0] != '{')
        return;
    read_page(&options, line, (struct record_feed){0, RECORD_ROWS_MAX}, NULL, &dump);
    char *copy = malloc(line.len);
    record_must(copy != NULL);
    memcpy(copy, line.data, line.len);
    yyjson_doc *document = yyjson_read(copy, line.len, YYJSON_READ_NUMBER_AS_RAW);
    bool limited = dump.errors.len > 0 &&
                   (strstr(dump.errors.data, " too-deep ") || strstr(dump.errors.data, " number "));
    record_must(limited || (document != NULL) == (dump.records.len > 0));
    yyjson_doc_free(document);
    free(copy);
    record_dump_done(&dump);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct str page = {(const char *)data + 1, size - 1};
    check_pieces(page, NULL, data[0]);
    check_pieces(page, "/d/results", data[0]);
    check_written(page);
    check_against_yyjson(page);
    return 0;
}
