/* Tasks over batches: what each one makes of values, what it drops, and in which order. */
#include "program_fixture.h"

/* --- maps --- */

static void maps_name_fields_anew(void **state)
{
    struct setting *s = *state;
    add(s, "a=1;b='x';c=null");
    run(s, "[" MAP("b", "B") "," MAP("a", "A") "," MAP("none", "N") "," MAP("a", "A2") "]");
    assert_output(s, "B=x; A=1; N=null; A2=1");
}

static void map_all_leaves_out_what_is_excluded_or_mapped(void **state)
{
    struct setting *s = *state;
    add(s, "a=1;b=2;c=3;d=4");
    run(s, "[" MAP("a", "c") ",{`taskType`:`Map_all`,`sourceFields`:[``],`taskProperties`:{"
                             "`EXCLUDE_SOURCE_FIELDS_LIST`:`[\\`b\\`]`}}]");
    assert_output(s, "a=1; d=4; c=1");
    run(s, "[{`taskType`:`Passthrough`,`sourceFields`:[]}]");
    assert_output(s, "a=1; b=2; c=3; d=4");
}

static void a_program_says_what_it_reads(void **state)
{
    struct setting *s = *state;
    const struct str *fields;
    size_t count;
    bool all;
    assert_true(make(s, "[" MAP("b", "B") "," FILTER("a", "EQUAL_TO", "`VALUE`:`1`") "," CHANGE(
                            "Filter", "c", "PROJECTION", "") "," MAP("b", "C") "]"));
    flow_program_reads(s->program, &fields, &count, &all);
    assert_false(all);
    assert_int_equal(count, 3);
    assert_true(str_eq(fields[0], STR("a")) && str_eq(fields[1], STR("c")) &&
                str_eq(fields[2], STR("b")));
    assert_true(make(s, "[" ALL "]"));
    flow_program_reads(s->program, &fields, &count, &all);
    assert_true(all && count == 0);
}

/* --- validations --- */

static void a_record_that_is_not_valid_is_rejected(void **state)
{
    struct setting *s = *state;
    static const char *const values[] = {"null", "''", "0", "'0.0'", "-1", "'-0.5'", "'x'", "7"};
    static const struct {
        const char *rule, *kept;
    } rules[] = {
        {"VALIDATE_NON_NULL", "a=0 | a=0.0 | a=-1 | a=-0.5 | a=x | a=7"},
        {"VALIDATE_NON_ZERO", "a=null | a= | a=-1 | a=-0.5 | a=x | a=7"},
        {"VALIDATE_NON_NEGATIVE", "a=null | a= | a=0 | a=0.0 | a=x | a=7"},
        {"VALIDATE_NUMERIC", "a=null | a= | a=0 | a=0.0 | a=-1 | a=-0.5 | a=7"},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        char tasks[512], record[64];
        record_batch_clear(&s->batch);
        for (size_t j = 0; j < sizeof(values) / sizeof(*values); j++) {
            snprintf(record, sizeof(record), "a=%s", values[j]);
            add(s, record);
        }
        snprintf(tasks, sizeof(tasks),
                 "[" ALL "," CHANGE("Validate", "a", "%s", "`VALIDATION_ACTION`:`DropRecord`") "]",
                 rules[i].rule);
        run(s, tasks);
        assert_output(s, rules[i].kept);
        assert_int_equal(s->result.reject_count + s->result.output.rows, 8);
        assert_int_equal(s->result.rejects[0].task, 2);
        assert_int_equal(s->result.rejects[0].why, FLOW_REJECT_INVALID);
    }
}

static void a_data_set_ends_with_its_first_fault(void **state)
{
    struct setting *s = *state;
    add(s, "a=1");
    add(s, "a=null");
    s->batch.page = 7;
    assert_true(make(s, "[" ALL "," CHANGE("Validate", "a", "VALIDATE_NON_NULL",
                                           "`VALIDATION_ACTION`:`DropDataset`") "]"));
    assert_false(flow_program_run(s->program, &s->batch, &s->result, &s->error));
    assert_string_equal(s->error.message,
                        "Task 2 (Validate, DropDataset): the field a of a record is null or empty. "
                        "It is the record 1 of page 7, both from 0, at line 2. Nothing of the "
                        "run is written from here on.");
}

