/* Filters and validations go over a batch column by column; then it is worked on in parts. */
#include "flow/program_internal.h"

#include <stdio.h>
#include <string.h>

/* --- the part's columns --- */

static void bind(struct flow_program *program, const struct record_batch *batch)
{
    for (struct program_field *field = program->first_source; field; field = field->next)
        field->cells = program->nulls;
    for (size_t i = 0; i < batch->column_count; i++) {
        struct map_link *link = map_find(&program->sources, batch->columns[i].name);
        if (link)
            ((struct program_field *)link)->cells = batch->columns[i].cells + program->done;
    }
}

/* Of a field that the batch does not have all cells are null, of whatever type. */
static void bind_outputs(struct flow_program *program)
{
    for (size_t i = 0; i < program->output_count; i++) {
        struct program_output *output = &program->outputs[i];
        output->is_converted =
            output->to.kind != RECORD_NULL && output->field->cells != program->nulls;
        output->cells =
            output->is_converted && output->copies ? output->copies : output->field->cells;
    }
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

const char *flow_reject_text(enum flow_reject_why why)
{
    static const char *const texts[] = {
        [FLOW_REJECT_INVALID] = "the value is not valid",
        [FLOW_REJECT_NOT_OF_TYPE] = "the value is not one of DESTINATION_DATA_TYPE",
        [FLOW_REJECT_NOT_A_NUMBER] = "an operand is not a number",
        [FLOW_REJECT_BY_ZERO] = "the divisor is 0",
        [FLOW_REJECT_TOO_LONG] = "the result is too long",
    };
    return texts[why];
}

void program_reject(struct flow_program *program, const struct record_batch *batch, size_t row,
                    size_t task, enum flow_reject_why why)
{
    if (program->is_rejected[row])
        return;
    program->is_rejected[row] = 1;
    program->rejects[program->reject_count++] =
        (struct flow_reject){batch->places[program->done + row], task, why};
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

/* Of the first `rows` of the part: those that are not rejected. */
static size_t list_kept(struct flow_program *program, size_t rows)
{
    size_t count = 0;
    for (size_t row = 0; row < rows; row++) {
        if (!program->is_rejected[row])
            program->kept[count++] = (uint32_t)row;
    }
    return count;
}

/* Moves the part's records together that were not rejected; those of later parts stay. */
static size_t drop_rejected(struct flow_program *program, struct record_batch *batch, size_t rows)
{
    size_t count = list_kept(program, rows);
    if (count == rows)
        return count;
    memset(program->is_rejected, 0, rows);
    keep_made(program, count);
    for (size_t i = 0; i < batch->column_count; i++)
        keep_cells(program, batch->columns[i].cells + program->done, count);
    for (size_t row = 0; row < count; row++)
        batch->places[program->done + row] = batch->places[program->done + program->kept[row]];
    return count;
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
    size_t count = list_kept(program, batch->rows);
    memset(program->is_rejected, 0, batch->rows);
    if (count < batch->rows)
        record_batch_keep(batch, program->kept, count);
    return true;
}

/* --- masks of members --- */

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

static bool check_masks(const struct flow_program *program, const struct record_batch *batch,
                        struct error *error)
{
    for (size_t i = 0; i < program->change_count; i++) {
        const struct field_change *change = &program->changes[i];
        if (change->field->cells == program->nulls && change->change.kind != CHANGE_TRUNCATE &&
            !check_masked(program, batch, change->change.field, error))
            return false;
    }
    return true;
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

static void show_output(struct flow_program *program, const struct record_batch *batch, size_t rows,
                        struct flow_program_result *result)
{
    size_t count = 0;
    reserve_columns(program, batch->column_count + program->output_count);
    for (size_t i = 0; program->copies_all && i < batch->column_count; i++) {
        if (map_find(&program->not_copied, batch->columns[i].name))
            continue;
        program->fields[count] =
            (struct record_field){.name = batch->columns[i].name, .kind = RECORD_TEXT};
        program->columns[count] = batch->columns[i];
        program->columns[count++].cells += program->done;
    }
    for (size_t i = 0; i < program->output_count; i++) {
        const struct program_output *output = &program->outputs[i];
        program->fields[count] = program_field_of(program, output);
        program->columns[count++] = (struct record_column){
            .name = output->link.name,
            .cells = output->cells,
            .capacity = rows,
        };
    }
    result->fields = (struct record_fields){program->fields, count};
    result->folders = program->folders ? program->folders->of_rows : NULL;
    result->output = (struct record_batch){
        .page = batch->page,
        .rows = rows,
        .rows_max = batch->rows_max,
        .column_count = count,
        .columns = program->columns,
        .places = batch->places + program->done,
    };
}

/* --- parts --- */

/* How many records the part has. */
static size_t work_on_rows(struct flow_program *program, const struct record_batch *batch)
{
    size_t left = batch->rows - program->done, row = 0;
    size_t most = left < FLOW_PART_ROWS_MAX ? left : FLOW_PART_ROWS_MAX;
    while (row < most && program_made_bytes(program) < FLOW_PART_TEXTS_BYTES)
        program_work_on_row(program, batch, row++);
    return row;
}

static void work_on_part(struct flow_program *program, struct record_batch *batch,
                         struct flow_program_result *result)
{
    arena_reset(&program->texts);
    program->repeated = 0;
    bind(program, batch);
    bind_outputs(program);
    if (program->folders)
        program_bind_folders(program, batch);
    size_t rows = work_on_rows(program, batch);
    size_t kept = drop_rejected(program, batch, rows);
    result->rejects = program->rejects;
    result->reject_count = program->reject_count;
    show_output(program, batch, kept, result);
    program->done += rows;
}

bool flow_program_run(struct flow_program *program, struct record_batch *batch,
                      struct flow_program_result *ret_result, struct error *error)
{
    *ret_result = (struct flow_program_result){0};
    program->done = 0;
    program->reject_count = 0;
    memset(program->is_rejected, 0, batch->rows);
    bind(program, batch);
    filter_rows(program, batch, ret_result);
    if (!validate(program, batch, error) || !check_masks(program, batch, error))
        return false;
    work_on_part(program, batch, ret_result);
    return true;
}

bool flow_program_next(struct flow_program *program, struct record_batch *batch,
                       struct flow_program_result *ret_result)
{
    *ret_result = (struct flow_program_result){0};
    if (program->done >= batch->rows)
        return false;
    program->reject_count = 0;
    work_on_part(program, batch, ret_result);
    return true;
}
