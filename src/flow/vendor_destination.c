/* Records become JSON, a line a record, and lines the batches of a connector: one is sent as soon
 * as it is full, so that never more than a batch is kept, however much the engine gives at once. */
#include "flow/vendor_destination.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "base/log.h"
#include "connector/connector.h"
#include "connector/writing.h"
#include "flow/definition.h"
#include "flow/failed_records.h"
#include "flow/replay.h"
#include "flow/run_vendor.h"
#include "record/byte_buffer.h"
#include "record/json_out.h"
#include "wire/errors.h"

#include <stdlib.h>
#include <string.h>

static const char too_long[] = "the record is longer than 4 MiB as JSON";
_Static_assert(WRITE_BYTES_MAX == 4 * 1024 * 1024, "as the message says");

struct vendor_destination {
    struct flow_destination base;
    struct flow_engine_run *run;
    struct run_vendor vendor;
    struct write_query query;
    bool fails_on_first;           /* failOnFirstDestinationError */
    struct failed_records *failed; /* NULL: the flow has no error bucket */
    /* Of successResponseHandlingConfig: */
    struct failed_records *answers; /* NULL: the vendor's answers are not kept */
    struct write_keeper keeper;
    bool has_lost; /* an answer could not be kept: the run ends, as this says */
    struct error lost;
    bool is_again; /* an earlier try may have inserted records of the page at hand */
    int unknown;   /* calls in a row that failed and left a record with an unknown outcome */

    /* What the engine has given: */
    const struct flow_program_result *result;
    struct str page;
    size_t row; /* of the line at hand */
    /* What is sent at once, and the beginning of the line behind it; WRITE_BYTES_MAX at most: */
    struct byte_buffer text;
    size_t ends[WRITE_RECORDS_MAX]; /* of lines, in the text */
    size_t rows[WRITE_RECORDS_MAX]; /* in the engine's result */
    struct str records[WRITE_RECORDS_MAX];
    struct write_outcome outcomes[WRITE_RECORDS_MAX];
    bool is_too_long; /* the line at hand: it is not kept */
    struct arena arena;
    struct write_batch batch;
    struct str unknown_reason; /* of records whose outcome is unknown */
};

static struct vendor_destination *self_of(struct flow_destination *destination)
{
    return (struct vendor_destination *)destination;
}

/* --- before and after a call --- */

/* What may not be repeated unnoticed is noted first. */
static bool note_insert(struct vendor_destination *self, struct error *error)
{
    struct flow_progress *progress = self->run->progress;
    if (self->query.operation != WRITE_INSERT || progress->has_begun)
        return true;
    progress->has_begun = true;
    return self->run->job.note_begun(self->run->job.context, error);
}

/* Where records are found by an id, those with an unknown outcome can be sent again. Records that a
 * job has are asked for again. */
static size_t count_left(struct vendor_destination *self)
{
    size_t left = 0;
    for (size_t i = 0; i < self->batch.count; i++) {
        struct write_outcome *outcome = &self->batch.outcomes[i];
        if (outcome->end == WRITE_UNKNOWN && self->query.operation != WRITE_INSERT)
            outcome->end = WRITE_LEFT;
        left += outcome->end == WRITE_LEFT || outcome->end == WRITE_TAKEN;
    }
    return left;
}

static bool keep_answer(void *context, size_t place, struct str answer)
{
    struct vendor_destination *self = context;
    (void)place;
    if (!self->has_lost)
        self->has_lost = !failed_records_add_answer(self->answers, answer, &self->lost);
    return !self->has_lost;
}

static size_t count_known(const struct write_batch *batch)
{
    size_t known = 0;
    for (size_t i = 0; i < batch->count; i++)
        known += batch->outcomes[i].end == WRITE_DONE || batch->outcomes[i].end == WRITE_REFUSED;
    return known;
}

/* The reason of those that this call left unknown; false: it left none so. */
static bool note_unknown(struct vendor_destination *self)
{
    bool is_any = false;
    for (size_t i = 0; i < self->batch.count; i++) {
        struct write_outcome *outcome = &self->batch.outcomes[i];
        if (outcome->end != WRITE_UNKNOWN || outcome->message.data)
            continue;
        outcome->message = self->unknown_reason;
        is_any = true;
    }
    return is_any;
}

