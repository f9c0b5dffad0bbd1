/* CSV in and out: quoting, line breaks, each fault with its line; and whatever the pieces and
 * batches are, the same records. */
#include "cmocka_all.h"

#include "record/csv_in.h"
#include "record/csv_out.h"
#include "record_feeds.h"

#include <stdlib.h>
#include <string.h>

static const struct csv_in_options found_columns = {.empty_is_null = false};

static void rows(void **state)
{
    (void)state;
    static const struct record_reading readings[] = {
        {"a,b\n1,2\n3,4\n", "0 @2 a=text:1 b=text:2\n1 @3 a=text:3 b=text:4\n", ""},
        {"a,b\r\n1,2\r\n3,4", "0 @2 a=text:1 b=text:2\n1 @3 a=text:3 b=text:4\n", ""},
        {"a\r1\r2\r", "0 @2 a=text:1\n1 @3 a=text:2\n", ""},
        {"a,b\n,\n\"\",\"\"\n", "0 @2 a=text: b=text:\n1 @3 a=text: b=text:\n", ""},
        {"a,b\n\"x,\"\"y\"\"\",\"1\r\n2\n3\"\nlast,one\n",
         "0 @2 a=text:x,\"y\" b=text:1\\x0d\\x0a2\\x0a3\n1 @5 a=text:last b=text:one\n", ""},
        {"\xef\xbb\xbf\"a\",\"b \"\"c\"\"\"\n1,2\n", "0 @2 a=text:1 b \"c\"=text:2\n", ""},
        {"a,b\n5\" pipe,x\"y\"\n", "0 @2 a=text:5\" pipe b=text:x\"y\"\n", ""},
        {"\n\r\na,b\n\n1,2\n\r\n\n3,4\n\n", "0 @5 a=text:1 b=text:2\n1 @8 a=text:3 b=text:4\n", ""},
        {"a, b\n 1 ,2\n", "0 @2 a=text: 1   b=text:2\n", ""},
        {"a\n\xce\xa9\n\"\xe5\x8c\x97\"\n", "0 @2 a=text:\xce\xa9\n1 @3 a=text:\xe5\x8c\x97\n", ""},
        {"a\n01\nnull\n", "0 @2 a=text:01\n1 @3 a=text:null\n", ""},
        {"a,b\n", "", ""},
        {"a,b", "", ""},
        {"", "", ""},
        {"\n\n", "", ""},
    };
    CHECK_CSV_READINGS(&found_columns, readings);
}

static void faults(void **state)
{
    (void)state;
    static const struct record_reading readings[] = {
        {"a,b\n1\n1,2,3\n4,5\n", "2 @4 a=text:4 b=text:5\n",
         "! 0 @2 ragged 0 \"1\\x0a\"\n! 1 @3 ragged 0 \"1,2,3\\x0a\"\n"},
        {"a,b\n\"x\ny\",1,2\n4,5\n", "1 @4 a=text:4 b=text:5\n",
         "! 0 @2 ragged 0 \"\"x\\x0ay\",1,2\\x0a\"\n"},
        {"a,b\n\"x\"y,1\n4,5\n", "1 @3 a=text:4 b=text:5\n", "! 0 @2 syntax 3 \"\"x\"y,1\\x0a\"\n"},
        {"a,b\n1,\"x\n4,5\n6,7\n", "1 @3 a=text:4 b=text:5\n2 @4 a=text:6 b=text:7\n",
         "! 0 @2 syntax 2 \"1,\"x\\x0a\"\n"},
        {"a,b\n1,\"", "", "! 0 @2 syntax 2 \"1,\"\"\n"},
        {"a,b\n1,\xff\n2,\"\xed\xa0\x80\"\n4,5\n", "2 @4 a=text:4 b=text:5\n",
         "! 0 @2 utf8 2 \"1,\xff\\x0a\"\n! 1 @3 utf8 3 \"2,\"\xed\xa0\x80\"\\x0a\"\n"},
    };
    CHECK_CSV_READINGS(&found_columns, readings);
}

static void given_columns(void **state)
{
    (void)state;
    static const struct str names[] = {STR("c"), STR("a")};
    static const struct csv_in_options options = {.columns = {names, 2}, .empty_is_null = true};
    static const struct record_reading readings[] = {
        {"a,b,c\n1,2,3\n4,,\n\"\",x,\"\"\n", "0 @2 c=text:3 a=text:1\n1 @3 a=text:4\n2 @4\n", ""},
    };
    CHECK_CSV_READINGS(&options, readings);
}

