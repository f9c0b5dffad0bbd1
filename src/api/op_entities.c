/* Listing and describing the entities of a profile's vendor, and forgetting what is cached. */
#include "api/op_entities.h"

#include "api/page_token.h"
#include "api/request.h"
#include "base/clock.h"
#include "connector/connector.h"
#include "profile/connector_metadata.h"
#include "wire/errors.h"

enum {
    PAGE_ALL = ENTITIES_MAX,       /* the API states no default for this operation */
    ANSWER_MAX = 32 * 1024 * 1024, /* bytes */
    ENTITY_JSON_MAX = 64 + 4 * (ENTITY_NAME_MAX + ENTITY_LABEL_MAX), /* bytes, about */
};

/* Connectors that flows use without a profile are named by their type alone. NULL: the request
 * names none. */
static const struct connector *without_profile(const struct api_request *request)
{
    struct str type = value_text(request->input, "connectorType");
    const struct connector *connector = connector_by_type(type);
    bool named = !value_text(request->input, "connectorProfileName").data;
    return named && connector && connector->without_profiles ? connector : NULL;
}

static bool fail_no_profile(struct api_request *request)
{
    struct str type = value_text(request->input, "connectorType");
    if (!type.data)
        return fail(&request->error, ERR_VALIDATION,
                    "Give connectorProfileName, or the connectorType of a connector that has no "
                    "connector profiles.");
    return fail(&request->error, ERR_VALIDATION,
                "Give connectorProfileName: the entities of connectorType %.*s are those that "
                "the credentials of a connector profile can see.",
                STR_ARG(type));
}

/* `connector`: one without profiles, which stands for the profile; NULL: none. */
static struct profile_key key_of(const struct api_request *request,
                                 const struct connector *connector)
{
    if (connector)
        return connector_metadata_key(connector, request->arena, request->caller.account,
                                      request->caller.region);
    return (struct profile_key){request->caller.account, request->caller.region,
                                value_text(request->input, "connectorProfileName")};
}

static struct metadata *find(struct api_request *request, const struct connector *connector,
                             enum metadata_kind kind, struct str entity)
{
    const struct profile_context *context = &request->service->profiles;
    const struct metadata_question question = {
        .key = key_of(request, connector),
        .connector_type = value_text(request->input, "connectorType"),
        .kind = kind,
        .query = {.name = entity, .api_version = value_text(request->input, "apiVersion")},
        .request_id = {request->request_id, UUID_SIZE - 1},
    };
    if (!question.key.name.data) {
        fail_no_profile(request);
        return NULL;
    }
    struct metadata *metadata =
        connector
            ? connector_metadata(context, connector, request->arena, &question, &request->error)
            : profile_metadata(context, request->arena, &question, &request->error);
    trace_stage_end(&request->stage_ns, STAGE_VERIFY);
    return metadata;
}

static void put_down(struct api_request *request, struct metadata *metadata)
{
    metadata_release(request->service->profiles.metadata, metadata);
}

static bool answer(struct api_request *request, const struct value *answer_value, size_t size)
{
    struct buf json = buf_in(request->arena, ANSWER_MAX);
    if (!arena_has_room(request->arena, size))
        return request_no_memory(request);
    buf_reserve(&json, size);
    value_encode(&json, answer_value);
    if (json.overflow)
        return fail(&request->error, ERR_INTERNAL, "The answer is longer than %d bytes.",
                    ANSWER_MAX);
    request->output = buf_str(&json);
    return true;
}

/* --- ListConnectorEntities --- */

static struct value *entity_value(struct arena *arena, const struct entity *entity)
{
    struct value *value = value_structure(arena);
    value_put_text(arena, value, "name", entity->name);
    value_put_text(arena, value, "label", entity->label);
    value_put_flag(arena, value, "hasNestedEntities", entity->nested);
    return value;
}

/* The list of a group in the answer's map. */
static struct value *group_of(struct arena *arena, struct value *map, struct str group)
{
    const char *name = arena_cstr(arena, group);
    for (size_t i = 0; i < map->count; i++) {
        if (str_eq(map->names[i], group))
            return map->items[i];
    }
    struct value *list = value_list(arena);
    value_put(arena, map, name, list);
    return list;
}