/* True also where the run ends by what is known: then the rest of the batch is left. */
static bool call(void *context, struct vendor_connection *connection)
{
    struct vendor_destination *self = context;
    const struct connector_ops *ops = self->vendor.access.target.connector->ops;
    unsigned answers = self->batch.answers;
    size_t known = count_known(&self->batch);
    bool written = ops->write(connection, &self->query, &self->batch);
    if (written || count_known(&self->batch) > known)
        self->unknown = 0;
    if (written || self->has_lost)
        return true;
    self->vendor.has_moved = self->batch.answers != answers;
    struct verdict verdict = vendor_verdict(connection);
    self->unknown_reason = verdict.message.len > 0
                               ? arena_copy(&self->arena, verdict.message)
                               : arena_printf(&self->arena, "the answer was lost (%s)",
                                              verdict_kind_name(verdict.kind));
    bool is_settled = count_left(self) == 0;
    self->unknown += note_unknown(self);
    return is_settled || self->unknown >= VENDOR_UNKNOWN_MAX;
}

/* --- outcomes --- */

/* A record that was not written, or may not have been. */
static bool note_failed(struct vendor_destination *self, size_t i, struct error *error)
{
    struct write_outcome *outcome = &self->batch.outcomes[i];
    bool is_unknown = outcome->end == WRITE_UNKNOWN;
    if (is_unknown && !outcome->message.data)
        outcome->message = self->unknown_reason;
    flow_progress_leave_out(self->run->progress, is_unknown ? LEFT_UNKNOWN : LEFT_REFUSED,
                            self->page, &self->result->output.places[self->rows[i]],
                            outcome->message);
    return !self->failed ||
           failed_records_add(self->failed, self->batch.records[i],
                              is_unknown ? "Unknown" : "Refused", outcome->message, error);
}

static void note_written(struct vendor_destination *self, size_t i)
{
    struct flow_progress *progress = self->run->progress;
    progress->written++;
    progress->twice += self->is_again;
    progress->counts.bytes_written += (int64_t)self->batch.records[i].len;
}

/* Whether the run continues after these outcomes. `first`: of a record that failed; NULL: none did.
 */
static bool check_outcomes(const struct vendor_destination *self, const struct write_outcome *first,
                           struct error *error)
{
    if (first && self->fails_on_first)
        return fail(error, ERR_CONNECTOR_SERVER,
                    "%.*s: a record %s the destination: %.*s. The flow ends at the first "
                    "(failOnFirstDestinationError).",
                    STR_ARG(self->page),
                    first->end == WRITE_UNKNOWN ? "may or may not have been written to"
                                                : "was refused by",
                    STR_ARG(first->message));
    return self->unknown < VENDOR_UNKNOWN_MAX ||
           fail(error, ERR_CONNECTOR_SERVER,
                "The outcome of the last %d calls to the destination is unknown: %.*s.",
                VENDOR_UNKNOWN_MAX, STR_ARG(self->unknown_reason));
}

/* What a job has that is no longer asked for has an unknown outcome. */
static bool note_outcomes(struct vendor_destination *self, struct error *error)
{
    const struct write_outcome *first = NULL;
    for (size_t i = 0; i < self->batch.count; i++) {
        struct write_outcome *outcome = &self->batch.outcomes[i];
        if (outcome->end == WRITE_TAKEN)
            outcome->end = WRITE_UNKNOWN;
        bool has_failed = outcome->end == WRITE_REFUSED || outcome->end == WRITE_UNKNOWN;
        if (outcome->end == WRITE_DONE)
            note_written(self, i);
        if (has_failed && !note_failed(self, i, error))
            return false;
        if (has_failed && !first)
            first = outcome;
    }
    return check_outcomes(self, first, error);
}

/* --- lines --- */

/* Where the line at hand begins in the text. */
static size_t lines_end(const struct vendor_destination *self)
{
    return self->batch.count > 0 ? self->ends[self->batch.count - 1] : 0;
}

/* The text may have moved while it grew. */
static void point_at_records(struct vendor_destination *self)
{
    size_t from = 0;
    for (size_t i = 0; i < self->batch.count; i++) {
        self->records[i] = (struct str){(const char *)self->text.data + from, self->ends[i] - from};
        from = self->ends[i];
    }
}

