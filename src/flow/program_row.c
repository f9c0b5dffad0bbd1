/* One record: masks and truncations, merges and arithmetic, conversions, its folder. What is made
 * of it has a limit, whatever its tasks are. */
#include "flow/program_internal.h"

size_t program_made_bytes(const struct flow_program *program)
{
    return program->texts.used + program->repeated;
}

size_t program_bytes_left(const struct flow_program *program)
{
    size_t made = program_made_bytes(program);
    return made < program->record_limit ? program->record_limit - made : 0;
}

/* --- changed and made values --- */

/* Of a field that the batch does not have all cells are null, and stay so. */
static void change_values(struct flow_program *program, const struct record_batch *batch,
                          size_t row)
{
    for (size_t i = 0; i < program->change_count; i++) {
        const struct field_change *change = &program->changes[i];
        struct record_cell *cells = change->field->cells;
        if (cells != program->nulls &&
            !value_change_make(&change->change, &cells[row], program_bytes_left(program),
                               &program->texts, &cells[row]))
            program_reject(program, batch, row, change->task, FLOW_REJECT_TOO_LONG);
    }
}

static bool calculate(struct made_field *made, struct arena *texts, struct record_cell *ret_cell,
                      enum flow_reject_why *ret_why)
{
    static const enum flow_reject_why reasons[] = {
        [ARITHMETIC_NOT_A_NUMBER] = FLOW_REJECT_NOT_A_NUMBER,
        [ARITHMETIC_BY_ZERO] = FLOW_REJECT_BY_ZERO,
        [ARITHMETIC_TOO_LONG] = FLOW_REJECT_TOO_LONG,
    };
    enum arithmetic_end end =
        arithmetic_cells(made->operation, made->operands, made->source_count, texts, ret_cell);
    if (end != ARITHMETIC_DONE)
        *ret_why = reasons[end];
    return end == ARITHMETIC_DONE;
}

static void make_value(struct flow_program *program, struct made_field *made,
                       const struct record_batch *batch, size_t row)
{
    struct record_cell *cell = &made->field.cells[row];
    enum flow_reject_why why = FLOW_REJECT_TOO_LONG;
    for (size_t i = 0; i < made->source_count; i++)
        made->operands[i] = &made->sources[i]->cells[row];
    *cell = (struct record_cell){0};
    bool ok = made->is_merge ? merge_cells(&made->merge, made->operands,
                                           program_bytes_left(program), &program->texts, cell)
                             : calculate(made, &program->texts, cell, &why);
    if (!ok)
        program_reject(program, batch, row, made->task, why);
}

/* --- what is written --- */

static void convert_value(struct flow_program *program, const struct program_output *output,
                          const struct record_batch *batch, size_t row)
{
    enum record_convert_end end = record_convert(&output->field->cells[row], &output->to,
                                                 &program->texts, &output->cells[row]);
    if (end != RECORD_CONVERTED)
        program_reject(program, batch, row, output->task,
                       end == RECORD_CONVERT_DIGITS ? FLOW_REJECT_TOO_LONG
                                                    : FLOW_REJECT_NOT_OF_TYPE);
}

static void write_values(struct flow_program *program, const struct record_batch *batch, size_t row)
{
    for (size_t i = 0; i < program->output_count && !program->is_rejected[row]; i++) {
        const struct program_output *output = &program->outputs[i];
        if (output->is_converted)
            convert_value(program, output, batch, row);
        if (output->is_repeat)
            program->repeated += output->cells[row].len;
        if (program_made_bytes(program) > program->record_limit)
            program_reject(program, batch, row, output->task, FLOW_REJECT_TOO_LONG);
    }
}

void program_work_on_row(struct flow_program *program, const struct record_batch *batch, size_t row)
{
    program->record_limit = program_made_bytes(program) + FLOW_RECORD_TEXTS_MAX;
    change_values(program, batch, row);
    for (size_t i = 0; i < program->made_count && !program->is_rejected[row]; i++)
        make_value(program, &program->made[i], batch, row);
    write_values(program, batch, row);
    if (program->folders && !program->is_rejected[row])
        program_find_folder(program, batch, row);
}