static void a_record_that_was_left_out_ends_no_run(void **state)
{
    struct setting *s = *state;
    add(s, "a=null;b=0");
    add(s, "a=1;b=2");
    run(s, "[" ALL "," CHANGE("Validate", "a", "VALIDATE_NON_NULL",
                              "`VALIDATION_ACTION`:`DropRecord`") "," CHANGE("Validate", "b",
                                                                             "VALIDATE_NON_ZERO",
                                                                             "`VALIDATION_ACTION`:`"
                                                                             "DropDataset`") "]");
    assert_output(s, "a=1; b=2");
    assert_int_equal(s->result.reject_count, 1);
}

/* --- masks and truncations --- */

static void assert_changed(struct setting *s, const char *task, const char *value,
                           const char *expected)
{
    char tasks[512], record[128], output[128];
    record_batch_clear(&s->batch);
    snprintf(record, sizeof(record), "a=%s", value);
    add(s, record);
    snprintf(tasks, sizeof(tasks), "[%s," ALL "]", task);
    run(s, tasks);
    snprintf(output, sizeof(output), "a=%s", expected);
    assert_output(s, output);
}

static void masks_count_characters(void **state)
{
    struct setting *s = *state;
    const char *first = CHANGE("Mask", "a", "MASK_FIRST_N", "`MASK_LENGTH`:`3`");
    const char *last =
        CHANGE("Mask", "a", "MASK_LAST_N", "`MASK_LENGTH`:`3`,`MASK_VALUE`:`\xe2\x80\xa2`");
    const char *all = CHANGE("Mask", "a", "MASK_ALL", "`MASK_LENGTH`:`5`,`MASK_VALUE`:`#`");
    assert_changed(s, first, "'J\xc3\xbcrgen'", "***gen");
    assert_changed(s, first, "'ab'", "**");
    assert_changed(s, first, "''", "");
    assert_changed(s, first, "12345", "***45");
    assert_changed(s, first, "null", "null");
    assert_changed(s, last, "'J\xc3\xbcrgen'", "J\xc3\xbcr\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2");
    assert_changed(s, last, "'ab'", "\xe2\x80\xa2\xe2\x80\xa2");
    assert_changed(s, all, "'a long value'", "#####"); /* which does not tell its length */
    assert_changed(s, all, "''", "#####");
    assert_changed(s, CHANGE("Mask", "a", "MASK_ALL", ""), "'x'", "*****");
    assert_changed(s, CHANGE("Mask", "none", "MASK_ALL", ""), "'x'", "x");
}

/* A mask that finds no field must not let its value pass in another form. */
static void a_member_of_a_nested_value_is_not_written_unmasked(void **state)
{
    struct setting *s = *state;
    const char *all = "[" CHANGE("Mask", "address.street", "MASK_ALL", "") "," ALL "]";
    const char *mapped =
        "[" MAP("address", "Address") "," CHANGE("Mask", "address.street", "MASK_ALL", "") "]";
    add(s, "id=1;address='{street}'");
    for (int i = 0; i < 2; i++) {
        assert_true(make(s, i == 0 ? all : mapped));
        assert_false(flow_program_run(s->program, &s->batch, &s->result, &s->error));
        assert_int_equal(s->error.code, ERR_VALIDATION);
        assert_string_equal(s->error.message,
                            "A Mask task is for the field address.street, but the records have "
                            "address as one value, which would be written without the mask. Mask "
                            "address, or leave it out.");
    }
    run(s, "[" MAP("id", "Id") "," CHANGE("Mask", "address.street", "MASK_ALL", "") "]");
    assert_output(s, "Id=1");
    record_batch_clear(&s->batch);
    add(s, "id=1;address=null");
    run(s, all);
    assert_output(s, "id=1; address=null");
    record_batch_clear(&s->batch);
    add(s, "address.street='x'");
    run(s, "[" CHANGE("Mask", "address.street", "MASK_ALL", "") "," MAP("address.street",
                                                                        "street") "]");
    assert_output(s, "street=*****");
}

