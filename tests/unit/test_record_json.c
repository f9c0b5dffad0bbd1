/* JSON in and out: each kind of value, each fault with its place, each form of a page; and whatever
 * the pieces and batches are, the same records. */
#include "cmocka_all.h"

#include "record/json_in.h"
#include "record/json_out.h"
#include "record_feeds.h"

#include <stdlib.h>
#include <string.h>

static const struct json_in_options found_columns = {.path = NULL};

static void values(void **state)
{
    (void)state;
    static const struct record_reading readings[] = {
        {"{\"a\":1}", "0 @1 a=integer:1\n", ""},
        {"{\"a\":\"x\"}\n{\"a\":\"\"}\n", "0 @1 a=text:x\n1 @2 a=text:\n", ""},
        {"{}\n{ }\n", "0 @1\n1 @2\n", ""},
        {"{\"a\":true,\"b\":false,\"c\":null,\"d\":0}",
         "0 @1 a=boolean:true b=boolean:false d=integer:0\n", ""},
        {"{\"a\":9223372036854775807,\"b\":-9223372036854775808}",
         "0 @1 a=integer:9223372036854775807 b=integer:-9223372036854775808\n", ""},
        {"{\"a\":9223372036854775808,\"b\":-9223372036854775809,\"c\":-0}",
         "0 @1 a=decimal(0):9223372036854775808 b=decimal(0):-9223372036854775809 "
         "c=decimal(0):-0\n",
         ""},
        {"{\"a\":9007199254740993,\"b\":0.10,\"c\":-12.3450,\"d\":1E400,\"e\":1.5e-3}",
         "0 @1 a=integer:9007199254740993 b=decimal(2):0.10 c=decimal(4):-12.3450 "
         "d=decimal(-1):1E400 e=decimal(-1):1.5e-3\n",
         ""},
        {"{\"a\":123456789012345678901234567890.123}",
         "0 @1 a=decimal(3):123456789012345678901234567890.123\n", ""},
        {"{\"a\":\"\\u00e9\\n\\\"\\\\\\/\\b\\f\\r\\t\\u0000\"}",
         "0 @1 a=text:\xc3\xa9\\x0a\"\\x5c/\\x08\\x0c\\x0d\\x09\\x00\n", ""},
        {"{\"a\":\"\\ud83d\\ude00\",\"b\":\"\xf0\x9f\x98\x80\"}",
         "0 @1 a=text:\xf0\x9f\x98\x80 b=text:\xf0\x9f\x98\x80\n", ""},
        {"{\"\\u0061b\":1}\n{\"ab\":2}\n", "0 @1 ab=integer:1\n1 @2 ab=integer:2\n", ""},
        {"{\"a\":{\"x\":[1,{\"y\":null}]},\"b\":[ ]}",
         "0 @1 a=nested:{\"x\":[1,{\"y\":null}]} b=nested:[ ]\n", ""},
        {"\xef\xbb\xbf{\"a\":1}\r\n\r\n  {\"a\" :\t2 }  \r\n",
         "0 @1 a=integer:1\n1 @3 a=integer:2\n", ""},
        /* It is a mark only where the page begins. */
        {"    \n\xef\xbb\xbf{\"a\":1}\n", "", "! 0 @2 not-record 0 \"\xef\xbb\xbf{\"a\":1}\"\n"},
        {"\xef\xbb\xbf\xef\xbb\xbf{\"a\":1}\n", "",
         "! 0 @1 not-record 0 \"\xef\xbb\xbf{\"a\":1}\"\n"},
        {"", "", ""},
        {" \n\n", "", ""},
    };
    CHECK_JSON_READINGS(&found_columns, readings);
}