/* What stands behind the lines that were sent is the beginning of the next. */
static void forget_lines(struct vendor_destination *self)
{
    size_t sent = lines_end(self);
    self->text.len -= sent;
    if (self->text.len > 0)
        memmove(self->text.data, self->text.data + sent, self->text.len);
    self->batch.count = 0;
    self->batch.job = STR_NULL;
    self->unknown_reason = STR_NULL;
    arena_reset(&self->arena);
}

/* The whole lines at hand, to the vendor. What is known of them counts also when the run ends here.
 */
static bool send_lines(struct vendor_destination *self, struct error *error)
{
    struct error ignored;
    if (self->batch.count == 0)
        return true;
    point_at_records(self);
    memset(self->outcomes, 0, self->batch.count * sizeof(*self->outcomes));
    if (!flow_engine_check(self->run, error) || !note_insert(self, error))
        return false;
    bool sent = run_vendor_do(&self->vendor, call, self, error);
    fault_point("write:sent");
    bool noted = note_outcomes(self, sent ? error : &ignored);
    forget_lines(self);
    if (sent && noted && self->has_lost)
        *error = self->lost;
    return sent && noted && !self->has_lost;
}

/* No call takes a record as long as that. */
static bool leave_out_long(struct vendor_destination *self, struct error *error)
{
    const struct write_outcome outcome = {.end = WRITE_REFUSED, .message = str_from(too_long)};
    self->is_too_long = false;
    flow_progress_leave_out(self->run->progress, LEFT_TOO_LONG, self->page,
                            &self->result->output.places[self->row], outcome.message);
    if (self->failed &&
        !failed_records_add(self->failed, STR("null"), "TooLong", outcome.message, error))
        return false;
    return check_outcomes(self, &outcome, error);
}

static bool end_line(struct vendor_destination *self, struct error *error)
{
    if (self->is_too_long && (!send_lines(self, error) || !leave_out_long(self, error)))
        return false;
    if (self->text.len > lines_end(self)) {
        self->rows[self->batch.count] = self->row;
        self->ends[self->batch.count++] = self->text.len;
    }
    self->row++;
    return self->batch.count < WRITE_RECORDS_MAX || send_lines(self, error);
}

static bool add_to_line(struct vendor_destination *self, struct str bytes, struct error *error)
{
    if (self->text.len + bytes.len > WRITE_BYTES_MAX && !send_lines(self, error))
        return false;
    self->is_too_long |= self->text.len + bytes.len > WRITE_BYTES_MAX;
    if (self->is_too_long)
        self->text.len = lines_end(self);
    else
        byte_buffer_add(&self->text, bytes.data, bytes.len);
    return true;
}

static bool take(void *context, struct str bytes, struct error *error)
{
    struct vendor_destination *self = context;
    while (bytes.len > 0) {
        const char *end = memchr(bytes.data, '\n', bytes.len);
        size_t len = end ? (size_t)(end - bytes.data) : bytes.len;
        if (!add_to_line(self, (struct str){bytes.data, len}, error) ||
            (end && !end_line(self, error)))
            return false;
        len += end != NULL;
        bytes = (struct str){bytes.data + len, bytes.len - len};
    }
    return true;
}

static bool encode(struct vendor_destination *self, struct error *error)
{
    const struct json_out_options options = {
        .fields = self->result->fields,
        .whole = flow_is_replay(self->run->definition),
    };
    if (options.whole && !flow_replay_check(&self->result->output, self->page, error))
        return false;
    const struct record_output output = {take, self};
    struct record_encoder *encoder = json_out_new(&options, &output);
    bool encoded = encoder->ops->write(encoder, &self->result->output, error) &&
                   encoder->ops->finish(encoder, error);
    encoder->ops->free(encoder);
    return encoded;
}

static bool write_result(struct flow_destination *destination,
                         const struct flow_program_result *result, struct str page,
                         struct error *error)
{
    struct vendor_destination *self = self_of(destination);
    if (result->output.rows == 0)
        return true;
    self->result = result;
    self->page = page;
    self->row = 0;
    return encode(self, error) && send_lines(self, error);
}

/* --- the ends --- */

