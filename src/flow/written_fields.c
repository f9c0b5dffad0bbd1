/* Merge and Arithmetic tasks name their result in destinationField; a Map task takes it as its
 * source and names the field that is written. Clients leave that Map out (aws-cdk's concat): then
 * the result's name is the field's. */
#include "flow/written_fields.h"

#include "flow/sorted_texts.h"

static bool is_type(const struct value *task, struct str type)
{
    return str_eq(value_text(task, "taskType"), type);
}

/* What Map tasks take, sorted; their rule says that it is one field each. */
static struct str *mapped_fields(const struct value *tasks, struct arena *arena, size_t *ret_count)
{
    struct str *fields = arena_array(arena, struct str, tasks->count + 1);
    *ret_count = 0;
    for (size_t i = 0; i < tasks->count; i++) {
        const struct value *sources = value_get(tasks->items[i], "sourceFields");
        if (is_type(tasks->items[i], STR("Map")) && sources && sources->count > 0)
            fields[(*ret_count)++] = sources->items[0]->text;
    }
    sort_texts(fields, *ret_count);
    return fields;
}

bool task_makes_field(const struct value *task)
{
    return is_type(task, STR("Merge")) || is_type(task, STR("Arithmetic"));
}

struct str written_fields_by(const struct written_fields *fields, const struct value *task)
{
    struct str field = value_text(task, "destinationField");
    bool writes =
        is_type(task, STR("Map")) ||
        (task_makes_field(task) && !sorted_texts_have(fields->mapped, fields->mapped_count, field));
    return writes && field.len > 0 ? field : STR_NULL;
}

void written_fields_read(const struct value *tasks, struct arena *arena,
                         struct written_fields *ret_fields)
{
    *ret_fields =
        (struct written_fields){.names = arena_array(arena, struct str, tasks->count + 1)};
    ret_fields->mapped = mapped_fields(tasks, arena, &ret_fields->mapped_count);
    for (size_t i = 0; i < tasks->count; i++) {
        const struct value *task = tasks->items[i];
        struct str field = written_fields_by(ret_fields, task);
        ret_fields->any |= is_type(task, STR("Map_all")) || is_type(task, STR("Passthrough"));
        if (field.data)
            ret_fields->names[ret_fields->count++] = field;
    }
    sort_texts(ret_fields->names, ret_fields->count);
}

bool written_fields_have(const struct written_fields *fields, struct str name)
{
    return fields->any || sorted_texts_have(fields->names, fields->count, name);
}