/* Members that come in another order, are left out, or come with other blanks. */
static void members(void **state)
{
    (void)state;
    static const struct record_reading readings[] = {
        {"{\"a\":1,\"b\":2}\n{\"b\":3,\"a\":4}\n{\"b\":5}\n{\"a\":6, \"b\":7}\n{\"c\":8,\"a\":9}\n",
         "0 @1 a=integer:1 b=integer:2\n1 @2 a=integer:4 b=integer:3\n2 @3 b=integer:5\n"
         "3 @4 a=integer:6 b=integer:7\n4 @5 a=integer:9 c=integer:8\n",
         ""},
        {"{\"a\":1}\n{\"a\": 2}\n{\"a\":\n3}\n{\"a\":4}\n",
         "0 @1 a=integer:1\n1 @2 a=integer:2\n2 @3 a=integer:3\n3 @5 a=integer:4\n", ""},
        {"{\"a\":\"x\"}\n{\"a\":{\"a\":1}}\n{\"a\":[]}\n{\"a\":null}\n{\"a\":2}\n",
         "0 @1 a=text:x\n1 @2 a=nested:{\"a\":1}\n2 @3 a=nested:[]\n3 @4\n4 @5 a=integer:2\n", ""},
        {"{\"a\":1,\"ab\":2}\n{\"ab\":3,\"a\":4}\n",
         "0 @1 a=integer:1 ab=integer:2\n1 @2 a=integer:4 ab=integer:3\n", ""},
    };
    CHECK_JSON_READINGS(&found_columns, readings);
}

static void faults(void **state)
{
    (void)state;
    static const struct record_reading readings[] = {
        {"{\"a\":1}\n{\"a\":}\n{\"a\":3}\n", "0 @1 a=integer:1\n2 @3 a=integer:3\n",
         "! 1 @2 syntax 5 \"{\"a\":}\"\n"},
        {"{\"a\":1\n{\"a\":2}\n", "1 @2 a=integer:2\n", "! 0 @1 syntax 6 \"{\"a\":1\"\n"},
        {"{\"a\":\n{\"a\":2}\n{\"a\":3}\n", "1 @2 a=integer:2\n2 @3 a=integer:3\n",
         "! 0 @1 syntax 5 \"{\"a\":\"\n"},
        {"{\"a\":1} x\n{\"a\":2}\n", "1 @2 a=integer:2\n", "! 0 @1 syntax 8 \"{\"a\":1} x\"\n"},
        {"{\"a\":1}{\"a\":2}\n", "", "! 0 @1 syntax 7 \"{\"a\":1}{\"a\":2}\"\n"},
        {"{\"a\":1,\"a\":2}\n{\"a\":3}\n", "1 @2 a=integer:3\n",
         "! 0 @1 duplicate 11 \"{\"a\":1,\"a\":2}\"\n"},
        {"{\"a\":1,\"\\u0061\":2}\n", "", "! 0 @1 duplicate 16 \"{\"a\":1,\"\\x5cu0061\":2}\"\n"},
        {"7\n\"x\"\nnull\n{\"a\":1}\n", "3 @4 a=integer:1\n",
         "! 0 @1 not-record 0 \"7\"\n! 1 @2 not-record 0 \"\"x\"\"\n! 2 @3 not-record 0 "
         "\"null\"\n"},
        {"{\"a\":\"\\ud800\"}\n{\"a\":\"\\udc00x\"}\n{\"a\":\"\\ud800\\u0041\"}\n", "",
         "! 0 @1 utf8 6 \"{\"a\":\"\\x5cud800\"}\"\n! 1 @2 utf8 6 \"{\"a\":\"\\x5cudc00x\"}\"\n"
         "! 2 @3 utf8 6 \"{\"a\":\"\\x5cud800\\x5cu0041\"}\"\n"},
        {"{\"a\":\"\\ud800\"}", "", "! 0 @1 utf8 6 \"{\"a\":\"\\x5cud800\"}\"\n"},
        {"{\"a\":\"\\ud800\\u0\"}", "", "! 0 @1 utf8 6 \"{\"a\":\"\\x5cud800\\x5cu0\"}\"\n"},
        {"{\"a\":\"\xc3\"}\n{\"a\":\"\xed\xa0\x80\"}\n{\"\xff\":1}\n", "",
         "! 0 @1 utf8 6 \"{\"a\":\"\xc3\"}\"\n! 1 @2 utf8 6 \"{\"a\":\"\xed\xa0\x80\"}\"\n"
         "! 2 @3 utf8 2 \"{\"\xff\":1}\"\n"},
        {"{\"a\":01}\n{\"a\":1.}\n{\"a\":.5}\n{\"a\":+1}\n{\"a\":1e}\n{\"a\":-}\n{\"a\":1x}\n", "",
         "! 0 @1 syntax 5 \"{\"a\":01}\"\n! 1 @2 syntax 7 \"{\"a\":1.}\"\n"
         "! 2 @3 syntax 5 \"{\"a\":.5}\"\n! 3 @4 syntax 5 \"{\"a\":+1}\"\n"
         "! 4 @5 syntax 7 \"{\"a\":1e}\"\n! 5 @6 syntax 6 \"{\"a\":-}\"\n"
         "! 6 @7 syntax 6 \"{\"a\":1x}\"\n"},
        {"{\"a\":tru}\n{\"a\":nul}\n{\"a\":\"\\x\"}\n{\"a\":\"\\u12g4\"}\n{\"a\":\"\t\"}\n{\"a\"}\n"
         "{\"a\":1,}\n{,}\n{a:1}\n",
         "",
         "! 0 @1 syntax 5 \"{\"a\":tru}\"\n! 1 @2 syntax 5 \"{\"a\":nul}\"\n"
         "! 2 @3 syntax 6 \"{\"a\":\"\\x5cx\"}\"\n! 3 @4 syntax 6 \"{\"a\":\"\\x5cu12g4\"}\"\n"
         "! 4 @5 syntax 6 \"{\"a\":\"\\x09\"}\"\n! 5 @6 syntax 4 \"{\"a\"}\"\n"
         "! 6 @7 syntax 7 \"{\"a\":1,}\"\n! 7 @8 syntax 1 \"{,}\"\n! 8 @9 syntax 1 \"{a:1}\"\n"},
        {"{\"a\":[1,]}\n{\"a\":[1 2]}\n{\"a\":{\"x\"}}\n{\"a\":{\"x\":1,}}\n{\"a\":[}\n", "",
         "! 0 @1 syntax 8 \"{\"a\":[1,]}\"\n! 1 @2 syntax 8 \"{\"a\":[1 2]}\"\n"
         "! 2 @3 syntax 9 \"{\"a\":{\"x\"}}\"\n! 3 @4 syntax 12 \"{\"a\":{\"x\":1,}}\"\n"
         "! 4 @5 syntax 6 \"{\"a\":[}\"\n"},
        {"{\"\":1}\n", "", "! 0 @1 name 2 \"{\"\":1}\"\n"},
        {"{\"a\":1", "", "! 0 @1 syntax 6 \"{\"a\":1\"\n"},
        {"{\"a\":\"x", "", "! 0 @1 syntax 7 \"{\"a\":\"x\"\n"},
    };
    CHECK_JSON_READINGS(&found_columns, readings);
}

