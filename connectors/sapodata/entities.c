/* Entities of SAP OData: the catalog's services, and nested in each its entity sets, whose fields
 * are the properties that $metadata describes. An entity set is named by its path:
 * "/sap/opu/odata/sap/API_BUSINESS_PARTNER/A_BusinessPartner". */
#include "connectors/sapodata/entities.h"

#include "connector/filter_operators.h"
#include "connector/http/connection.h"
#include "connectors/sapodata/metadata.h"
#include "wire/json_pointer.h"

/* --- the catalog's services --- */

/* Version 2: ServiceUrl is whole, with the host as the system knows itself. */
static const struct entity_items services = {
    .call = {.method = "GET", .path = "/ServiceCollection?%24format=json", .query = SAPODATA_QUERY},
    .pages = {.kind = PAGES_LINK, .next = "/d/__next"},
    .at = "/d/results",
};

/* Version 4: services come in groups. */
static const struct entity_items groups = {
    .call = {.method = "GET",
             .path = "/ServiceGroups?%24expand=DefaultSystem(%24expand=Services)",
             .query = SAPODATA_QUERY},
    .pages = {.kind = PAGES_LINK, .next = "/@odata.nextLink"},
    .at = "/value",
};

static struct str path_of(struct str url)
{
    struct url_parts parts;
    struct str path = url_split(url, &parts) ? parts.rest : url, rest;
    str_cut(path, '?', &path, &rest);
    while (str_ends(path, STR("/")))
        path.len--;
    return path;
}

static bool add_service(struct entity_list *list, struct str url, struct str label)
{
    const struct entity entity = {
        .group = STR("Objects"), .name = path_of(url), .label = label, .nested = true};
    return entity_list_add(list, &entity);
}

static bool service(void *context, const struct value *item, struct arena *scratch)
{
    struct str title = value_text(item, "Title");
    (void)scratch;
    return add_service(context, value_text(item, "ServiceUrl"),
                       title.len > 0 ? title : value_text(item, "Description"));
}

static bool group(void *context, const struct value *item, struct arena *scratch)
{
    const struct value *list = pointer_find(item, "/DefaultSystem/Services");
    (void)scratch;
    for (size_t i = 0; list && i < list->count; i++) {
        struct str label = value_text(list->items[i], "Description");
        if (!add_service(context, value_text(list->items[i], "ServiceUrl"), label))
            return false;
    }
    return true;
}

/* Its root says which version the catalog is of. */
static bool list_services(struct vendor_connection *connection, struct entity_list *list)
{
    static const struct connector_call root = {
        .method = "GET", .path = "/", .query = SAPODATA_QUERY};
    struct vendor_response response;
    if (!vendor_call(connection, &root, &response))
        return false;
    bool is_v4 = response.json && pointer_find(response.json, "/value");
    struct entity_reader reader = {
        .items = is_v4 ? &groups : &services, .each = is_v4 ? group : service, .context = list};
    bool read = entity_items_read(connection, &reader);
    return reader.stopped ? entity_too_many(connection, "services", list->no_room) : read;
}

/* --- one service --- */

/* The caller names it: it must be a path and nothing more. */
static bool is_path(struct vendor_connection *connection, struct str path)
{
    struct arena *arena = vendor_config(connection)->arena;
    struct str url = arena_printf(arena, "https://host.example%.*s", STR_ARG(path));
    struct url parsed;
    return str_starts(path, STR("/")) && url_parse(arena, url, NULL, &parsed, NULL) &&
           str_eq(parsed.path, path);
}

bool sapodata_read_metadata(struct vendor_connection *connection, struct str path,
                            struct odata_metadata *metadata)
{
    static const struct connector_call call = {.method = "GET",
                                               .path = "/$metadata",
                                               .accept = "application/xml",
                                               .query = SAPODATA_QUERY};
    struct arena *arena = vendor_config(connection)->arena;
    struct answer_reader reader;
    struct vendor_response response;
    if (!is_path(connection, path))
        return entity_absent(connection, path, "is no path of a service");
    struct str target = arena_printf(arena, "%.*s/$metadata", STR_ARG(path));
    struct odata_reader *document = odata_reader_new(metadata, &reader);
    bool read = vendor_call_read(connection, &call, target, &reader, &response);
    odata_reader_free(document);
    if (!read && vendor_verdict(connection).status == 404)
        return entity_absent(connection, path, "is no service of this system");
    if (read && !metadata->is_whole)
        return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                           STR("the response is not the service's metadata"), NULL);
    return read;
}

/* For what is copied before the next set or property is read. */
static struct arena scratch_of(struct vendor_connection *connection)
{
    return (struct arena){.kind = ARENA_PLAIN, .meter = vendor_config(connection)->arena->meter};
}

static bool list_sets(struct vendor_connection *connection, struct str service_path,
                      const struct odata_metadata *metadata, struct entity_list *list)
{
    struct arena scratch = scratch_of(connection);
    bool fits = true;
    for (const struct odata_set *set = metadata->sets; set && fits; set = set->next) {
        const struct entity entity = {
            .group = STR("Objects"),
            .name = arena_printf(&scratch, "%.*s/%.*s", STR_ARG(service_path), STR_ARG(set->name)),
            .label = set->label.len > 0 ? set->label : set->name,
        };
        fits = entity_list_add(list, &entity);
        arena_reset(&scratch);
    }
    arena_done(&scratch);
    return fits ? vendor_accept(connection, STEP_API)
                : entity_too_many(connection, "entity sets", list->no_room);
}

