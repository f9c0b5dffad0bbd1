/* Entities of Google Analytics: views, and as fields of each the columns of the Metadata API, which
 * are alike for all views. A field is named by its column and what that is, as flows name it:
 * "ga:users|METRIC", "ga:date|DIMENSION". A column with XX in its name stands for one with each
 * number of a range, such as custom dimensions. */
#include "connectors/googleanalytics/entities.h"

#include "connector/http/connection.h"
#include "wire/json_pointer.h"

#include <string.h>

enum { INDEX_MAX = 200 }; /* the highest that the vendor documents: of premium properties */

#define VIEWS                                                                                      \
    {                                                                                              \
        .call = {.method = "GET",                                                                  \
                 .path = "/analytics/v3/management/accounts/~all/webproperties/~all/profiles"      \
                         "?max-results=1000"},                                                     \
        .pages = {.kind = PAGES_LINK, .next = "/nextLink"}, .at = "/items",                        \
    }

static const struct entity_items views = VIEWS;

/* The removal of a deprecated column is only a matter of time. */
static const struct entity_items columns = {
    .call = {.method = "GET", .path = "/analytics/v3/metadata/ga/columns"},
    .at = "/items",
    .where = {"/attributes/status", "PUBLIC", false},
};

/* Reports have a range of dates, and no other filter that this API's tasks can name. */
static const char *const ranges[] = {"BETWEEN"};
static const struct entity_type types[] = {{.operators = LIST(ranges)}};

struct view_describing {
    struct vendor_connection *connection;
    struct str view;
    struct entity_fields *fields;
    bool found;
};

static bool is_view(void *context, const struct value *item, struct arena *scratch)
{
    struct view_describing *describing = context;
    describing->found = str_eq(pointer_text(scratch, item, "/id"), describing->view);
    return !describing->found;
}

/* The text with a number in the place of its first XX. */
static struct str with_index(struct arena *arena, struct str text, unsigned long long index)
{
    for (size_t i = 0; i + 2 <= text.len; i++) {
        if (memcmp(text.data + i, "XX", 2) == 0)
            return arena_printf(arena, "%.*s%llu%.*s", (int)i, text.data, index,
                                (int)(text.len - i - 2), text.data + i + 2);
    }
    return text;
}

static bool add_field(const struct view_describing *describing, const struct value *column,
                      struct str id, struct str label, struct arena *scratch)
{
    struct str type = pointer_text(scratch, column, "/attributes/type");
    bool is_date = str_eq(id, STR("ga:date"));
    struct entity_field field = {
        .name = arena_printf(scratch, "%.*s|%.*s", STR_ARG(id), STR_ARG(type)),
        .label = label,
        .description = pointer_text(scratch, column, "/attributes/description"),
        .type = pointer_text(scratch, column, "/attributes/dataType"),
        .is_time = is_date,
    };
    entity_field_set_type(&googleanalytics_entities.types, is_date, &field);
    return entity_fields_add(describing->fields, entity_field_value(scratch, ROLE_SOURCE, &field));
}

static bool add_column(void *context, const struct value *column, struct arena *scratch)
{
    const struct view_describing *describing = context;
    struct str id = pointer_text(scratch, column, "/id");
    struct str label = pointer_text(scratch, column, "/attributes/uiName");
    struct str least = pointer_text(scratch, column, "/attributes/minTemplateIndex");
    struct str most = pointer_text(scratch, column, "/attributes/maxTemplateIndex");
    unsigned long long first, last;
    if (str_contains(id, STR("<"))) /* "ga:calcMetric_<NAME>": the names are a property's own */
        return true;
    if (!str_to_u64(least, INDEX_MAX, &first) || !str_to_u64(most, INDEX_MAX, &last))
        return add_field(describing, column, id, label, scratch);
    bool fits = true;
    for (unsigned long long i = first; fits && i <= last; i++)
        fits = add_field(describing, column, with_index(scratch, id, i),
                         with_index(scratch, label, i), scratch);
    return fits;
}

/* The columns are no view's, so that only the list says whether there is this one. */
static bool describe(struct vendor_connection *connection, const struct entity_query *query,
                     struct entity_fields *fields)
{
    struct view_describing describing = {connection, query->name, fields, false};
    struct entity_reader list = {.items = &views, .each = is_view, .context = &describing};
    struct entity_reader reader = {.items = &columns, .each = add_column, .context = &describing};
    /* The list's further pages are not read after the view was found. */
    if (!entity_items_read(connection, &list) && !describing.found)
        return false;
    if (!describing.found)
        return entity_absent(connection, query->name, "is no view of this user's");
    bool read = entity_items_read(connection, &reader);
    if (reader.stopped)
        return entity_too_many(connection, "fields", fields->no_room);
    return read && vendor_accept(connection, STEP_API);
}

static const struct entity_list_source lists[] = {
    {.items = VIEWS, .name = "{item.id}", .label = "{item.name} ({item.webPropertyId})"},
};

const struct connector_entities googleanalytics_entities = {
    .describe = describe,
    .types = LIST(types),
    .lists = LIST(lists),
};
