/* Writing records by description: rows of http/write_source.h and a batch in, outcomes of
 * connector/writing.h out. */
#include "connector/http/internal.h"
#include "connector/http/read_source.h"
#include "connector/http/vendor_message.h"
#include "connector/http/write_source.h"

#include "base/fault.h"
#include "wire/json_pointer.h"

#include <assert.h>

enum {
    BODY_EXTRA_MAX = 64 * 1024, /* bytes beside the records' own */
    RECORD_EXTRA_MAX = 1024,    /* and beside each record's */
};

struct write_call {
    struct vendor_connection *connection;
    const struct write_query *query;
    struct write_batch *batch;
    const struct write_source *source;
    struct write_item item;
    struct write_part part;
    size_t put_off; /* records that the vendor could not write at the moment */
};

static bool refuse(const struct write_call *writing, struct str name, const char *what)
{
    struct arena *arena = writing->connection->arena;
    struct str message = arena_printf(arena, "%.*s %s", STR_ARG(name), what);
    return vendor_fail(writing->connection, VERDICT_MISCONFIGURED, STEP_NONE, message, NULL);
}

/* --- the row --- */

static const struct write_source *find_source(const struct write_call *writing)
{
    struct vendor_connection *connection = writing->connection;
    const struct connector_writes *writes = connection->target->connector->http->writes;
    for (size_t i = 0; i < writes->count; i++) {
        const struct write_source *row = &writes->rows[i];
        if ((row->operations & 1U << writing->query->operation) &&
            (!row->of || entity_pattern_fits(str_from(row->of), writing->query->entity)) &&
            scope_allows(connection->arena, &connection->scope, row->given, row->equals))
            return row;
    }
    return NULL;
}

static bool choose_key(struct write_call *writing)
{
    const struct write_source *source = writing->source;
    const struct write_query *query = writing->query;
    const struct connector_writes *writes = writing->connection->target->connector->http->writes;
    struct str key = STR_NULL;
    if (source->key == WRITE_KEY_OWN)
        key = str_from(source->key_field);
    else if (source->key == WRITE_KEY_GIVEN && query->id_field_count == 1)
        key = query->id_fields[0];
    if (source->key == WRITE_KEY_GIVEN && !read_name_is_fit(writes->name_marks, key))
        return refuse(writing, str_from(write_operation_name(query->operation)),
                      "needs the name of one field in idFieldNames");
    if (source->key == WRITE_KEY_GIVEN && source->keys.count > 0 &&
        !connector_texts_have(&source->keys, key))
        return refuse(writing, key, "in idFieldNames is not what the vendor finds records by");
    for (size_t i = 0; source->key == WRITE_KEY_OWN && i < query->id_field_count; i++) {
        if (!str_eq_nocase(query->id_fields[i], key))
            return refuse(writing, query->id_fields[i],
                          "in idFieldNames is not what the vendor finds records by");
    }
    writing->item.key = key;
    return true;
}

static bool begin(struct write_call *writing)
{
    struct vendor_connection *connection = writing->connection;
    const struct write_query *query = writing->query;
    const struct connector_writes *writes = connection->target->connector->http->writes;
    connection->scope.destination = query->properties;
    entity_scope_set(connection, query->entity, query->entity);
    if (!writes || !read_name_is_fit(writes->name_marks, query->entity))
        return entity_absent(connection, query->entity, "is no entity here");
    writing->source = find_source(writing);
    if (!writing->source)
        return refuse(writing, str_from(write_operation_name(query->operation)),
                      "is not how records of this entity can be written");
    if (writing->source->refusal)
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE,
                           str_from(writing->source->refusal), NULL);
    writing->item.source = writing->source;
    if (writing->source->members)
        writing->item.members = template_fill(connection->arena, writing->source->members,
                                              &connection->scope, ESCAPE_JSON);
    return choose_key(writing);
}

/* --- a call --- */

static void drop(struct write_part *part, size_t index)
{
    for (size_t i = index + 1; i < part->count; i++)
        part->places[i - 1] = part->places[i];
    part->count--;
}

/* Adds each record of the part; one that cannot be sent is refused and leaves the part. */
static void add_records(struct write_call *writing, struct buf *out)
{
    struct write_batch *batch = writing->batch;
    bool is_body = writing->source->form == WRITE_BODY;
    for (size_t i = 0; i < writing->part.count;) {
        size_t place = writing->part.places[i], len = out->len;
        struct str key = STR_NULL;
        if (i > 0)
            buf_add_char(out, ',');
        const char *fault = is_body ? write_item_add(&writing->item, batch->records[place], out)
                                    : write_item_key(&writing->item, batch->records[place], &key);
        buf_add(out, key);
        i += !fault;
        if (!fault)
            continue;
        out->len = len;
        write_refused(batch, place, str_from(fault));
        drop(&writing->part, i);
    }
}

