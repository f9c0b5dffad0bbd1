/* What writes need of $metadata: names and types of one set's properties, and its key. The rest of
 * the document is freed at once. */
#include "connectors/sapodata/write.h"

#include "connector/http/entity_source.h"
#include "connectors/sapodata/entities.h"
#include "connectors/sapodata/metadata.h"

#include <stdlib.h>

enum {
    WRITE_METADATA_MAX = 8 * 1024 * 1024, /* bytes of a description that a run keeps for a moment */
    NAMES_MAX = 1024,
    KEYS_MAX = 64, /* of an entity set, each of which is looked for in each record */
};

struct target_reading {
    struct vendor_connection *connection;
    const struct write_query *query;
    struct sapodata_target *target;
    struct odata_metadata metadata;
};

static struct arena *arena_of(const struct target_reading *reading)
{
    return vendor_config(reading->connection)->arena;
}

static bool fail_query(const struct target_reading *reading, struct str message)
{
    return vendor_fail(reading->connection, VERDICT_MISCONFIGURED, STEP_NONE, message, NULL);
}

/* --- properties --- */

static int compare(const void *a, const void *b)
{
    const struct sapodata_property *left = a, *right = b;
    return str_compare(left->name, right->name);
}

const struct sapodata_property *sapodata_property_find(const struct sapodata_target *target,
                                                       struct str name)
{
    const struct sapodata_property wanted = {.name = name};
    return target->property_count > 0 ? bsearch(&wanted, target->properties, target->property_count,
                                                sizeof(wanted), compare)
                                      : NULL;
}

static struct sapodata_property copy_of(const struct target_reading *reading, struct str name,
                                        struct str type)
{
    struct arena *arena = arena_of(reading);
    return (struct sapodata_property){arena_copy(arena, name), arena_copy(arena, type)};
}

static const struct odata_type *base_of(const struct target_reading *reading,
                                        const struct odata_type *type)
{
    return type->base.data ? odata_type_find(&reading->metadata, type->base) : NULL;
}

/* The properties of a type are its own and those of the types that it is based on. */
static void take_properties(struct target_reading *reading, const struct odata_type *type)
{
    struct sapodata_target *target = reading->target;
    const struct odata_type *each = type;
    size_t count = 0;
    for (int depth = 0; each && depth < ENTITY_DEPTH_MAX; depth++) {
        count += each->count;
        each = base_of(reading, each);
    }
    target->properties = arena_array(arena_of(reading), struct sapodata_property, count + 1);
    each = type;
    for (int depth = 0; each && depth < ENTITY_DEPTH_MAX; depth++) {
        for (const struct odata_property *own = each->properties; own; own = own->next)
            target->properties[target->property_count++] = copy_of(reading, own->name, own->type);
        each = base_of(reading, each);
    }
    qsort(target->properties, target->property_count, sizeof(*target->properties), compare);
}

static bool take_keys(struct target_reading *reading, const struct odata_type *type)
{
    struct sapodata_target *target = reading->target;
    const struct odata_type *keyed = type;
    for (int depth = 0; keyed && !keyed->keys && depth < ENTITY_DEPTH_MAX; depth++)
        keyed = base_of(reading, keyed);
    size_t count = keyed ? keyed->count : 0;
    target->keys = arena_array(arena_of(reading), struct sapodata_property, count + 1);
    /* The last one is the first in the list. */
    for (const struct odata_property *key = keyed ? keyed->keys : NULL;
         key && target->key_count <= KEYS_MAX; key = key->next) {
        const struct sapodata_property *property = sapodata_property_find(target, key->name);
        for (size_t i = target->key_count++; i > 0; i--)
            target->keys[i] = target->keys[i - 1];
        target->keys[0] = property ? *property : copy_of(reading, key->name, STR("Edm.String"));
    }
    if (target->key_count > KEYS_MAX)
        return fail_query(reading, STR("the entity set has more than 64 keys in its description"));
    return target->key_count > 0 ||
           fail_query(reading, STR("the entity set has no key in its description"));
}

/* --- what the flow asks for --- */

static bool check_ids(const struct target_reading *reading)
{
    const struct sapodata_target *target = reading->target;
    const struct write_query *query = reading->query;
    struct buf names = buf_in(arena_of(reading), NAMES_MAX);
    for (size_t i = 0; i < target->key_count; i++)
        buf_add_item(&names, target->keys[i].name);
    for (size_t i = 0; i < query->id_field_count; i++) {
        bool is_key = false;
        for (size_t k = 0; k < target->key_count; k++)
            is_key = is_key || str_eq(target->keys[k].name, query->id_fields[i]);
        if (!is_key)
            return fail_query(reading,
                              arena_printf(arena_of(reading),
                                           "%.*s in idFieldNames is no key of %.*s, which has: "
                                           "%.*s",
                                           STR_ARG(query->id_fields[i]), STR_ARG(target->set),
                                           STR_ARG(buf_str(&names))));
    }
    return true;
}

static bool check_operation(const struct target_reading *reading)
{
    const struct sapodata_target *target = reading->target;
    enum write_operation operation = reading->query->operation;
    bool inserts = operation == WRITE_INSERT || operation == WRITE_UPSERT;
    if (operation == WRITE_DELETE)
        return fail_query(reading, STR("DELETE is not how records of SAP OData can be written"));
    if ((inserts && target->no_insert) || (operation != WRITE_INSERT && target->no_update))
        return fail_query(
            reading, arena_printf(arena_of(reading),
                                  "the service's description says that entities of %.*s cannot be "
                                  "%s",
                                  STR_ARG(target->set),
                                  inserts && target->no_insert ? "created" : "updated"));
    return operation == WRITE_INSERT || check_ids(reading);
}

/* --- the description --- */

static bool split(struct target_reading *reading)
{
    struct str path = reading->query->entity;
    size_t slash = path.len;
    while (slash > 0 && path.data[slash - 1] != '/')
        slash--;
    if (slash < 2)
        return entity_absent(reading->connection, path,
                             "is no path of a service and its entity set");
    reading->target->path = (struct str){path.data, slash - 1};
    reading->target->set = (struct str){path.data + slash, path.len - slash};
    return true;
}

static bool take_set(struct target_reading *reading)
{
    struct sapodata_target *target = reading->target;
    const struct odata_set *set = odata_set_find(&reading->metadata, target->set);
    const struct odata_type *type = set ? odata_type_find(&reading->metadata, set->type) : NULL;
    if (!type)
        return entity_absent(reading->connection, reading->query->entity,
                             "is no entity set of this service");
    target->no_insert = set->limits.no_insert;
    target->no_update = set->limits.no_update;
    target->is_v4 = reading->metadata.is_v4;
    take_properties(reading, type);
    return take_keys(reading, type) && check_operation(reading);
}

bool sapodata_target_read(struct vendor_connection *connection, const struct write_query *query,
                          struct sapodata_target *ret_target)
{
    struct arena document = arena_beside(vendor_config(connection)->arena);
    struct target_reading reading = {
        .connection = connection,
        .query = query,
        .target = ret_target,
        .metadata = {.arena = &document, .bytes_max = WRITE_METADATA_MAX},
    };
    *ret_target = (struct sapodata_target){0};
    bool read = split(&reading) &&
                sapodata_read_metadata(connection, ret_target->path, &reading.metadata) &&
                take_set(&reading);
    arena_done(&document);
    ret_target->sessions = 1;
    return read && sapodata_session_fetch(connection, ret_target->path,
                                          vendor_config(connection)->arena, &ret_target->session);
}
