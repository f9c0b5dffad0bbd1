/* The loop of a run. */
#include "flow/engine.h"

#include "base/fault.h"
#include "flow/definition.h"
#include "flow/destination_open.h"
#include "flow/program.h"
#include "flow/source_open.h"
#include "flow/vendor_query.h"
#include "record/window.h"

#include <string.h>

enum { BATCH_ROWS = 2048 };

struct engine {
    struct flow_engine_run *run;
    struct error *error;
    struct flow_program *program;
    struct flow_source *source;
    struct flow_destination *destination;
    struct record_window window;
    struct record_batch batch;
    uint64_t page_records; /* of the page at hand, those with an error included */
    bool is_stopped;       /* the sink has ended the page at hand; `error` says why */
    struct arena names;    /* of pages, in messages */
};

/* --- whether to continue --- */

static bool may_go_on(struct engine *engine)
{
    if (flow_engine_is_to_end(engine->run))
        return flow_engine_check(engine->run, engine->error);
    return flow_engine_check_time(engine->run, engine->error);
}

/* --- a batch --- */

static struct str page_name(struct engine *engine)
{
    arena_reset(&engine->names);
    return engine->source->ops->page_name(engine->source, &engine->names);
}

static void note_errors(struct engine *engine)
{
    const struct record_batch *batch = &engine->batch;
    struct str page = batch->error_count > 0 ? page_name(engine) : STR("");
    for (size_t i = 0; i < batch->error_count; i++)
        flow_progress_leave_out(engine->run->progress, LEFT_UNREADABLE, page,
                                &batch->errors[i].place,
                                str_from(record_fault_text(batch->errors[i].fault)));
}

static const enum flow_left_out left_by_reject[] = {
    [FLOW_REJECT_INVALID] = LEFT_INVALID,           [FLOW_REJECT_NOT_OF_TYPE] = LEFT_INVALID,
    [FLOW_REJECT_NOT_A_NUMBER] = LEFT_NOT_A_NUMBER, [FLOW_REJECT_BY_ZERO] = LEFT_BY_ZERO,
    [FLOW_REJECT_TOO_LONG] = LEFT_TOO_LONG,
};

static void note_rejects(struct engine *engine, const struct flow_program_result *result)
{
    struct str page = result->reject_count > 0 ? page_name(engine) : STR("");
    engine->run->progress->left_out[LEFT_FILTERED] += result->filtered;
    for (size_t i = 0; i < result->reject_count; i++) {
        const struct flow_reject *reject = &result->rejects[i];
        struct str reason = arena_printf(&engine->names, "task %zu: %s", reject->task,
                                         flow_reject_text(reject->why));
        flow_progress_leave_out(engine->run->progress, left_by_reject[reject->why], page,
                                &reject->place, reason);
    }
}

static bool write_result(struct engine *engine, const struct flow_program_result *result)
{
    struct flow_destination *destination = engine->destination;
    note_rejects(engine, result);
    return destination->ops->write(destination, result, page_name(engine), engine->error);
}

static bool work_on_batch(struct engine *engine)
{
    struct flow_program_result result;
    struct record_batch *batch = &engine->batch;
    if (!may_go_on(engine))
        return false;
    engine->run->is_at_checkpoint = false;
    const struct flow_engine_view *view = engine->run->view;
    if (view && !view->look(view->context, batch, engine->error))
        return false;
    note_errors(engine);
    engine->page_records += batch->rows + batch->error_count;
    if (!flow_program_run(engine->program, batch, &result, engine->error) ||
        !write_result(engine, &result))
        return false;
    while (flow_program_next(engine->program, batch, &result)) {
        if (!write_result(engine, &result))
            return false;
    }
    record_batch_clear(batch);
    fault_point("move:batch");
    return true;
}

/* --- a page --- */

/* What is wrong with a page is said of it by name. */
static bool fail_page(struct engine *engine, const struct error *decoding)
{
    struct str page = page_name(engine);
    return fail(engine->error, decoding->code, "%.*s cannot be read: %s", STR_ARG(page),
                decoding->message);
}

