/* WriteData, a call for each part of a batch. What all requests of a flow have in common is made
 * once, in the connection's arena; each call's request and answer are freed before the next one. */
#include "connector/custom/record_write.h"

#include "base/encode.h"
#include "connector/custom/call.h"
#include "connector/custom/record_call.h"
#include "connector/http/internal.h"
#include "connector/http/vendor_message.h"

/* Of one call, which may take 30 s. Records are texts within JSON, so they can become twice as
 * long, and more only where they have control characters: then a call has fewer of them. */
static const struct write_limits limits = {.records = 200, .bytes = 2 * 1024 * 1024};

/* What the connection keeps of a flow's writes. */
struct record_write {
    struct query_call calls;
    const struct value *id_fields;
    struct str access_token; /* that the secret was placed with */
    /* Of the batch at hand: */
    const struct write_query *query;
    struct write_batch *batch;
    struct write_part part;
};

/* --- before the first call --- */

static const struct value *names_of(struct arena *arena, const struct write_query *query)
{
    struct value *names = value_list(arena);
    for (size_t i = 0; i < query->id_field_count; i++)
        value_append(arena, names, value_string(arena, query->id_fields[i]));
    return names->count > 0 ? names : NULL;
}

/* After a renewal the function needs the new token, and a definition may be another user's. */
static struct record_write *writing_of(struct vendor_connection *connection,
                                       const struct write_query *query)
{
    struct record_write *writing = connection->writing;
    const struct value *definition;
    const struct record_flow flow = {
        .end = "destination",
        .properties = query->properties,
        .api_version = query->api_version,
        .entity = query->entity,
    };
    if (writing && str_eq(writing->access_token, connection->tokens.access_token))
        return writing;
    connection->writing = NULL;
    writing = arena_new(connection->arena, struct record_write);
    writing->access_token = connection->tokens.access_token;
    writing->id_fields = names_of(connection->arena, query);
    if (!record_call_begin(connection, &flow, &writing->calls, &definition))
        return NULL;
    connection->writing = writing;
    return writing;
}

/* --- outcomes --- */

static void refuse(const struct record_write *writing, size_t place, struct str message)
{
    const struct vendor_connection *connection = writing->calls.connection;
    struct arena scratch = arena_beside(connection->arena);
    write_refused(writing->batch, place,
                  vendor_message_clean_in(&scratch, &connection->redaction,
                                          utf8_cut(message, CONTRACT_MESSAGE_MAX)));
    arena_done(&scratch);
}

/* A result that does not say whether the record was written leaves its outcome unknown. */
static void take_result(const struct record_write *writing, const struct contract_place *result,
                        size_t place)
{
    struct contract_place flag = contract_member(result, "isSuccess");
    struct write_batch *batch = writing->batch;
    if (!flag.value || flag.value->kind != VALUE_BOOLEAN) {
        contract_fault(&flag, "a boolean");
        batch->outcomes[place].end = WRITE_UNKNOWN;
        return;
    }
    if (flag.value->boolean)
        write_done(batch, place, value_text(result->value, "recordId"));
    else
        refuse(writing, place, value_text(result->value, "errorMessage"));
}

static void take_results(const struct record_write *writing, struct contract_place *results)
{
    const struct write_part *part = &writing->part;
    struct write_batch *batch = writing->batch;
    if (results->value->kind != VALUE_LIST || results->value->count != part->count) {
        struct str expected =
            arena_printf(results->check->text.arena, "a list of %zu results", part->count);
        contract_fault(results, expected.data);
        write_part_end(batch, part, WRITE_UNKNOWN);
        return;
    }
    for (size_t i = 0; i < part->count; i++) {
        struct contract_place result = contract_item(results, i);
        take_result(writing, &result, part->places[i]);
    }
}

/* `good`: the function says isSuccess. Where it says of each record what became of it, that
 * counts. */
static bool conclude(const struct record_write *writing, bool good)
{
    struct vendor_connection *connection = writing->calls.connection;
    const struct contract_answer *answer = &writing->calls.answer;
    struct contract_check check = contract_check_new(&connection->answer);
    struct contract_place whole = contract_whole(&check, answer->body);
    struct contract_place results = contract_member(&whole, "writeRecordResults");
    bool has_results =
        results.value && (results.value->kind != VALUE_LIST || results.value->count > 0);
    if (has_results)
        take_results(writing, &results);
    else
        write_part_end(writing->batch, &writing->part,
                       good             ? WRITE_DONE
                       : answer->undone ? WRITE_LEFT
                                        : WRITE_UNKNOWN);
    if (has_results && check.count > 0)
        return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                           contract_check_message(&check, "WriteData", &connection->answer),
                           "`headgate connector test` shows what the function answers.");
    return good || has_results;
}

/* --- a call --- */

static const struct value *texts_of(const struct record_write *writing, struct arena *arena)
{
    struct value *list = value_list(arena);
    value_reserve(arena, list, writing->part.count);
    for (size_t i = 0; i < writing->part.count; i++)
        value_append(arena, list,
                     value_string(arena, writing->batch->records[writing->part.places[i]]));
    return list;
}

static struct str payload_of(struct record_write *writing, struct arena *scratch)
{
    const struct write_query *query = writing->query;
    for (;;) {
        const struct contract_records records = {
            .entity = query->entity,
            .operation = str_from(write_operation_name(query->operation)),
            .id_fields = writing->id_fields,
            .records = texts_of(writing, scratch),
        };
        struct str payload = contract_write_data(scratch, &writing->calls.context, &records);
        if (payload.data || writing->part.count == 1)
            return payload;
        write_part_halve(&writing->part);
        arena_done(scratch);
    }
}

/* False: the verdict says why not. */
static bool call(struct record_write *writing, struct str payload)
{
    struct query_call *calls = &writing->calls;
    bool repeatable = writing->query->operation != WRITE_INSERT;
    calls->call.payload = payload;
    calls->answer = (struct contract_answer){.undone = true}; /* of a call that is not made */
    bool good = custom_call(calls->connection, CONTRACT_WRITE_DATA, &calls->call, STEP_API,
                            repeatable, &calls->answer);
    if (conclude(writing, good))
        return true;
    return query_call_fail(calls);
}

static bool write_part(struct record_write *writing)
{
    struct arena scratch = arena_beside(writing->calls.connection->arena);
    struct str payload = payload_of(writing, &scratch);
    bool written = true;
    if (payload.data)
        written = call(writing, payload);
    else
        write_refused(writing->batch, writing->part.places[0],
                      STR("a request with this record would be longer than 6 MB"));
    arena_done(&scratch);
    return written;
}

bool custom_write(struct vendor_connection *connection, const struct write_query *query,
                  struct write_batch *batch)
{
    struct record_write *writing = writing_of(connection, query);
    if (!writing)
        return false;
    writing->query = query;
    writing->batch = batch;
    writing->part.next = 0;
    while (write_part_next(batch, &limits, &writing->part)) {
        if (!vendor_may_go_on(connection) || !write_part(writing))
            return false;
    }
    return vendor_accept(connection, STEP_API);
}
