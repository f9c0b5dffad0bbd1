/* ListEntities, page after page, and DescribeEntity. Each page's request and answer are freed
 * before the next one: a list takes memory for its names and for one page. */
#include "connector/custom/entities.h"

#include "base/map.h"
#include "connector/custom/declared.h"
#include "connector/custom/query_call.h"
#include "connector/http/entity_source.h"
#include "connector/http/internal.h"

bool custom_check_query(const struct target *target, const struct entity_query *query,
                        struct error *error)
{
    const struct value *versions = custom_declared_versions(target);
    size_t count = versions ? versions->count : 0;
    for (size_t i = 0; i < count; i++) {
        if (str_eq(custom_version_at(versions, i), query->api_version))
            return true;
    }
    return !query->api_version.data ||
           fail(error, ERR_VALIDATION,
                "Validation exception: connector %.*s does not declare apiVersion %.*s. "
                "supportedApiVersions of DescribeConnector has those that it does.",
                STR_ARG(target->connector->label), STR_ARG(query->api_version));
}

/* --- one call --- */

/* A query that is answered. */
struct entity_call {
    struct query_call calls;
    const struct entity_query *query;
    int64_t kept_s; /* the shortest of all pages; 0: none says */
};

static bool begin(struct vendor_connection *connection, const struct entity_query *query,
                  struct entity_call *calling)
{
    *calling = (struct entity_call){.query = query};
    return query_call_begin(connection, query->api_version, &calling->calls);
}

static void note_cache_time(struct entity_call *calling)
{
    int64_t cache_s = calling->calls.page.cache_s;
    if (cache_s < 0)
        return;
    if (cache_s < CONTRACT_CACHE_LEAST_S)
        cache_s = CONTRACT_CACHE_LEAST_S;
    if (calling->kept_s == 0 || cache_s < calling->kept_s)
        calling->kept_s = cache_s;
}

static bool ask(struct entity_call *calling, enum contract_function function, struct str payload)
{
    if (!query_call_ask(&calling->calls, function, payload))
        return calling->query->name.data && query_call_fail(&calling->calls);
    note_cache_time(calling);
    return true;
}

/* --- ListEntities --- */

/* The tokens of all pages so far: one that comes again leads around in a circle. */
struct page_tokens {
    struct arena arena;
    struct map seen;
};

static bool is_new(struct page_tokens *tokens, struct str token)
{
    if (map_find(&tokens->seen, token))
        return false;
    struct map_link *link = arena_new(&tokens->arena, struct map_link);
    link->name = arena_copy(&tokens->arena, token);
    map_add(&tokens->seen, link);
    return true;
}

static bool take_page(struct entity_call *calling, struct entity_list *list)
{
    const struct value *rows = value_get(calling->calls.answer.body, "entities");
    for (size_t i = 0; rows && i < rows->count; i++) {
        const struct value *row = rows->items[i];
        const struct entity entity = {
            .group = STR("Objects"), /* of every custom connector, in the service too */
            .name = value_text(row, "entityIdentifier"),
            .label = value_text(row, "label"),
            .nested = value_flag(row, "hasNestedEntities", false),
        };
        if (!entity_list_add(list, &entity))
            return entity_too_many(calling->calls.connection, "entities", list->no_room);
    }
    return true;
}

/* *token is the page's; the next page's when there is one, else STR_NULL. */
static bool list_page(struct entity_call *calling, struct page_tokens *tokens, struct str *token,
                      struct entity_list *list)
{
    struct vendor_connection *connection = calling->calls.connection;
    struct arena scratch = arena_beside(connection->arena);
    struct str payload = contract_list_entities(&scratch, &calling->calls.context,
                                                calling->query->name, CONTRACT_PAGE_MAX, *token);
    bool listed = ask(calling, CONTRACT_LIST_ENTITIES, payload) && take_page(calling, list);
    arena_done(&scratch);
    if (!listed)
        return false;
    *token = calling->calls.page.next_token;
    return !token->data || is_new(tokens, *token) ||
           vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                       STR("/nextToken: a page has the token of a page before it, so that the "
                           "pages never end"),
                       NULL);
}

static bool list_pages(struct entity_call *calling, struct page_tokens *tokens,
                       struct entity_list *list)
{
    struct str token = STR_NULL;
    for (int pages = 0; pages < ENTITY_PAGES_MAX; pages++) {
        if (!list_page(calling, tokens, &token, list))
            return false;
        if (!token.data)
            return true;
    }
    return entity_too_many(calling->calls.connection, "pages", false);
}

bool custom_list_entities(struct vendor_connection *connection, const struct entity_query *query,
                          struct entity_list *list)
{
    struct page_tokens tokens = {.arena = arena_beside(connection->arena)};
    struct entity_call calling;
    bool listed = begin(connection, query, &calling) && list_pages(&calling, &tokens, list);
    list->kept_s = calling.kept_s;
    map_done(&tokens.seen);
    arena_done(&tokens.arena);
    return listed;
}

/* --- DescribeEntity --- */

static bool take_fields(struct entity_call *calling, struct entity_fields *fields)
{
    const struct value *definition = value_get(calling->calls.answer.body, "entityDefinition");
    const struct value *rows = value_get(definition, "fields");
    struct arena scratch = arena_beside(calling->calls.connection->arena);
    bool taken = true;
    for (size_t i = 0; rows && i < rows->count && taken; i++) {
        arena_reset(&scratch);
        taken = entity_fields_add(fields, custom_field_value(&scratch, rows->items[i]));
    }
    arena_done(&scratch);
    return taken || entity_too_many(calling->calls.connection, "fields", fields->no_room);
}

bool custom_describe_entity(struct vendor_connection *connection, const struct entity_query *query,
                            struct entity_fields *fields)
{
    struct entity_call calling;
    if (!begin(connection, query, &calling))
        return false;
    struct arena scratch = arena_beside(connection->arena);
    struct str payload = contract_describe_entity(&scratch, &calling.calls.context, query->name);
    bool described =
        ask(&calling, CONTRACT_DESCRIBE_ENTITY, payload) && take_fields(&calling, fields);
    arena_done(&scratch);
    fields->kept_s = calling.kept_s;
    return described;
}
