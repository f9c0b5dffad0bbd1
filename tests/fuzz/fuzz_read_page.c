/* Any bytes as a vendor's page of records, read by a connector's description: JSON pages by URL and
 * by key, OData, and the CSV of a query job. What is guessed of the page before it is decoded
 * leads nowhere but where the decoded page leads, unless the page has further lists or no record;
 * and cursors keep to their limit. The first byte chooses the source, the second the headers. */
#include "connector/connection.h"
#include "connector/connector.h"
#include "connector/reading.h"
#include "record/csv_in.h"
#include "record/json_in.h"
#include "record/json_rest.h"

#include "base/clock.h"
#include "wire/json_value.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TIME_MS = 5000, CALLS_MAX = 20 };

static const struct read_case {
    const char *type, *properties, *credentials, *entity, *source, *cursor;
} cases[] = {
    {"Salesforce", "{\"instanceUrl\":\"https://acme.my.salesforce.com\"}",
     "{\"accessToken\":\"access-token-0123456789\"}", "Account", "{}", NULL},
    {"Salesforce", "{\"instanceUrl\":\"https://acme.my.salesforce.com\"}",
     "{\"accessToken\":\"access-token-0123456789\"}", "Account", "{\"dataTransferApi\":\"BULKV2\"}",
     "job 750000000000001AAA at 50000 MTAw"},
    {"Servicenow", "{\"instanceUrl\":\"https://acme.service-now.com\"}",
     "{\"username\":\"user\",\"password\":\"password-0123456789\"}", "incident", "{}", NULL},
    {"SAPOData",
     "{\"applicationHostUrl\":\"https://sap.example.com\",\"applicationServicePath\":\"/s\","
     "\"portNumber\":443,\"clientNumber\":\"100\"}",
     "{\"basicAuthCredentials\":{\"username\":\"user\",\"password\":\"password-0123456789\"}}",
     "/s/Orders", "{\"objectPath\":\"/s/Orders\"}", NULL},
};

static const char field_names[][8] = {"Id", "Name"};

static struct {
    struct str body;
    size_t headers, calls;
} vendor;

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* --- the vendor --- */

static void push_body(const struct client_sink *sink, struct client_response *response)
{
    struct str body = response->body;
    response->body = STR_NULL;
    bool taken = !sink->head || sink->head(sink->context, response);
    if (!(taken && sink->push(sink->context, body)))
        *response = (struct client_response){.outcome = CLIENT_ABORTED, .detail = "was refused"};
}

static void answer(struct client *client, struct arena *arena, const struct client_request *request,
                   struct client_response *ret_response)
{
    static const struct http_header headers[][3] = {
        {{STR("Content-Type"), STR("application/json")}},
        {{STR("Content-Type"), STR("text/csv")},
         {STR("Sforce-NumberOfRecords"), STR("1")},
         {STR("Sforce-Locator"), STR("MjAw")}},
        {{STR("Content-Type"), STR("text/csv")},
         {STR("Sforce-NumberOfRecords"), STR("2")},
         {STR("Sforce-Locator"), STR("null")}},
        {{STR("Content-Type"), STR("application/json")}, {STR("X-Total-Count"), STR("100000")}},
    };
    (void)client;
    must(vendor.calls++ < CALLS_MAX);
    *ret_response = (struct client_response){
        .status = 200,
        .headers = headers[vendor.headers],
        .header_count = 3,
        .body = arena_copy(arena, vendor.body),
        .connected = true,
        .sent = true,
    };
    if (request->sink)
        push_body(request->sink, ret_response);
}

static void pause_not(int64_t duration_ms)
{
    must(duration_ms >= 0);
}

/* --- a page --- */

