/* The types that Map tasks name: when values are converted, what rejects a record, and what the
 * output says of its columns. */
#include "program_fixture.h"

#define TYPED(from, source, to, wanted)                                                            \
    "{`taskType`:`Map`,`sourceFields`:[`" from "`],`destinationField`:`" to                        \
    "`,`taskProperties`:{`SOURCE_DATA_TYPE`:`" source "`,`DESTINATION_DATA_TYPE`:`" wanted "`}}"

static const struct record_cell *cell_at(const struct setting *s, size_t column, size_t row)
{
    assert_true(column < s->result.output.column_count && row < s->result.output.rows);
    return &s->result.output.columns[column].cells[row];
}

static void run_typed(struct setting *s, const char *tasks)
{
    bool ok = make(s, tasks) && flow_program_keep_types(s->program, &s->error) &&
              flow_program_run(s->program, &s->batch, &s->result, &s->error);
    if (!ok)
        print_error("%s\n", s->error.message);
    assert_true(ok);
}

static void assert_field(const struct setting *s, size_t column, const char *name,
                         enum record_kind kind, int precision, int scale)
{
    assert_int_equal(s->result.fields.count, s->result.output.column_count);
    const struct record_field *field = &s->result.fields.fields[column];
    assert_true(str_eq(field->name, str_from(name)));
    assert_true(str_eq(field->name, s->result.output.columns[column].name));
    assert_int_equal(field->kind, kind);
    assert_int_equal(field->precision, precision);
    assert_int_equal(field->scale, scale);
    assert_false(field->local);
}

static void values_are_converted_where_types_differ(void **state)
{
    struct setting *s = *state;
    add(s, "a=9007199254740993;b='9007199254740993';c=1.50;d=true");
    run(s, "[" TYPED("a", "long", "A", "string") "," TYPED("b", "string", "B", "Integer") "," TYPED(
               "c", "double", "C", "Double") "," TYPED("d", "boolean", "D", "string") "]");
    assert_output(s, "A=9007199254740993; B=9007199254740993; C=1.50; D=true");
    assert_int_equal(cell_at(s, 0, 0)->kind, RECORD_TEXT);
    assert_int_equal(cell_at(s, 1, 0)->kind, RECORD_INTEGER);
    assert_int_equal(cell_at(s, 2, 0)->kind, RECORD_DECIMAL);
    assert_int_equal(cell_at(s, 3, 0)->kind, RECORD_TEXT);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(s->result.fields.fields[i].kind, RECORD_TEXT);
}

/* A value that its own type does not have is written as it came, and so is one of a type that is
 * not known. */
static void values_stay_where_types_are_the_same(void **state)
{
    struct setting *s = *state;
    add(s, "a='none';b='2026-03-01T08:12:03.000+0000';c='x';d=5");
    run(s, "[" TYPED("a", "int", "A", "Long") "," TYPED("b", "datetime", "B", "DateTime") "," TYPED(
               "c", "address", "C", "location") "," TYPED("d", "int", "D", "address") "]");
    assert_output(s, "A=none; B=2026-03-01T08:12:03.000+0000; C=x; D=5");
    assert_int_equal(cell_at(s, 3, 0)->kind, RECORD_INTEGER);
    assert_int_equal(s->result.reject_count, 0);
}

static void a_record_with_another_value_is_rejected(void **state)
{
    struct setting *s = *state;
    static const char *const values[] = {"'1'", "'x'", "null", "''", "'1.5'", "2", "1.50", "'2.0'"};
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        char record[64];
        snprintf(record, sizeof(record), "a=%s;b=%zu", values[i], i);
        add(s, record);
    }
    run(s, "[" MAP("b", "b") "," TYPED("a", "string", "a", "int") "]");
    assert_output(s, "b=0; a=1 | b=2; a=null | b=3; a=null | b=5; a=2 | b=7; a=2");
    assert_int_equal(s->result.reject_count, 3);
    assert_int_equal(s->result.rejects[0].task, 2);
    assert_int_equal(s->result.rejects[0].why, FLOW_REJECT_NOT_OF_TYPE);
    assert_int_equal(s->result.rejects[0].place.position, 1);
    assert_int_equal(s->result.rejects[1].why, FLOW_REJECT_TOO_LONG);
    assert_int_equal(s->result.rejects[2].why, FLOW_REJECT_TOO_LONG);
}

