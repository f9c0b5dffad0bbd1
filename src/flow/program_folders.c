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
    folders->of_rows = arena_array(&program->arena, struct str, FLOW_PART_ROWS_MAX);
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
    return is_copied ? batch->columns[column].cells + program->done : program->nulls;
}

void program_bind_folders(struct flow_program *program, const struct record_batch *batch)
{
    struct program_folders *folders = program->folders;
    folders->before = STR_NULL;
    for (size_t i = 0; i < folders->key_count; i++)
        folders->values[i] = values_of(program, batch, folders->keys[i]);
}

void program_find_folder(struct flow_program *program, const struct record_batch *batch, size_t row)
{
    struct program_folders *folders = program->folders;
    const struct record_cell *cells[PARTITION_KEYS_MAX];
    for (size_t i = 0; i < folders->key_count; i++)
        cells[i] = &folders->values[i][row];
    if (partition_folder(folders->keys, cells, folders->key_count, folders->before, &program->texts,
                         &folders->of_rows[row]))
        folders->before = folders->of_rows[row];
    else
        program_reject(program, batch, row, folders->task, FLOW_REJECT_TOO_LONG);
}