/* False: it cannot be decoded. */
static bool decode(struct record_decoder *decoder, struct str page, uint64_t *ret_records)
{
    struct record_batch batch;
    struct error error;
    size_t used = 1;
    bool read = true;
    *ret_records = 0;
    record_batch_init(&batch, RECORD_ROWS_MAX);
    decoder->ops->start_page(decoder, 0);
    while (read && (page.len > 0 || *ret_records == 0) && used > 0) {
        record_batch_clear(&batch);
        read = decoder->ops->read(decoder, page, true, &batch, &used, &error);
        *ret_records += batch.rows + batch.error_count;
        page = (struct str){page.data + used, page.len - used};
    }
    record_batch_done(&batch);
    return read;
}

static struct record_decoder *decoder_of(const struct read_page *page)
{
    const struct json_in_options options = {.path = page->path};
    return page->format == READ_CSV ? csv_in_new(&(struct csv_in_options){0})
                                    : json_in_new(&options);
}

static void check_page(struct vendor_connection *connection, const struct read_query *query,
                       struct read_page_end *end, struct arena *arena)
{
    const struct connector_ops *ops = vendor_config(connection)->target->connector->ops;
    const struct read_page *page = end->page;
    struct record_decoder *decoder = decoder_of(page);
    struct str guessed = STR_NULL, next = STR_NULL, rest = STR_NULL;
    bool has_rest = page->format == READ_JSON && !page->leads, found = true;
    bool is_guessed = !has_rest || json_rest_guess(page->body, page->path, arena, &rest);
    end->rest = rest;
    end->records = READ_RECORDS_UNKNOWN;
    is_guessed = is_guessed && ops->read_next(connection, query, end, arena, &guessed);
    if (decode(decoder, page->body, &end->records)) {
        end->rest = has_rest ? json_in_rest(decoder, &found) : STR_NULL;
        bool is_same = !has_rest || str_eq(end->rest, rest);
        bool read = ops->read_next(connection, query, end, arena, &next);
        must(!read || next.len <= READ_CURSOR_MAX);
        bool holds = is_guessed && is_same && end->records > 0;
        must(!holds || (read && (guessed.data ? next.data && str_eq(next, guessed) : !next.data)));
    }
    decoder->ops->free(decoder);
}

static void read_case(const struct read_case *each, struct arena *arena)
{
    struct connector_env env = {.call = answer, .pause = pause_not};
    struct value *properties = NULL, *credentials = NULL, *source_properties = NULL;
    must(json_parse(str_from(each->properties), arena, &properties) &&
         json_parse(str_from(each->credentials), arena, &credentials) &&
         json_parse(str_from(each->source), arena, &source_properties));
    const struct target_source source = {.connector = connector_by_type(str_from(each->type)),
                                         .env = &env,
                                         .properties = properties,
                                         .account = STR("123456789012")};
    struct target target;
    target_resolve(&target, &source, arena);
    target_set_credentials(&target, credentials);
    const struct vendor_connection_config config = {.target = &target,
                                                    .arena = arena,
                                                    .deadline_ms = clock_mono_ms() + TIME_MS,
                                                    .without_waits = true};
    struct vendor_connection *connection = vendor_connection_new(&config);
    const struct str fields[] = {str_from(field_names[0]), str_from(field_names[1])};
    const struct read_query query = {.entity = str_from(each->entity),
                                     .properties = source_properties,
                                     .fields = fields,
                                     .field_count = 2};
    struct read_page page = {.arena = arena};
    struct read_page_end end = {.page = &page,
                                .cursor = each->cursor ? str_from(each->cursor) : STR_NULL};
    const struct connector_ops *ops = target.connector->ops;
    if ((!ops->open || ops->open(connection)) && ops->read(connection, &query, end.cursor, &page))
        check_page(connection, &query, &end, arena);
    vendor_close(connection);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    if (size < 2)
        return 0;
    vendor.body = (struct str){(const char *)data + 2, size - 2};
    vendor.headers = data[1] % 4;
    vendor.calls = 0;
    read_case(&cases[data[0] % (sizeof(cases) / sizeof(*cases))], &arena);
    arena_done(&arena);
    return 0;
}
