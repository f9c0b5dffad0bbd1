/* The vendor's description beside the tasks. Both may be long, so each field is looked up in a map.
 */
#include "flow/field_drift.h"

#include "base/map.h"
#include "connector/connector.h"
#include "flow/data_type.h"
#include "flow/definition.h"
#include "profile/metadata.h"
#include "wire/json_pointer.h"
#include "wire/json_value.h"

enum { NODES_MAX = 512 * 1024 }; /* of a description */

struct described_field {
    struct map_link link;
    struct str type;
    bool is_hidden, is_read;
};

struct drift {
    const struct flow_definition *definition;
    bool is_typed;
    struct map fields;
    struct described_field *rows; /* in the order of the description */
    size_t count;
    struct map made; /* by Merge and Arithmetic tasks */
    struct arena *scratch;
    struct arena *arena;
    struct value *unknown, *retyped, *unread;
};

static struct str type_of(const struct value *task)
{
    return value_text(task, "taskType");
}

/* --- what there is --- */

static void add_described(struct drift *drift, const struct value *described)
{
    drift->rows = arena_array(drift->scratch, struct described_field, described->count + 1);
    for (size_t i = 0; i < described->count; i++) {
        const struct value *item = described->items[i];
        struct str name = value_text(item, "identifier");
        if (!name.data || map_find(&drift->fields, name))
            continue;
        struct described_field *field = &drift->rows[drift->count++];
        *field = (struct described_field){
            .link = {.name = name},
            .type = pointer_text(drift->scratch, item, "/supportedFieldTypeDetails/v1/fieldType"),
            .is_hidden = !value_flag(value_get(item, "sourceProperties"), "isRetrievable", true),
        };
        map_add(&drift->fields, &field->link);
    }
}

static void add_made(struct drift *drift)
{
    const struct value *tasks = drift->definition->tasks;
    struct map_link *links = arena_array(drift->scratch, struct map_link, tasks->count + 1);
    for (size_t i = 0; i < tasks->count; i++) {
        struct str type = type_of(tasks->items[i]);
        struct str name = value_text(tasks->items[i], "destinationField");
        bool makes = str_eq(type, STR("Merge")) || str_eq(type, STR("Arithmetic"));
        if (!makes || !name.data || map_find(&drift->made, name))
            continue;
        links[i] = (struct map_link){.name = name};
        map_add(&drift->made, &links[i]);
    }
}

/* Of a member within another one the vendor may describe that alone. NULL: neither. */
static struct described_field *described_field(const struct drift *drift, struct str name)
{
    struct str outer = name, inner;
    struct map_link *link = map_find(&drift->fields, name);
    if (!link && str_cut(name, '.', &outer, &inner))
        link = map_find(&drift->fields, outer);
    return (struct described_field *)link; /* its first member */
}

static bool is_known_otherwise(const struct drift *drift, struct str name)
{
    const struct flow_end *source = &drift->definition->source;
    return map_find(&drift->made, name) ||
           connector_filter_is_apart(source->connector, flow_end_entity(source), name);
}

/* --- what differs --- */

static struct value *add_row(struct drift *drift, struct value *list, size_t task, struct str field)
{
    struct value *row = value_structure(drift->arena);
    if (task > 0)
        value_put_integer(drift->arena, row, "task", (int64_t)task);
    value_put_text(drift->arena, row, "field", arena_copy(drift->arena, field));
    value_append(drift->arena, list, row);
    return row;
}

/* As the program converts (flow/program.h). */
static const char *effect_of(const struct drift *drift, enum record_kind said, struct str wanted)
{
    enum record_kind kind = data_type_of(wanted).kind;
    if (drift->is_typed)
        return "column";
    return kind != RECORD_NULL && kind != said ? "converted" : "asItComes";
}

