/* A Partition task: the folders of records, from fields of the output. */
#include "flow/program_internal.h"

void program_plan_folders(struct flow_program *program, size_t task, const struct str *keys,
                          size_t count)
{
    struct program_folders *folders = arena_new(&program->arena, struct program_folders);
    folders->task = task;
    folders->key_count = count;
    folders->keys = arena_array(&program->arena, struct str, count);
    for (size_t i = 0; i < count; i++)
        folders->keys[i] = keys[i];
    folders->of_rows = arena_array(&program->arena, struct str, RECORD_ROWS_MAX);
    program->folders = folders;
}

/* A field that the output does not have is null in all records. */
static const struct record_cell *values_of(const struct flow_program *program,
                                           const struct record_batch *batch, struct str key)
{
    for (size_t i = 0; i < program->output_count; i++) {
        if (str_eq(program->outputs[i].link.name, key))
            return program->outputs[i].cells;
    }
    size_t column = record_batch_find(batch, key);
    bool is_copied =
        program->copies_all && column < batch->column_count && !map_find(&program->not_copied, key);
    return is_copied ? batch->columns[column].cells : program->nulls;
}

void program_find_folders(struct flow_program *program, struct record_batch *batch)
{
    const struct program_folders *folders = program->folders;
    const struct record_cell *values[PARTITION_KEYS_MAX], *cells[PARTITION_KEYS_MAX];
    struct str before = STR_NULL;
    for (size_t i = 0; i < folders->key_count; i++)
        values[i] = values_of(program, batch, folders->keys[i]);
    for (size_t row = 0; row < batch->rows; row++) {
        for (size_t i = 0; i < folders->key_count; i++)
            cells[i] = &values[i][row];
        if (program->is_rejected[row])
            continue;
        if (batch->texts.used > program->texts_max ||
            !partition_folder(folders->keys, cells, folders->key_count, before, &batch->texts,
                              &folders->of_rows[row]))
            program_reject(program, batch, row, folders->task, FLOW_REJECT_TOO_LONG);
        else
            before = folders->of_rows[row];
    }
}
