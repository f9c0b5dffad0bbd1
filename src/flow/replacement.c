/* A flow keeps its connectors and what it reads and writes (User Guide, "Managing flows"); of the
 * destination's object the real service's refusal is known (aws-cdk issue 14452). Profiles may
 * change, as credentials do. */
#include "flow/replacement.h"

#include "base/buf.h"
#include "flow/sorted_texts.h"

/* --- ends --- */

static bool same_object(const struct value *old, const struct value *new)
{
    bool same = true;
    for (size_t i = 0; i < flow_object_members.count; i++) {
        const char *member = flow_object_members.rows[i];
        same = same && str_eq(value_text(old, member), value_text(new, member));
    }
    /* Another bucket's prefix is not that of the object. */
    bool is_bucket = value_text(new, "bucketName").data != NULL;
    return same &&
           (!is_bucket || str_eq(value_text(old, "bucketPrefix"), value_text(new, "bucketPrefix")));
}

static void check_end(struct flow_checking *checking, const struct flow_end *end,
                      const struct value *old, struct str old_label)
{
    const char *name = end->role == ROLE_SOURCE ? "Source" : "Destination";
    const char *place = end->role == ROLE_SOURCE ? "source" : "destination";
    struct str old_type = value_text(old, "connectorType");
    const struct value *properties = flow_end_properties(end);
    if (!properties)
        return; /* a fault already */
    if (!str_eq(old_type, end->type) || (end->label.data && !str_eq(old_label, end->label))) {
        flow_fault(&checking->faults, "%s connector can not be updated: it must stay %.*s%s%.*s",
                   name, STR_ARG(old_type), old_label.len > 0 ? " " : "", STR_ARG(old_label));
        return;
    }
    if (!same_object(value_get(value_get(old, end->properties), end->connector->key.data),
                     properties))
        flow_fault(&checking->faults, "%s object for the %s connector can not be updated", name,
                   place);
}

void flow_replacement_check(struct flow_checking *checking, const struct flow_current *current)
{
    const struct value *summary = current->summary;
    const struct value *destinations = value_get(current->definition, "destinationFlowConfigList");
    check_end(checking, &checking->definition->source,
              value_get(current->definition, "sourceFlowConfig"),
              value_text(summary, "sourceConnectorLabel"));
    check_end(checking, &checking->definition->destination,
              destinations && destinations->count > 0 ? destinations->items[0] : NULL,
              value_text(summary, "destinationConnectorLabel"));
}

/* --- the schema --- */

static const struct str schema_types[] = {STR("Map"),        STR("Map_all"),   STR("Merge"),
                                          STR("Arithmetic"), STR("Partition"), STR("Passthrough")};

static bool is_of_schema(const struct value *task)
{
    struct str type = value_text(task, "taskType");
    for (size_t i = 0; i < sizeof(schema_types) / sizeof(*schema_types); i++) {
        if (str_eq(type, schema_types[i]))
            return true;
    }
    return false;
}

/* The tasks as sorted JSON: their order has no meaning. */
static struct str *schema_of(const struct value *tasks, struct arena *arena, size_t *ret_count)
{
    struct str *texts = arena_array(arena, struct str, (tasks ? tasks->count : 0) + 1);
    *ret_count = 0;
    for (size_t i = 0; tasks && i < tasks->count; i++) {
        struct buf json = buf_in(arena, FLOW_DEFINITION_MAX);
        if (!is_of_schema(tasks->items[i]))
            continue;
        value_encode(&json, tasks->items[i]);
        texts[(*ret_count)++] = buf_str(&json);
    }
    sort_texts(texts, *ret_count);
    return texts;
}

int64_t flow_schema_version(const struct flow_definition *definition,
                            const struct flow_current *current, struct arena *arena)
{
    size_t old_count, new_count;
    int64_t version = value_integer(current->definition, "schemaVersion", 1);
    const struct value *old_tasks = value_get(current->definition, "tasks");
    struct str *old = schema_of(old_tasks, arena, &old_count);
    struct str *new = schema_of(definition->tasks, arena, &new_count);
    bool same = old_count == new_count;
    for (size_t i = 0; same && i < old_count; i++)
        same = str_eq(old[i], new[i]);
    return same ? version : version + 1;
}
