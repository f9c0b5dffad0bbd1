/* Batches of one record each, so that what comes out of the tasks is of the record that went in. */
#include "flow/preview.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/int64.h"
#include "base/random.h"
#include "connector/reading.h"
#include "flow/destination.h"
#include "flow/destination_open.h"
#include "flow/engine.h"
#include "flow/field_drift.h"
#include "flow/source_open.h"
#include "job/job.h"
#include "profile/context.h"
#include "record/decoder.h"
#include "record/json_out.h"
#include "work/call_quota.h"
#include "work/cpu_slots.h"
#include "work/memory_limit.h"

enum {
    NAP_MS = 200,                  /* of a wait, after which the deadline is looked at */
    END_SOURCE_MS = 5 * 1000,      /* behind the deadline, for the vendor's job */
    S3_MS = 60 * 1000,             /* of all calls to S3 */
    BESIDE_RECORDS_MAX = 4 * 1024, /* bytes of the answer but its records */
    DRIFT_MAX = 128 * 1024,        /* likewise, of fields */
};

struct preview_run {
    struct flow_destination base;
    const struct flow_preview *preview;
    int64_t deadline_ms;
    struct buf json;    /* the records' list */
    struct arena texts; /* of the record at hand */
    size_t count, written, filtered, rejected, unreadable;
    bool is_open;   /* the record at hand was shown, and nothing came of it yet */
    bool is_enough; /* there is no room for another one */
    struct flow_engine_run run;
    struct flow_run_row row;
    struct flow_run_kept kept;
    struct flow_engine_view view;
    struct arena arena; /* of the try at hand, as the next */
    struct flow_progress progress;
    uint64_t pages; /* of tries before it */
    struct str cursor;
    struct arena cursor_memory;
    struct memory_reservation memory; /* of all that is read */
};

/* --- a record --- */

static bool take_bytes(void *context, struct str bytes, struct error *error)
{
    (void)error;
    buf_add(context, bytes);
    return true;
}

static struct str as_json(const struct record_batch *batch, struct arena *arena)
{
    struct record_field *fields = arena_array(arena, struct record_field, batch->column_count + 1);
    struct buf text = buf_in(arena, FLOW_PREVIEW_RECORD_MAX);
    const struct record_output output = {take_bytes, &text};
    struct error ignored;
    for (size_t i = 0; i < batch->column_count; i++)
        fields[i] = (struct record_field){.name = batch->columns[i].name};
    const struct json_out_options options = {
        .fields = {fields, batch->column_count},
        .whole =
            batch->column_count == 1 && str_eq(batch->columns[0].name, STR(RECORD_WHOLE_COLUMN)),
    };
    struct record_encoder *encoder = json_out_new(&options, &output);
    bool ok =
        encoder->ops->write(encoder, batch, &ignored) && encoder->ops->finish(encoder, &ignored);
    encoder->ops->free(encoder);
    struct str json = buf_str(&text);
    while (json.len > 0 && json.data[json.len - 1] == '\n')
        json.len--;
    if (ok && !text.overflow)
        return json;
    return arena_printf(arena, "{\"longerThanBytes\":%d}", FLOW_PREVIEW_RECORD_MAX);
}

static void add_text(struct buf *json, const char *name, struct str text)
{
    buf_printf(json, ",\"%s\":", name);
    encode_json_string(json, text);
}

/* Ends what begin_record began. */
static void end_record(struct preview_run *self)
{
    buf_add_char(&self->json, '}');
    self->is_open = false;
    self->is_enough =
        self->count == self->preview->records_max ||
        self->json.len + 2 * FLOW_PREVIEW_RECORD_MAX + BESIDE_RECORDS_MAX > FLOW_PREVIEW_JSON_MAX;
}

static void begin_record(struct preview_run *self, const struct record_place *place)
{
    buf_printf(&self->json, "%s{\"page\":%llu,\"position\":%llu", self->count++ > 0 ? "," : "",
               (unsigned long long)self->progress.pages + 1, (unsigned long long)place->position);
    if (place->line > 0)
        buf_printf(&self->json, ",\"line\":%llu", (unsigned long long)place->line);
    self->is_open = true;
}

static void show_unreadable(struct preview_run *self, const struct record_error *found)
{
    begin_record(self, &found->place);
    add_text(&self->json, "unreadable", str_from(record_fault_text(found->fault)));
    self->unreadable++;
    end_record(self);
}

static bool has_room(const struct preview_run *self, struct error *error)
{
    return !self->is_enough || fail(error, ERR_CONFLICT, "Enough was read.");
}

