/* Tries over a connection, and what becomes of their answer. */
#include "profile/metadata_call.h"

#include "connector/connection.h"
#include "connector/connector.h"
#include "wire/errors.h"

/* --- the vendor --- */

static const struct connector *connector_of(const struct vendor_connection *connection)
{
    return vendor_config(connection)->target->connector;
}

static bool list(const struct metadata_question *question, struct vendor_connection *connection,
                 struct metadata *metadata)
{
    entity_list_init(&metadata->list, &metadata->arena);
    if (!connector_of(connection)
             ->ops->list_entities(connection, &question->query, &metadata->list))
        return false;
    entity_list_sort(&metadata->list);
    metadata->kept_ms = metadata->list.kept_s * 1000;
    return true;
}

static bool describe(const struct metadata_question *question, struct vendor_connection *connection,
                     struct metadata *metadata)
{
    struct entity_fields fields;
    entity_fields_init(&fields, vendor_config(connection)->arena->meter);
    bool described =
        connector_of(connection)->ops->describe_entity(connection, &question->query, &fields);
    if (described) {
        struct str items = buf_str(&fields.json);
        metadata->fields = arena_printf(&metadata->arena, "[%.*s]", STR_ARG(items));
        metadata->kept_ms = fields.kept_s * 1000;
    }
    entity_fields_done(&fields);
    return described;
}

/* What a try left is freed before the next one. */
static bool ask_once(const struct metadata_question *question, struct vendor_connection *connection,
                     struct metadata *metadata)
{
    arena_done(&metadata->arena);
    return question->kind == METADATA_LIST ? list(question, connection, metadata)
                                           : describe(question, connection, metadata);
}

bool metadata_call(const struct metadata_question *question, struct vendor_connection *connection,
                   struct metadata *metadata)
{
    const struct connector_ops *ops = connector_of(connection)->ops;
    bool open = !ops->open || ops->open(connection), found = false;
    while (open && !(found = ask_once(question, connection, metadata)))
        open = vendor_state(connection) == VENDOR_STALE && vendor_renew(connection);
    vendor_close(connection);
    return found;
}

bool metadata_fail(const struct connector *connector, const struct verdict *verdict,
                   struct arena *arena, struct error *error)
{
    struct str sentence = verdict_describe(arena, connector_name(connector, arena), verdict);
    if (verdict->kind == VERDICT_INTERNAL)
        return fail(error, ERR_INTERNAL, "%.*s", STR_ARG(sentence));
    if (verdict->kind == VERDICT_THROTTLED && verdict->step == STEP_RESOLVE) /* on our side */
        return fail(error, ERR_THROTTLING, "Rate exceeded: %.*s", STR_ARG(sentence));
    if (verdict->kind == VERDICT_REJECTED || verdict->kind == VERDICT_FORBIDDEN)
        return fail(error, ERR_CONNECTOR_AUTHENTICATION, "Error authenticating to connector: %.*s",
                    STR_ARG(sentence));
    return fail(error, ERR_CONNECTOR_SERVER, "Error while communicating to connector: %.*s",
                STR_ARG(sentence));
}

/* --- the cache --- */

struct str metadata_prefix(struct arena *arena, const struct profile_key *key,
                           enum metadata_kind kind)
{
    return arena_printf(arena, "%.*s\n%.*s\n%.*s\n%d\n", STR_ARG(key->account),
                        STR_ARG(key->region), STR_ARG(key->name), (int)kind);
}

static struct metadata *get(const struct metadata_lookup *lookup, const struct arena *arena,
                            struct error *error)
{
    struct metadata *metadata = metadata_new();
    metadata->arena.meter = arena->meter;
    bool found = lookup->get(lookup->context, metadata, error);
    arena_set_meter(&metadata->arena, NULL);
    if (found)
        return metadata;
    metadata_release(lookup->cache, metadata);
    return NULL;
}

struct metadata *metadata_look_up(const struct metadata_lookup *lookup, const struct arena *arena,
                                  struct error *error)
{
    bool late;
    struct metadata *metadata =
        metadata_cache_take(lookup->cache, lookup->key, lookup->deadline_ms, &late);
    if (metadata)
        return metadata;
    if (late) {
        fail(error, ERR_CONNECTOR_SERVER,
             "Error while communicating to connector: another request for the same entities was "
             "still waiting for %.*s when the time limit ended. Try again.",
             STR_ARG(lookup->connector_type));
        return NULL;
    }
    metadata = get(lookup, arena, error);
    if (metadata)
        metadata_cache_put(lookup->cache, lookup->account, lookup->key, metadata);
    else
        metadata_cache_miss(lookup->cache, lookup->key);
    return metadata;
}
