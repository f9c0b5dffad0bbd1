/* Tasks have been checked by flow_tasks_check when a flow was defined; what only a run needs is
 * checked here. */
#include "flow/program_internal.h"

#include "base/alloc.h"
#include "flow/tasks.h"

#include <stdlib.h>

struct compiling {
    struct flow_program *program;
    const struct value *task;
    size_t number;  /* of the task, from 1 */
    struct str key; /* the source's member of connectorOperator */
    struct error *error;
};

static bool is_type(const struct value *task, const char *type)
{
    return str_eq(value_text(task, "taskType"), str_from(type));
}

static struct str operator_of(const struct compiling *at)
{
    struct str name = value_text(value_get(at->task, "connectorOperator"), at->key.data);
    return name.data ? name : STR("NO_OP");
}

static struct str property_of(const struct compiling *at, const char *name)
{
    return value_text(value_get(at->task, "taskProperties"), name);
}

static bool fail_task(const struct compiling *at, const char *what)
{
    return fail(at->error, ERR_VALIDATION, "Task %zu (%.*s): %s.", at->number,
                STR_ARG(value_text(at->task, "taskType")), what);
}

/* --- fields --- */

static struct program_field *source_field(struct flow_program *program, struct str name)
{
    struct map_link *link = map_find(&program->sources, name);
    if (link)
        return (struct program_field *)link; /* its first member */
    struct program_field *field = arena_new(&program->arena, struct program_field);
    field->link.name = name;
    map_add(&program->sources, &field->link);
    if (program->last_source)
        program->last_source->next = field;
    else
        program->first_source = field;
    program->last_source = field;
    return field;
}

/* What a Merge or Arithmetic task has made under the name comes before a field of the source. */
static struct program_field *made_or_source(struct flow_program *program, struct str name)
{
    struct map_link *made = map_find(&program->made_by_name, name);
    return made ? (struct program_field *)made : source_field(program, name);
}

static struct str first_source(const struct compiling *at)
{
    return value_get(at->task, "sourceFields")->items[0]->text;
}

/* --- tasks --- */

static bool compile_filter(struct compiling *at)
{
    struct flow_program *program = at->program;
    struct field_filter *filter = &program->filters[program->filter_count];
    const struct value *fields = value_get(at->task, "sourceFields");
    if (str_eq(operator_of(at), STR("PROJECTION"))) {
        for (size_t i = 0; i < fields->count; i++)
            (void)source_field(program, fields->items[i]->text);
        return true;
    }
    if (!filter_make(at->task, operator_of(at), &program->arena, &filter->filter, at->error))
        return false;
    filter->field = source_field(program, filter->filter.field);
    program->filter_count++;
    return true;
}

static bool compile_validation(struct compiling *at)
{
    struct flow_program *program = at->program;
    program->validations[program->validation_count++] = (struct field_validation){
        validation_of(at->task, operator_of(at), at->number),
        source_field(program, first_source(at)),
    };
    return true;
}

static bool compile_change(struct compiling *at)
{
    struct flow_program *program = at->program;
    struct program_field *field = source_field(program, first_source(at));
    field->is_changed = true;
    program->changes[program->change_count++] = (struct field_change){
        value_change_of(at->task, operator_of(at)),
        at->number,
        field,
    };
    return true;
}

static enum arithmetic arithmetic_of(struct str operator_name)
{
    static const struct str names[] = {
        [ARITHMETIC_ADD] = STR("ADDITION"),
        [ARITHMETIC_SUBTRACT] = STR("SUBTRACTION"),
        [ARITHMETIC_MULTIPLY] = STR("MULTIPLICATION"),
        [ARITHMETIC_DIVIDE] = STR("DIVISION"),
    };
    enum arithmetic operation = ARITHMETIC_ADD;
    while (operation < ARITHMETIC_DIVIDE && !str_eq(names[operation], operator_name))
        operation++;
    return operation;
}

/* In the order in which the task takes them. */
static bool list_sources(struct compiling *at, struct made_field *made)
{
    struct arena *arena = &at->program->arena;
    const struct value *fields = value_get(at->task, "sourceFields");
    struct str order = property_of(at, "MATH_OPERATION_FIELDS_ORDER"), *names = NULL;
    made->source_count = fields->count;
    if (order.data && !flow_field_list(order, arena, &names, &made->source_count))
        return fail_task(at, "MATH_OPERATION_FIELDS_ORDER must be names between commas, or a JSON "
                             "list of names");
    made->sources = arena_array(arena, struct program_field *, made->source_count);
    made->operands = arena_array(arena, const struct record_cell *, made->source_count);
    for (size_t i = 0; i < made->source_count; i++)
        made->sources[i] = made_or_source(at->program, names ? names[i] : fields->items[i]->text);
    return true;
}

