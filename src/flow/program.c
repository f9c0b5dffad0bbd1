/* One pass over a batch, column by column. */
#include "flow/program_internal.h"

#include <stdio.h>
#include <string.h>

/* --- the batch's columns --- */

static void bind(struct flow_program *program, const struct record_batch *batch)
{
    for (struct program_field *field = program->first_source; field; field = field->next)
        field->cells = program->nulls;
    for (size_t i = 0; i < batch->column_count; i++) {
        struct map_link *link = map_find(&program->sources, batch->columns[i].name);
        if (link)
            ((struct program_field *)link)->cells = batch->columns[i].cells;
    }
    for (size_t i = 0; i < program->output_count; i++)
        program->outputs[i].cells = NULL; /* until values are converted */
}

/* --- filters --- */

static void filter_rows(struct flow_program *program, struct record_batch *batch,
                        struct flow_program_result *result)
{
    size_t count = batch->rows;
    for (size_t i = 0; i < count; i++)
        program->kept[i] = (uint32_t)i;
    for (size_t i = 0; i < program->filter_count; i++) {
        const struct field_filter *filter = &program->filters[i];
        size_t before = count;
        count = 0;
        for (size_t j = 0; j < before; j++) {
            uint32_t row = program->kept[j];
            if (filter_keeps(&filter->filter, &filter->field->cells[row]))
                program->kept[count++] = row;
        }
    }
    result->filtered = batch->rows - count;
    if (result->filtered > 0)
        record_batch_keep(batch, program->kept, count);
}

/* --- records that tasks reject --- */

void program_reject(struct flow_program *program, const struct record_batch *batch, size_t row,
                    size_t task, enum flow_reject_why why)
{
    if (program->is_rejected[row])
        return;
    program->is_rejected[row] = 1;
    program->rejects[program->reject_count++] = (struct flow_reject){batch->places[row], task, why};
}

static void keep_cells(const struct flow_program *program, struct record_cell *cells, size_t count)
{
    for (size_t row = 0; row < count; row++)
        cells[row] = cells[program->kept[row]];
}

static void keep_made(struct flow_program *program, size_t count)
{
    for (size_t i = 0; i < program->made_count; i++)
        keep_cells(program, program->made[i].field.cells, count);
    for (size_t i = 0; i < program->output_count; i++) {
        const struct program_output *output = &program->outputs[i];
        if (output->copies && output->cells == output->copies)
            keep_cells(program, output->copies, count);
    }
    for (size_t row = 0; program->folders && row < count; row++)
        program->folders->of_rows[row] = program->folders->of_rows[program->kept[row]];
}

static void drop_rejected(struct flow_program *program, struct record_batch *batch)
{
    size_t count = 0;
    for (size_t row = 0; row < batch->rows; row++) {
        if (!program->is_rejected[row])
            program->kept[count++] = (uint32_t)row;
    }
    if (count == batch->rows)
        return;
    memset(program->is_rejected, 0, batch->rows);
    keep_made(program, count);
    record_batch_keep(batch, program->kept, count);
}

/* --- validations --- */

static bool fail_dataset(const struct validation *validation, const struct record_batch *batch,
                         size_t row, struct error *error)
{
    const struct record_place *place = &batch->places[row];
    char line[32] = "";
    if (place->line > 0)
        snprintf(line, sizeof(line), ", at line %llu", (unsigned long long)place->line);
    return fail(error, ERR_VALIDATION,
                "Task %zu (Validate, DropDataset): the field %.*s of a record %s. It is the record "
                "%llu of page %llu, both from 0%s. Nothing of the run is written from here on.",
                validation->task, STR_ARG(validation->field), validation_words(validation->rule),
                (unsigned long long)place->position, (unsigned long long)batch->page, line);
}