/* A vendor's records of one field that is null. */
static void empty_rows_of_one_column(void **state)
{
    (void)state;
    static const struct str names[] = {STR("a")};
    static const struct csv_in_options options = {
        .columns = {names, 1}, .empty_is_null = true, .empty_row_counts = true};
    static const struct record_reading readings[] = {
        {"a\n1\n\n\"\"\n2\n\n", "0 @2 a=text:1\n1 @3\n2 @4\n3 @5 a=text:2\n4 @6\n", ""},
        {"a\r\n\r\n1\r\n\r\n", "0 @2\n1 @3 a=text:1\n2 @4\n", ""},
        {"\na\n\n1", "0 @3\n1 @4 a=text:1\n", ""},
        {"a,b\n\n1,2\n\n", "0 @3 a=text:1\n", ""},
        {"a\n", "", ""},
    };
    CHECK_CSV_READINGS(&options, readings);
}

/* As the same values of JSON; what is none of its column stays a text. */
static void values_of_columns(void **state)
{
    (void)state;
    static const struct str names[] = {STR("n"), STR("f"), STR("t"), STR("x")};
    static const enum csv_value values[] = {CSV_VALUE_NUMBER, CSV_VALUE_FLAG, CSV_VALUE_TIME,
                                            CSV_VALUE_TEXT};
    static const struct csv_in_options options = {
        .columns = {names, 4}, .empty_is_null = true, .values = values, .utc = "+0000"};
    static const struct record_reading readings[] = {
        {"x,n,f,t\n1,-12,true,2024-01-01T00:00:00.000Z\n"
         "\"2\",\"1.50\",\"false\",\"2024-01-01\"\n\"\",\"\",\"\",\"\"\n"
         "3,1.25E7,True,Z\n4,007,,\n5,1.,,\n6,12x,,\n7,9223372036854775808,true,\n8,,,\n9,5,,",
         "0 @2 n=integer:-12 f=boolean:true t=text:2024-01-01T00:00:00.000+0000 x=text:1\n"
         "1 @3 n=decimal(2):1.50 f=boolean:false t=text:2024-01-01 x=text:2\n"
         "2 @4\n"
         "3 @5 n=decimal(-1):1.25E7 f=text:True t=text:+0000 x=text:3\n"
         "4 @6 n=text:007 x=text:4\n5 @7 n=text:1. x=text:5\n6 @8 n=text:12x x=text:6\n"
         "7 @9 n=decimal(0):9223372036854775808 f=boolean:true x=text:7\n8 @10 x=text:8\n"
         "9 @11 n=integer:5 x=text:9\n",
         ""},
    };
    CHECK_CSV_READINGS(&options, readings);
}

static void broken_headers(void **state)
{
    (void)state;
    static const struct str names[] = {STR("c"), STR("a")};
    static const struct csv_in_options given = {.columns = {names, 2}};
    static const struct {
        const struct csv_in_options *options;
        const char *page, *message;
    } pages[] = {
        {&found_columns, "a,b,a\n1,2,3\n", "it has the column a twice"},
        {&found_columns, "a,,b\n1,2,3\n", "column 2: a column's name is empty"},
        {&found_columns, "a,\"b\n1,2\n", "a quote is not closed"},
        {&found_columns, "a,\"b\"c\n1,2\n", "a quote is not closed"},
        {&found_columns, "a,\xff\n", "it is not valid UTF-8"},
        {&found_columns, "\xff\xfe\x61\n", "it is not valid UTF-8"},
        {&given, "a,b\n1,2\n", "it has no column c"},
    };
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        struct record_dump dump;
        record_read_csv(pages[i].options, str_from(pages[i].page), &dump);
        assert_false(dump.read);
        assert_int_equal(dump.error.code, ERR_VALIDATION);
        if (!strstr(dump.error.message, pages[i].message))
            fail_msg("%s: %s", pages[i].page, dump.error.message);
        record_dump_done(&dump);
    }
}

