/* Describing connectors: which there are, and what flows can do with them. */
#include "api/op_catalogue.h"

#include "api/page_token.h"
#include "api/registered_connector.h"
#include "connector/catalogue.h"

enum { CATALOGUE_ANSWER_MAX = 1024 * 1024 };

static bool answer(struct api_request *request, const struct value *output)
{
    struct buf json = buf_in(request->arena, CATALOGUE_ANSWER_MAX);
    value_encode(&json, output);
    request->output = buf_str(&json);
    return true;
}

/* --- one --- */

static bool describe_registered(struct api_request *request, struct value **ret_configuration)
{
    struct connector_key key = {request->caller.account, request->caller.region,
                                value_text(request->input, "connectorLabel")};
    struct registration registration;
    bool found;
    if (key.label.len == 0)
        return fail(&request->error, ERR_VALIDATION,
                    "Validation exception: ConnectorLabel cannot be blank for connector: "
                    "CUSTOMCONNECTOR");
    if (!registration_find(&request->service->profiles, request->reader, key, request->arena,
                           &registration, &found, &request->error))
        return false;
    if (!found)
        return fail(&request->error, ERR_NOT_FOUND, "Connector:%.*s is not registered.",
                    STR_ARG(key.label));
    *ret_configuration = registered_configuration(request->arena, &registration);
    return true;
}

/* The label is read for a connector of the account's own only: "Only needed if calling for
 * CUSTOMCONNECTOR connector type" (API reference, "DescribeConnector"). */
bool describe_connector(struct api_request *request)
{
    struct str type = value_text(request->input, "connectorType");
    struct value *output = value_structure(request->arena), *configuration = NULL;
    if (!str_eq(type, CUSTOM_CONNECTOR))
        configuration = catalogue_configuration(request->arena, connector_by_type(type));
    else if (!describe_registered(request, &configuration))
        return false;
    trace_stage_end(&request->stage_ns, STAGE_LOAD);
    value_put(request->arena, output, "connectorConfiguration", configuration);
    return answer(request, output);
}

/* --- many --- */

/* The account's connectors behind the label, as details; *ret_more when there are more than
 * `limit`. One more than these tells. */
static bool add_registered(struct api_request *request, struct str after, size_t limit,
                           struct value *details, struct str *ret_last, bool *ret_more)
{
    struct arena *arena = request->arena;
    struct connector_key key = {request->caller.account, request->caller.region, after};
    struct connector_row *rows;
    struct value *detail;
    size_t count;
    if (!connector_row_list(request->reader, arena, key, limit + 1, &rows, &count, &request->error))
        return false;
    trace_stage_end(&request->stage_ns, STAGE_LOAD);
    *ret_more = count > limit;
    for (size_t i = 0; i < count && i < limit; i++) {
        if (!registered_detail(arena, &rows[i], &detail))
            return fail(&request->error, ERR_INTERNAL,
                        "What is stored of connector %.*s cannot be read.",
                        STR_ARG(rows[i].key.label));
        value_append(arena, details, detail);
        *ret_last = rows[i].key.label;
    }
    return true;
}

static bool is_wanted(const struct value *types, struct str type)
{
    for (size_t i = 0; types && i < types->count; i++) {
        if (str_eq(types->items[i]->text, type))
            return true;
    }
    return !types || types->count == 0;
}

/* A page of DescribeConnectors: connectors that are compiled in by type, then registered ones by
 * label. A position is a type, or a slash and a label; neither has a slash in it. */
struct description {
    struct api_request *request;
    const struct value *types; /* NULL: all */
    size_t size;
    struct value *configurations, *details;
    struct str position; /* behind which the next page begins */
    bool more;
};

static void describe_builtin(struct description *page)
{
    struct arena *arena = page->request->arena;
    struct str after = page->position;
    for (size_t i = 0; i < connector_count() && !page->more; i++) {
        const struct connector *connector = connector_at(i);
        if (!is_wanted(page->types, connector->type) || str_compare(connector->type, after) <= 0)
            continue;
        page->more = page->details->count == page->size;
        if (page->more)
            return;
        value_put(arena, page->configurations, connector->type.data,
                  catalogue_configuration(arena, connector));
        value_append(arena, page->details, catalogue_detail(arena, connector));
        page->position = connector->type;
    }
}

/* Registered connectors have no place among the configurations, where a type is the key. */
static bool describe_labels(struct description *page, struct str after)
{
    struct api_request *request = page->request;
    struct str last = STR_NULL;
    if (page->more || !is_wanted(page->types, CUSTOM_CONNECTOR))
        return true;
    if (!add_registered(request, after, page->size - page->details->count, page->details, &last,
                        &page->more))
        return false;
    if (last.len > 0)
        page->position = arena_printf(request->arena, "/%.*s", STR_ARG(last));
    return true;
}

bool describe_connectors(struct api_request *request)
{
    struct arena *arena = request->arena;
    struct value *output = value_structure(arena);
    struct description page = {
        .request = request,
        .types = value_get(request->input, "connectorTypes"),
        .size = page_size(request),
        .configurations = value_new(arena, VALUE_MAP),
        .details = value_list(arena),
    };
    struct str before, label = STR_NULL;
    if (!page_token_read(request, &page.position))
        return false;
    bool among_labels = str_cut(page.position, '/', &before, &label);
    if (!among_labels)
        describe_builtin(&page);
    if (!describe_labels(&page, label))
        return false;
    value_put(arena, output, "connectorConfigurations", page.configurations);
    value_put(arena, output, "connectors", page.details);
    if (page.more)
        value_put_text(arena, output, "nextToken", page_token_make(request, page.position));
    return answer(request, output);
}

bool list_connectors(struct api_request *request)
{
    struct value *output = value_structure(request->arena);
    struct value *details = value_list(request->arena);
    struct str after, last = STR_NULL;
    bool more;
    if (!page_token_read(request, &after) ||
        !add_registered(request, after, page_size(request), details, &last, &more))
        return false;
    value_put(request->arena, output, "connectors", details);
    if (more)
        value_put_text(request->arena, output, "nextToken", page_token_make(request, last));
    return answer(request, output);
}