static void truncations_count_characters(void **state)
{
    struct setting *s = *state;
    const char *task = CHANGE("Truncate", "a", "NO_OP", "`TRUNCATE_LENGTH`:`3`");
    assert_changed(s, task, "'J\xc3\xbcrgen'", "J\xc3\xbcr");
    assert_changed(s, task, "'abc'", "abc");
    assert_changed(s, task, "''", "");
    assert_changed(s, task, "12", "12");
    assert_changed(s, task, "12345", "123");
    assert_changed(s, task, "12.345", "12.");
    assert_changed(s, task, "null", "null");
    assert_changed(s, task, "'\xf0\x9f\x98\x80\xf0\x9f\x98\x81\xf0\x9f\x98\x82\xf0\x9f\x98\x83'",
                   "\xf0\x9f\x98\x80\xf0\x9f\x98\x81\xf0\x9f\x98\x82");
}

/* --- merges and arithmetic --- */

#define MERGE(fields, format, name)                                                                \
    "{`taskType`:`Merge`,`sourceFields`:[" fields "],`destinationField`:`" name                    \
    "`,`taskProperties`:{`CONCAT_FORMAT`:`" format "`}}"
#define MATH(operator, fields, order, name)                                                        \
    "{`taskType`:`Arithmetic`,`sourceFields`:[" fields "],`destinationField`:`" name               \
    "`,`connectorOperator`:{`S3`:`"                                                                \
    operator"`},`taskProperties`:{"                                                                \
            "`MATH_OPERATION_FIELDS_ORDER`:`" order "`}}"

static void fields_are_merged_by_a_format(void **state)
{
    struct setting *s = *state;
    add(s, "first='Ada';last='L.';n=7");
    add(s, "first=null;last='B.';n=null");
    run(s, "[" MERGE("`first`,`last`", "${last}, ${first}!", "first,last") "," MAP("first,last",
                                                                                   "Name") "]");
    assert_output(s, "Name=L., Ada! | Name=B., !");
    run(s, "[" MERGE("`first`,`n`", "-", "first,n") "]"); /* no Map takes it */
    assert_output(s, "first,n=Ada-7 | first,n=-");
    assert_false(make(s, "[" MERGE("`first`,`n`", "${last}", "x") "]"));
    assert_string_equal(s->error.message,
                        "CONCAT_FORMAT has ${last}, which is not one of sourceFields.");
    assert_false(make(s, "[" MERGE("`first`,`n`", "${first", "x") "]"));
}

static void arithmetic_is_exact(void **state)
{
    struct setting *s = *state;
    add(s, "a=0.1;b='0.2';c=3");
    add(s, "a=9223372036854775807;b=1;c=0");
    add(s, "a=null;b=1;c=1");
    run(s, "[" MATH("ADDITION", "`a`,`b`", "a,b", "sum") "," MATH(
               "SUBTRACTION", "`a`,`b`", "[\\`b\\`,\\`a\\`]",
               "difference") "," MATH("MULTIPLICATION", "`a`,`b`,`c`", "a,b,c", "product") "]");
    assert_output(s, "sum=0.3; difference=0.1; product=0.06 | "
                     "sum=9223372036854775808; difference=-9223372036854775806; product=0 | "
                     "sum=null; difference=null; product=null");
    assert_int_equal(s->result.output.columns[0].cells[1].kind, RECORD_DECIMAL);
    assert_int_equal(s->result.output.columns[0].cells[0].scale, 1);
    assert_int_equal(s->result.output.columns[1].cells[1].kind, RECORD_INTEGER);
}