static void too_many_columns(void **state)
{
    (void)state;
    struct buf page = buf_on_heap(RECORD_DUMP_MAX);
    struct record_dump dump;
    for (int i = 0; i <= RECORD_COLUMNS_MAX; i++)
        buf_printf(&page, "c%d%c", i, i < RECORD_COLUMNS_MAX ? ',' : '\n');
    record_read_long_csv(&found_columns, buf_str(&page), &dump);
    assert_false(dump.read);
    assert_non_null(strstr(dump.error.message, "it has more than 2000 columns"));
    record_dump_done(&dump);
    buf_done(&page);
}

/* A quote that never closes, in a page longer than a record may be: the lines after it are read. */
static void endless_quote(void **state)
{
    (void)state;
    struct buf page = buf_on_heap(RECORD_DUMP_MAX);
    struct record_dump dump;
    buf_add_cstr(&page, "a,b\n1,\"x\n");
    add_repeated(&page, "2,3\n", 3 * 1024 * 1024 / 2);
    struct record_decoder *decoder = csv_in_new(&found_columns);
    record_dump_page(decoder, buf_str(&page), (struct record_feed){0, RECORD_ROWS_MAX}, NULL,
                     &dump);
    decoder->ops->free(decoder);
    assert_true(dump.read);
    assert_string_equal(dump.errors.data, "! 0 @2 too-long 0 \"1,\"x\\x0a\"\n");
    assert_memory_equal(dump.records.data, "1 @3 a=text:2 b=text:3\n", 23);
    record_dump_done(&dump);
    buf_done(&page);
}

static void endless_header(void **state)
{
    (void)state;
    struct buf page = buf_on_heap(RECORD_DUMP_MAX);
    struct record_dump dump;
    buf_add_cstr(&page, "a,\"");
    add_repeated(&page, "0123456789abcdef", RECORD_BYTES_MAX / 8);
    record_read_long_csv(&found_columns, buf_str(&page), &dump);
    assert_false(dump.read);
    assert_non_null(strstr(dump.error.message, "it is longer than 4 MiB"));
    record_dump_done(&dump);
    buf_done(&page);
}

/* Rows whose quotes run on past the limit of a record, from the beginning of every line: eight of
 * them are followed so far. */
static void endless_quotes(void **state)
{
    (void)state;
    struct buf page = buf_on_heap(RECORD_DUMP_MAX);
    buf_add_cstr(&page, "a,b\n");
    add_repeated(&page, "a\",\",\n", RECORD_BYTES_MAX / 4);
    for (size_t i = 0; i < RECORD_LONG_FEEDS; i++) {
        struct record_decoder *decoder = csv_in_new(&found_columns);
        struct record_dump dump;
        record_dump_page(decoder, buf_str(&page), record_long_feeds[i], NULL, &dump);
        decoder->ops->free(decoder);
        assert_false(dump.read);
        assert_non_null(strstr(dump.error.message, "cannot be read from line 10 on"));
        record_dump_done(&dump);
    }
    buf_done(&page);
}

/* Rows with an error leave no texts behind in the batch. */
static void texts_of_bad_rows(void **state)
{
    (void)state;
    struct buf page = buf_on_heap(RECORD_DUMP_MAX);
    struct record_decoder *decoder = csv_in_new(&found_columns);
    struct record_batch batch;
    struct error error;
    size_t used;
    buf_add_cstr(&page, "a,b\n");
    add_repeated(&page, "\"\"\"\",2,3\n", 1000);
    record_batch_init(&batch, RECORD_ROWS_MAX);
    decoder->ops->start_page(decoder, 7);
    assert_true(decoder->ops->read(decoder, buf_str(&page), true, &batch, &used, &error));
    assert_int_equal(batch.error_count, 1000);
    assert_int_equal(batch.texts.used, 0);
    record_batch_done(&batch);
    decoder->ops->free(decoder);
    buf_done(&page);
}

/* A row that is cut is scanned again only when the window is twice as long. */
static void cut_row(void **state)
{
    (void)state;
    struct buf page = buf_on_heap(RECORD_DUMP_MAX);
    struct record_decoder *decoder = csv_in_new(&found_columns);
    buf_add_cstr(&page, "a\n\"");
    add_repeated(&page, "x", 4096);
    buf_add_cstr(&page, "\"\n");
    assert_in_range(record_dump_scans(decoder, buf_str(&page)), 2, 16);
    decoder->ops->free(decoder);
    buf_done(&page);
}

