/* Which fields of the output are converted to the type that their Map task names, and what their
 * values are then. */
#include "flow/program_internal.h"

/* A field that the output has under its own name as well, unconverted. */
static bool is_copied(const struct flow_program *program, const struct program_field *field)
{
    return program->copies_all && map_find(&program->sources, field->link.name) == &field->link &&
           !map_find(&program->not_copied, field->link.name);
}

/* Without DESTINATION_DATA_TYPE the values are of the source's type. What a Mask or Truncate task
 * has made is text, whatever was named: "*****" is no number. */
static struct record_conversion conversion_of(const struct flow_program *program,
                                              const struct program_output *output)
{
    const struct record_conversion none = {0};
    struct record_conversion to = output->wanted;
    if (output->field->is_changed)
        return none;
    if (program->keeps_types) {
        to = to.kind == RECORD_NULL ? output->source : to;
        to.rounds = output->field->is_rounded;
        return to;
    }
    to.precision = to.scale = 0; /* a text has room for all digits */
    return to.kind == output->source.kind ? none : to;
}

static void find_repeats(struct flow_program *program)
{
    for (size_t i = 0; i < program->output_count; i++)
        program->outputs[i].field->is_written = is_copied(program, program->outputs[i].field);
    for (size_t i = 0; i < program->output_count; i++) {
        struct program_output *output = &program->outputs[i];
        output->is_repeat = output->field->is_written;
        output->field->is_written = true;
    }
}

bool program_plan_types(struct flow_program *program, struct error *error)
{
    find_repeats(program);
    for (size_t i = 0; i < program->output_count; i++) {
        struct program_output *output = &program->outputs[i];
        output->to = conversion_of(program, output);
        bool is_shared = output->field->writes > 1 || is_copied(program, output->field);
        if (output->to.kind == RECORD_NULL || !is_shared || output->copies)
            continue;
        if (program->copied_count++ == FLOW_COPIES_MAX)
            return fail(error, ERR_VALIDATION,
                        "Task %zu (Map): a run may have at most %d fields that are converted to "
                        "another type and written in a second place too.",
                        output->task, FLOW_COPIES_MAX);
        output->copies = arena_array(&program->arena, struct record_cell, FLOW_PART_ROWS_MAX);
    }
    return true;
}

bool flow_program_keep_types(struct flow_program *program, struct error *error)
{
    program->keeps_types = true;
    return program_plan_types(program, error);
}

struct record_field program_field_of(const struct flow_program *program,
                                     const struct program_output *output)
{
    bool is_typed = program->keeps_types && output->to.kind != RECORD_NULL;
    return (struct record_field){
        .name = output->link.name,
        .kind = is_typed ? output->to.kind : RECORD_TEXT,
        .precision = is_typed ? output->to.precision : 0,
        .scale = is_typed ? output->to.scale : 0,
    };
}
