/* The vendor's description beside the tasks. */
#include "flow/unknown_fields.h"

#include "connector/connector.h"
#include "flow/definition.h"
#include "profile/metadata.h"
#include "wire/json_value.h"

enum { NODES_MAX = 512 * 1024 }; /* of a description */

struct field_search {
    const struct flow_definition *definition;
    const struct value *described;
    struct arena *arena;
    struct value *found;
};

static bool is_described(const struct value *described, struct str name)
{
    for (size_t i = 0; i < described->count; i++) {
        if (str_eq(value_text(described->items[i], "identifier"), name))
            return true;
    }
    return false;
}

/* By a Merge or an Arithmetic task. */
static bool is_made(const struct value *tasks, struct str name)
{
    for (size_t i = 0; i < tasks->count; i++) {
        struct str type = value_text(tasks->items[i], "taskType");
        bool makes = str_eq(type, STR("Merge")) || str_eq(type, STR("Arithmetic"));
        if (makes && str_eq(value_text(tasks->items[i], "destinationField"), name))
            return true;
    }
    return false;
}

/* Of a member within another one the vendor may describe that alone. */
static bool is_known(const struct field_search *search, struct str name)
{
    const struct flow_definition *definition = search->definition;
    struct str outer = name, inner;
    str_cut(name, '.', &outer, &inner);
    return is_described(search->described, name) || is_described(search->described, outer) ||
           is_made(definition->tasks, name) ||
           connector_filter_is_apart(definition->source.connector,
                                     flow_end_entity(&definition->source), name);
}

static void add(struct field_search *search, size_t task, struct str field)
{
    struct value *row = value_structure(search->arena);
    value_put_integer(search->arena, row, "task", (int64_t)task);
    value_put_text(search->arena, row, "field", arena_copy(search->arena, field));
    value_append(search->arena, search->found, row);
}

static void compare(struct field_search *search)
{
    const struct value *tasks = search->definition->tasks;
    for (size_t i = 0; i < tasks->count; i++) {
        const struct value *fields = value_get(tasks->items[i], "sourceFields");
        for (size_t j = 0; fields && j < fields->count; j++) {
            if (!is_known(search, fields->items[j]->text))
                add(search, i + 1, fields->items[j]->text);
        }
    }
}

struct value *flow_unknown_fields(const struct profile_context *context, struct flow_key flow,
                                  const struct value *definition, struct str request_id,
                                  struct arena *arena)
{
    struct flow_definition read;
    struct error ignored;
    struct value *described;
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
    struct field_search search = {.definition = &read, .arena = arena};
    if (json_parse_own(metadata->fields, NODES_MAX, &scratch, &described) == JSON_READ) {
        search.described = described;
        search.found = value_list(arena);
        compare(&search);
    }
    arena_done(&scratch);
    metadata_release(context->metadata, metadata);
    return search.found;
}