static void given_columns(void **state)
{
    (void)state;
    static const struct str names[] = {STR("b"), STR("never"), STR("a")};
    static const struct json_in_options options = {.columns = {names, 3}};
    static const struct record_reading readings[] = {
        {"{\"a\":1,\"x\":{\"b\":2},\"b\":3}\n{\"y\":\"\\n\"}\n{\"x\":1,\"x\":2,\"a\":3}\n",
         "0 @1 b=integer:3 a=integer:1\n1 @2\n2 @3 a=integer:3\n", ""},
        /* What is not wanted must be valid all the same. */
        {"{\"x\":01,\"a\":1}\n{\"x\":\"\xff\",\"a\":1}\n{\"a\":2}\n", "2 @3 a=integer:2\n",
         "! 0 @1 syntax 5 \"{\"x\":01,\"a\":1}\"\n! 1 @2 utf8 6 \"{\"x\":\"\xff\",\"a\":1}\"\n"},
    };
    CHECK_JSON_READINGS(&options, readings);
}

static void whole_records(void **state)
{
    (void)state;
    static const struct json_in_options options = {.whole = true};
    static const struct record_reading readings[] = {
        {"{\"a\":1, \"b\":{}}\n{\"a\":}\n", "0 @1 record=nested:{\"a\":1, \"b\":{}}\n",
         "! 1 @2 syntax 5 \"{\"a\":}\"\n"},
    };
    CHECK_JSON_READINGS(&options, readings);
}

