/* The first record of an object, from beginnings of every length. */
#include "cmocka_all.h"

#include "record/first_record.h"

#include <string.h>

static const struct {
    const char *name, *text;
    size_t needed;       /* bytes that suffice when more follow; 0: all of it are not enough */
    const char *columns; /* when it is read */
    enum first_record_end end; /* of all of it */
} rows[] = {
    {"csv", "a,b\n1,2\n", 4, "a b", FIRST_RECORD_READ},
    {"csv, quotes", "\"a,\"\"1\n\",b\r\n1,2\n", 12, "a,\"1\n b", FIRST_RECORD_READ},
    {"csv, a mark", "\xEF\xBB\xBF\n\na,b\r", 0, "a b", FIRST_RECORD_READ},
    {"csv, no line end", "a,b", 0, "a b", FIRST_RECORD_READ},
    {"csv, ragged", "a,b\n1\n", 4, "a b", FIRST_RECORD_READ},
    {"json lines", "{\"a\":1,\"b\":{}}\n{\"c\":1}\n", 15, "a b", FIRST_RECORD_READ},
    {"json, one", " \n{\"a\":1,\n\"b\":2}", 0, "a b", FIRST_RECORD_READ},
    {"json, a list", "[{\"a\":1},{\"b\":1}]", 8, "a", FIRST_RECORD_READ},
    {"json, no members", "{}\n", 3, "", FIRST_RECORD_READ},
    {"nothing", "", 0, NULL, FIRST_RECORD_NONE},
    {"blank lines", "\n\r\n", 0, NULL, FIRST_RECORD_NONE},
    {"an empty list", "[ ]", 0, NULL, FIRST_RECORD_NONE},
    {"a column twice", "a,a\n", 4, NULL, FIRST_RECORD_UNFIT},
    {"no object", "[1,2]", 3, NULL, FIRST_RECORD_UNFIT},
    {"no UTF-8", "a\xFF,b\n", 3, NULL, FIRST_RECORD_UNFIT},
    {"json that ends", "{\"a\":", 0, NULL, FIRST_RECORD_UNFIT},
};

static void assert_columns(const struct record_batch *batch, const char *expected)
{
    char found[256] = "";
    for (size_t i = 0; i < batch->column_count; i++) {
        struct str name = batch->columns[i].name;
        strncat(found, i > 0 ? " " : "", 2);
        strncat(found, name.data, name.len);
    }
    assert_string_equal(found, expected);
}

static enum first_record_end read_text(size_t row, size_t len, bool is_whole)
{
    struct record_batch batch;
    struct error error = {0};
    bool is_json;
    char *copy = test_malloc(len + 1); /* a reader past its end is found */
    memcpy(copy, rows[row].text, len);
    enum first_record_end end =
        first_record_read((struct str){copy, len}, is_whole, &batch, &is_json, &error);
    if (end == FIRST_RECORD_READ) {
        assert_columns(&batch, rows[row].columns);
        assert_int_equal(is_json, strpbrk(rows[row].text, "{[") != NULL);
    }
    if (end == FIRST_RECORD_UNFIT)
        assert_true(strlen(error.message) > 0);
    record_batch_done(&batch);
    test_free(copy);
    return end;
}

static void whole_objects(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        enum first_record_end end = read_text(i, strlen(rows[i].text), true);
        if (end != rows[i].end)
            fail_msg("%s: %d", rows[i].name, (int)end);
    }
}

/* A beginning is enough, or it is said that more is needed; it is never taken for a whole. */
static void beginnings_of_each_length(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t needed = rows[i].needed > 0 ? rows[i].needed : SIZE_MAX;
        for (size_t len = 0; len <= strlen(rows[i].text); len++) {
            enum first_record_end end = read_text(i, len, false);
            enum first_record_end read = rows[i].end;
            if (end != (len < needed ? FIRST_RECORD_CUT : read))
                fail_msg("%s, %zu bytes: %d", rows[i].name, len, (int)end);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_objects),
        cmocka_unit_test(beginnings_of_each_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