static bool validate(struct flow_program *program, struct record_batch *batch, struct error *error)
{
    for (size_t i = 0; i < program->validation_count; i++) {
        const struct validation *validation = &program->validations[i].validation;
        const struct record_cell *cells = program->validations[i].field->cells;
        for (size_t row = 0; row < batch->rows; row++) {
            if (program->is_rejected[row] || validation_holds(validation, &cells[row]))
                continue;
            if (validation->ends_run)
                return fail_dataset(validation, batch, row, error);
            program_reject(program, batch, row, validation->task, FLOW_REJECT_INVALID);
        }
    }
    drop_rejected(program, batch);
    return true;
}

/* --- changed and made values --- */

static bool is_written(const struct flow_program *program, struct str column)
{
    return map_find(&program->sources, column) ||
           (program->copies_all && !map_find(&program->not_copied, column));
}

static bool has_values(const struct record_batch *batch, size_t column)
{
    for (size_t row = 0; row < batch->rows; row++) {
        if (batch->columns[column].cells[row].kind != RECORD_NULL)
            return true;
    }
    return false;
}

/* A field "a.b" that is no column may be a member of the nested column "a". */
static bool check_masked(const struct flow_program *program, const struct record_batch *batch,
                         struct str field, struct error *error)
{
    for (size_t i = 0; i < field.len; i++) {
        struct str parent = {field.data, i};
        size_t column =
            field.data[i] == '.' ? record_batch_find(batch, parent) : batch->column_count;
        if (column < batch->column_count && is_written(program, parent) &&
            has_values(batch, column))
            return fail(
                error, ERR_VALIDATION,
                "A Mask task is for the field %.*s, but the records have %.*s as one value, "
                "which would be written without the mask. Mask %.*s, or leave it out.",
                STR_ARG(field), STR_ARG(parent), STR_ARG(parent));
    }
    return true;
}

/* Of a field that the batch does not have all cells are null, and stay so. */
static bool change_values(struct flow_program *program, struct record_batch *batch,
                          struct error *error)
{
    for (size_t i = 0; i < program->change_count; i++) {
        const struct field_change *change = &program->changes[i];
        struct record_cell *cells = change->field->cells;
        if (cells == program->nulls && change->change.kind != CHANGE_TRUNCATE &&
            !check_masked(program, batch, change->change.field, error))
            return false;
        for (size_t row = 0; cells != program->nulls && row < batch->rows; row++) {
            if (batch->texts.used > program->texts_max)
                program_reject(program, batch, row, change->task, FLOW_REJECT_TOO_LONG);
            else
                cells[row] = value_changed(&change->change, &cells[row], &batch->texts);
        }
    }
    drop_rejected(program, batch);
    return true;
}

static bool make_value(const struct made_field *made, const struct record_cell *const *cells,
                       size_t texts_max, struct arena *arena, struct record_cell *ret_cell,
                       enum flow_reject_why *ret_why)
{
    static const enum flow_reject_why reasons[] = {
        [ARITHMETIC_NOT_A_NUMBER] = FLOW_REJECT_NOT_A_NUMBER,
        [ARITHMETIC_BY_ZERO] = FLOW_REJECT_BY_ZERO,
        [ARITHMETIC_TOO_LONG] = FLOW_REJECT_TOO_LONG,
    };
    *ret_why = FLOW_REJECT_TOO_LONG;
    if (arena->used > texts_max)
        return false;
    if (made->is_merge)
        return merge_cells(&made->merge, cells, arena, ret_cell);
    enum arithmetic_end end =
        arithmetic_cells(made->operation, cells, made->source_count, arena, ret_cell);
    if (end != ARITHMETIC_DONE)
        *ret_why = reasons[end];
    return end == ARITHMETIC_DONE;
}

static void make_values(struct flow_program *program, struct record_batch *batch)
{
    enum flow_reject_why why;
    for (size_t i = 0; i < program->made_count; i++) {
        struct made_field *made = &program->made[i];
        const struct record_cell **cells =
            arena_array(&batch->texts, const struct record_cell *, made->source_count);
        for (size_t row = 0; row < batch->rows; row++) {
            for (size_t j = 0; j < made->source_count; j++)
                cells[j] = &made->sources[j]->cells[row];
            made->field.cells[row] = (struct record_cell){0};
            if (!make_value(made, cells, program->texts_max, &batch->texts, &made->field.cells[row],
                            &why))
                program_reject(program, batch, row, made->task, why);
        }
    }
    drop_rejected(program, batch);
}

