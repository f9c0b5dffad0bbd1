/* JSON in, hostile: what is past a limit costs its record, never the others, and little memory and
 * time. */
#include "cmocka_all.h"

#include "record/json_in.h"
#include "record/json_record.h"
#include "record_feeds.h"

#include <string.h>

static const struct json_in_options found_columns = {.path = NULL};

/* One record past each limit, and one after it that is read. */
static void limits(void **state)
{
    (void)state;
    struct buf page = buf_on_heap(RECORD_DUMP_MAX);
    struct record_dump dump;
    buf_add_cstr(&page, "{\"a\":\"");
    add_repeated(&page, "0123456789abcdef", RECORD_BYTES_MAX / 16);
    buf_add_cstr(&page, "\"}\n{\"a\":");
    add_repeated(&page, "[", RECORD_DEPTH_MAX);
    add_repeated(&page, "]", RECORD_DEPTH_MAX);
    buf_add_cstr(&page, "}\n{\"a\":");
    add_repeated(&page, "1", RECORD_NUMBER_MAX + 1);
    buf_add_cstr(&page, "}\n{\"");
    add_repeated(&page, "n", RECORD_NAME_MAX + 1);
    buf_add_cstr(&page, "\":1}\n{\"a\":");
    add_repeated(&page, "[", RECORD_DEPTH_MAX - 1);
    add_repeated(&page, "]", RECORD_DEPTH_MAX - 1);
    buf_add_cstr(&page, "}\n{\"a\":\"last\"}\n");
    struct record_decoder *decoder = json_in_new(&found_columns);
    record_dump_page(decoder, buf_str(&page), (struct record_feed){0, 100}, NULL, &dump);
    decoder->ops->free(decoder);
    assert_true(dump.read);
    assert_non_null(strstr(dump.errors.data, "! 0 @1 too-long 0 "));
    assert_non_null(strstr(dump.errors.data, "! 1 @2 too-deep 68 "));
    assert_non_null(strstr(dump.errors.data, "! 2 @3 number 5 "));
    assert_non_null(strstr(dump.errors.data, "! 3 @4 name 2 "));
    assert_non_null(strstr(dump.records.data, "4 @5 a=nested:[[["));
    assert_non_null(strstr(dump.records.data, "5 @6 a=text:last\n"));
    record_dump_done(&dump);
    buf_done(&page);
}

/* A record of 10,000 members is an error; the columns of those before it are there. Batches stay
 * within the limit of cells however late columns are found. */
static void many_columns(void **state)
{
    (void)state;
    struct buf page = buf_on_heap(RECORD_DUMP_MAX);
    struct record_dump dump;
    add_repeated(&page, "{\"a\":1}\n", 1000);
    for (int wide = 0; wide < 3; wide++) {
        int count = wide < 2 ? RECORD_COLUMNS_MAX - 1 : 10000;
        buf_add_cstr(&page, "{\"a\":2");
        for (int i = 0; i < count; i++)
            buf_printf(&page, ",\"c%d\":%d", i, i);
        buf_add_cstr(&page, "}\n");
    }
    add_repeated(&page, "{\"a\":3}\n", 1000);
    struct record_decoder *decoder = json_in_new(&found_columns);
    record_dump_page(decoder, buf_str(&page), (struct record_feed){0, RECORD_ROWS_MAX}, NULL,
                     &dump);
    decoder->ops->free(decoder);
    assert_true(dump.read);
    assert_non_null(
        strstr(dump.records.data, "\n999 @1000 a=integer:1\n1000 @1001 a=integer:2 c0="));
    assert_non_null(strstr(dump.errors.data, "! 1002 @1003 columns "));
    assert_non_null(strstr(dump.records.data, "\n2002 @2003 a=integer:3\n"));
    record_dump_done(&dump);
    buf_done(&page);
}