static void a_field_is_converted_for_one_place_alone(void **state)
{
    struct setting *s = *state;
    add(s, "a='x';b='7'");
    add(s, "a='1';b='7'");
    add(s, "a='1';b='no'");
    add(s, "a='2';b='8'");
    run(s, "[" TYPED("b", "string", "n", "int") "," TYPED("b", "string", "t", "string") "," TYPED(
               "a", "string", "A", "int") "," ALL "]");
    assert_output(s, "a=1; b=7; n=7; t=7; A=1 | a=2; b=8; n=8; t=8; A=2");
    assert_int_equal(s->result.reject_count, 2);
    for (size_t row = 0; row < 2; row++) {
        assert_int_equal(cell_at(s, 0, row)->kind, RECORD_TEXT);
        assert_int_equal(cell_at(s, 1, row)->kind, RECORD_TEXT);
        assert_int_equal(cell_at(s, 2, row)->kind, RECORD_INTEGER);
        assert_int_equal(cell_at(s, 3, row)->kind, RECORD_TEXT);
        assert_int_equal(cell_at(s, 4, row)->kind, RECORD_INTEGER);
    }
}

static void types_are_kept_when_asked_for(void **state)
{
    struct setting *s = *state;
    static const struct {
        const char *field, *type;
    } typed[] = {
        {"i", "int"},  {"d", "double"}, {"n", "BigInteger"}, {"f", "boolean"},    {"t", "datetime"},
        {"y", "date"}, {"x", "string"}, {"u", "address"},    {"gone", "Integer"},
    };
    struct buf tasks = buf_in(&s->arena, 8 * 1024);
    add(s, "i='12';d='12.5';n='123456789012345678901234567890';f='true';t='1970-01-01T00:00:01Z';"
           "y='1970-01-02';x='x';u=5;none=null");
    for (size_t i = 0; i < sizeof(typed) / sizeof(*typed); i++)
        buf_printf(&tasks, "%s" TYPED("%s", "%s", "%s", "%s"), i > 0 ? "," : "[", typed[i].field,
                   typed[i].field, typed[i].type, typed[i].type);
    buf_add_cstr(&tasks, "," MAP("i", "plain") "]");
    run_typed(s, tasks.data);
    assert_output(s, "i=12; d=12.5; n=123456789012345678901234567890; f=true; "
                     "t=1970-01-01T00:00:01.000Z; y=1970-01-02; x=x; u=5; gone=null; plain=12");
    assert_field(s, 0, "i", RECORD_INTEGER, 0, 0);
    assert_field(s, 1, "d", RECORD_DECIMAL, 38, 18);
    assert_field(s, 2, "n", RECORD_DECIMAL, 38, 0);
    assert_field(s, 3, "f", RECORD_BOOLEAN, 0, 0);
    assert_field(s, 4, "t", RECORD_TIMESTAMP, 0, 0);
    assert_field(s, 5, "y", RECORD_DATE, 0, 0);
    assert_field(s, 6, "x", RECORD_TEXT, 0, 0);
    assert_field(s, 7, "u", RECORD_TEXT, 0, 0);
    assert_field(s, 8, "gone", RECORD_INTEGER, 0, 0);
    assert_field(s, 9, "plain", RECORD_TEXT, 0, 0);
    assert_int_equal(cell_at(s, 0, 0)->kind, RECORD_INTEGER);
    assert_int_equal(cell_at(s, 9, 0)->kind, RECORD_TEXT);
}

static void the_type_of_the_source_counts_alone(void **state)
{
    struct setting *s = *state;
    add(s, "a='7'");
    run_typed(s, "[{`taskType`:`Map`,`sourceFields`:[`a`],`destinationField`:`a`,`taskProperties`:"
                 "{`SOURCE_DATA_TYPE`:`integer`}}]");
    assert_field(s, 0, "a", RECORD_INTEGER, 0, 0);
    assert_int_equal(cell_at(s, 0, 0)->kind, RECORD_INTEGER);
}

