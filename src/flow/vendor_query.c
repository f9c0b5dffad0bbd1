/* Reads a definition that flow_tasks_check has passed. */
#include "flow/vendor_query.h"

#include "connector/connector.h"
#include "flow/filter.h"
#include "flow/program.h"
#include "wire/errors.h"
#include "wire/json_value.h"

enum { NODES_MAX = 500 * 1000 }; /* JSON values and names: a field has some 40 */

/* False: the task is no filter, or its values are none that a run takes. */
static bool read_filter(const struct value *task, const char *key, struct arena *arena,
                        struct read_filter *ret_filter)
{
    struct str operation = value_text(value_get(task, "connectorOperator"), key);
    struct str *values;
    size_t count;
    if (!str_eq(value_text(task, "taskType"), STR("Filter")) || !operation.data ||
        str_eq(operation, STR("PROJECTION")) ||
        !filter_values(task, operation, arena, &values, &count))
        return false;
    *ret_filter = (struct read_filter){
        .field = value_get(task, "sourceFields")->items[0]->text,
        .operation = operation,
        .type = value_text(value_get(task, "taskProperties"), "DATA_TYPE"),
        .values = values,
        .value_count = count,
    };
    return true;
}

static void add_filters(struct read_query *query, const struct flow_definition *definition,
                        struct arena *arena)
{
    const struct value *tasks = definition->tasks;
    struct read_filter *filters = arena_array(arena, struct read_filter, tasks->count + 1);
    for (size_t i = 0; i < tasks->count; i++) {
        if (read_filter(tasks->items[i], definition->source.connector->key.data, arena,
                        &filters[query->filter_count]))
            query->filter_count++;
    }
    query->filters = filters;
}

void vendor_query_make(const struct flow_definition *definition, const struct flow_program *program,
                       struct arena *arena, struct read_query *ret_query, bool *ret_all)
{
    const struct value *properties = flow_end_properties(&definition->source);
    *ret_query = (struct read_query){
        .entity = flow_end_entity(&definition->source),
        .api_version = value_text(definition->source.config, "apiVersion"),
        .properties = properties,
    };
    flow_program_reads(program, &ret_query->fields, &ret_query->field_count, ret_all);
    add_filters(ret_query, definition, arena);
}

/* A filter that cannot be read is not given to the vendor: it stays, and the program refuses it. */
static bool is_apart(const struct flow_definition *definition, const struct value *task,
                     struct arena *arena)
{
    const struct connector *connector = definition->source.connector;
    struct read_filter filter;
    return read_filter(task, connector->key.data, arena, &filter) &&
           connector_filter_is_apart(connector, flow_end_entity(&definition->source), filter.field);
}

/* A Filter task that filters nothing: it projects no field. */
static struct value *nothing(const struct flow_definition *definition, struct arena *arena)
{
    struct value *task = value_structure(arena), *operators = value_structure(arena);
    value_put_text(arena, operators, definition->source.connector->key.data, STR("PROJECTION"));
    value_put_text(arena, task, "taskType", STR("Filter"));
    value_put(arena, task, "sourceFields", value_list(arena));
    value_put(arena, task, "connectorOperator", operators);
    return task;
}

const struct value *vendor_query_own_tasks(const struct flow_definition *definition,
                                           struct arena *arena)
{
    const struct value *tasks = definition->tasks;
    struct value *own = value_list(arena);
    for (size_t i = 0; i < tasks->count; i++) {
        struct value *task = tasks->items[i];
        value_append(arena, own,
                     is_apart(definition, task, arena) ? nothing(definition, arena) : task);
    }
    return own;
}

/* --- what the vendor says of fields --- */

static const struct value *field_of(const struct value *list, struct str name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(value_text(list->items[i], "identifier"), name))
            return list->items[i];
    }
    return NULL;
}

static struct str type_of(const struct value *field)
{
    const struct value *details = value_get(field, "supportedFieldTypeDetails");
    bool is_queryable = value_flag(value_get(field, "sourceProperties"), "isQueryable", false);
    return is_queryable ? value_text(value_get(details, "v1"), "fieldType") : STR_NULL;
}