/* All records that are whole in the window; at the page's end all that is left. */
static bool decode(struct engine *engine, bool is_last)
{
    struct record_decoder *decoder = engine->source->decoder;
    for (bool more = true; more;) {
        size_t used = 0;
        struct error decoding;
        struct str text = record_window_text(&engine->window);
        if (!decoder->ops->read(decoder, text, is_last, &engine->batch, &used, &decoding))
            return fail_page(engine, &decoding);
        more = !record_batch_has_room(&engine->batch);
        if (!work_on_batch(engine))
            return false;
        record_window_use(&engine->window, used);
    }
    return true;
}

/* The window is filled before it is decoded, so that the cuts of batches, and with them those of
 * objects, do not depend on how the bytes come in. */
static bool take(struct engine *engine, struct str bytes)
{
    engine->run->progress->counts.bytes_read += (int64_t)bytes.len;
    while (bytes.len > 0) {
        size_t room;
        char *space = record_window_space(&engine->window, &room);
        size_t count = bytes.len < room ? bytes.len : room;
        memcpy(space, bytes.data, count);
        record_window_add(&engine->window, count);
        bytes = (struct str){bytes.data + count, bytes.len - count};
        if (count == room && !decode(engine, false))
            return false;
    }
    return true;
}

static bool push(void *context, struct str bytes)
{
    struct engine *engine = context;
    engine->is_stopped = !take(engine, bytes);
    return !engine->is_stopped;
}

static bool read_page(struct engine *engine)
{
    struct flow_source *source = engine->source;
    const struct flow_sink sink = {push, engine};
    struct error reading = {0};
    engine->page_records = 0;
    engine->is_stopped = false;
    record_window_use(&engine->window, record_window_text(&engine->window).len);
    source->decoder->ops->start_page(source->decoder, engine->run->progress->pages);
    if (source->ops->read(source, &sink, &reading))
        return decode(engine, true);
    if (!engine->is_stopped)
        *engine->error = reading;
    return false;
}

/* --- the run --- */

static void init_batch(struct engine *engine)
{
    const struct flow_engine_view *view = engine->run->view;
    record_batch_init(&engine->batch, view ? view->batch_rows : BATCH_ROWS);
}

/* A try that continues from the checkpoint does not know the columns of the pages before it. */
static void forget_columns(struct engine *engine)
{
    record_batch_done(&engine->batch);
    init_batch(engine);
    engine->source->decoder->ops->forget_columns(engine->source->decoder);
}

static bool checkpoint(struct engine *engine, struct error *error)
{
    struct flow_progress *progress = engine->run->progress;
    progress->cursor = engine->source->ops->cursor(engine->source, &progress->pending);
    if (!engine->run->job.commit(engine->run->job.context, error))
        return false;
    flow_progress_committed(progress);
    forget_columns(engine);
    engine->run->is_at_checkpoint = true;
    fault_point("move:checkpoint");
    return true;
}

/* While the source is asked for a page, of which the sink has nothing yet. */
static bool settle(void *context, bool *ret_settled, struct error *error)
{
    struct engine *engine = context;
    const struct flow_destination_ops *ops = engine->destination->ops;
    *ret_settled = false;
    if (!ops->settle)
        return true;
    return ops->settle(engine->destination, ret_settled, error) &&
           (!*ret_settled || checkpoint(engine, error));
}

/* False: the try ends, so that a run that waits for its source takes no thread. */
static bool pause_try(struct engine *engine)
{
    const struct flow_source *source = engine->source;
    if (!source->is_step || source->pause_ms == 0)
        return true;
    engine->run->pause_ms = source->pause_ms;
    return fail(engine->error, ERR_UNAVAILABLE, "The run waits for its source.");
}

static bool move_page(struct engine *engine, bool *ret_more)
{
    struct flow_progress *progress = engine->run->progress;
    struct flow_destination *destination = engine->destination;
    bool settled;
    if (!may_go_on(engine) || !read_page(engine))
        return false;
    fault_point("move:fetched");
    progress->pages += !engine->source->is_step;
    progress->counts.records += (int64_t)engine->page_records;
    return engine->source->ops->next(engine->source, engine->page_records, ret_more,
                                     engine->error) &&
           destination->ops->end_page(destination, &settled, engine->error) &&
           (!settled || !*ret_more || (checkpoint(engine, engine->error) && pause_try(engine)));
}