bool sapodata_list(struct vendor_connection *connection, const struct entity_query *query,
                   struct entity_list *list)
{
    struct odata_metadata metadata = {.arena = vendor_config(connection)->arena};
    if (!query->name.data)
        return list_services(connection, list);
    struct str path = path_of(query->name);
    return sapodata_read_metadata(connection, path, &metadata) &&
           list_sets(connection, path, &metadata, list);
}

/* --- fields --- */

static const char *const ordered[] = {"EQUAL_TO",     "NOT_EQUAL_TO",
                                      "LESS_THAN",    "LESS_THAN_OR_EQUAL_TO",
                                      "GREATER_THAN", "GREATER_THAN_OR_EQUAL_TO",
                                      "BETWEEN"};
static const char *const by_key[] = {"UPDATE", "UPSERT"};

static const struct entity_type types[] = {
    {.type = "Edm.String", .operators = LIST(filter_texts)},
    {.type = "Edm.Boolean", .operators = LIST(filter_equal), .values = LIST(filter_true_or_false)},
    {.type = "Edm.Guid", .operators = LIST(filter_equal)},
    {.type = "Edm.DateTime", .operators = LIST(ordered), .is_time = true},
    {.type = "Edm.DateTimeOffset", .operators = LIST(ordered), .is_time = true},
    {.type = "Edm.Date", .operators = LIST(ordered)},
    {.type = "Edm.Time", .operators = LIST(ordered)},
    {.type = "Edm.TimeOfDay", .operators = LIST(ordered)},
    {.type = "Edm.Byte", .operators = LIST(ordered)},
    {.type = "Edm.SByte", .operators = LIST(ordered)},
    {.type = "Edm.Int16", .operators = LIST(ordered)},
    {.type = "Edm.Int32", .operators = LIST(ordered)},
    {.type = "Edm.Int64", .operators = LIST(ordered)},
    {.type = "Edm.Decimal", .operators = LIST(ordered)},
    {.type = "Edm.Double", .operators = LIST(ordered)},
    {.type = "Edm.Single", .operators = LIST(ordered)},
    {0},
};

static const struct entity_types all_types = LIST(types);

struct describing {
    struct vendor_connection *connection;
    const struct odata_set *set;
    struct entity_fields *fields;
    struct arena scratch; /* of one field */
    size_t seen;          /* properties, with those of one name */
};

/* False: there are too many. */
static bool add_field(struct describing *describing, const struct odata_property *property,
                      bool is_key)
{
    const struct odata_set *set = describing->set;
    const struct connector *connector = vendor_config(describing->connection)->target->connector;
    bool filterable = !set->limits.no_filter && !property->limits.no_filter;
    struct entity_field field = {
        .name = property->name,
        .label = property->label,
        .type = property->type,
        .is_key = is_key,
        .creatable = !set->limits.no_insert && !property->limits.no_insert,
        .updatable = !is_key && !set->limits.no_update && !property->limits.no_update,
        .nullable = property->nullable,
    };
    entity_field_set_type(&all_types, filterable, &field);
    field.upsertable = field.creatable && (is_key || field.updatable);
    if (is_key)
        field.writes = (struct connector_texts)LIST(by_key);
    const struct value *value = entity_field_value(&describing->scratch, connector->roles, &field);
    bool fits =
        ++describing->seen <= ENTITY_FIELDS_MAX && entity_fields_add(describing->fields, value);
    arena_reset(&describing->scratch);
    return fits;
}

/* A type has the properties of the types that it is based on, and their key. A circle of types ends
 * at ENTITY_DEPTH_MAX or at too many properties. */
static bool add_fields(struct describing *describing, const struct odata_metadata *metadata)
{
    const struct odata_type *type = odata_type_find(metadata, describing->set->type);
    const struct odata_type *keyed = type;
    bool fits = true;
    for (int depth = 0; keyed && !keyed->keys && depth < ENTITY_DEPTH_MAX; depth++)
        keyed = odata_type_find(metadata, keyed->base);
    for (int depth = 0; type && fits && depth < ENTITY_DEPTH_MAX; depth++) {
        const struct odata_property *each = type->properties;
        for (; each && fits; each = each->next)
            fits = add_field(describing, each, keyed && odata_is_key(keyed, each->name));
        type = type->base.data ? odata_type_find(metadata, type->base) : NULL;
    }
    arena_done(&describing->scratch);
    return fits
               ? vendor_accept(describing->connection, STEP_API)
               : entity_too_many(describing->connection, "properties", describing->fields->no_room);
}

bool sapodata_describe(struct vendor_connection *connection, const struct entity_query *query,
                       struct entity_fields *fields)
{
    struct odata_metadata metadata = {.arena = vendor_config(connection)->arena};
    struct str path = query->name;
    size_t slash = path.len;
    while (slash > 0 && path.data[slash - 1] != '/')
        slash--;
    struct str name = {path.data + slash, path.len - slash};
    if (slash < 2)
        return entity_absent(connection, path, "is no path of a service and its entity set");
    if (!sapodata_read_metadata(connection, (struct str){path.data, slash - 1}, &metadata))
        return false;
    struct describing describing = {
        .connection = connection,
        .set = odata_set_find(&metadata, name),
        .fields = fields,
        .scratch = scratch_of(connection),
    };
    return describing.set ? add_fields(&describing, &metadata)
                          : entity_absent(connection, path, "is no entity set of this service");
}