static void what_cannot_be_calculated_is_rejected(void **state)
{
    struct setting *s = *state;
    add(s, "a=1;b=0");
    add(s, "a=1;b='x'");
    add(s, "a=1;b=8");
    run(s, "[" MATH("DIVISION", "`a`,`b`", "a,b", "a,b") "," MAP("a,b", "ratio") "," MAP("b",
                                                                                         "b") "]");
    assert_output(s, "ratio=0.125; b=8");
    assert_int_equal(s->result.reject_count, 2);
    assert_int_equal(s->result.rejects[0].why, FLOW_REJECT_BY_ZERO);
    assert_int_equal(s->result.rejects[0].place.position, 0);
    assert_int_equal(s->result.rejects[1].why, FLOW_REJECT_NOT_A_NUMBER);
    assert_int_equal(s->result.rejects[1].place.line, 2);
    assert_int_equal(s->result.rejects[1].task, 1);
}

/* Of 1 KiB a record come 512 KiB for each merge: 2 GiB of the batch, a little at a time. */
static void what_tasks_make_of_a_batch_comes_in_parts(void **state)
{
    struct setting *s = *state;
    size_t rows = 0;
    char value[1024], tasks[4096] = "[{`taskType`:`Merge`,`sourceFields`:[`a`,`a`],"
                                    "`destinationField`:`A`,`taskProperties`:{`CONCAT_FORMAT`:`";
    record_batch_done(&s->batch);
    record_batch_init(&s->batch, RECORD_ROWS_MAX);
    memset(value, 'x', sizeof(value));
    add(s, "a=null");
    for (size_t row = 0; row < RECORD_ROWS_MAX; row++) {
        s->batch.places[row] = (struct record_place){row, row + 1};
        s->batch.columns[0].cells[row] =
            (struct record_cell){.kind = RECORD_TEXT, .text = value, .len = sizeof(value)};
    }
    s->batch.rows = RECORD_ROWS_MAX;
    for (int i = 0; i < 512; i++)
        strcat(tasks, "${a}");
    strcat(tasks, "`}}]");
    run(s, tasks);
    do {
        const struct record_batch *output = &s->result.output;
        size_t made = 0;
        assert_int_equal(s->result.reject_count, 0);
        for (size_t row = 0; row < output->rows; row++, rows++) {
            assert_int_equal(output->places[row].position, rows);
            assert_int_equal(output->columns[0].cells[row].len, 512 * sizeof(value));
            made += output->columns[0].cells[row].len;
        }
        assert_true(made <= FLOW_PART_TEXTS_BYTES + FLOW_RECORD_TEXTS_MAX);
    } while (flow_program_next(s->program, &s->batch, &s->result));
    assert_int_equal(rows, RECORD_ROWS_MAX);
    assert_int_equal(s->batch.texts.used, 0);
}

/* Parts end after so many records too; what is left out of one moves no other. */
static void records_of_all_parts_are_written_once(void **state)
{
    struct setting *s = *state;
    int64_t expected = 0;
    size_t rejects = 0;
    record_batch_done(&s->batch);
    record_batch_init(&s->batch, RECORD_ROWS_MAX);
    add(s, "a=1;b=2;c='x'");
    for (size_t row = 0; row < RECORD_ROWS_MAX; row++) {
        s->batch.places[row] = (struct record_place){row, row + 1};
        s->batch.columns[0].cells[row] =
            (struct record_cell){.kind = RECORD_INTEGER, .number = (int64_t)row};
        s->batch.columns[1].cells[row] =
            (struct record_cell){.kind = RECORD_INTEGER, .number = (int64_t)row % 7};
        s->batch.columns[2].cells[row] = cell_of_text(STR("text"));
    }
    s->batch.rows = RECORD_ROWS_MAX;
    run(s, "[" ALL "," CHANGE("Mask", "c", "MASK_FIRST_N",
                              "`MASK_LENGTH`:`2`") ","
                                                   "{`taskType`:`Arithmetic`,`sourceFields`:[`a`,`"
                                                   "b`],`connectorOperator`:{`S3`:`DIVISION`},"
                                                   "`destinationField`:`d`}]");
    do {
        const struct record_batch *output = &s->result.output;
        assert_true(output->rows <= FLOW_PART_ROWS_MAX);
        rejects += s->result.reject_count;
        for (size_t row = 0; row < output->rows; row++, expected++) {
            expected += expected % 7 == 0; /* the divisor is 0 */
            assert_int_equal(output->columns[0].cells[row].number, expected);
            assert_int_equal(output->places[row].position, expected);
            assert_memory_equal(output->columns[2].cells[row].text, "**xt", 4);
            assert_true(output->columns[3].cells[row].kind != RECORD_NULL);
        }
    } while (flow_program_next(s->program, &s->batch, &s->result));
    assert_int_equal(expected, RECORD_ROWS_MAX - 1); /* the last one is left out */
    assert_int_equal(rejects, (RECORD_ROWS_MAX + 6) / 7);
}