static bool answer_page(struct api_request *request, const struct entity_list *list,
                        struct str after)
{
    struct arena *arena = request->arena;
    size_t page = (size_t)value_integer(request->input, "maxResults", PAGE_ALL);
    size_t first = after.data ? entity_list_after(list, after) : 0, size = 256;
    size_t end = list->count - first > page ? first + page : list->count;
    struct value *body = value_structure(arena), *map = value_new(arena, VALUE_MAP);
    if (!arena_has_room(arena, (end - first) * ENTITY_JSON_MAX))
        return request_no_memory(request);
    for (size_t i = first; i < end; i++) {
        const struct entity *entity = &list->rows[i];
        value_append(arena, group_of(arena, map, entity->group), entity_value(arena, entity));
        size += 64 + entity->name.len + entity->label.len;
    }
    value_put(arena, body, "connectorEntityMap", map);
    if (end < list->count)
        value_put_text(arena, body, "nextToken",
                       page_token_make(request, list->rows[end - 1].name));
    return answer(request, body, size);
}

bool list_connector_entities(struct api_request *request)
{
    const struct connector *connector = without_profile(request);
    struct str after;
    if (!page_token_read(request, &after))
        return false;
    if (connector && !connector_has_entities(connector)) {
        request->output = STR("{\"connectorEntityMap\":{}}");
        return true; /* a destination alone takes any records: the flow itself names it */
    }
    struct metadata *metadata =
        find(request, connector, METADATA_LIST, value_text(request->input, "entitiesPath"));
    bool ok = metadata && answer_page(request, &metadata->list, after);
    put_down(request, metadata);
    return ok;
}

/* --- DescribeConnectorEntity --- */

bool describe_connector_entity(struct api_request *request)
{
    const struct connector *connector = without_profile(request);
    if (connector && !connector_has_entities(connector))
        return fail(&request->error, ERR_CONNECTOR_SERVER,
                    "Error while communicating to connector: %.*s has no entities: a flow names "
                    "its destination there in its own properties.",
                    STR_ARG(connector->type));
    struct metadata *metadata = find(request, connector, METADATA_FIELDS,
                                     value_text(request->input, "connectorEntityName"));
    if (!metadata)
        return false;
    struct value *body = value_structure(request->arena);
    value_put_raw(request->arena, body, "connectorEntityFields", metadata->fields);
    bool ok = answer(request, body, metadata->fields.len + 64);
    put_down(request, metadata);
    return ok;
}

/* --- ResetConnectorMetadataCache --- */

/* With an entity its fields are forgotten, without one the lists of names. */
static struct metadata_resets resets_of(const struct api_request *request)
{
    bool details = value_text(request->input, "connectorEntityName").data != NULL;
    return (struct metadata_resets){.details = details, .names = !details};
}

static bool apply_reset(struct db *db, void *argument, struct error *error)
{
    struct api_request *request = argument;
    const struct connector *connector = without_profile(request);
    const struct metadata_resets resets = resets_of(request);
    struct audit_entry entry = request_audit_entry(request, "ok", STR(""));
    bool added =
        connector ? metadata_resets_add_connector(db, key_of(request, connector), &resets,
                                                  clock_wall_ms(), error)
                  : metadata_resets_add(db, key_of(request, NULL), &resets, clock_wall_ms(), error);
    return added && audit_add(db, &entry, error);
}

bool reset_connector_metadata_cache(struct api_request *request)
{
    const struct connector *connector = without_profile(request);
    const struct profile_key key = key_of(request, connector);
    const struct metadata_resets resets = resets_of(request);
    if (!key.name.data)
        return fail_no_profile(request);
    bool ok =
        store_apply(request->service->config.store, apply_reset, request, false, &request->error);
    if (ok)
        profile_metadata_forget(&request->service->profiles, request->arena, &key, &resets);
    trace_stage_end(&request->stage_ns, STAGE_COMMIT);
    request->output = STR("{}");
    return ok;
}