static struct str fill(const struct write_call *writing, const char *template)
{
    return template ? template_fill(writing->connection->arena, template,
                                    &writing->connection->scope, ESCAPE_JSON)
                    : STR("");
}

/* Sets what {write.…} is, and makes the body, in `scratch`. */
static struct str prepare(struct write_call *writing, struct arena *scratch)
{
    struct vendor_connection *connection = writing->connection;
    bool is_body = writing->source->form == WRITE_BODY;
    struct value *write = value_structure(connection->arena);
    struct buf records = buf_in(scratch, writing->part.bytes + BODY_EXTRA_MAX +
                                             writing->part.count * RECORD_EXTRA_MAX);
    value_put_text(connection->arena, write, "key", writing->item.key);
    connection->scope.write = write;
    buf_reserve(&records, records.limit);
    if (is_body)
        buf_add(&records, fill(writing, writing->source->before));
    add_records(writing, &records);
    if (is_body)
        buf_add(&records, fill(writing, writing->source->after));
    else
        value_put_text(connection->arena, write, "ids", buf_str(&records));
    assert(!records.overflow);
    return is_body ? buf_str(&records) : STR_NULL;
}

/* --- outcomes --- */

/* In the arena. */
static struct str reason(const struct write_call *writing, const struct value *result,
                         struct arena *arena)
{
    const struct write_results *results = &writing->source->results;
    struct buf text = buf_in(arena, VENDOR_MESSAGE_RAW_MAX);
    struct str code = pointer_text(arena, result, results->code);
    struct str message = pointer_text(arena, result, results->message);
    buf_add(&text, code);
    if (code.len > 0 && message.len > 0)
        buf_add_cstr(&text, ": ");
    buf_add(&text, message);
    return vendor_message_clean_in(arena, &writing->connection->redaction,
                                   text.overflow ? code : buf_str(&text));
}

static void take_result(struct write_call *writing, const struct value *result, size_t place,
                        struct arena *arena)
{
    const struct write_results *results = &writing->source->results;
    struct write_batch *batch = writing->batch;
    bool is_fault = results->fault && pointer_text(arena, result, results->fault).len > 0;
    for (size_t i = 0; i < WRITE_BAD_MAX; i++)
        is_fault = is_fault || entity_flag_holds(arena, &results->bad[i], result);
    if (!is_fault && !pointer_find(result, results->good.at)) {
        batch->outcomes[place].end = WRITE_UNKNOWN;
        return;
    }
    struct str code = pointer_text(arena, result, results->code);
    bool is_good = !is_fault && entity_flag_holds(arena, &results->good, result);
    bool is_gone =
        writing->query->operation == WRITE_DELETE && connector_texts_have(&results->gone, code);
    if (is_good || is_gone) {
        write_done(batch, place, is_good ? pointer_text(arena, result, results->id) : STR_NULL);
        return;
    }
    write_refused(batch, place, reason(writing, result, arena));
    if (!connector_texts_have(&results->again, code))
        return;
    batch->outcomes[place].end = WRITE_LEFT;
    writing->put_off++;
}

/* The place in the part of the record that a result is of; SIZE_MAX: there is no such record. */
static size_t result_index(const struct write_call *writing, const struct value *result, size_t at,
                           struct arena *arena)
{
    const char *index = writing->source->results.index;
    unsigned long long number;
    struct str text = index ? pointer_text(arena, result, index) : STR_NULL;
    if (text.len == 0)
        return at;
    return str_to_u64(text, writing->part.count - 1, &number) ? (size_t)number : SIZE_MAX;
}

/* How many results there are; of an answer without a list there is one. */
static size_t count_results(const struct write_call *writing, const struct value *found)
{
    if (writing->source->results.is_lone)
        return found != NULL;
    return found && found->kind == VALUE_LIST ? found->count : 0;
}

/* A record that no result is of has an unknown outcome. */
static void take_list(struct write_call *writing, const struct value *found)
{
    bool is_lone = writing->source->results.is_lone;
    struct arena scratch = arena_beside(writing->connection->arena);
    write_part_end(writing->batch, &writing->part, WRITE_UNKNOWN);
    for (size_t i = 0; i < writing->part.count; i++) {
        const struct value *result = is_lone ? found : found->items[i];
        size_t index = result_index(writing, result, i, &scratch);
        if (index != SIZE_MAX)
            take_result(writing, result, writing->part.places[index], &scratch);
        arena_reset(&scratch);
    }
    arena_done(&scratch);
}

static bool take_results(struct write_call *writing, const struct vendor_response *response)
{
    struct vendor_connection *connection = writing->connection;
    const struct value *found = pointer_find(response->json, writing->source->results.at);
    size_t count = count_results(writing, found);
    if (count == writing->part.count) {
        take_list(writing, found);
        return true;
    }
    write_part_end(writing->batch, &writing->part, WRITE_UNKNOWN);
    return vendor_fail_status(connection, VERDICT_UNREACHABLE, STEP_API, response->http.status,
                              arena_printf(connection->arena,
                                           "the response has %zu outcomes of %zu records", count,
                                           writing->part.count),
                              "Which of the records were written is not known.");
}

