/* Two Filter tasks more, in the form in which a client would send them. */
#include "flow/incremental.h"

#include "connector/catalogue.h"
#include "connector/reading.h"

static const struct catalogue_flow_rules *rules_of(const struct flow_definition *definition)
{
    const struct connector *connector = definition->source.connector;
    return connector && connector->catalogue ? &connector->catalogue->flows : NULL;
}

/* STR_NULL: there is none. */
static struct str field_of(const struct flow_definition *definition)
{
    const struct catalogue_flow_rules *rules = rules_of(definition);
    const struct value *config = value_get(definition->source.config, "incrementalPullConfig");
    struct str named = value_text(config, "datetimeTypeFieldName");
    if (!rules || rules->has_object_times)
        return STR_NULL;
    if (named.len > 0)
        return named;
    return rules->changed_field ? str_from(rules->changed_field) : STR_NULL;
}

bool flow_incremental_is_possible(const struct value *definition)
{
    struct flow_definition read;
    flow_definition_read(definition, &read);
    const struct catalogue_flow_rules *rules = rules_of(&read);
    return rules && (rules->has_object_times || field_of(&read).data);
}

static struct value *filter_of(struct arena *arena, const struct flow_definition *definition,
                               struct str operation, int64_t ms)
{
    struct value *task = value_structure(arena), *fields = value_list(arena);
    struct value *operators = value_structure(arena), *properties = value_structure(arena);
    value_append(arena, fields, value_string(arena, field_of(definition)));
    value_put_text(arena, operators, definition->source.connector->key.data, operation);
    value_put_text(arena, properties, "DATA_TYPE", READ_FILTER_TIME);
    value_put_text(arena, properties, "VALUE", arena_printf(arena, "%lld", (long long)ms));
    value_put_text(arena, task, "taskType", STR("Filter"));
    value_put(arena, task, "sourceFields", fields);
    value_put(arena, task, "connectorOperator", operators);
    value_put(arena, task, "taskProperties", properties);
    return task;
}

void flow_incremental_add_filters(const struct flow_run_row *row, struct value *definition,
                                  struct arena *arena)
{
    struct flow_definition read;
    flow_definition_read(definition, &read);
    if (row->window_to_ms == 0 || !field_of(&read).data)
        return;
    struct value *tasks = value_list(arena);
    value_append(arena, tasks,
                 filter_of(arena, &read, STR("GREATER_THAN_OR_EQUAL_TO"), row->window_from_ms));
    value_append(arena, tasks, filter_of(arena, &read, STR("LESS_THAN"), row->window_to_ms));
    for (size_t i = 0; i < read.tasks->count; i++)
        value_append(arena, tasks, read.tasks->items[i]);
    for (size_t i = 0; i < definition->count; i++) {
        if (str_eq(definition->names[i], STR("tasks")))
            definition->items[i] = tasks;
    }
}