static const struct str *types_of_filters(const struct read_query *query, const struct value *list,
                                          struct arena *arena)
{
    struct str *types = arena_array(arena, struct str, query->filter_count + 1);
    for (size_t i = 0; i < query->filter_count; i++) {
        struct str type = type_of(field_of(list, query->filters[i].field));
        types[i] = type.data ? arena_copy(arena, type) : STR_NULL;
    }
    return types;
}

/* An empty text: the vendor does not describe it. */
static const struct str *types_of(const struct str *names, size_t count, const struct value *list,
                                  struct arena *arena)
{
    struct str *types = arena_array(arena, struct str, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct value *field = field_of(list, names[i]);
        const struct value *details = value_get(field, "supportedFieldTypeDetails");
        struct str type = value_text(value_get(details, "v1"), "fieldType");
        types[i] = arena_copy(arena, type.data ? type : STR(""));
    }
    return types;
}

static void name_all(struct vendor_description *description, const struct value *list,
                     struct arena *arena)
{
    struct str *names = arena_array(arena, struct str, list->count + 1);
    description->count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct value *source = value_get(list->items[i], "sourceProperties");
        if (value_flag(source, "isRetrievable", true))
            names[description->count++] =
                arena_copy(arena, value_text(list->items[i], "identifier"));
    }
    description->names = names;
}

/* A field that is not described, such as a member of a nested value, has no label. */
static void add_labels(struct vendor_description *description, const struct read_query *query,
                       const struct value *list, struct arena *arena)
{
    size_t count = query->field_count > 0 ? query->field_count : list->count;
    struct field_label *labels = arena_array(arena, struct field_label, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct value *field =
            query->field_count > 0 ? field_of(list, query->fields[i]) : list->items[i];
        if (field)
            labels[description->label_count++] = (struct field_label){
                .name = arena_copy(arena, value_text(field, "identifier")),
                .label = arena_copy(arena, value_text(field, "label")),
                .description = arena_copy(arena, value_text(field, "description")),
            };
    }
    description->labels = labels;
}

static const struct vendor_description *describe(const struct read_query *query,
                                                 const struct value *list, bool wants_all,
                                                 bool wants_labels, struct arena *arena)
{
    struct vendor_description *description = arena_new(arena, struct vendor_description);
    description->count = query->field_count;
    if (wants_all)
        name_all(description, list, arena);
    description->types =
        types_of(wants_all ? description->names : query->fields, description->count, list, arena);
    description->filters = types_of_filters(query, list, arena);
    if (wants_labels)
        add_labels(description, query, list, arena);
    return description;
}

bool vendor_query_describe(const struct read_query *query, struct str fields, bool wants_all,
                           bool wants_labels, struct arena *arena,
                           const struct vendor_description **ret_description, struct error *error)
{
    struct arena scratch = arena_beside(arena);
    struct value *list;
    *ret_description = NULL;
    enum json_fault fault = json_parse_own(fields, NODES_MAX, &scratch, &list);
    if (fault == JSON_READ && arena_has_room(arena, fields.len))
        *ret_description = describe(query, list, wants_all, wants_labels, arena);
    arena_done(&scratch);
    bool has_none = *ret_description && wants_all && (*ret_description)->count == 0;
    if (has_none)
        *ret_description = NULL;
    if (has_none || fault == JSON_UNFIT || fault == JSON_TOO_MANY)
        return fail(error, ERR_CONNECTOR_SERVER, "%.*s has no field that can be read.",
                    STR_ARG(query->entity));
    return *ret_description ||
           fail(error, ERR_UNAVAILABLE, "The account's share of --request-memory is in use.");
}

static void use_filters(struct read_query *query, const struct str *types, struct arena *arena)
{
    struct read_filter *filters = arena_array(arena, struct read_filter, query->filter_count + 1);
    for (size_t i = 0; i < query->filter_count; i++) {
        filters[i] = query->filters[i];
        filters[i].described = types[i];
    }
    query->filters = filters;
}

void vendor_query_use(struct read_query *query, const struct vendor_description *description,
                      struct arena *arena)
{
    use_filters(query, description->filters, arena);
    if (description->names) {
        query->fields = description->names;
        query->field_count = description->count;
        query->types = description->types;
    }
    query->described = description->types;
}
