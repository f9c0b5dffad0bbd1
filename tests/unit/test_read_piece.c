/* Pieces of CSV files: whole rows of them, wherever a piece ends. */
#include "cmocka_all.h"

#include "base/buf.h"
#include "connector/http/read_piece.h"

#include <string.h>

static struct arena arena;

static const char file[] = "id,at,text\n"
                           "1,2020-01-01T00:00:00Z,null\n"
                           "2,2020-01-02T00:00:00Z,\"null\"\r\n"
                           "3,2020-01-03T00:00:00Z,\"a\n,\"\"b\"\"\"\n"
                           "null,null,x\n"
                           "5,2020-01-04T00:00:00Z,last";

static const char whole[] = "id,at,text\n"
                            "1,2020-01-01T00:00:00Z,\n"
                            "2,2020-01-02T00:00:00Z,\"null\"\r\n"
                            "3,2020-01-03T00:00:00Z,\"a\n,\"\"b\"\"\"\n"
                            ",,x\n"
                            "5,2020-01-04T00:00:00Z,last";

static struct read_piece piece_of(struct str csv, bool has_header, bool is_last)
{
    return (struct read_piece){
        .csv = csv,
        .has_header = has_header,
        .is_last = is_last,
        .header = STR("id,at,text"),
        .null = STR("null"),
        .column = 1,
    };
}

static void assert_page(const struct read_piece *piece, const char *expected)
{
    struct str page;
    size_t taken;
    assert_int_equal(read_piece_take(piece, &arena, &page, &taken), PIECE_TAKEN);
    assert_int_equal(page.len, strlen(expected));
    assert_memory_equal(page.data, expected, page.len);
}

static void a_file_is_a_page(void **state)
{
    (void)state;
    const struct read_piece piece = piece_of(str_from(file), true, true);
    assert_page(&piece, whole);
}

static void rows_at_the_ends_of_a_range_are_left_out(void **state)
{
    (void)state;
    struct read_piece piece = piece_of(str_from(file), true, true);
    piece.before = STR("2020-01-01T00:00:00");
    piece.behind = STR("2020-01-04T00:00:00");
    assert_page(&piece, "id,at,text\n"
                        "2,2020-01-02T00:00:00Z,\"null\"\r\n"
                        "3,2020-01-03T00:00:00Z,\"a\n,\"\"b\"\"\"\n"
                        ",,x\n");
}

/* Times of other forms are those of the same second; of another zone, or none, it is not told. */
static void a_second_has_several_forms(void **state)
{
    (void)state;
    static const struct {
        const char *time;
        bool stays;
    } cases[] = {
        {"2020-01-01T00:00:00Z", false},
        {"2020-01-01T00:00:00+0000", false},
        {"2020-01-01T00:00:00+00:00", false},
        {"2020-01-01T00:00:00.123Z", false},
        {"2020-01-04T00:00:00.5+0000", false},
        {"\"2020-01-04T00:00:00Z\"", false},
        {"2020-01-01T00:00:01Z", true},
        {"2019-12-31T00:00:00Z", true},
        {"2020-01-05T00:00:00+0000", true},
        {"2020-01-01T00:00:00+0200", true},
        {"2020-01-01T00:00:00", true},
        {"2020-01-01", true},
        {"", true},
        {"null", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct str csv = arena_printf(&arena, "1,%s,x\n", cases[i].time);
        struct read_piece piece = piece_of(csv, false, true);
        piece.before = STR("2020-01-01T00:00:00");
        piece.behind = STR("2020-01-04T00:00:00");
        piece.null = STR_NULL;
        struct str rows = cases[i].stays ? csv : STR("");
        assert_page(&piece, arena_printf(&arena, "id,at,text\n%.*s", STR_ARG(rows)).data);
    }
}

/* As the decoder reads them: a quote within an unquoted field is a character. */
static void a_quote_within_a_field_is_a_character(void **state)
{
    (void)state;
    static const char rows[] = "1,2,19\" rack\n2,3,a\"b,\n3,4,\"5\"\",\n6\"\n";
    for (size_t len = 20; len <= strlen(rows); len++) {
        const struct read_piece piece = piece_of((struct str){rows, len}, false, false);
        struct str page;
        size_t taken;
        assert_int_equal(read_piece_take(&piece, &arena, &page, &taken), PIECE_TAKEN);
        assert_int_equal(taken, len < 22 ? 13 : len < strlen(rows) ? 22 : strlen(rows));
    }
}

/* Pieces of every length give the same rows, each once. */
static void rows_do_not_depend_on_where_pieces_end(void **state)
{
    (void)state;
    for (size_t length = 44; length <= strlen(file); length++) {
        struct buf rows = buf_in(&arena, sizeof(file) + sizeof("id,at,text"));
        buf_add_cstr(&rows, "id,at,text\n");
        for (size_t at = 0; at < strlen(file);) {
            size_t left = strlen(file) - at, len = left < length ? left : length, taken;
            struct read_piece piece = piece_of((struct str){file + at, len}, at == 0, len == left);
            struct str page;
            assert_int_equal(read_piece_take(&piece, &arena, &page, &taken), PIECE_TAKEN);
            buf_add(&rows, (struct str){page.data + 11, page.len - 11});
            at += taken;
        }
        assert_string_equal(rows.data, whole);
    }
}

static void a_row_past_a_piece_is_no_page(void **state)
{
    (void)state;
    struct read_piece piece = piece_of(STR("1,\"2\n3,4\n5"), false, false);
    struct str page;
    size_t taken;
    assert_int_equal(read_piece_take(&piece, &arena, &page, &taken), PIECE_WITHOUT_ROW);
}

static void a_file_with_other_columns_is_no_page(void **state)
{
    (void)state;
    static const char *const others[] = {"id,text,at\n1,2,3\n", "id,at\n1,2\n", "id,at,text,x\n",
                                         "ID,at,text\n"};
    static const char *const same[] = {"\xef\xbb\xbfid,at,text\r\n", "\"id\",\"at\",\"text\"\n"};
    struct str page;
    size_t taken;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        struct read_piece piece = piece_of(str_from(others[i]), true, true);
        assert_int_equal(read_piece_take(&piece, &arena, &page, &taken), PIECE_OTHER_COLUMNS);
    }
    for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
        struct read_piece piece = piece_of(str_from(same[i]), true, true);
        assert_page(&piece, "id,at,text\n");
    }
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_file_is_a_page, tear_down),
        cmocka_unit_test_teardown(rows_at_the_ends_of_a_range_are_left_out, tear_down),
        cmocka_unit_test_teardown(a_second_has_several_forms, tear_down),
        cmocka_unit_test_teardown(a_quote_within_a_field_is_a_character, tear_down),
        cmocka_unit_test_teardown(rows_do_not_depend_on_where_pieces_end, tear_down),
        cmocka_unit_test_teardown(a_row_past_a_piece_is_no_page, tear_down),
        cmocka_unit_test_teardown(a_file_with_other_columns_is_no_page, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