static bool compile_made(struct compiling *at)
{
    struct flow_program *program = at->program;
    struct made_field *made = &program->made[program->made_count];
    struct str name = value_text(at->task, "destinationField");
    if (program->made_count == FLOW_MADE_FIELDS_MAX)
        return fail_task(at, "a run may have at most 64 Merge and Arithmetic tasks");
    if (map_find(&program->made_by_name, name))
        return fail_task(at, "another task makes a field of the same name already");
    if (!list_sources(at, made))
        return false;
    made->task = at->number;
    made->is_merge = is_type(at->task, "Merge");
    made->operation = arithmetic_of(operator_of(at));
    made->field.is_rounded = !made->is_merge && made->operation == ARITHMETIC_DIVIDE;
    made->field.link.name = name;
    made->field.cells = arena_array(&program->arena, struct record_cell, FLOW_PART_ROWS_MAX);
    map_add(&program->made_by_name, &made->field.link);
    program->made_count++;
    return !made->is_merge ||
           merge_make(property_of(at, "CONCAT_FORMAT"), value_get(at->task, "sourceFields"),
                      &program->arena, &made->merge, at->error);
}

static bool exclude(struct flow_program *program, struct str name)
{
    struct map_link *link = arena_new(&program->arena, struct map_link);
    link->name = name;
    if (!map_find(&program->not_copied, name))
        map_add(&program->not_copied, link);
    return true;
}

static bool compile_all(struct compiling *at)
{
    struct flow_program *program = at->program;
    struct str list = property_of(at, "EXCLUDE_SOURCE_FIELDS_LIST"), *names;
    size_t count = 0;
    program->copies_all = true;
    if (list.data && !flow_field_list(list, &program->arena, &names, &count))
        return fail_task(at, "EXCLUDE_SOURCE_FIELDS_LIST must be names between commas, or a JSON "
                             "list of names");
    for (size_t i = 0; i < count; i++)
        exclude(program, names[i]);
    return true;
}

static bool compile_passthrough(struct compiling *at)
{
    at->program->copies_all = true;
    return true;
}

static bool compile_partition(struct compiling *at)
{
    struct str list = property_of(at, "ORDERED_PARTITION_KEYS_LIST"), *keys;
    size_t count;
    if (list.len == 0 || !flow_field_list(list, &at->program->arena, &keys, &count) || count == 0 ||
        count > PARTITION_KEYS_MAX)
        return fail_task(at, "ORDERED_PARTITION_KEYS_LIST must be 1 to 10 names between commas, or "
                             "a JSON list of names");
    program_plan_folders(at->program, at->number, keys, count);
    return true;
}

/* Once all fields that tasks make are known. A name that is both excluded and mapped is mapped. */
static bool compile_map(struct compiling *at)
{
    struct flow_program *program = at->program;
    struct program_output *output = &program->outputs[program->output_count++];
    output->link.name = value_text(at->task, "destinationField");
    output->field = made_or_source(program, first_source(at));
    output->field->writes++;
    output->task = at->number;
    output->source = data_type_of(property_of(at, "SOURCE_DATA_TYPE"));
    output->wanted = data_type_of(property_of(at, "DESTINATION_DATA_TYPE"));
    if (!map_find(&program->not_copied, output->link.name))
        map_add(&program->not_copied, &output->link);
    return true;
}

/* --- the whole --- */

static const struct {
    const char *type;
    bool (*compile)(struct compiling *at);
} compilers[] = {
    {"Filter", compile_filter}, {"Validate", compile_validation},
    {"Mask", compile_change},   {"Truncate", compile_change},
    {"Merge", compile_made},    {"Arithmetic", compile_made},
    {"Map_all", compile_all},   {"Passthrough", compile_passthrough},
    {"Map", NULL /* last */},   {"Partition", compile_partition},
};