/* The names of members that are not wanted take no memory when they are long. */
static void long_names(void **state)
{
    (void)state;
    enum { NAME_BYTES = 100 * 1024, RECORDS = 64 };
    static const struct str wanted = STR("a");
    const struct record_columns columns = {&wanted, 1};
    struct json_records records;
    struct record_batch batch;
    struct buf record = buf_on_heap(RECORD_DUMP_MAX);
    json_records_init(&records, &columns, false);
    record_batch_init(&batch, 2 * RECORDS);
    assert_true(record_schema_widen(&records.schema, &batch));
    for (int i = 0; i < 2 * RECORDS; i++) {
        buf_clear(&record);
        buf_printf(&record, "{\"%d%s", i, i < RECORDS ? "" : "\\n");
        add_repeated(&record, "n", NAME_BYTES);
        buf_add_cstr(&record, "\":1,\"a\":2}");
        struct json_scan scan = {.end = record.data + record.len};
        assert_non_null(json_record_read(&records, &scan, record.data, &batch));
        batch.rows++;
    }
    assert_true(records.memory.used < 1024 * 1024);
    record_batch_done(&batch);
    json_records_done(&records);
    buf_done(&record);
}

/* Names of a record with an error do not become columns, wherever its error is. */
static void names_of_bad_records(void **state)
{
    (void)state;
    static const struct record_reading readings[] = {
        {"{\"a\":1}\n{\"x\":1,\"y\":}\n{\"x\":1} z\n{\"b\":2}\n",
         "0 @1 a=integer:1\n3 @4 b=integer:2\n",
         "! 1 @2 syntax 11 \"{\"x\":1,\"y\":}\"\n! 2 @3 syntax 8 \"{\"x\":1} z\"\n"},
        {"{\"x\":1,\"\\u0078\":2}\n{\"x\":{\"x\":3}}\n", "1 @2 x=nested:{\"x\":3}\n",
         "! 0 @1 duplicate 16 \"{\"x\":1,\"\\x5cu0078\":2}\"\n"},
    };
    CHECK_JSON_READINGS(&found_columns, readings);
    struct buf page = buf_on_heap(RECORD_DUMP_MAX);
    struct record_dump dump;
    buf_add_cstr(&page, "{\"a\":1}\n{\"a\":2");
    for (int i = 0; i < 10000; i++)
        buf_printf(&page, ",\"x%d\":%d", i, i);
    buf_add_cstr(&page, "}\n{\"a\":1,\"b\":2}\n");
    record_read_long_json(&found_columns, buf_str(&page), &dump);
    assert_string_equal(dump.records.data, "0 @1 a=integer:1\n2 @3 a=integer:1 b=integer:2\n");
    assert_non_null(strstr(dump.errors.data, "! 1 @2 columns "));
    record_dump_done(&dump);
    buf_done(&page);
}

/* A record of an array that is nested too deep is a record error. */
static void deep_item(void **state)
{
    (void)state;
    struct buf page = buf_on_heap(RECORD_DUMP_MAX);
    struct record_dump dump;
    buf_add_cstr(&page, "[{\"a\":");
    add_repeated(&page, "[{\"b\":", 100);
    add_repeated(&page, "}]", 100);
    record_read_json(&found_columns, buf_str(&page), &dump);
    assert_false(dump.read);
    record_dump_done(&dump);
    buf_clear(&page);
    buf_add_cstr(&page, "[{\"a\":");
    add_repeated(&page, "[{\"b\":", 100);
    buf_add_cstr(&page, "1");
    add_repeated(&page, "}]", 100);
    buf_add_cstr(&page, "},{\"a\":2}]");
    record_read_json(&found_columns, buf_str(&page), &dump);
    assert_true(dump.read);
    assert_string_equal(dump.records.data, "1 @1 a=integer:2\n");
    assert_non_null(strstr(dump.errors.data, "! 0 @1 too-deep "));
    record_dump_done(&dump);
    buf_clear(&page);
    buf_add_cstr(&page, "[{\"a\":");
    add_repeated(&page, "[", JSON_STRUCTURE_DEPTH_MAX);
    record_read_json(&found_columns, buf_str(&page), &dump);
    assert_false(dump.read);
    assert_non_null(strstr(dump.error.message, "cannot be read: values are nested more than"));
    record_dump_done(&dump);
    buf_done(&page);
}