/* Each of them rejects the first record, and keeps the second. */
static void what_tasks_make_of_a_record_has_a_bound(void **state)
{
    enum { LONG = 3 * 1024 * 1024 / 2 };
    static const char *const tasks[] = {
        "[" MERGE("`a`", "${a}${a}", "A") "]",
        "[" MERGE("`a`,`b`", "${a}${b}", "A") "," MERGE("`A`,`b`", "${A}${b}", "B") "]",
        "[" ALL "," CHANGE("Mask", "a", "MASK_FIRST_N",
                           "`MASK_LENGTH`:`2000000`,"
                           "`MASK_VALUE`:`\u00e9`") "]",
        "[" MAP("a", "A") "," MAP("a", "B") "," MAP("a", "C") "]",
        "[" ALL "," MAP("a", "B") "," MAP("a", "C") "]",
    };
    struct setting *s = *state;
    char *value = malloc(LONG);
    memset(value, 'x', LONG);
    for (size_t i = 0; i < sizeof(tasks) / sizeof(*tasks); i++) {
        record_batch_clear(&s->batch);
        add(s, "a='x';b='y'");
        add(s, "a='x';b='y'");
        s->batch.columns[0].cells[0] =
            (struct record_cell){.kind = RECORD_TEXT, .text = value, .len = LONG};
        run(s, tasks[i]);
        assert_int_equal(s->result.reject_count, 1);
        assert_int_equal(s->result.rejects[0].place.position, 0);
        assert_int_equal(s->result.rejects[0].why, FLOW_REJECT_TOO_LONG);
        while (s->result.output.rows == 0)
            assert_true(flow_program_next(s->program, &s->batch, &s->result));
        assert_int_equal(s->result.output.rows, 1);
        assert_int_equal(s->result.output.places[0].position, 1);
        assert_false(flow_program_next(s->program, &s->batch, &s->result));
    }
    free(value);
}

/* --- together --- */

/* Whatever the order of the tasks: filters and validations see raw values, a masked field is masked
 * in a merge. */
static void the_order_of_tasks_does_not_matter(void **state)
{
    static const char *const tasks[] = {
        MERGE("`name`,`id`", "${name}/${id}", "both"),
        CHANGE("Mask", "name", "MASK_ALL", "`MASK_LENGTH`:`2`"),
        FILTER("name", "EQUAL_TO", "`VALUE`:`Ada`"),
        CHANGE("Validate", "id", "VALIDATE_NON_NULL", "`VALIDATION_ACTION`:`DropRecord`"),
        MAP("both", "Both"),
    };
    enum { COUNT = sizeof(tasks) / sizeof(*tasks) };
    struct setting *s = *state;
    for (size_t first = 0; first < COUNT; first++) {
        char all[4096] = "[";
        record_batch_clear(&s->batch);
        add(s, "name='Ada';id=1");
        add(s, "name='Bob';id=2");
        add(s, "name='Ada';id=null");
        for (size_t i = 0; i < COUNT; i++) {
            strcat(all, tasks[(first + i) % COUNT]);
            strcat(all, i + 1 < COUNT ? "," : "]");
        }
        run(s, all);
        assert_output(s, "Both=**/1");
        assert_int_equal(s->result.filtered, 1);
        assert_int_equal(s->result.reject_count, 1);
    }
}

