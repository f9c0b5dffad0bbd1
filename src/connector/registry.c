/* The registry of connectors that are compiled in: a constant table, sorted by type. Those that
 * accounts register are rows of the store (profile/registration.h). */
#include "connector/connector.h"

#include "base/arena.h"
#include "connector/http/entity_source.h"
#include "connector/http/read_source.h"
#include "connector/http/write_source.h"

#include <assert.h>

bool connector_texts_have(const struct connector_texts *texts, struct str text)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (str_eq(str_from(texts->rows[i]), text))
            return true;
    }
    return false;
}

const struct connector *connector_by_type(struct str type)
{
    for (size_t i = 0; i < connector_builtin_count; i++) {
        if (str_eq(connector_builtin[i]->type, type))
            return connector_builtin[i];
    }
    return NULL;
}

const struct connector *connector_by_key(struct str key)
{
    for (size_t i = 0; i < connector_builtin_count; i++) {
        if (str_eq(connector_builtin[i]->key, key))
            return connector_builtin[i];
    }
    return NULL;
}

size_t connector_count(void)
{
    return connector_builtin_count;
}

const struct connector *connector_at(size_t index)
{
    return connector_builtin[index];
}

size_t connector_type_index(const struct connector *connector)
{
    size_t index = 0;
    while (index < connector_builtin_count &&
           !str_eq(connector_builtin[index]->type, connector->type))
        index++;
    assert(index < connector_builtin_count);
    return index;
}

struct str connector_name(const struct connector *connector, struct arena *arena)
{
    if (connector->label.len == 0)
        return connector->type;
    return arena_printf(arena, "%.*s %.*s", STR_ARG(connector->type), STR_ARG(connector->label));
}

bool connector_is_built(const struct connector *connector)
{
    return connector->ops && connector->ops->verify;
}

bool connector_has_entities(const struct connector *connector)
{
    const struct connector_ops *ops = connector->ops;
    bool by_description = ops && ops->list_entities == http_list_entities;
    return ops && ops->list_entities && ops->describe_entity &&
           (!by_description || (connector->http && connector->http->entities));
}

bool connector_has_records(const struct connector *connector)
{
    const struct connector_ops *ops = connector->ops;
    bool by_description = ops && ops->read == http_read;
    return ops && ops->read && ops->read_next &&
           (!by_description || (connector->http && connector->http->reads));
}

bool connector_names_fields(const struct connector *connector)
{
    const struct connector_reads *reads =
        connector->ops->read == http_read ? connector->http->reads : NULL;
    for (size_t i = 0; reads && i < reads->count; i++) {
        if (reads->rows[i].names_fields)
            return true;
    }
    return false;
}

/* Whether filters are given by what the vendor says of their fields. */
static bool needs_description(const struct read_dialect *dialect)
{
    for (size_t i = 0; i < dialect->bounds.count; i++) {
        if (!connector_texts_have(&dialect->fields, str_from(dialect->bounds.rows[i].field)))
            return true;
    }
    return dialect->fields.count == 0;
}

bool connector_has_filters(const struct connector *connector)
{
    const struct connector_reads *reads =
        connector->ops->read == http_read ? connector->http->reads : NULL;
    for (size_t i = 0; reads && i < reads->count; i++) {
        const struct read_dialect *dialect = reads->rows[i].dialect;
        if (dialect && needs_description(dialect))
            return connector_has_entities(connector);
    }
    return false;
}

bool connector_filter_is_apart(const struct connector *connector, struct str entity,
                               struct str field)
{
    const struct connector_reads *reads =
        connector->ops && connector->ops->read == http_read ? connector->http->reads : NULL;
    for (size_t i = 0; reads && i < reads->count; i++) {
        const struct read_source *row = &reads->rows[i];
        if ((!row->of || entity_pattern_fits(str_from(row->of), entity)) &&
            connector_texts_have(&row->apart, field))
            return true;
    }
    return false;
}

static const struct connector_reads *reads_of(const struct connector *connector)
{
    return connector->ops->read == http_read ? connector->http->reads : NULL;
}

bool connector_needs_types(const struct connector *connector)
{
    const struct connector_reads *reads = reads_of(connector);
    return reads && (reads->namings.count > 0 || reads->lists.count > 0);
}

enum csv_value connector_csv_value(const struct connector *connector, struct str type)
{
    const struct connector_reads *reads = reads_of(connector);
    return reads ? read_type_value(reads, type) : CSV_VALUE_TEXT;
}

const char *connector_csv_utc(const struct connector *connector)
{
    const struct connector_reads *reads = reads_of(connector);
    return reads ? reads->utc : NULL;
}

bool connector_has_writes(const struct connector *connector)
{
    const struct connector_ops *ops = connector->ops;
    bool by_description = ops && ops->write == http_write;
    return ops && ops->write && (!by_description || (connector->http && connector->http->writes));
}

enum write_operation connector_write_operation(const struct connector *connector, struct str name)
{
    const struct http_connector *http = connector->http;
    bool has_own = !name.data && http && http->writes;
    return has_own ? http->writes->unnamed : write_operation_of(name);
}

bool connector_has_loads(const struct connector *connector)
{
    return connector->loads != NULL;
}
