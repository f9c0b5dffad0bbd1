/* Listing and describing entities by description: rows of http/entity_source.h in, the lists of
 * connector/entities.h out. */
#include "connector/http/answer_reader.h"
#include "connector/http/entity_source.h"
#include "connector/http/internal.h"

#include "base/wildcard.h"
#include "wire/json_pointer.h"

/* --- what calls can name --- */

static struct str last_part(struct str name)
{
    size_t at = name.len;
    while (at > 0 && name.data[at - 1] != '/')
        at--;
    return (struct str){name.data + at, name.len - at};
}

void entity_scope_set(struct vendor_connection *connection, struct str name, struct str names)
{
    struct arena *arena = connection->arena;
    struct value *entity = value_structure(arena);
    value_put_text(arena, entity, "name", name);
    value_put_text(arena, entity, "last", last_part(name));
    value_put_text(arena, entity, "names", names);
    connection->scope.entity = entity;
}

static size_t slashes(struct str name)
{
    size_t count = 0;
    for (size_t i = 0; i < name.len; i++)
        count += name.data[i] == '/';
    return count;
}

void entity_statement_set(struct vendor_connection *connection, struct str statement)
{
    struct value *entity = value_structure(connection->arena);
    value_put_text(connection->arena, entity, "statement", statement);
    connection->scope.entity = entity;
}

bool entity_pattern_fits(struct str pattern, struct str name)
{
    return wildcard_match(pattern, name, 0) && slashes(name) == slashes(pattern);
}

static bool is_for(const char *pattern, struct str name)
{
    return !pattern || entity_pattern_fits(str_from(pattern), name);
}

/* --- the ends that are no answer of the vendor's --- */

bool entity_absent(struct vendor_connection *connection, struct str name, const char *what)
{
    struct str message = arena_printf(connection->arena, "%.*s %s", STR_ARG(name), what);
    return vendor_fail(connection, VERDICT_ABSENT, STEP_NONE, message,
                       "ListConnectorEntities shows the entities that there are.");
}

bool entity_too_many(struct vendor_connection *connection, const char *what, bool no_room)
{
    if (no_room)
        return vendor_fail(connection, VERDICT_INTERNAL, STEP_API, str_from(answer_no_memory),
                           "Try again.");
    struct str message = arena_printf(connection->arena,
                                      "there are more %s than this server takes of one list", what);
    return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API, message, NULL);
}

/* --- lists --- */

struct entity_listing {
    struct vendor_connection *connection;
    const struct entity_list_source *source;
    struct entity_list *list;
};

static struct str name_of(const struct entity_list_source *source, const struct scope *scope,
                          struct arena *scratch)
{
    struct str name = template_fill(scratch, source->name, scope, ESCAPE_NONE);
    struct str last = last_part(name);
    if (!source->under)
        return name;
    return last.len > 0 ? arena_printf(scratch, "%s%.*s", source->under, STR_ARG(last)) : STR_NULL;
}

static bool list_item(void *context, const struct value *item, struct arena *scratch)
{
    (void)item;
    struct entity_listing *listing = context;
    const struct entity_list_source *source = listing->source;
    const struct scope *scope = &listing->connection->scope;
    struct entity entity = {
        .group = source->group ? str_from(source->group) : STR("Objects"),
        .name = name_of(source, scope, scratch),
        .label =
            source->label ? template_fill(scratch, source->label, scope, ESCAPE_NONE) : STR_NULL,
        .nested = source->nested,
    };
    return entity_list_add(listing->list, &entity);
}

static bool list_source(struct vendor_connection *connection,
                        const struct entity_list_source *source, struct entity_list *list)
{
    struct entity_listing listing = {connection, source, list};
    struct entity_reader reader = {&source->items, list_item, &listing, false, NULL};
    bool read = entity_items_read(connection, &reader);
    return reader.stopped ? entity_too_many(connection, "entities", list->no_room) : read;
}

/* A source of outermost entities serves no other query, and one of nested entities only theirs. */
static bool lists(const struct entity_list_source *source, struct str within)
{
    return within.data ? source->within && is_for(source->within, within) : !source->within;
}

bool http_list_entities(struct vendor_connection *connection, const struct entity_query *query,
                        struct entity_list *list)
{
    const struct connector_entities *entities = connection->target->connector->http->entities;
    bool found = false;
    if (entities->list)
        return entities->list(connection, query, list);
    struct str within = query->name.data ? query->name : STR("");
    entity_scope_set(connection, within, within);
    for (size_t i = 0; i < entities->lists.count; i++) {
        if (!lists(&entities->lists.rows[i], query->name))
            continue;
        found = true;
        if (!list_source(connection, &entities->lists.rows[i], list))
            return false;
    }
    if (!entity_schema_list(entities, query->name, connection->arena, list))
        return entity_too_many(connection, "entities", list->no_room);
    if (query->name.data && !found && list->count == 0)
        return entity_absent(connection, query->name, "has no nested entities");
    return vendor_accept(connection, STEP_API);
}

/* --- fields --- */

struct entity_describing {
    struct vendor_connection *connection;
    const struct connector_entities *entities;
    const struct entity_field_source *source;
    struct entity_fields *fields;
};