/* --- conversions --- */

static void convert_values(struct flow_program *program, const struct program_output *output,
                           struct record_batch *batch)
{
    const struct record_cell *from = output->field->cells;
    for (size_t row = 0; row < batch->rows; row++) {
        enum record_convert_end end = RECORD_CONVERT_DIGITS;
        if (batch->texts.used <= program->texts_max)
            end = record_convert(&from[row], &output->to, &batch->texts, &output->cells[row]);
        if (end != RECORD_CONVERTED)
            program_reject(program, batch, row, output->task,
                           end == RECORD_CONVERT_DIGITS ? FLOW_REJECT_TOO_LONG
                                                        : FLOW_REJECT_NOT_OF_TYPE);
    }
}

/* Of a field that the batch does not have all cells are null, of whatever type. */
static void convert(struct flow_program *program, struct record_batch *batch)
{
    for (size_t i = 0; i < program->output_count; i++) {
        struct program_output *output = &program->outputs[i];
        bool is_converted =
            output->to.kind != RECORD_NULL && output->field->cells != program->nulls;
        output->cells = is_converted && output->copies ? output->copies : output->field->cells;
        if (is_converted)
            convert_values(program, output, batch);
    }
}

/* --- the output --- */

static void reserve_columns(struct flow_program *program, size_t count)
{
    if (count <= program->column_room)
        return;
    arena_reset(&program->column_memory);
    program->column_room = 2 * count;
    program->columns =
        arena_array(&program->column_memory, struct record_column, program->column_room);
    program->fields =
        arena_array(&program->column_memory, struct record_field, program->column_room);
}

static void show_output(struct flow_program *program, const struct record_batch *batch,
                        struct flow_program_result *result)
{
    size_t count = 0;
    reserve_columns(program, batch->column_count + program->output_count);
    for (size_t i = 0; program->copies_all && i < batch->column_count; i++) {
        if (map_find(&program->not_copied, batch->columns[i].name))
            continue;
        program->fields[count] =
            (struct record_field){.name = batch->columns[i].name, .kind = RECORD_TEXT};
        program->columns[count++] = batch->columns[i];
    }
    for (size_t i = 0; i < program->output_count; i++) {
        const struct program_output *output = &program->outputs[i];
        program->fields[count] = program_field_of(program, output);
        program->columns[count++] = (struct record_column){
            .name = output->link.name,
            .cells = output->cells,
            .capacity = batch->rows_max,
        };
    }
    result->fields = (struct record_fields){program->fields, count};
    result->folders = program->folders ? program->folders->of_rows : NULL;
    result->output = (struct record_batch){
        .page = batch->page,
        .rows = batch->rows,
        .rows_max = batch->rows_max,
        .column_count = count,
        .columns = program->columns,
        .places = batch->places,
    };
}

bool flow_program_run(struct flow_program *program, struct record_batch *batch,
                      struct flow_program_result *ret_result, struct error *error)
{
    *ret_result = (struct flow_program_result){0};
    program->reject_count = 0;
    memset(program->is_rejected, 0, batch->rows);
    program->texts_max = batch->texts.used + FLOW_TEXTS_MAX;
    bind(program, batch);
    filter_rows(program, batch, ret_result);
    if (!validate(program, batch, error) || !change_values(program, batch, error))
        return false;
    make_values(program, batch);
    convert(program, batch);
    if (program->folders)
        program_find_folders(program, batch);
    drop_rejected(program, batch);
    ret_result->rejects = program->rejects;
    ret_result->reject_count = program->reject_count;
    show_output(program, batch, ret_result);
    return true;
}