static bool look(void *context, const struct record_batch *batch, struct error *error)
{
    struct preview_run *self = context;
    if (!has_room(self, error))
        return false;
    arena_reset(&self->texts);
    for (size_t i = 0; i < batch->error_count; i++)
        show_unreadable(self, &batch->errors[i]);
    if (batch->rows == 0)
        return true;
    begin_record(self, &batch->places[0]);
    buf_add_cstr(&self->json, ",\"before\":");
    buf_add(&self->json, as_json(batch, &self->texts));
    return true;
}

/* --- in the place of a destination --- */

static void show_left_out(struct preview_run *self, const struct flow_program_result *result)
{
    struct buf *json = &self->json;
    buf_add_cstr(json, ",\"leftOut\":{");
    if (result->reject_count > 0) {
        const struct flow_reject *reject = &result->rejects[0];
        buf_printf(json, "\"task\":%zu,\"reason\":\"%s\"}", reject->task,
                   flow_reject_text(reject->why));
        self->rejected++;
    } else {
        buf_add_cstr(json, "\"reason\":\"a filter\"}");
        self->filtered++;
    }
}

static bool write(struct flow_destination *destination, const struct flow_program_result *result,
                  struct str page, struct error *error)
{
    struct preview_run *self = (struct preview_run *)destination;
    (void)page;
    if (!self->is_open) /* of a batch without a record */
        return true;
    if (result->output.rows == 0) {
        show_left_out(self, result);
    } else {
        buf_add_cstr(&self->json, ",\"after\":");
        buf_add(&self->json, as_json(&result->output, &self->texts));
        if (result->folders)
            add_text(&self->json, "folder", result->folders[0]);
        self->written++;
    }
    end_record(self);
    return has_room(self, error);
}

/* A checkpoint is where a wait for the source may begin. */
static bool end_page(struct flow_destination *destination, bool *ret_settled, struct error *error)
{
    (void)destination, (void)error;
    *ret_settled = true;
    return true;
}

static bool end(struct flow_destination *destination, struct error *error)
{
    (void)destination, (void)error;
    return true;
}

static void free_nothing(struct flow_destination *destination)
{
    (void)destination;
}

static const struct flow_destination_ops ops = {
    .write = write, .end_page = end_page, .end = end, .free = free_nothing};

/* --- in the place of a job --- */

static bool is_stopping(const struct preview_run *self)
{
    return job_is_stopping(self->preview->config->objects);
}

static bool ask(void *context, enum flow_engine_wish *ret_wish, struct error *error)
{
    const struct preview_run *self = context;
    (void)error;
    bool is_late = clock_mono_ms() >= self->deadline_ms;
    *ret_wish = is_late || is_stopping(self) ? ENGINE_LEAVE : ENGINE_GO_ON;
    return true;
}

static bool commit(void *context, struct error *error)
{
    struct preview_run *self = context;
    (void)error;
    arena_reset(&self->cursor_memory);
    self->cursor = arena_copy(&self->cursor_memory, self->progress.cursor);
    self->pages = self->progress.pages;
    return true;
}

static bool note_begun(void *context, struct error *error)
{
    (void)context, (void)error;
    return true;
}

static bool show(void *context, struct str message)
{
    (void)context, (void)message;
    return true;
}

/* --- the run --- */

static int64_t left_ms(const struct preview_run *self)
{
    return self->deadline_ms - clock_mono_ms();
}

/* False: the deadline comes before. */
static bool pause(const struct preview_run *self, int64_t pause_ms)
{
    int64_t until_ms = clock_mono_ms() + pause_ms;
    if (pause_ms >= left_ms(self))
        return false;
    slot_release();
    while (clock_mono_ms() < until_ms && !is_stopping(self))
        clock_nap_us(1000 * i64_min(NAP_MS, until_ms - clock_mono_ms() + 1));
    slot_acquire();
    return !is_stopping(self);
}

static enum flow_engine_end move(struct preview_run *self, struct error *error)
{
    self->arena = arena_beside(&self->texts);
    self->progress = (struct flow_progress){.arena = &self->arena,
                                            .pending = arena_beside(&self->texts),
                                            .cursor = self->cursor,
                                            .pages = self->pages};
    self->run.wish = ENGINE_GO_ON;
    self->run.pause_ms = 0;
    self->run.is_later = self->cursor.data != NULL;
    enum flow_engine_end ended = flow_engine_run(&self->run, error);
    flow_progress_done(&self->progress);
    arena_done(&self->arena);
    return ended;
}

/* The vendor's job, whose results are not wanted any more; it ends one by itself some day. */
static void end_source(struct preview_run *self)
{
    struct error ignored;
    self->deadline_ms = self->view.deadline_ms = clock_mono_ms() + END_SOURCE_MS;
    self->run.wish = ENGINE_GO_ON;
    ignore_failure(flow_source_end(&self->run, self->cursor, &ignored));
    arena_done(&self->arena);
}