static const struct entity_type *find_type(const struct entity_types *types, struct str type)
{
    for (size_t i = 0; i < types->count; i++) {
        if (!types->rows[i].type || str_eq(type, str_from(types->rows[i].type)))
            return &types->rows[i];
    }
    return NULL;
}

void entity_field_set_type(const struct entity_types *types, bool filterable,
                           struct entity_field *field)
{
    const struct entity_type *type = find_type(types, field->type);
    if (!type)
        return;
    if (type->shown)
        field->type = str_from(type->shown);
    if (filterable)
        field->operators = type->operators;
    field->values = type->values;
    field->is_time = field->is_time || type->is_time;
}

static struct connector_texts writes_of(const struct entity_field_source *source,
                                        const struct value *item, struct arena *scratch)
{
    for (size_t i = 0; i < source->writes.count; i++) {
        if (entity_flag_holds(scratch, &source->writes.rows[i].when, item))
            return source->writes.rows[i].operations;
    }
    return (struct connector_texts){0};
}

static bool describe_item(void *context, const struct value *item, struct arena *scratch)
{
    const struct entity_describing *describing = context;
    const struct entity_field_source *source = describing->source;
    const struct scope *scope = &describing->connection->scope;
#define TEXT(member)                                                                               \
    (source->member ? template_fill(scratch, source->member, scope, ESCAPE_NONE) : STR_NULL)
#define FLAG(member) entity_flag_holds(scratch, &source->member, item)
    struct entity_field field = {
        .name = TEXT(name),
        .label = TEXT(label),
        .description = TEXT(description),
        .type = TEXT(type),
        .is_key = FLAG(is_key),
        .is_hidden = FLAG(is_hidden),
        .is_time = FLAG(is_time),
        .creatable = FLAG(creatable),
        .updatable = FLAG(updatable),
        .upsertable = FLAG(upsertable),
        .nullable = FLAG(nullable),
        .defaulted = FLAG(defaulted),
        .writes = writes_of(source, item, scratch),
    };
    entity_field_set_type(&describing->entities->types, FLAG(queryable), &field);
#undef TEXT
#undef FLAG
    unsigned roles = describing->connection->target->connector->roles;
    return entity_fields_add(describing->fields, entity_field_value(scratch, roles, &field));
}

/* Sets {entity.names}: the entity and its ancestors, the nearest first. */
static bool inherit(struct vendor_connection *connection, const struct entity_parent *parent,
                    struct str name)
{
    struct arena *arena = connection->arena;
    struct str names = name;
    for (int depth = 0; depth < ENTITY_DEPTH_MAX; depth++) {
        struct vendor_response response;
        entity_scope_set(connection, name, names);
        if (!vendor_call(connection, &parent->call, &response))
            return false;
        struct str above = pointer_text(arena, response.json, parent->at);
        if (!entity_name_is_fit(above))
            break;
        name = arena_copy(arena, above);
        names = arena_printf(arena, "%.*s,%.*s", STR_ARG(names), STR_ARG(name));
    }
    return true;
}

static bool describe_source(const struct entity_describing *describing, struct str name)
{
    struct vendor_connection *connection = describing->connection;
    const struct entity_field_source *source = describing->source;
    struct entity_reader reader = {&source->items, describe_item, (void *)(uintptr_t)describing,
                                   false, NULL};
    entity_scope_set(connection, name, name);
    if (source->parent && !inherit(connection, source->parent, name))
        return false;
    bool read = entity_items_read(connection, &reader);
    return reader.stopped ? entity_too_many(connection, "fields", describing->fields->no_room)
                          : read;
}

static bool has_mark(struct str name, const char *marks)
{
    for (; marks && *marks; marks++) {
        if (str_contains(name, (struct str){marks, 1}))
            return true;
    }
    return false;
}

/* The calls without which the schema's fields would be shown for an entity that is not there. */
static bool check_presence(struct vendor_connection *connection,
                           const struct connector_entities *entities, struct str name)
{
    struct vendor_response response;
    for (size_t i = 0; i < entities->checks.count; i++) {
        const struct entity_check *check = &entities->checks.rows[i];
        if (!is_for(check->of, name))
            continue;
        entity_scope_set(connection, name, name);
        if (!vendor_call(connection, &check->call, &response))
            return false;
    }
    return true;
}

bool http_describe_entity(struct vendor_connection *connection, const struct entity_query *query,
                          struct entity_fields *fields)
{
    const struct connector *connector = connection->target->connector;
    const struct connector_entities *entities = connector->http->entities;
    struct entity_describing describing = {connection, entities, NULL, fields};
    if (entities->describe)
        return entities->describe(connection, query, fields);
    if (has_mark(query->name, entities->no_marks))
        return entity_absent(connection, query->name, "is no entity here");
    if (!check_presence(connection, entities, query->name))
        return false;
    if (!entity_schema_describe(entities, connector->roles, query->name, connection->arena, fields))
        return entity_too_many(connection, "fields", fields->no_room);
    for (size_t i = 0; i < entities->fields.count; i++) {
        describing.source = &entities->fields.rows[i];
        if (is_for(describing.source->of, query->name) &&
            !describe_source(&describing, query->name))
            return false;
    }
    if (fields->count == 0)
        return entity_absent(connection, query->name, "is no entity here");
    return vendor_accept(connection, STEP_API);
}