static void arrays(void **state)
{
    (void)state;
    static const struct record_reading readings[] = {
        {"[{\"a\":1},{\"a\":2}]", "0 @1 a=integer:1\n1 @1 a=integer:2\n", ""},
        {" [\n{\"a\":1}\n,\n{\"a\":\n2}\n]\n", "0 @2 a=integer:1\n1 @4 a=integer:2\n", ""},
        {"[]", "", ""},
        {"[ ] ", "", ""},
        {"[{\"a\":1,\"a\":2},7,[{}],{\"a\":\"\xff\"},{\"a\":3}]", "4 @1 a=integer:3\n",
         "! 0 @1 duplicate 11 \"{\"a\":1,\"a\":2}\"\n! 1 @1 not-record 0 \"7\"\n"
         "! 2 @1 not-record 0 \"[{}]\"\n! 3 @1 utf8 6 \"{\"a\":\"\xff\"}\"\n"},
        {"[{\"a\":1},{\"a\":\"\\ud800\"}]", "0 @1 a=integer:1\n",
         "! 1 @1 utf8 6 \"{\"a\":\"\\x5cud800\"}\"\n"},
    };
    CHECK_JSON_READINGS(&found_columns, readings);
}

static void broken_pages(void **state)
{
    (void)state;
    static const struct {
        const char *path, *page, *message;
    } pages[] = {
        {NULL, "[{\"a\":1}", "it ends too early at byte 8"},
        {NULL, "[{\"a\":1},", "it ends too early at byte 9"},
        {NULL, "[{\"a\":1},]", "the text is not valid in its format at byte 9"},
        {NULL, "[{\"a\":1 {\"a\":2}]", "the text is not valid in its format at byte 8"},
        {NULL, "[{\"a\":1}{\"a\":2}]", "there is neither ',' nor ']' behind a record at byte 8"},
        {NULL, "[{\"a\":1}] x", "there is more behind the array at byte 10"},
        {"/r", "", "it ends too early at byte 0"},
        {"/r", "{\"r\":[{\"a\":1}", "it ends too early at byte 13"},
        {"/r", "{\"x\":1 \"r\":[]}", "the text is not valid in its format at byte 7"},
        {"/r", "{\"x\":1,}", "the text is not valid in its format at byte 7"},
        {"/r", "{\"x\":1", "it ends too early at byte 6"},
        {"/r", "{\"r\":[{\"a\":1}]", "it ends too early at byte 14"},
        {"/r", "{\"r\":[{\"a\":1}],\"next\":\"/x", "it ends too early at byte 25"},
        {"/r", "{\"r\":[{\"a\":1}],}", "the text is not valid in its format at byte 15"},
        {"/r", "{\"r\":[]} x", "there is more behind the document at byte 9"},
        {"/r", "{\"e\":1} x", "there is more behind the document at byte 8"},
        {"/r", "<html>", "the text is not valid in its format at byte 0"},
    };
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        struct json_in_options options = {.path = pages[i].path};
        struct record_dump dump;
        record_read_json(&options, str_from(pages[i].page), &dump);
        assert_false(dump.read);
        assert_int_equal(dump.error.code, ERR_VALIDATION);
        if (!strstr(dump.error.message, pages[i].message))
            fail_msg("%s: %s", pages[i].page, dump.error.message);
        record_dump_done(&dump);
    }
}

