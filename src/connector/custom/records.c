/* QueryData, a page at a time. What all requests of a read have in common is made once, in the
 * connection's arena; each page's request and answer are freed before the next one. */
#include "connector/custom/records.h"

#include "base/encode.h"
#include "connector/custom/filter_expression.h"
#include "connector/custom/record_call.h"
#include "connector/http/answer_reader.h"
#include "connector/http/internal.h"
#include "wire/json_value.h"

_Static_assert((int)FUNCTION_PAYLOAD_MAX < (int)READ_PAGE_MAX,
               "a page has no more than its answer");

/* What the connection keeps of a read. */
struct record_read {
    struct query_call calls;
    struct contract_records records;
    struct str access_token; /* that the secret was placed with */
};

/* --- before the first page --- */

/* Those that the flow needs. Where it needs all, those that can be read, as a connector may take a
 * request without names for one of nothing. NULL when there are none. */
static const struct value *field_names(struct arena *arena, const struct read_query *query,
                                       const struct value *definition)
{
    const struct value *fields = value_get(definition, "fields");
    struct value *names = value_list(arena);
    for (size_t i = 0; i < query->field_count; i++)
        value_append(arena, names, value_string(arena, query->fields[i]));
    for (size_t i = 0; query->field_count == 0 && fields && i < fields->count; i++) {
        const struct value *field = fields->items[i], *read = value_get(field, "readProperties");
        if (!read || value_flag(read, "isRetrievable", false))
            value_append(arena, names,
                         value_string(arena, arena_copy(arena, value_text(field, "fieldName"))));
    }
    return names->count > 0 ? names : NULL;
}

static bool begin(struct vendor_connection *connection, const struct read_query *query,
                  struct record_read *reading)
{
    const struct value *definition;
    const struct record_flow flow = {
        .end = "source",
        .properties = query->properties,
        .api_version = query->api_version,
        .entity = query->entity,
    };
    reading->access_token = connection->tokens.access_token;
    if (!record_call_begin(connection, &flow, &reading->calls, &definition))
        return false;
    reading->records = (struct contract_records){
        .entity = query->entity,
        .fields = field_names(connection->arena, query, definition),
        .filter = custom_filter_expression(connection->arena, definition, query),
        .max = CONTRACT_PAGE_MAX,
    };
    return true;
}

/* After a renewal the function needs the new token, and a definition may be another user's. */
static struct record_read *reading_of(struct vendor_connection *connection,
                                      const struct read_query *query)
{
    struct record_read *reading = connection->reading;
    if (reading && str_eq(reading->access_token, connection->tokens.access_token))
        return reading;
    reading = arena_new(connection->arena, struct record_read);
    connection->reading = NULL;
    if (!begin(connection, query, reading))
        return NULL;
    connection->reading = reading;
    return reading;
}

/* --- pages --- */

/* The decoder takes the records, and leaves the token: see custom_read_next. */
static bool take_page(struct query_call *calls, struct read_page *page)
{
    struct vendor_connection *connection = calls->connection;
    const struct value *records = value_get(calls->answer.body, "records");
    struct buf body = buf_in(page->arena, READ_PAGE_MAX);
    size_t size = sizeof("{\"nextToken\":,\"records\":[]}") + CONTRACT_TOKEN_MAX * 6;
    for (size_t i = 0; records && i < records->count; i++)
        size += records->items[i]->text.len + 1;
    if (!arena_has_room(page->arena, size))
        return vendor_fail(connection, VERDICT_INTERNAL, STEP_API, str_from(answer_no_memory),
                           "Try again.");
    buf_reserve(&body, size);
    buf_add_cstr(&body, "{");
    if (calls->page.next_token.data) {
        buf_add_cstr(&body, "\"nextToken\":");
        encode_json_string(&body, calls->page.next_token);
        buf_add_cstr(&body, ",");
    }
    buf_add_cstr(&body, "\"records\":[");
    for (size_t i = 0; records && i < records->count; i++) {
        buf_add_cstr(&body, i == 0 ? "" : ",");
        buf_add(&body, records->items[i]->text);
    }
    buf_add_cstr(&body, "]}");
    page->body = buf_str(&body);
    page->format = READ_JSON;
    page->path = "/records";
    calls->answer.body = NULL; /* while the records are worked on there is one copy of them */
    arena_done(&connection->answer);
    return true;
}

bool custom_read(struct vendor_connection *connection, const struct read_query *query,
                 struct str cursor, struct read_page *ret_page)
{
    struct record_read *reading = reading_of(connection, query);
    if (!reading)
        return false;
    struct query_call *calls = &reading->calls;
    struct arena scratch = arena_beside(connection->arena);
    reading->records.next_token = cursor;
    struct str payload = contract_query_data(&scratch, &calls->context, &reading->records);
    bool read = payload.data ? (query_call_ask(calls, CONTRACT_QUERY_DATA, payload) &&
                                take_page(calls, ret_page)) ||
                                   query_call_fail(calls)
                             : vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_API,
                                           STR("the request would be longer than 6 MB, with the "
                                               "entity's definition and the names of the fields"),
                                           "Map fewer fields.");
    arena_done(&scratch);
    return read;
}

bool custom_read_next(struct vendor_connection *connection, const struct read_query *query,
                      const struct read_page_end *end, struct arena *arena, struct str *ret_cursor)
{
    (void)query;
    struct value *page;
    *ret_cursor = STR_NULL;
    if (!json_parse(end->rest, arena, &page))
        return vendor_fail(connection, VERDICT_INTERNAL, STEP_API,
                           STR("what stands beside the records of a page is lost"), NULL);
    struct str token = value_text(page, "nextToken");
    if (token.data && str_eq(token, end->cursor))
        return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                           STR("/nextToken: a page has the token that it was asked for with"),
                           "`headgate connector test` shows what the function answers.");
    *ret_cursor = token;
    return true;
}