/* A page that is past a limit of its own fails, at the same byte whatever the pieces are. */
static void pages_past_limits(void **state)
{
    (void)state;
    static const struct {
        const char *path, *before, *after, *message;
        size_t between; /* bytes */
    } pages[] = {
        {NULL, "[{\"a\":1},{\"a\":\"", "\"}]",
         "cannot be read: a value is longer than 4 MiB at byte 9.", RECORD_BYTES_MAX},
        {"/r", "{\"x\":\"", "\"}", "cannot be read: a value is longer than 4 MiB at byte 0.",
         RECORD_BYTES_MAX},
        {"/r", "{\"x\":\"", "\",\"r\":[{\"a\":1}]}",
         "cannot be read: more than 1 MiB stands around the records at byte 1048576.",
         JSON_REST_MAX},
        {"/r", "{\"r\":[{\"a\":1}],\"x\":\"", "\"}",
         "cannot be read: more than 1 MiB stands around the records at byte 1048583.",
         JSON_REST_MAX},
    };
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        struct json_in_options options = {.path = pages[i].path};
        struct buf page = buf_on_heap(RECORD_DUMP_MAX);
        struct record_dump dump;
        buf_add_cstr(&page, pages[i].before);
        add_repeated(&page, "0123456789abcdef", pages[i].between / 16);
        buf_add_cstr(&page, pages[i].after);
        record_read_long_json(&options, buf_str(&page), &dump);
        assert_false(dump.read);
        if (!strstr(dump.error.message, pages[i].message))
            fail_msg("%s", dump.error.message);
        record_dump_done(&dump);
        buf_done(&page);
    }
}

/* A record that is cut is scanned again only when the window is twice as long: 4 KiB, byte by byte,
 * in a dozen scans. */
static void cut_record(void **state)
{
    (void)state;
    struct buf page = buf_on_heap(RECORD_DUMP_MAX);
    struct record_decoder *decoder = json_in_new(&found_columns);
    buf_add_cstr(&page, "{\"a\":\"");
    add_repeated(&page, "x", 4096);
    buf_add_cstr(&page, "\"}\n");
    assert_in_range(record_dump_scans(decoder, buf_str(&page)), 2, 16);
    decoder->ops->free(decoder);
    buf_done(&page);
}

/* A line that does not end is skipped in pieces, and the next one is read. */
static void endless_line(void **state)
{
    (void)state;
    struct buf page = buf_on_heap(RECORD_DUMP_MAX);
    struct record_dump dump;
    buf_add_cstr(&page, "{\"a\":\"");
    add_repeated(&page, "0123456789abcdef", RECORD_BYTES_MAX / 4);
    buf_add_cstr(&page, "\n{\"a\":1}\n");
    struct record_decoder *decoder = json_in_new(&found_columns);
    record_dump_page(decoder, buf_str(&page), (struct record_feed){0, 100}, NULL, &dump);
    decoder->ops->free(decoder);
    assert_true(dump.read);
    assert_string_equal(dump.records.data, "1 @2 a=integer:1\n");
    assert_non_null(strstr(dump.errors.data, "! 0 @1 too-long 0 "));
    record_dump_done(&dump);
    buf_done(&page);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits),
        cmocka_unit_test(many_columns),
        cmocka_unit_test(endless_line),
        cmocka_unit_test(long_names),
        cmocka_unit_test(names_of_bad_records),
        cmocka_unit_test(deep_item),
        cmocka_unit_test(pages_past_limits),
        cmocka_unit_test(cut_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