/* The vendor's word about the record of a call that takes one. */
static bool take_refusal(struct write_call *writing, const struct vendor_response *response)
{
    const struct vendor_connection *connection = writing->connection;
    const struct write_results *results = &writing->source->results;
    bool is_unfit = false;
    for (size_t i = 0; i < WRITE_UNFIT_MAX && results->is_lone; i++)
        is_unfit = is_unfit || (results->unfit[i] != 0 && response->http.outcome == CLIENT_OK &&
                                results->unfit[i] == response->http.status);
    if (!is_unfit || connection->state != VENDOR_READY) /* credentials that were refused */
        return false;
    struct arena scratch = arena_beside(writing->connection->arena);
    struct str text = response->json ? reason(writing, response->json, &scratch) : STR_NULL;
    write_refused(writing->batch, writing->part.places[0],
                  text.len > 0 ? text : vendor_verdict(connection).message);
    arena_done(&scratch);
    return true;
}

/* The batch's job has the part's records. */
static bool take_job(struct write_call *writing, struct vendor_response *response)
{
    enum write_job_end end =
        write_job_await(writing->connection, writing->source->job, writing->batch, response);
    if (end == WRITE_JOB_LATER)
        return false;
    writing->batch->job = STR_NULL;
    if (end == WRITE_JOB_ENDED)
        return take_results(writing, response);
    write_part_end(writing->batch, &writing->part, WRITE_UNKNOWN);
    return false;
}

/* What became of the part's records, after a call that was answered. */
static bool take_answer(struct write_call *writing, struct vendor_response *response)
{
    const struct write_job *job = writing->source->job;
    struct write_batch *batch = writing->batch;
    batch->answers++;
    if (!job)
        return take_results(writing, response);
    bool has_job = write_job_begin(writing->connection, job, response, batch);
    write_part_end(batch, &writing->part, has_job ? WRITE_TAKEN : WRITE_UNKNOWN);
    fault_point("write:job");
    return has_job && take_job(writing, response);
}

/* The job that a call before this one has left. */
static bool resume(struct write_call *writing)
{
    struct vendor_response response;
    write_part_taken(writing->batch, &writing->part);
    return take_job(writing, &response);
}

static bool write_part(struct write_call *writing)
{
    struct vendor_connection *connection = writing->connection;
    struct arena scratch = arena_beside(connection->arena);
    struct vendor_response response;
    struct str body = prepare(writing, &scratch);
    bool taken = false, written = true;
    if (writing->part.count > 0) {
        written = vendor_call_write(connection, &writing->source->call, STR_NULL, body,
                                    writing->query->operation != WRITE_INSERT, &response, &taken);
        if (written)
            written = take_answer(writing, &response);
        else if (take_refusal(writing, &response))
            written = true;
        else if (taken)
            write_part_end(writing->batch, &writing->part, WRITE_UNKNOWN);
    }
    arena_done(&scratch);
    return written;
}

static bool write_parts(struct write_call *writing)
{
    writing->put_off = 0;
    if (writing->batch->job.data && !resume(writing))
        return false;
    writing->part.next = 0;
    while (write_part_next(writing->batch, &writing->source->limits, &writing->part)) {
        if (!vendor_may_go_on(writing->connection) || !write_part(writing))
            return false;
    }
    return true;
}

/* Those that the vendor could not write at the moment, each time that they were sent. */
static void refuse_put_off(struct write_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->outcomes[i].end == WRITE_LEFT)
            batch->outcomes[i].end = WRITE_REFUSED;
    }
}

bool http_write(struct vendor_connection *connection, const struct write_query *query,
                struct write_batch *batch)
{
    struct write_call writing = {.connection = connection, .query = query, .batch = batch};
    const struct connector_writes *writes = connection->target->connector->http->writes;
    if (writes && writes->write)
        return writes->write(connection, query, batch);
    if (!begin(&writing))
        return false;
    for (int tries = 1;; tries++) {
        int64_t pause_ms = (int64_t)CALL_BUSY_PAUSE_MS << (tries - 1);
        if (!write_parts(&writing))
            return false;
        if (writing.put_off == 0)
            break;
        if (tries == CALL_TRIES_MAX || !vendor_has_time(connection, pause_ms)) {
            refuse_put_off(batch);
            break;
        }
        vendor_pause(connection, pause_ms);
    }
    if (write_batch_is_known(batch))
        return vendor_accept(connection, STEP_API);
    return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                       STR("the response has no outcome of some records"),
                       "Which of the records were written is not known.");
}