/* A line that is too long is skipped in pieces, and the next one is read. */
static void endless_line(void **state)
{
    (void)state;
    struct buf page = buf_on_heap(RECORD_DUMP_MAX);
    struct record_dump dump;
    buf_add_cstr(&page, "a,b\n1,");
    add_repeated(&page, "0123456789abcdef", RECORD_BYTES_MAX / 8);
    buf_add_cstr(&page, "\r\n2,3\r\n");
    struct record_decoder *decoder = csv_in_new(&found_columns);
    record_dump_page(decoder, buf_str(&page), (struct record_feed){0, RECORD_ROWS_MAX}, NULL,
                     &dump);
    decoder->ops->free(decoder);
    assert_true(dump.read);
    assert_string_equal(dump.records.data, "1 @3 a=text:2 b=text:3\n");
    assert_memory_equal(dump.errors.data, "! 0 @2 too-long 0 ", 18);
    record_dump_done(&dump);
    buf_done(&page);
}

/* Columns keep their places from page to page, and are null where a page does not have them. */
static void pages_in_turn(void **state)
{
    (void)state;
    struct record_decoder *decoder = csv_in_new(&found_columns);
    struct record_dump dump;
    record_dump_page(decoder, STR("a,b\n1,2\n"), record_feeds[0], NULL, &dump);
    record_dump_done(&dump);
    record_dump_page(decoder, STR("c,a\n3,4\n"), record_feeds[0], NULL, &dump);
    assert_string_equal(dump.records.data, "0 @2 a=text:4 c=text:3\n");
    record_dump_done(&dump);
    decoder->ops->free(decoder);
}

/* As another decoder would read the page, which has seen none before it. */
static void forgotten_columns(void **state)
{
    (void)state;
    static const struct str names[] = {STR("b")};
    const struct csv_in_options options[] = {{.columns = {names, 1}}, {.columns = {0}}};
    const char *expected[] = {"0 @2 b=text:3\n", "0 @2 b=text:3 a=text:4\n"};
    for (int i = 0; i < 2; i++) {
        struct record_decoder *decoder = csv_in_new(&options[i]);
        struct record_dump dump;
        record_dump_page(decoder, STR("a,b\n1,2\n"), record_feeds[0], NULL, &dump);
        record_dump_done(&dump);
        decoder->ops->forget_columns(decoder);
        record_dump_page(decoder, STR("b,a\n3,4\n"), record_feeds[0], NULL, &dump);
        assert_string_equal(dump.records.data, expected[i]);
        record_dump_done(&dump);
        decoder->ops->free(decoder);
    }
}

static struct record_cell text_cell(const char *text)
{
    return (struct record_cell){.text = text, .len = (uint32_t)strlen(text), .kind = RECORD_TEXT};
}

static void write_rows(const struct record_batch *batch, struct buf *out)
{
    struct record_field fields[8];
    struct record_output output = {record_keep, out};
    for (size_t i = 0; i < batch->column_count; i++)
        fields[i] = (struct record_field){.name = batch->columns[i].name};
    struct record_fields all = {fields, batch->column_count};
    struct record_encoder *encoder = csv_out_new(&all, &output);
    struct error error;
    assert_true(encoder->ops->write(encoder, batch, &error));
    assert_true(encoder->ops->finish(encoder, &error));
    assert_int_equal(encoder->ops->size(encoder), out->len);
    encoder->ops->free(encoder);
}

static void written_rows(void **state)
{
    (void)state;
    struct record_batch batch;
    struct buf out = buf_on_heap(RECORD_DUMP_MAX);
    record_batch_init(&batch, 8);
    record_batch_add_column(&batch, STR("a,1"));
    record_batch_add_column(&batch, STR("b"));
    struct record_cell *a = batch.columns[0].cells, *b = batch.columns[1].cells;
    batch.rows = 6;
    a[0] = text_cell("x");
    b[0] = text_cell("");
    a[1] = (struct record_cell){.kind = RECORD_NULL};
    b[1] = (struct record_cell){.number = -7, .kind = RECORD_INTEGER};
    a[2] = text_cell("say \"hi\"");
    b[2] = text_cell("two\nlines");
    a[3] = text_cell("0123456789012345678901234567890123456789,");
    b[3] = (struct record_cell){.number = 1, .kind = RECORD_BOOLEAN};
    a[4] = (struct record_cell){.text = "[1,2]", .len = 5, .kind = RECORD_NESTED};
    b[4] = (struct record_cell){
        .number = 1772352723000000, .kind = RECORD_TIMESTAMP, .flags = RECORD_HAD_ZONE};
    a[5] = (struct record_cell){.text = "1.50", .len = 4, .kind = RECORD_DECIMAL, .scale = 2};
    b[5] = (struct record_cell){.text = "\xff", .len = 1, .kind = RECORD_BYTES};
    write_rows(&batch, &out);
    assert_string_equal(out.data, "\"a,1\",b\n"
                                  "x,\"\"\n"
                                  ",-7\n"
                                  "\"say \"\"hi\"\"\",\"two\nlines\"\n"
                                  "\"0123456789012345678901234567890123456789,\",true\n"
                                  "\"[1,2]\",2026-03-01T08:12:03.000Z\n"
                                  "1.50,/w==\n");
    record_batch_done(&batch);
    buf_done(&out);
}

