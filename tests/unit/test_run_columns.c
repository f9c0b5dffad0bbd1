/* The columns that a run has written: their types, what no table can have, and the checkpoint. */
#include "cmocka_all.h"

#include "base/buf.h"
#include "flow/run_columns.h"
#include "wire/json_value.h"

#include <stdio.h>

enum { NODES_MAX = 8 * 1024, JSON_MAX = 1024 * 1024 };

struct setting {
    struct arena arena;
    struct run_columns columns;
};

static int set_up(void **state)
{
    static struct setting setting;
    setting = (struct setting){0};
    run_columns_init(&setting.columns, &setting.arena);
    *state = &setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *s = *state;
    run_columns_done(&s->columns);
    arena_done(&s->arena);
    return 0;
}

static struct record_field field(const char *name, enum record_kind kind)
{
    return (struct record_field){.name = str_from(name), .kind = kind};
}

static void add(struct setting *s, const struct record_field *fields, size_t count)
{
    const struct record_fields list = {fields, count};
    run_columns_add(&s->columns, &list);
}

static void assert_columns(const struct run_columns *columns, const char *wanted)
{
    struct arena arena = {0};
    struct buf text = buf_in(&arena, JSON_MAX);
    for (size_t i = 0; i < columns->count; i++)
        buf_printf(&text, "%s%.*s %.*s", i > 0 ? ", " : "", STR_ARG(columns->columns[i]->link.name),
                   STR_ARG(columns->columns[i]->type));
    if (!str_eq(buf_str(&text), str_from(wanted)))
        fail_msg("%.*s", STR_ARG(buf_str(&text)));
    arena_done(&arena);
}

static void columns_are_in_the_order_in_which_they_came(void **state)
{
    struct setting *s = *state;
    const struct record_field first[] = {field("b", RECORD_TEXT), field("a", RECORD_INTEGER)};
    const struct record_field then[] = {field("c", RECORD_TEXT), field("b", RECORD_TEXT)};
    add(s, first, 2);
    add(s, then, 2);
    add(s, first, 2);
    assert_columns(&s->columns, "b string, a string, c string");
}

static void types_are_those_of_parquet(void **state)
{
    struct setting *s = *state;
    struct record_field fields[] = {
        field("text", RECORD_TEXT),     field("integer", RECORD_INTEGER),
        field("any", RECORD_DECIMAL),   field("exact", RECORD_DECIMAL),
        field("flag", RECORD_BOOLEAN),  field("time", RECORD_TIMESTAMP),
        field("date", RECORD_DATE),     field("bytes", RECORD_BYTES),
        field("nested", RECORD_NESTED), field("null", RECORD_NULL),
    };
    fields[3].precision = 12;
    fields[3].scale = 2;
    s->columns.are_typed = true;
    add(s, fields, sizeof(fields) / sizeof(*fields));
    assert_columns(&s->columns, "text string, integer bigint, any string, exact decimal(12,2), "
                                "flag boolean, time timestamp, date date, bytes binary, "
                                "nested string, null string");
}

static void a_column_has_one_type(void **state)
{
    struct setting *s = *state;
    const struct record_field whole = field("n", RECORD_INTEGER), text = field("n", RECORD_TEXT);
    s->columns.are_typed = true;
    add(s, &whole, 1);
    assert_null(s->columns.fault.data);
    add(s, &text, 1);
    assert_true(str_eq(s->columns.fault, STR("The column n is bigint in some objects and string in "
                                             "others: give it one type in a Map task.")));
}

static void columns_of_csv_keep_their_places(void **state)
{
    struct setting *s = *state;
    const struct record_field both[] = {field("a", RECORD_TEXT), field("b", RECORD_TEXT)};
    const struct record_field turned[] = {both[1], both[0]};
    s->columns.by_place = true;
    add(s, both, 2);
    add(s, both, 2);
    assert_null(s->columns.fault.data);
    add(s, turned, 2);
    assert_true(str_starts(s->columns.fault, STR("Objects of CSV have different columns")));
    assert_columns(&s->columns, "a string, b string");
}

static void there_are_not_too_many(void **state)
{
    struct setting *s = *state;
    char name[32];
    for (int i = 0; i <= RECORD_COLUMNS_MAX; i++) {
        assert_null(s->columns.fault.data);
        snprintf(name, sizeof(name), "column-%d", i);
        const struct record_field one = field(name, RECORD_TEXT);
        add(s, &one, 1);
    }
    assert_int_equal(s->columns.count, RECORD_COLUMNS_MAX);
    assert_true(str_starts(s->columns.fault, STR("The records have too many columns")));
}

/* Escaped, all of them are within the limit of a checkpoint. */
static void they_are_not_too_long(void **state)
{
    struct setting *s = *state;
    static char name[RECORD_NAME_MAX + 1];
    for (int i = 1; i <= RECORD_NAME_MAX && !s->columns.fault.data; i++) {
        name[i - 1] = '\1';
        const struct record_field one = field(name, RECORD_TEXT);
        add(s, &one, 1);
    }
    assert_true(str_starts(s->columns.fault, STR("The records have too many columns")));
    struct buf text = buf_in(&s->arena, JSON_MAX);
    value_encode(&text, run_columns_value(&s->columns, &s->arena));
    assert_in_range(buf_str(&text).len, RUN_COLUMNS_BYTES_MAX / 2, RUN_COLUMNS_BYTES_MAX + 256);
}

static bool read_again(struct setting *s, struct str text, struct run_columns *ret_columns)
{
    struct value *list;
    assert_int_equal(json_parse_own(text, NODES_MAX, &s->arena, &list), JSON_READ);
    run_columns_init(ret_columns, &s->arena);
    return run_columns_read(ret_columns, list);
}

static void a_checkpoint_gives_them_back(void **state)
{
    struct setting *s = *state;
    const struct record_field fields[] = {field("a b", RECORD_TEXT), field("", RECORD_TEXT),
                                          field("! c", RECORD_TEXT)};
    const struct record_field other = field("d", RECORD_TEXT);
    struct run_columns again;
    add(s, fields, 3);
    for (int has_fault = 0; has_fault < 2; has_fault++) {
        struct buf text = buf_in(&s->arena, JSON_MAX);
        value_encode(&text, run_columns_value(&s->columns, &s->arena));
        assert_true(read_again(s, buf_str(&text), &again));
        assert_columns(&again, "a b string,  string, ! c string");
        assert_true(str_eq(again.fault, s->columns.fault));
        run_columns_done(&again);
        s->columns.by_place = true;
        add(s, &other, 1);
        assert_non_null(s->columns.fault.data);
    }
}

static void what_is_no_checkpoint_is_refused(void **state)
{
    struct setting *s = *state;
    static const char *const texts[] = {"[1]", "[\"string\"]", "[\"string a\",\"string a\"]",
                                        "[\"! fault\",\"string a\"]"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct run_columns columns;
        assert_false(read_again(s, str_from(texts[i]), &columns));
        run_columns_done(&columns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(columns_are_in_the_order_in_which_they_came, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(types_are_those_of_parquet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_column_has_one_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(columns_of_csv_keep_their_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_are_not_too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(they_are_not_too_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_checkpoint_gives_them_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_checkpoint_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