/* A run that could read nothing of what there was has not succeeded. */
static bool check_records(struct engine *engine)
{
    const struct flow_progress *progress = engine->run->progress;
    const struct flow_sample *first = &progress->samples[0];
    uint64_t unreadable = progress->left_out[LEFT_UNREADABLE];
    if (unreadable == 0 || unreadable < (uint64_t)progress->counts.records)
        return true;
    return fail(engine->error, ERR_VALIDATION,
                "None of %llu records could be read. %.*s, line %llu: %.*s.",
                (unsigned long long)unreadable, STR_ARG(first->page),
                (unsigned long long)first->line, STR_ARG(first->reason));
}

/* A run whose records are all staged has nothing to read. */
static bool move_all(struct engine *engine)
{
    bool more = engine->source != NULL;
    while (more) {
        if (!move_page(engine, &more))
            return false;
    }
    struct flow_destination *destination = engine->destination;
    return check_records(engine) && destination->ops->end(destination, engine->error);
}

static bool open_destination(struct engine *engine)
{
    const struct flow_engine_view *view = engine->run->view;
    if (!view)
        return flow_destination_open(engine->run, &engine->destination, engine->error);
    engine->destination = view->destination;
    return true;
}

static bool open_parts(struct engine *engine)
{
    struct flow_engine_run *run = engine->run;
    struct flow_definition definition;
    flow_definition_read(run->definition, &definition);
    if (!definition.source.connector)
        return fail(engine->error, ERR_NOT_IMPLEMENTED, "no source of this type is known");
    if (!flow_program_new(vendor_query_own_tasks(&definition, run->arena),
                          definition.source.connector->key, &engine->program, engine->error) ||
        (flow_destination_is_typed(run) &&
         !flow_program_keep_types(engine->program, engine->error)) ||
        !open_destination(engine))
        return false;
    if (run->progress->load.data)
        return true;
    const struct flow_source_request request = {
        .run = run,
        .program = engine->program,
        .cursor = run->progress->cursor,
        .arena = run->arena,
    };
    return flow_source_open(&request, &engine->source, engine->error);
}

static void free_parts(struct engine *engine)
{
    record_batch_done(&engine->batch);
    record_window_done(&engine->window);
    if (!engine->run->view)
        flow_destination_free(engine->destination);
    flow_source_free(engine->source);
    flow_program_free(engine->program);
    arena_done(&engine->names);
}

static void say_not_built(const struct flow_engine_run *run, struct error *error)
{
    const struct value *source = value_get(run->definition, "sourceFlowConfig");
    const struct value *list = value_get(run->definition, "destinationFlowConfigList");
    const struct value *first = list && list->count > 0 ? list->items[0] : NULL;
    struct str from = value_text(source, "connectorType"), to = value_text(first, "connectorType");
    fail(error, ERR_NOT_IMPLEMENTED,
         "Headgate %s cannot move records from %.*s to %.*s yet: no record was read, and none was "
         "written.",
         HEADGATE_VERSION, STR_ARG(from), STR_ARG(to));
}

static enum flow_engine_end end_of(const struct flow_engine_run *run, bool ok, struct error *error)
{
    if (ok)
        return ENGINE_SUCCEEDED;
    if (error->code == ERR_NOT_IMPLEMENTED)
        say_not_built(run, error);
    if (run->wish == ENGINE_CANCEL)
        return ENGINE_CANCELED;
    if (run->wish == ENGINE_LEAVE)
        return ENGINE_LEFT;
    if (error->code != ERR_UNAVAILABLE)
        return ENGINE_FAILED;
    return run->is_away ? ENGINE_AWAY : ENGINE_LEFT;
}

enum flow_engine_end flow_engine_run(struct flow_engine_run *run, struct error *error)
{
    struct engine *engine = arena_array(run->arena, struct engine, 1);
    *engine = (struct engine){.run = run, .error = error, .names = arena_beside(run->arena)};
    record_window_init(&engine->window);
    init_batch(engine);
    run->is_at_checkpoint = true;
    run->settle = settle;
    run->engine = engine;
    bool ok = flow_engine_check_time(run, error) && open_parts(engine) && move_all(engine);
    free_parts(engine);
    return end_of(run, ok, error);
}