/* A page without a byte gives the columns that are wanted all the same, so that it can be written.
 */
static void empty_page_written(void **state)
{
    (void)state;
    static const struct str names[] = {STR("a"), STR("b")};
    static const struct record_field fields[] = {{.name = STR("a")}, {.name = STR("b")}};
    static const struct record_fields all = {fields, 2};
    struct csv_in_options options = {.columns = {names, 2}};
    struct buf out = buf_on_heap(RECORD_DUMP_MAX);
    struct record_output output = {record_keep, &out};
    struct record_decoder *decoder = csv_in_new(&options);
    struct record_encoder *encoder = csv_out_new(&all, &output);
    struct record_batch batch;
    struct error error;
    size_t used;
    record_batch_init(&batch, 8);
    decoder->ops->start_page(decoder, 7);
    assert_true(decoder->ops->read(decoder, STR("\r\n"), true, &batch, &used, &error));
    assert_int_equal(batch.column_count, 2);
    assert_true(encoder->ops->write(encoder, &batch, &error));
    assert_true(encoder->ops->finish(encoder, &error));
    assert_string_equal(out.data, "a,b\n");
    encoder->ops->free(encoder);
    decoder->ops->free(decoder);
    record_batch_done(&batch);
    buf_done(&out);
}

static void one_column_of_null(void **state)
{
    (void)state;
    struct record_batch batch;
    struct buf out = buf_on_heap(RECORD_DUMP_MAX);
    record_batch_init(&batch, 8);
    record_batch_add_column(&batch, STR("a"));
    batch.rows = 1;
    batch.columns[0].cells[0] = (struct record_cell){.kind = RECORD_NULL};
    write_rows(&batch, &out);
    assert_string_equal(out.data, "a\n\"\"\n");
    record_batch_done(&batch);
    buf_done(&out);
}

/* The output's error is the encoder's. */
static void output_fails(void **state)
{
    (void)state;
    struct record_batch batch;
    struct record_fields all = {&(const struct record_field){.name = STR("a")}, 1};
    size_t pieces_left = 1;
    struct record_output output = {record_break_off, &pieces_left};
    struct record_encoder *encoder = csv_out_new(&all, &output);
    struct buf text = buf_on_heap(RECORD_DUMP_MAX);
    struct error error;
    add_repeated(&text, "0123456789abcde\"", 64 * 1024);
    record_batch_init(&batch, 8);
    record_batch_add_column(&batch, STR("a"));
    batch.rows = 1;
    batch.columns[0].cells[0] = text_cell(text.data);
    assert_false(encoder->ops->write(encoder, &batch, &error));
    assert_int_equal(error.code, ERR_UNAVAILABLE);
    encoder->ops->free(encoder);
    record_batch_done(&batch);
    buf_done(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(faults),
        cmocka_unit_test(given_columns),
        cmocka_unit_test(empty_rows_of_one_column),
        cmocka_unit_test(values_of_columns),
        cmocka_unit_test(broken_headers),
        cmocka_unit_test(too_many_columns),
        cmocka_unit_test(endless_quote),
        cmocka_unit_test(endless_quotes),
        cmocka_unit_test(endless_header),
        cmocka_unit_test(endless_line),
        cmocka_unit_test(texts_of_bad_rows),
        cmocka_unit_test(cut_row),
        cmocka_unit_test(pages_in_turn),
        cmocka_unit_test(forgotten_columns),
        cmocka_unit_test(written_rows),
        cmocka_unit_test(one_column_of_null),
        cmocka_unit_test(empty_page_written),
        cmocka_unit_test(output_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