static void documents(void **state)
{
    (void)state;
    static const struct {
        const char *path, *page, *records, *rest;
        bool found;
    } pages[] = {
        {"/records", "{\"n\":2,\"records\":[{\"a\":1},{\"a\":2}],\"next\":\"/x\"}",
         "0 @1 a=integer:1\n1 @1 a=integer:2\n", "{\"n\":2,\"records\":[],\"next\":\"/x\"}", true},
        {"/d/results", "{\"d\":{\"x\":[{\"a\":9}],\"results\":[{\"a\":1}]}}", "0 @1 a=integer:1\n",
         "{\"d\":{\"x\":[{\"a\":9}],\"results\":[]}}", true},
        {"", "[{\"a\":1}]", "0 @1 a=integer:1\n", "[]", true},
        {"/r", "{\"r\":[]}", "", "{\"r\":[]}", true},
        {"/r", "{\"\\u0072\":[{\"a\":1}]}", "0 @1 a=integer:1\n", "{\"\\u0072\":[]}", true},
        {"/r", "{\"r\":null,\"e\":[1]}", "", "{\"r\":null,\"e\":[1]}", false},
        {"/r/s", "{\"r\":[[{\"a\":1}]]}", "", "{\"r\":[[{\"a\":1}]]}", false},
        {"/r", "{\"error\":\"x\"}", "", "{\"error\":\"x\"}", false},
        {"/r", "[[{\"a\":1}]]", "", "[[{\"a\":1}]]", false},
    };
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        for (size_t j = 0; j < RECORD_FEEDS; j++) {
            struct json_in_options options = {.path = pages[i].path};
            struct record_decoder *decoder = json_in_new(&options);
            struct record_dump dump;
            bool found;
            record_dump_page(decoder, str_from(pages[i].page), record_feeds[j], NULL, &dump);
            struct str rest = json_in_rest(decoder, &found);
            if (!dump.read)
                fail_msg("%s: %s", pages[i].page, dump.error.message);
            assert_int_equal(found, pages[i].found);
            if (!str_eq(rest, str_from(pages[i].rest)))
                fail_msg("%s leaves %.*s", pages[i].page, STR_ARG(rest));
            assert_true(str_eq(record_text(&dump.records), str_from(pages[i].records)));
            record_dump_done(&dump);
            decoder->ops->free(decoder);
        }
    }
}

/* Columns keep their places from page to page. */
static void pages_in_turn(void **state)
{
    (void)state;
    struct record_decoder *decoder = json_in_new(&found_columns);
    struct record_dump dump;
    record_dump_page(decoder, STR("{\"a\":1}"), record_feeds[0], NULL, &dump);
    record_dump_done(&dump);
    record_dump_page(decoder, STR("{\"b\":1,\"a\":2}"), record_feeds[0], NULL, &dump);
    assert_string_equal(dump.records.data, "0 @1 a=integer:2 b=integer:1\n");
    record_dump_done(&dump);
    decoder->ops->free(decoder);
}

/* As another decoder would read the page, which has seen none before it. */
static void forgotten_columns(void **state)
{
    (void)state;
    static const struct str names[] = {STR("b")};
    const struct json_in_options options[] = {
        {.columns = {names, 1}}, {.whole = true}, {.columns = {0}}};
    const char *expected[] = {"0 @1 b=integer:1\n",
                              "0 @1 record=nested:{\"b\":1,\"a\":2,\"c\":3}\n",
                              "0 @1 b=integer:1 a=integer:2 c=integer:3\n"};
    for (int i = 0; i < 3; i++) {
        struct record_decoder *decoder = json_in_new(&options[i]);
        struct record_dump dump;
        record_dump_page(decoder, STR("{\"a\":1,\"b\":2}"), record_feeds[0], NULL, &dump);
        record_dump_done(&dump);
        decoder->ops->forget_columns(decoder);
        record_dump_page(decoder, STR("{\"b\":1,\"a\":2,\"c\":3}"), record_feeds[0], NULL, &dump);
        assert_string_equal(dump.records.data, expected[i]);
        record_dump_done(&dump);
        decoder->ops->free(decoder);
    }
}

/* What the encoder writes of a page whose columns are a, b and c. */
static void encode(const char *page, bool whole, struct buf *out)
{
    static const struct str names[] = {STR("a"), STR("b"), STR("c")};
    static const struct record_field fields[] = {
        {.name = STR("a")}, {.name = STR("b")}, {.name = STR("c")}};
    struct json_in_options in = {.columns = {names, 3}, .whole = whole};
    struct json_out_options options = {.fields = {fields, whole ? 1 : 3}, .whole = whole};
    struct record_output output = {record_keep, out};
    struct record_encoder *encoder = json_out_new(&options, &output);
    struct record_decoder *decoder = json_in_new(&in);
    struct record_dump dump;
    struct error error;
    record_dump_page(decoder, str_from(page), record_feeds[0], encoder, &dump);
    assert_true(dump.read);
    uint64_t size = encoder->ops->size(encoder);
    assert_true(encoder->ops->finish(encoder, &error));
    assert_int_equal(size, out->len);
    encoder->ops->free(encoder);
    decoder->ops->free(decoder);
    record_dump_done(&dump);
}