static bool compile_task(struct compiling *at)
{
    for (size_t i = 0; i < sizeof(compilers) / sizeof(*compilers); i++) {
        if (is_type(at->task, compilers[i].type))
            return !compilers[i].compile || compilers[i].compile(at);
    }
    return fail_task(at, "no such type of task is known");
}

static bool has_output(const struct flow_program *program, struct str name)
{
    for (size_t i = 0; i < program->output_count; i++) {
        if (str_eq(program->outputs[i].link.name, name))
            return true;
    }
    return false;
}

/* Results that no Map task takes are written under their own names: clients leave that Map out. */
static bool write_unmapped(struct flow_program *program, struct error *error)
{
    size_t mapped = program->output_count;
    for (size_t i = 0; i < program->made_count; i++) {
        struct program_field *field = &program->made[i].field;
        bool is_mapped = false;
        for (size_t j = 0; j < mapped && !is_mapped; j++)
            is_mapped = program->outputs[j].field == field;
        if (is_mapped)
            continue;
        if (has_output(program, field->link.name))
            return fail(error, ERR_VALIDATION,
                        "Task %zu makes the field %.*s, which a Map task writes too.",
                        program->made[i].task, STR_ARG(field->link.name));
        program->outputs[program->output_count++] =
            (struct program_output){.link = {.name = field->link.name}, .field = field};
        field->writes++;
        exclude(program, field->link.name);
    }
    return true;
}

static void list_reads(struct flow_program *program)
{
    size_t count = 0;
    for (struct program_field *field = program->first_source; field; field = field->next)
        count++;
    program->reads = arena_array(&program->arena, struct str, count + 1);
    for (struct program_field *field = program->first_source; field; field = field->next)
        program->reads[program->read_count++] = field->link.name;
}

static bool compile(struct compiling *at, const struct value *tasks)
{
    struct flow_program *program = at->program;
    bool ok = true;
    for (size_t i = 0; ok && i < tasks->count; i++) {
        at->task = tasks->items[i];
        at->number = i + 1;
        ok = compile_task(at);
    }
    for (size_t i = 0; ok && i < tasks->count; i++) {
        at->task = tasks->items[i];
        at->number = i + 1;
        ok = !is_type(at->task, "Map") || compile_map(at);
    }
    if (!ok || !write_unmapped(program, at->error) || !program_plan_types(program, at->error))
        return false;
    list_reads(program);
    return program->copies_all || program->output_count > 0 ||
           fail(at->error, ERR_VALIDATION,
                "The tasks write no field: there must be a Map_all task, or a Map task for each "
                "field.");
}

static struct flow_program *allocate(size_t tasks)
{
    struct flow_program *program = xcalloc(1, sizeof(*program));
    struct arena *arena = &program->arena;
    arena->kind = program->column_memory.kind = program->texts.kind = ARENA_PLAIN;
    program->filters = arena_array(arena, struct field_filter, tasks);
    program->validations = arena_array(arena, struct field_validation, tasks);
    program->changes = arena_array(arena, struct field_change, tasks);
    program->made = arena_array(arena, struct made_field, FLOW_MADE_FIELDS_MAX + 1);
    program->outputs = arena_array(arena, struct program_output, tasks);
    program->nulls = arena_array(arena, struct record_cell, RECORD_ROWS_MAX);
    program->kept = arena_array(arena, uint32_t, RECORD_ROWS_MAX);
    program->is_rejected = arena_array(arena, uint8_t, RECORD_ROWS_MAX);
    program->rejects = arena_array(arena, struct flow_reject, RECORD_ROWS_MAX);
    return program;
}

bool flow_program_new(const struct value *tasks, struct str key, struct flow_program **ret_program,
                      struct error *error)
{
    struct compiling at = {.program = allocate(tasks->count), .key = key, .error = error};
    if (!compile(&at, tasks)) {
        flow_program_free(at.program);
        return false;
    }
    *ret_program = at.program;
    return true;
}

void flow_program_free(struct flow_program *program)
{
    if (!program)
        return;
    map_done(&program->sources);
    map_done(&program->made_by_name);
    map_done(&program->not_copied);
    arena_done(&program->texts);
    arena_done(&program->column_memory);
    arena_done(&program->arena);
    free(program);
}

void flow_program_reads(const struct flow_program *program, const struct str **ret_fields,
                        size_t *ret_count, bool *ret_all)
{
    *ret_fields = program->reads;
    *ret_count = program->copies_all ? 0 : program->read_count;
    *ret_all = program->copies_all;
}