static bool fail_late(const struct preview_run *self, struct error *error)
{
    if (self->run.wish != ENGINE_LEAVE && self->run.pause_ms == 0)
        return false; /* the error says more */
    return fail(error, ERR_UNAVAILABLE,
                "The source of flow %.*s gave no record in time: it is busy, or works on the query "
                "by a job. A run waits for it.",
                STR_ARG(self->preview->flow.name));
}

/* A source that gave records is asked for its fields, too. */
static void add_drift(const struct preview_run *self, struct buf *json)
{
    const struct flow_preview *preview = self->preview;
    struct arena arena = arena_beside(&self->texts);
    const struct value *drift =
        self->count > 0
            ? flow_field_drift(preview->config->profiles, preview->flow, preview->definition,
                               flow_destination_is_typed(&self->run), self->row.id, &arena)
            : NULL;
    struct buf list = buf_in(&arena, DRIFT_MAX);
    if (drift)
        value_encode(&list, drift);
    if (drift && !list.overflow)
        buf_printf(json, ",\"drift\":%.*s", STR_ARG(buf_str(&list)));
    arena_done(&arena);
}

static struct str answer(struct preview_run *self, bool is_whole, const struct error *failed)
{
    struct buf json =
        buf_in(self->preview->arena, FLOW_PREVIEW_JSON_MAX + DRIFT_MAX + ERROR_MESSAGE_MAX);
    if (self->is_open)
        end_record(self);
    buf_printf(&json,
               "{\"read\":%zu,\"written\":%zu,\"filtered\":%zu,\"rejected\":%zu,\"unreadable\":%zu,"
               "\"isWhole\":%s",
               self->count, self->written, self->filtered, self->rejected, self->unreadable,
               is_whole ? "true" : "false");
    if (failed)
        add_text(&json, "error", str_from(failed->message));
    add_drift(self, &json);
    buf_add_cstr(&json, ",\"records\":[");
    buf_add(&json, buf_str(&self->json));
    buf_add_cstr(&json, "]}");
    return buf_str(&json);
}

static bool run_all(struct preview_run *self, struct str *ret_json, struct error *error)
{
    enum flow_engine_end ended;
    do {
        ended = move(self, error);
    } while (ended == ENGINE_LEFT && self->run.pause_ms > 0 && pause(self, self->run.pause_ms));
    bool is_whole = ended == ENGINE_SUCCEEDED, is_good = is_whole || self->is_enough;
    if (!is_good)
        ignore_failure(fail_late(self, error));
    if (read_cursor_job(self->cursor).data)
        end_source(self);
    if (!is_good && self->count == 0)
        return false;
    *ret_json = answer(self, is_whole, is_good ? NULL : error);
    *error = (struct error){0}; /* it is in the answer */
    return true;
}

static void begin(struct preview_run *self, char id[UUID_SIZE])
{
    const struct flow_preview *preview = self->preview;
    random_uuid(id);
    self->base.ops = &ops;
    self->deadline_ms = preview->deadline_ms;
    self->json = buf_in(preview->arena, FLOW_PREVIEW_JSON_MAX);
    self->row = (struct flow_run_row){
        .flow = preview->flow, .id = str_from(id), .started_at_ms = clock_wall_ms()};
    self->view = (struct flow_engine_view){
        .destination = &self->base,
        .look = look,
        .context = self,
        .batch_rows = 1,
        .deadline_ms = preview->deadline_ms,
    };
    self->run = (struct flow_engine_run){
        .config = preview->config,
        .row = &self->row,
        .definition = preview->definition,
        .arena = &self->arena,
        .progress = &self->progress,
        .job = {ask, commit, note_begun, show, self},
        .s3_deadline_ms = i64_min(preview->deadline_ms, clock_mono_ms() + S3_MS),
        .kept = &self->kept,
        .view = &self->view,
    };
    memory_reservation_begin(preview->config->profiles->memory, preview->flow.account,
                             &self->memory);
    self->texts.meter = self->cursor_memory.meter = self->kept.memory.meter = &self->memory.meter;
}

bool flow_preview(const struct flow_preview *preview, struct str *ret_json, struct error *error)
{
    char id[UUID_SIZE];
    struct preview_run self = {.preview = preview};
    begin(&self, id);
    bool ok = run_all(&self, ret_json, error);
    call_quota_give_up(preview->config->quotas, &self.kept.source.place);
    arena_done(&self.texts);
    arena_done(&self.cursor_memory);
    arena_done(&self.kept.memory);
    memory_reservation_end(&self.memory);
    return ok;
}