static void what_a_mask_has_changed_is_text(void **state)
{
    struct setting *s = *state;
    add(s, "a=12345;b=12345");
    run_typed(s,
              "[" TYPED("a", "int", "a", "int") "," CHANGE("Mask", "a", "MASK_ALL", "") "," TYPED(
                  "b", "int", "b", "int") "," CHANGE("Truncate", "b", "NO_OP",
                                                     "`TRUNCATE_LENGTH`:`2`") "]");
    assert_output(s, "a=*****; b=12");
    assert_field(s, 0, "a", RECORD_TEXT, 0, 0);
    assert_field(s, 1, "b", RECORD_TEXT, 0, 0);
}

#define DIVIDE                                                                                     \
    "{`taskType`:`Arithmetic`,`sourceFields`:[`a`,`b`],`destinationField`:`a,b`,"                  \
    "`connectorOperator`:{`S3`:`DIVISION`},`taskProperties`:{"                                     \
    "`MATH_OPERATION_FIELDS_ORDER`:`a,b`}}"

static void a_quotient_is_rounded_to_its_column(void **state)
{
    struct setting *s = *state;
    add(s, "a=2;b=3");
    run_typed(s, "[" DIVIDE "," TYPED("a,b", "string", "q", "double") "]");
    assert_output(s, "q=0.666666666666666667");
    run(s, "[" DIVIDE "," TYPED("a,b", "string", "q", "double") "]");
    assert_output(s, "q=0.6666666666666666666666666666666667");
    run_typed(s, "[" DIVIDE "]");
    assert_output(s, "a,b=0.6666666666666666666666666666666667");
    assert_field(s, 0, "a,b", RECORD_TEXT, 0, 0);
}

/* A digit that a column has no room for is not cut off. */
static void a_number_that_does_not_fit_is_rejected(void **state)
{
    struct setting *s = *state;
    add(s, "a='0.1234567890123456789'");
    add(s, "a='123456789012345678901'");
    add(s, "a='12345678901234567890.123456789012345678'");
    run_typed(s, "[" TYPED("a", "double", "a", "double") "]");
    assert_output(s, "a=12345678901234567890.123456789012345678");
    assert_int_equal(s->result.reject_count, 2);
    assert_int_equal(s->result.rejects[0].why, FLOW_REJECT_TOO_LONG);
}

/* Fields that are converted and copied as well. */
static void converted_copies_have_a_bound(void **state)
{
    struct setting *s = *state;
    struct buf tasks = buf_in(&s->arena, 64 * 1024);
    for (size_t count = FLOW_COPIES_MAX; count <= FLOW_COPIES_MAX + 1; count++) {
        buf_printf(&tasks, "[" ALL);
        for (size_t i = 0; i < count; i++)
            buf_printf(&tasks,
                       ",{`taskType`:`Map`,`sourceFields`:[`f%zu`],`destinationField`:`F%zu`,"
                       "`taskProperties`:{`DESTINATION_DATA_TYPE`:`int`}}",
                       i, i);
        buf_add_char(&tasks, ']');
        bool ok = make(s, arena_copy(&s->arena, buf_str(&tasks)).data);
        assert_true(ok == (count == FLOW_COPIES_MAX));
        tasks = buf_in(&s->arena, 64 * 1024);
    }
    assert_string_equal(s->error.message,
                        "Task 66 (Map): a run may have at most 64 fields that are converted to "
                        "another type and written in a second place too.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_setting(values_are_converted_where_types_differ),
        test_with_setting(values_stay_where_types_are_the_same),
        test_with_setting(a_record_with_another_value_is_rejected),
        test_with_setting(a_field_is_converted_for_one_place_alone),
        test_with_setting(types_are_kept_when_asked_for),
        test_with_setting(the_type_of_the_source_counts_alone),
        test_with_setting(what_a_mask_has_changed_is_text),
        test_with_setting(a_quotient_is_rounded_to_its_column),
        test_with_setting(a_number_that_does_not_fit_is_rejected),
        test_with_setting(converted_copies_have_a_bound),
    };
    return cmocka_run_group_tests_name("program-types", tests, NULL, NULL);
}
