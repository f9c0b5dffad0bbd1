/* Settings and definitions of calls about records. */
#include "connector/custom/record_call.h"

#include "connector/custom/declared.h"
#include "connector/http/internal.h"

static const struct value *declared_setting(const struct target *target, struct str key)
{
    const struct custom_connector *custom = target->connector->custom;
    const struct value *settings = value_get(custom->configuration, "connectorRuntimeSetting");
    for (size_t i = 0; settings && i < settings->count; i++) {
        if (str_eq(value_text(settings->items[i], "key"), key))
            return settings->items[i];
    }
    return NULL;
}

static bool has_member(const struct value *structure, struct str name)
{
    for (size_t i = 0; structure && i < structure->count; i++) {
        if (str_eq(structure->names[i], name))
            return true;
    }
    return false;
}

/* Such a setting may say where the function sends the credentials: a flow cannot change it. */
static bool is_of_profile(const struct target *target, struct str key)
{
    struct str scope = value_text(declared_setting(target, key), "scope");
    return has_member(value_get(target->properties, "profileProperties"), key) ||
           str_eq(scope, STR("CONNECTOR_PROFILE"));
}

/* The profile's and then the flow's, by reference. */
static bool merge_settings(struct vendor_connection *connection, const struct record_flow *of,
                           const struct value **ret_settings)
{
    const struct value *flow = value_get(of->properties, "customProperties");
    struct arena *arena = connection->arena;
    const struct value *profile = value_get(connection->target->properties, "profileProperties");
    struct value *all = value_structure(arena);
    for (size_t i = 0; profile && i < profile->count; i++)
        value_put(arena, all, arena_cstr(arena, profile->names[i]), profile->items[i]);
    for (size_t i = 0; flow && i < flow->count; i++) {
        if (is_of_profile(connection->target, flow->names[i]))
            return vendor_fail(
                connection, VERDICT_MISCONFIGURED, STEP_SETTINGS,
                arena_printf(arena,
                             "customProperties of the flow's %s have %.*s, which is a setting "
                             "of the connector profile",
                             of->end, STR_ARG(flow->names[i])),
                "Leave it out of the flow.");
        value_put(arena, all, arena_cstr(arena, flow->names[i]), flow->items[i]);
    }
    *ret_settings = all;
    return true;
}

static bool keep_definition(struct vendor_connection *connection, const struct value *definition,
                            const struct value **ret_kept)
{
    struct buf json = buf_in(connection->arena, FUNCTION_PAYLOAD_MAX);
    struct value *kept = value_new(connection->arena, VALUE_RAW);
    value_encode(&json, definition);
    kept->text = buf_str(&json);
    *ret_kept = kept;
    return !json.overflow ||
           vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                       STR("the entity's definition is longer than a request can be"), NULL);
}

bool record_call_begin(struct vendor_connection *connection, const struct record_flow *flow,
                       struct query_call *ret_calls, const struct value **ret_definition)
{
    const struct value *settings = NULL;
    if (!merge_settings(connection, flow, &settings) ||
        !query_call_begin(connection, flow->api_version, ret_calls))
        return false;
    ret_calls->context.settings = settings;
    struct arena scratch = arena_beside(connection->arena);
    struct str payload = contract_describe_entity(&scratch, &ret_calls->context, flow->entity);
    bool described =
        query_call_ask(ret_calls, CONTRACT_DESCRIBE_ENTITY, payload) || query_call_fail(ret_calls);
    arena_done(&scratch);
    if (!described)
        return false;
    *ret_definition = value_get(ret_calls->answer.body, "entityDefinition");
    return keep_definition(connection, *ret_definition, &ret_calls->context.definition);
}
