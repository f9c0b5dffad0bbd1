/* Tasks as JSON, records as short texts, and what a program makes of them. */
#pragma once

#include "cmocka_all.h"

#include "base/buf.h"
#include "flow/program.h"
#include "record/cell.h"
#include "record/print.h"
#include "wire/json_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct setting {
    struct arena arena;
    struct record_batch batch;
    struct flow_program *program;
    struct flow_program_result result;
    struct error error;
};

static inline int begin(void **state)
{
    struct setting *s = calloc(1, sizeof(*s));
    record_batch_init(&s->batch, 64);
    *state = s;
    return 0;
}

static inline int end(void **state)
{
    struct setting *s = *state;
    flow_program_free(s->program);
    record_batch_done(&s->batch);
    arena_done(&s->arena);
    free(s);
    return 0;
}

/* "a=1 b='x' c=null": JSON is not what is tested here. 1 is an integer, 1.5 a decimal, true a
 * boolean, @5 a timestamp of 5 s, #5 the day 5, 'x' a text. */
static inline struct record_cell cell_from(struct setting *s, struct str text)
{
    struct str body = {text.data + 1, text.len - 1};
    unsigned long long number;
    bool is_negative = text.data[0] == '-';
    struct record_cell cell = {.kind = RECORD_TEXT, .text = "", .len = 0};
    if (str_eq(text, STR("null")))
        return (struct record_cell){0};
    if (str_eq(text, STR("true")) || str_eq(text, STR("false")))
        return (struct record_cell){.kind = RECORD_BOOLEAN, .number = text.data[0] == 't'};
    if (text.data[0] == '\'') {
        cell.len = (uint32_t)text.len - 2;
        cell.text = arena_copy(&s->arena, (struct str){body.data, cell.len}).data;
        return cell;
    }
    if (text.data[0] == '@' || text.data[0] == '#') {
        assert_true(str_to_u64(body, 1000000, &number));
        return (struct record_cell){.kind = text.data[0] == '@' ? RECORD_TIMESTAMP : RECORD_DATE,
                                    .flags = text.data[0] == '@' ? RECORD_HAD_ZONE : 0,
                                    .number =
                                        (int64_t)number * (text.data[0] == '@' ? 1000000 : 1)};
    }
    if (str_to_u64(is_negative ? body : text, INT64_MAX, &number))
        return (struct record_cell){.kind = RECORD_INTEGER,
                                    .number = is_negative ? -(int64_t)number : (int64_t)number};
    cell.kind = RECORD_DECIMAL;
    cell.text = arena_copy(&s->arena, text).data;
    cell.len = (uint32_t)text.len;
    return cell;
}

/* Adds a record; "; " between fields. */
static inline void add(struct setting *s, const char *record)
{
    struct str rest = str_from(record), field, name, value;
    size_t row = s->batch.rows++;
    s->batch.places[row] = (struct record_place){row, row + 1};
    for (size_t i = 0; i < s->batch.column_count; i++)
        s->batch.columns[i].cells[row] = (struct record_cell){0};
    for (bool more = true; more;) {
        more = str_cut(rest, ';', &field, &rest);
        if (!more)
            field = rest;
        assert_true(str_cut(field, '=', &name, &value));
        name = str_trim(name);
        size_t column = record_batch_find(&s->batch, name);
        if (column == s->batch.column_count)
            record_batch_add_column(&s->batch, name);
        s->batch.columns[column].cells[row] = cell_from(s, value);
    }
}

static const struct value *tasks_of(struct setting *s, const char *json)
{
    struct value *tasks;
    struct buf text = buf_in(&s->arena, 64 * 1024);
    for (; *json; json++) /* quotes that C need not escape */
        buf_add_char(&text, (char)(*json == '`' ? '"' : *json));
    assert_true(json_parse(buf_str(&text), &s->arena, &tasks));
    return tasks;
}

static inline bool make(struct setting *s, const char *tasks)
{
    flow_program_free(s->program);
    s->program = NULL;
    return flow_program_new(tasks_of(s, tasks), STR("S3"), &s->program, &s->error);
}

static inline void run(struct setting *s, const char *tasks)
{
    bool ok = make(s, tasks) && flow_program_run(s->program, &s->batch, &s->result, &s->error);
    if (!ok)
        print_error("%s\n", s->error.message);
    assert_true(ok);
}

/* "a=1; b=x | a=2; b=null" */
static inline void assert_output(struct setting *s, const char *expected)
{
    struct buf text = buf_in(&s->arena, 64 * 1024);
    char space[RECORD_PRINT_MAX];
    for (size_t row = 0; row < s->result.output.rows; row++) {
        for (size_t i = 0; i < s->result.output.column_count; i++) {
            const struct record_column *column = &s->result.output.columns[i];
            struct str value = record_print(&column->cells[row], space, &s->arena);
            buf_printf(&text, "%s%.*s=%.*s",
                       i > 0     ? "; "
                       : row > 0 ? " | "
                                 : "",
                       STR_ARG(column->name), STR_ARG(value.data ? value : STR("null")));
        }
    }
    buf_add_cstr(&text, "");
    assert_string_equal(text.data ? text.data : "", expected);
}

#define ALL "{`taskType`:`Map_all`,`sourceFields`:[]}"
#define FILTER(field, operator, properties)                                                        \
    "{`taskType`:`Filter`,`sourceFields`:[`" field "`],`connectorOperator`:{`S3`:`"                \
    operator"`},`taskProperties`:{" properties "}}"
#define MAP(from, to) "{`taskType`:`Map`,`sourceFields`:[`" from "`],`destinationField`:`" to "`}"
#define CHANGE(type, field, operator, properties)                                                  \
    "{`taskType`:`" type "`,`sourceFields`:[`" field "`],`connectorOperator`:{`S3`:`"              \
    operator"`},`taskProperties`:{" properties "}}"

#define test_with_setting(test) cmocka_unit_test_setup_teardown(test, begin, end)