static bool end_page(struct flow_destination *destination, bool *ret_settled, struct error *error)
{
    struct vendor_destination *self = self_of(destination);
    *ret_settled = true;
    self->is_again = false;
    self->run->progress->has_begun = false;
    return (!self->failed || failed_records_end_page(self->failed, error)) &&
           (!self->answers || failed_records_end_page(self->answers, error));
}

static bool end(struct flow_destination *destination, struct error *error)
{
    (void)destination, (void)error;
    return true;
}

/* Of a run that ends within a page; one that is left to another try writes the page again. */
static void end_failed(struct vendor_destination *self)
{
    struct error error;
    if (self->run->wish != ENGINE_GO_ON)
        return;
    if (self->failed && !failed_records_end_page(self->failed, &error))
        log_warn("Run %.*s could not write its last records to the error bucket: %s",
                 STR_ARG(self->run->row->id), error.message);
    if (self->answers && !failed_records_end_page(self->answers, &error))
        log_warn("Run %.*s could not write the vendor's last answers to the bucket of "
                 "successResponseHandlingConfig: %s",
                 STR_ARG(self->run->row->id), error.message);
}

static void free_destination(struct flow_destination *destination)
{
    struct vendor_destination *self = self_of(destination);
    end_failed(self);
    run_vendor_done(&self->vendor);
    failed_records_free(self->failed);
    failed_records_free(self->answers);
    byte_buffer_done(&self->text);
    arena_done(&self->arena);
    free(self);
}

static const struct flow_destination_ops ops = {
    .write = write_result,
    .end_page = end_page,
    .end = end,
    .free = free_destination,
};

/* --- opening --- */

static const struct run_vendor_use writes = {
    .does = "writes",
    .call_ms = 5 * 60 * 1000,
    .fits = connector_has_writes,
};

static void read_query(struct vendor_destination *self, const struct flow_end *end)
{
    const struct value *properties = flow_end_properties(end);
    const struct value *names = value_get(properties, "idFieldNames");
    size_t count = names ? names->count : 0;
    struct str *fields = arena_array(self->run->arena, struct str, count + 1);
    for (size_t i = 0; i < count; i++)
        fields[i] = names->items[i]->text;
    self->query = (struct write_query){
        .entity = flow_end_entity(end),
        .api_version = value_text(end->config, "apiVersion"),
        .properties = properties,
        .operation =
            connector_write_operation(end->connector, value_text(properties, "writeOperationType")),
        .id_fields = fields,
        .id_field_count = count,
    };
}

static void read_errors(struct vendor_destination *self, const struct flow_end *end)
{
    const struct value *config = value_get(flow_end_properties(end), "errorHandlingConfig");
    self->fails_on_first = value_flag(config, "failOnFirstDestinationError", false);
    if (value_text(config, "bucketName").len > 0)
        self->failed = failed_records_new(self->run, config, "");
}

static void read_answers(struct vendor_destination *self, const struct flow_end *end)
{
    const struct value *config =
        value_get(flow_end_properties(end), "successResponseHandlingConfig");
    if (value_text(config, "bucketName").len == 0)
        return;
    self->answers = failed_records_new(self->run, config, "-answers");
    self->keeper = (struct write_keeper){keep_answer, self};
    self->batch.keeper = &self->keeper;
}

static bool begin(struct vendor_destination *self, const struct flow_end *end, struct error *error)
{
    read_query(self, end);
    read_errors(self, end);
    read_answers(self, end);
    self->is_again = self->query.operation == WRITE_INSERT && self->run->progress->has_begun;
    if (!end->profile.data)
        return fail(error, ERR_NOT_IMPLEMENTED, "no destination writes to %.*s",
                    STR_ARG(end->type));
    return run_vendor_open(&self->vendor, self->run, &writes, end, self->query.entity, error);
}

bool vendor_destination_open(struct flow_engine_run *run, struct flow_destination **ret_destination,
                             struct error *error)
{
    struct vendor_destination *self = xcalloc(1, sizeof(*self));
    struct flow_definition definition;
    flow_definition_read(run->definition, &definition);
    self->base.ops = &ops;
    self->run = run;
    self->arena = arena_beside(run->arena);
    self->batch = (struct write_batch){
        .records = self->records, .outcomes = self->outcomes, .arena = &self->arena};
    if (begin(self, &definition.destination, error)) {
        *ret_destination = &self->base;
        return true;
    }
    free_destination(&self->base);
    return false;
}
