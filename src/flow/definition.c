/* From a request's input to its parts, and to the texts that are stored. A stored definition is a
 * JSON object of members of DescribeFlow's answer, a summary one of members of ListFlows': both are
 * answered as they are. */
#include "flow/definition.h"

#include "base/buf.h"
#include "connector/catalogue.h"

static const char *const object_members[] = {"object",     "objectPath", "entityName",
                                             "bucketName", "domainName", "objectTypeName"};
const struct connector_texts flow_object_members = LIST(object_members);

static void read_end(struct flow_end *end, const struct value *config)
{
    end->config = config;
    end->type = value_text(config, "connectorType");
    end->profile = value_text(config, "connectorProfileName");
    end->connector = connector_by_type(end->type);
}

void flow_definition_read(const struct value *input, struct flow_definition *ret_definition)
{
    const struct value *destinations = value_get(input, "destinationFlowConfigList");
    *ret_definition = (struct flow_definition){
        .input = input,
        .source = {.name = "sourceFlowConfig",
                   .properties = "sourceConnectorProperties",
                   .role = ROLE_SOURCE},
        .destination = {.name = "destinationFlowConfigList",
                        .properties = "destinationConnectorProperties",
                        .role = ROLE_DESTINATION},
        .destination_count = destinations ? destinations->count : 0,
        .trigger_type = value_text(value_get(input, "triggerConfig"), "triggerType"),
        .tasks = value_get(input, "tasks"),
    };
    read_end(&ret_definition->source, value_get(input, "sourceFlowConfig"));
    read_end(&ret_definition->destination,
             destinations && destinations->count > 0 ? destinations->items[0] : NULL);
}

const struct value *flow_end_properties(const struct flow_end *end)
{
    return end->connector
               ? value_get(value_get(end->config, end->properties), end->connector->key.data)
               : NULL;
}

const struct value *flow_end_objects(const struct flow_end *destination)
{
    const struct connector *connector = destination->connector;
    return connector && connector->catalogue->flows.writes_objects
               ? flow_end_properties(destination)
               : NULL;
}

struct str flow_end_entity(const struct flow_end *end)
{
    const struct value *properties = flow_end_properties(end);
    for (size_t i = 0; i < flow_object_members.count; i++) {
        struct str object = value_text(properties, flow_object_members.rows[i]);
        if (object.data)
            return object;
    }
    return STR("");
}

const struct value *flow_data_catalog(const struct value *definition)
{
    return value_get(value_get(definition, "metadataCatalogConfig"), "glueDataCatalog");
}

/* --- what is stored --- */

/* By reference: the item is written, and not changed. */
static void put(struct arena *arena, struct value *structure, const char *name,
                const struct value *item)
{
    if (item)
        value_put(arena, structure, name, (struct value *)item);
}

/* Clients delete triggerProperties from the answer without a look whether it is there. */
static struct value *trigger_of(struct arena *arena, const struct value *given)
{
    const struct value *properties = value_get(given, "triggerProperties");
    struct value *trigger = value_structure(arena);
    put(arena, trigger, "triggerType", value_get(given, "triggerType"));
    put(arena, trigger, "triggerProperties", properties ? properties : value_structure(arena));
    return trigger;
}

static const struct value *whole(const struct flow_definition *definition,
                                 const struct flow_facts *facts, struct arena *arena)
{
    const struct value *input = definition->input;
    const struct value *catalogue = value_get(input, "metadataCatalogConfig");
    struct value *whole = value_structure(arena);
    put(arena, whole, "description", value_get(input, "description"));
    value_put_text(arena, whole, "kmsArn", facts->kms_arn);
    put(arena, whole, "sourceFlowConfig", value_get(input, "sourceFlowConfig"));
    put(arena, whole, "destinationFlowConfigList", value_get(input, "destinationFlowConfigList"));
    value_put(arena, whole, "triggerConfig", trigger_of(arena, value_get(input, "triggerConfig")));
    put(arena, whole, "tasks", definition->tasks);
    value_put_text(arena, whole, "createdBy", facts->created_by);
    value_put_text(arena, whole, "lastUpdatedBy", facts->updated_by);
    put(arena, whole, "metadataCatalogConfig", catalogue ? catalogue : value_structure(arena));
    value_put_integer(arena, whole, "schemaVersion", facts->schema_version);
    return whole;
}

static const struct value *summary(const struct flow_definition *definition,
                                   const struct flow_facts *facts, struct arena *arena)
{
    struct value *summary = value_structure(arena);
    put(arena, summary, "description", value_get(definition->input, "description"));
    value_put_text(arena, summary, "sourceConnectorType", definition->source.type);
    value_put_text(arena, summary, "sourceConnectorLabel", definition->source.label);
    value_put_text(arena, summary, "destinationConnectorType", definition->destination.type);
    value_put_text(arena, summary, "destinationConnectorLabel", definition->destination.label);
    value_put_text(arena, summary, "createdBy", facts->created_by);
    value_put_text(arena, summary, "lastUpdatedBy", facts->updated_by);
    return summary;
}

static struct buf encode(const struct value *value, size_t limit, struct arena *arena)
{
    struct buf json = buf_in(arena, limit);
    value_encode(&json, value);
    return json;
}

/* What is named for an end that needs no profile is kept in the definition and used nowhere. */
static struct str profile_of(const struct flow_end *end)
{
    return end->connector && !end->connector->without_profiles ? end->profile : STR_NULL;
}

bool flow_definition_store(const struct flow_definition *definition, const struct flow_facts *facts,
                           struct arena *arena, struct flow_row *row, struct error *error)
{
    struct buf text = encode(whole(definition, facts, arena), FLOW_DEFINITION_MAX, arena);
    struct buf listed = encode(summary(definition, facts, arena), FLOW_SUMMARY_MAX, arena);
    if (text.overflow || listed.overflow)
        return fail(error, ERR_VALIDATION, "A flow's definition may have at most %d bytes.",
                    FLOW_DEFINITION_MAX);
    row->trigger_type = definition->trigger_type;
    row->source_profile = profile_of(&definition->source);
    row->destination_profile = profile_of(&definition->destination);
    row->summary = buf_str(&listed);
    row->definition = buf_str(&text);
    return true;
}