static void a_program_is_used_for_many_batches(void **state)
{
    struct setting *s = *state;
    assert_true(make(s, "[" MAP("a", "A") "," MAP("late", "L") "," FILTER("a", "NOT_EQUAL_TO",
                                                                          "`VALUE`:`2`") "]"));
    for (int i = 0; i < 3; i++) {
        record_batch_clear(&s->batch);
        add(s, i == 0 ? "a=1" : "a=1;late='x'");
        add(s, "a=2");
        assert_true(flow_program_run(s->program, &s->batch, &s->result, &s->error));
        assert_output(s, i == 0 ? "A=1; L=null" : "A=1; L=x");
    }
}

static void what_cannot_be_run_is_refused(void **state)
{
    static const struct {
        const char *tasks, *message;
    } refused[] = {
        {"[" CHANGE("Filter", "a", "PROJECTION", "") "]",
         "The tasks write no field: there must be a Map_all task, or a Map task for each field."},
        {"[" ALL "," FILTER("a", "LESS_THAN", "`DATA_TYPE`:`int`,`VALUE`:`x`") "]",
         "The filter of the field a compares with x, which is not a number."},
        {"[" ALL "," FILTER("a", "LESS_THAN", "`DATA_TYPE`:`datetime`,`VALUE`:`x`") "]",
         "The filter of the field a compares with x, which is not a time in milliseconds since "
         "1970, or as RFC 3339 has it."},
        {"[" ALL "," FILTER("a", "EQUAL_TO", "`DATA_TYPE`:`boolean`,`VALUE`:`x`") "]",
         "The filter of the field a compares with x, which is not true or false."},
        {"[" ALL "," FILTER("a", "LESS_THAN", "`DATA_TYPE`:`boolean`,`VALUE`:`true`") "]",
         "The filter of the field a compares the order of values that are true or false: the "
         "operator must be EQUAL_TO or NOT_EQUAL_TO."},
        {"[" ALL "," FILTER("a", "CONTAINS", "`DATA_TYPE`:`int`,`VALUE`:`1`") "]",
         "The filter of the field a looks for a part of a value, which only a text has: DATA_TYPE "
         "must be string."},
    };
    struct setting *s = *state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        assert_false(make(s, refused[i].tasks));
        assert_string_equal(s->error.message, refused[i].message);
        assert_int_equal(s->error.code, ERR_VALIDATION);
    }
    assert_false(make(s, "[" MERGE("`a`,`b`", "-", "Full") "," MAP("Name", "Full") "]"));
    assert_string_equal(s->error.message,
                        "Task 1 makes the field Full, which a Map task writes too.");
    assert_false(make(s, "[" ALL ",{`taskType`:`Partition`,`sourceFields`:[]}]"));
    assert_non_null(strstr(s->error.message,
                           "Task 2 (Partition): ORDERED_PARTITION_KEYS_LIST must be 1 to 10 "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_setting(maps_name_fields_anew),
        test_with_setting(map_all_leaves_out_what_is_excluded_or_mapped),
        test_with_setting(a_program_says_what_it_reads),
        test_with_setting(a_record_that_is_not_valid_is_rejected),
        test_with_setting(a_data_set_ends_with_its_first_fault),
        test_with_setting(a_record_that_was_left_out_ends_no_run),
        test_with_setting(masks_count_characters),
        test_with_setting(a_member_of_a_nested_value_is_not_written_unmasked),
        test_with_setting(truncations_count_characters),
        test_with_setting(fields_are_merged_by_a_format),
        test_with_setting(arithmetic_is_exact),
        test_with_setting(what_cannot_be_calculated_is_rejected),
        test_with_setting(what_tasks_make_of_a_batch_comes_in_parts),
        test_with_setting(records_of_all_parts_are_written_once),
        test_with_setting(what_tasks_make_of_a_record_has_a_bound),
        test_with_setting(the_order_of_tasks_does_not_matter),
        test_with_setting(a_program_is_used_for_many_batches),
        test_with_setting(what_cannot_be_run_is_refused),
    };
    return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