static void written_as_lines(void **state)
{
    (void)state;
    static const struct {
        const char *page, *lines;
        bool whole;
    } cases[] = {
        {"{\"c\":1.50,\"a\":\"x\"}", "{\"a\":\"x\",\"b\":null,\"c\":1.50}\n", false},
        {"{\"a\":\"\\u00e9\\n\\\"\\\\\\/\\b\\f\\r\\t\\u0000\\u001f\\u007f\"}",
         "{\"a\":\"\xc3\xa9\\n\\\"\\\\/\\b\\f\\r\\t\\u0000\\u001f\x7f\",\"b\":null,\"c\":null}\n",
         false},
        {"{\"a\":true,\"b\":-7,\"c\":9223372036854775808}",
         "{\"a\":true,\"b\":-7,\"c\":9223372036854775808}\n", false},
        {"{\"a\":{\"x\":\n[1,\r\n2]},\"b\":\"0123456789012345678901234567890\\n\"}",
         "{\"a\":{\"x\": [1,  2]},\"b\":\"0123456789012345678901234567890\\n\",\"c\":null}\n",
         false},
        {"{\"z\":1,\n\"a\":2}\n{}", "{\"z\":1, \"a\":2}\n{}\n", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf out = buf_on_heap(RECORD_DUMP_MAX);
        encode(cases[i].page, cases[i].whole, &out);
        assert_string_equal(out.data, cases[i].lines);
        buf_done(&out);
    }
}

/* Texts longer than what is held back are written in pieces. */
static void long_texts_written(void **state)
{
    (void)state;
    struct buf page = buf_on_heap(RECORD_DUMP_MAX), out = buf_on_heap(RECORD_DUMP_MAX);
    buf_add_cstr(&page, "{\"a\":\"");
    add_repeated(&page, "\\\"\\u0001", 200 * 1000);
    buf_add_cstr(&page, "\",\"b\":\"");
    add_repeated(&page, "xyz", 300 * 1000);
    buf_add_cstr(&page, "\",\"c\":null}\n");
    encode(page.data, false, &out);
    assert_int_equal(out.len, page.len);
    assert_memory_equal(out.data, page.data, page.len);
    buf_done(&page);
    buf_done(&out);
}

/* The output's error is the encoder's. */
static void output_fails(void **state)
{
    (void)state;
    static const struct record_field field = {.name = STR("a")};
    struct json_out_options options = {.fields = {&field, 1}};
    struct record_batch batch;
    size_t pieces_left = 1;
    struct record_output output = {record_break_off, &pieces_left};
    struct record_encoder *encoder = json_out_new(&options, &output);
    struct buf text = buf_on_heap(RECORD_DUMP_MAX);
    struct error error;
    add_repeated(&text, "0123456789abcde\"", 64 * 1024);
    record_batch_init(&batch, 8);
    record_batch_add_column(&batch, STR("a"));
    batch.rows = 1;
    batch.columns[0].cells[0] =
        (struct record_cell){.text = text.data, .len = (uint32_t)text.len, .kind = RECORD_TEXT};
    assert_false(encoder->ops->write(encoder, &batch, &error));
    assert_int_equal(error.code, ERR_UNAVAILABLE);
    encoder->ops->free(encoder);
    record_batch_done(&batch);
    buf_done(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),           cmocka_unit_test(members),
        cmocka_unit_test(faults),           cmocka_unit_test(given_columns),
        cmocka_unit_test(whole_records),    cmocka_unit_test(arrays),
        cmocka_unit_test(broken_pages),     cmocka_unit_test(documents),
        cmocka_unit_test(pages_in_turn),    cmocka_unit_test(forgotten_columns),
        cmocka_unit_test(written_as_lines), cmocka_unit_test(long_texts_written),
        cmocka_unit_test(output_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