static void compare_types(struct drift *drift, size_t task, const struct described_field *field)
{
    const struct value *properties =
        value_get(drift->definition->tasks->items[task - 1], "taskProperties");
    struct str said = value_text(properties, "SOURCE_DATA_TYPE");
    enum record_kind kind = data_type_of(said).kind, now = data_type_of(field->type).kind;
    if (kind == RECORD_NULL || now == RECORD_NULL || kind == now)
        return;
    const char *effect = effect_of(drift, kind, value_text(properties, "DESTINATION_DATA_TYPE"));
    struct value *row = add_row(drift, drift->retyped, task, field->link.name);
    value_put_text(drift->arena, row, "taskType", arena_copy(drift->arena, said));
    value_put_text(drift->arena, row, "type", arena_copy(drift->arena, field->type));
    value_put_text(drift->arena, row, "effect", str_from(effect));
}

static void compare_field(struct drift *drift, size_t task, struct str name)
{
    struct described_field *field = described_field(drift, name);
    bool is_map = str_eq(type_of(drift->definition->tasks->items[task - 1]), STR("Map"));
    if (field)
        field->is_read = true;
    else if (!is_known_otherwise(drift, name))
        (void)add_row(drift, drift->unknown, task, name);
    if (field && is_map && str_eq(field->link.name, name) && !map_find(&drift->made, name))
        compare_types(drift, task, field);
}

/* Whether a task takes all fields that there are. */
static bool compare_tasks(struct drift *drift)
{
    const struct value *tasks = drift->definition->tasks;
    bool takes_all = false;
    for (size_t i = 0; i < tasks->count; i++) {
        const struct value *fields = value_get(tasks->items[i], "sourceFields");
        struct str type = type_of(tasks->items[i]);
        takes_all |= str_eq(type, STR("Map_all")) || str_eq(type, STR("Passthrough"));
        for (size_t j = 0; fields && j < fields->count; j++)
            compare_field(drift, i + 1, fields->items[j]->text);
    }
    return takes_all;
}

static int64_t list_unread(struct drift *drift)
{
    int64_t count = 0;
    for (size_t i = 0; i < drift->count; i++) {
        const struct described_field *field = &drift->rows[i];
        if (field->is_hidden || field->is_read || count++ >= DRIFT_UNREAD_MAX)
            continue;
        struct value *row = add_row(drift, drift->unread, 0, field->link.name);
        value_put_text(drift->arena, row, "type", arena_copy(drift->arena, field->type));
    }
    return count;
}

static struct value *compare(struct drift *drift, const struct value *described)
{
    struct arena *arena = drift->arena;
    struct value *found = value_structure(arena);
    drift->unknown = value_list(arena);
    drift->retyped = value_list(arena);
    drift->unread = value_list(arena);
    add_described(drift, described);
    add_made(drift);
    bool takes_all = compare_tasks(drift);
    value_put(arena, found, "unknownFields", drift->unknown);
    value_put(arena, found, "retypedFields", drift->retyped);
    if (!takes_all) {
        value_put_integer(arena, found, "unreadCount", list_unread(drift));
        value_put(arena, found, "unreadFields", drift->unread);
    }
    map_done(&drift->fields);
    map_done(&drift->made);
    return found;
}

struct value *flow_field_drift(const struct profile_context *context, struct flow_key flow,
                               const struct value *definition, bool is_typed, struct str request_id,
                               struct arena *arena)
{
    struct flow_definition read;
    struct error ignored;
    struct value *described, *found = NULL;
    flow_definition_read(definition, &read);
    const struct flow_end *source = &read.source;
    if (!source->connector || !source->profile.data || !connector_has_entities(source->connector))
        return NULL;
    const struct metadata_question question = {
        .key = {flow.account, flow.region, source->profile},
        .connector_type = source->type,
        .kind = METADATA_FIELDS,
        .query = {.name = flow_end_entity(source),
                  .api_version = value_text(source->config, "apiVersion")},
        .request_id = request_id,
    };
    struct metadata *metadata = profile_metadata(context, arena, &question, &ignored);
    if (!metadata)
        return NULL;
    struct arena scratch = arena_beside(arena);
    struct drift drift = {
        .definition = &read, .is_typed = is_typed, .scratch = &scratch, .arena = arena};
    if (json_parse_own(metadata->fields, NODES_MAX, &scratch, &described) == JSON_READ)
        found = compare(&drift, described);
    arena_done(&scratch);
    metadata_release(context->metadata, metadata);
    return found;
}
