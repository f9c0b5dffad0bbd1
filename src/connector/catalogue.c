/* The catalogue's entries in the API's form. */
#include "connector/catalogue.h"

#include "wire/api_ids.h"
#include "wire/value.h"

struct flag_name {
    unsigned flag;
    struct str name;
};

static const struct flag_name triggers[] = {
    {TRIGGER_SCHEDULED, STR("Scheduled")},
    {TRIGGER_EVENT, STR("Event")},
    {TRIGGER_ON_DEMAND, STR("OnDemand")},
};

static const struct flag_name frequencies[] = {
    {FREQUENCY_BY_MINUTE, STR("BYMINUTE")}, {FREQUENCY_HOURLY, STR("HOURLY")},
    {FREQUENCY_DAILY, STR("DAILY")},        {FREQUENCY_WEEKLY, STR("WEEKLY")},
    {FREQUENCY_MONTHLY, STR("MONTHLY")},    {FREQUENCY_ONCE, STR("ONCE")},
};

static struct value *names_of(struct arena *arena, unsigned flags, const struct flag_name *names,
                              size_t count)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; i < count; i++) {
        if (flags & names[i].flag)
            value_append(arena, list, value_string(arena, names[i].name));
    }
    return list;
}

static struct value *texts(struct arena *arena, const struct connector_texts *given)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; i < given->count; i++)
        value_append(arena, list, value_string(arena, str_from(given->rows[i])));
    return list;
}

/* The connector's own structure alone; NULL where the API has none for it. */
static struct value *metadata(struct arena *arena, const struct connector *connector)
{
    const struct catalogue_entry *entry = connector->catalogue;
    const struct shape *all = &api_shapes[API_SHAPE_ConnectorMetadata];
    struct value *own = value_structure(arena), *outer = value_structure(arena);
    if (!shape_find_member(all, connector->key))
        return NULL;
    for (size_t i = 0; i < entry->metadata.count; i++)
        value_put(arena, own, entry->metadata.rows[i].member,
                  texts(arena, &entry->metadata.rows[i].values));
    value_put(arena, outer, connector->key.data, own);
    return outer;
}

/* Newer members, for which no sample is known: the values are inferred from the model and the User
 * Guide. */
static void put_transfer_types(struct arena *arena, const struct catalogue_entry *entry,
                               struct value *structure)
{
    struct value *types = value_list(arena);
    value_append(arena, types, value_string(arena, STR("RECORD")));
    if (entry->moves_files)
        value_append(arena, types, value_string(arena, STR("FILE")));
    value_put(arena, structure, "supportedDataTransferTypes", types);
}

struct value *catalogue_configuration(struct arena *arena, const struct connector *connector)
{
    const struct catalogue_entry *entry = connector->catalogue;
    struct value *config = value_structure(arena);
    struct value *own = metadata(arena, connector);
    value_put_flag(arena, config, "canUseAsSource", connector->roles & ROLE_SOURCE);
    value_put_flag(arena, config, "canUseAsDestination", connector->roles & ROLE_DESTINATION);
    value_put(arena, config, "supportedDestinationConnectors", texts(arena, &entry->destinations));
    value_put(arena, config, "supportedSchedulingFrequencies",
              names_of(arena, entry->frequencies, frequencies,
                       sizeof(frequencies) / sizeof(*frequencies)));
    value_put_flag(arena, config, "isPrivateLinkEnabled", connector->modes & MODE_PRIVATE);
    value_put_flag(arena, config, "isPrivateLinkEndpointUrlRequired", entry->needs_private_service);
    value_put(arena, config, "supportedTriggerTypes",
              names_of(arena, entry->triggers, triggers, sizeof(triggers) / sizeof(*triggers)));
    if (own)
        value_put(arena, config, "connectorMetadata", own);
    value_put_text(arena, config, "connectorType", connector->type);
    value_put_text(arena, config, "connectorDescription", str_from(entry->name));
    put_transfer_types(arena, entry, config);
    return config;
}

struct value *catalogue_detail(struct arena *arena, const struct connector *connector)
{
    struct value *detail = value_structure(arena);
    value_put_text(arena, detail, "connectorDescription", str_from(connector->catalogue->name));
    value_put_text(arena, detail, "connectorType", connector->type);
    put_transfer_types(arena, connector->catalogue, detail);
    return detail;
}
