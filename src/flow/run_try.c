/* Checkpoints are committed together with the extension of the job's lease: the store refuses those
 * of a node that has lost it. */
#include "flow/run_try.h"

#include "base/clock.h"
#include "base/log.h"
#include "connector/reading.h"
#include "flow/destination_open.h"
#include "flow/run.h"
#include "flow/run_tables.h"
#include "flow/source_open.h"
#include "flow/staged_destination.h"
#include "profile/context.h"

static const struct profile_context *context_of(const struct flow_run_try *self)
{
    return self->config->profiles;
}

/* --- whether to continue --- */

static bool read_wish(struct flow_run_try *self, struct store_reader *reader,
                      enum flow_engine_wish *ret_wish, struct error *error)
{
    struct arena arena = arena_beside(self->arena);
    struct flow_run_row row = {0};
    bool held = false, found = false;
    bool ok = job_is_held(reader, self->job, &held, error) &&
              flow_run_find(reader, &arena, self->row->flow, self->row->id, &row, &found, error);
    bool is_canceled = ok && found && str_eq(row.state, FLOW_RUN_CANCEL_STARTED);
    arena_done(&arena);
    if (!ok)
        return fail(error, ERR_UNAVAILABLE, "The store does not answer.");
    self->lost = !held || !found;
    *ret_wish = self->lost ? ENGINE_LEAVE : is_canceled ? ENGINE_CANCEL : ENGINE_GO_ON;
    return true;
}

static bool ask(void *context, enum flow_engine_wish *ret_wish, struct error *error)
{
    struct flow_run_try *self = context;
    struct store *store = context_of(self)->store;
    struct store_reader *reader;
    *ret_wish = ENGINE_LEAVE;
    if (job_is_stopping(self->runner))
        return true;
    *ret_wish = ENGINE_GO_ON;
    if (!store_reader_take(store, &reader, error))
        return fail(error, ERR_UNAVAILABLE, "The store does not answer.");
    bool ok = read_wish(self, reader, ret_wish, error);
    store_reader_put(store, reader);
    return ok;
}

/* --- checkpoints --- */

struct checkpoint {
    struct flow_run_try *attempt;
    struct flow_run_row row;
    bool with_objects;
    bool lost; /* by the last application of the write */
};

bool flow_run_try_insert_objects(struct db *db, const struct flow_run_try *self,
                                 struct error *error)
{
    const struct flow_progress *progress = &self->progress;
    for (size_t i = 0; i < progress->new_object_count; i++) {
        if (!flow_run_object_insert(db, self->row->flow, self->row->id, &progress->new_objects[i],
                                    error))
            return false;
    }
    return true;
}

/* The run's row comes before its job's, as in all writes that change both. */
static bool apply(struct db *db, void *argument, struct error *error)
{
    struct checkpoint *checkpoint = argument;
    const struct flow_run_try *self = checkpoint->attempt;
    bool changed = false, held = false;
    if (!flow_run_checkpoint(db, &checkpoint->row, &changed, error) ||
        !job_extend(db, self->job, clock_wall_ms() + JOB_LEASE_MS, &held, error))
        return false;
    checkpoint->lost = !changed || !held;
    if (checkpoint->lost)
        return fail(error, ERR_LOST_RACE, "The lease of the job was lost.");
    return !checkpoint->with_objects || flow_run_try_insert_objects(db, self, error);
}

static bool commit_row(struct flow_run_try *self, const struct flow_progress *progress,
                       bool with_objects, struct error *error)
{
    struct arena *texts = &self->texts[!self->text];
    struct checkpoint checkpoint = {
        .attempt = self, .row = *self->row, .with_objects = with_objects};
    arena_reset(texts);
    if (with_objects)
        checkpoint.row.counts = progress->counts;
    checkpoint.row.progress = flow_progress_text(progress, false, texts);
    checkpoint.row.updated_at_ms = clock_wall_ms();
    flow_run_seal_progress(context_of(self)->service_secret, &checkpoint.row, texts);
    if (!store_apply(context_of(self)->store, apply, &checkpoint, false, error)) {
        self->lost = checkpoint.lost;
        return fail(error, ERR_UNAVAILABLE,
                    "The checkpoint could not be committed: the store does not answer, or another "
                    "node has the run.");
    }
    *self->row = checkpoint.row;
    self->text = !self->text;
    return true;
}

static void note_source(struct flow_run_try *self)
{
    struct str cursor = self->progress.cursor;
    arena_reset(&self->source_memory);
    self->source_cursor =
        read_cursor_job(cursor).data ? arena_copy(&self->source_memory, cursor) : STR_NULL;
}

/* While staged objects are loaded the source is not read, but what it keeps for the run is still
 * there, to be removed at the run's end. */
static bool commit(void *context, struct error *error)
{
    struct flow_run_try *self = context;
    bool is_read = self->progress.load.data != NULL;
    self->progress.counts.put_failures = (int64_t)flow_progress_failures(&self->progress);
    if (is_read)
        self->progress.cursor = self->source_cursor;
    if (!commit_row(self, &self->progress, true, error))
        return false;
    self->has_moved = true;
    if (!is_read)
        note_source(self);
    return true;
}

/* Of the last checkpoint, not of what was done since. */
static bool note_begun(void *context, struct error *error)
{
    struct flow_run_try *self = context;
    struct arena arena = arena_beside(self->arena);
    struct flow_progress last;
    bool ok = flow_progress_read(self->row->progress, &arena, &last) ||
              fail(error, ERR_INTERNAL, "The run's checkpoint cannot be read.");
    last.has_begun = true;
    ok = ok && commit_row(self, &last, false, error);
    flow_progress_done(&last);
    arena_done(&arena);
    return ok;
}

/* --- what it waits for --- */

struct showing {
    const struct flow_run_try *attempt;
    struct str message;
};

/* Under the lease: another node's run shows what it waits for itself. */
static bool apply_message(struct db *db, void *argument, struct error *error)
{
    const struct showing *showing = argument;
    const struct flow_run_try *self = showing->attempt;
    bool changed = false, held = false;
    if (!flow_run_show(db, self->row, showing->message, &changed, error) ||
        !job_extend(db, self->job, clock_wall_ms() + JOB_LEASE_MS, &held, error))
        return false;
    return held || fail(error, ERR_LOST_RACE, "The lease of the job was lost.");
}

static bool show(void *context, struct str message)
{
    struct flow_run_try *self = context;
    struct showing showing = {self, message};
    struct error ignored;
    if (str_eq(message, self->row->message))
        return true;
    if (!store_apply(context_of(self)->store, apply_message, &showing, false, &ignored))
        return false;
    arena_reset(&self->shown_memory);
    self->row->message = message.data ? arena_copy(&self->shown_memory, message) : STR_NULL;
    return true;
}

void flow_run_try_show(struct flow_run_try *self, struct str message)
{
    ignore_failure(show(self, message)); /* the log has it as well */
}

/* --- the try --- */

bool flow_run_try_begin(struct flow_run_try *self, struct error *error)
{
    self->texts[0] = self->texts[1] = arena_beside(self->arena);
    self->source_memory = self->shown_memory = arena_beside(self->arena);
    if (!flow_run_check_progress(context_of(self)->service_secret, self->row, error))
        return false;
    if (!flow_progress_read(self->row->progress, self->arena, &self->progress))
        return fail(error, ERR_INTERNAL, "The run's checkpoint cannot be read.");
    self->progress.counts = self->row->counts;
    note_source(self);
    return true;
}

void flow_run_try_done(struct flow_run_try *self)
{
    flow_progress_done(&self->progress);
    arena_done(&self->texts[0]);
    arena_done(&self->texts[1]);
    arena_done(&self->source_memory);
    arena_done(&self->shown_memory);
}

static struct flow_engine_run run_of(struct flow_run_try *self, const struct value *definition)
{
    return (struct flow_engine_run){
        .config = self->config,
        .row = self->row,
        .definition = definition,
        .arena = self->arena,
        .progress = &self->progress,
        .job = {ask, commit, note_begun, show, self},
        .is_later = self->is_later,
        .kept = self->kept,
    };
}

enum flow_engine_end flow_run_try_move(struct flow_run_try *self, const struct value *definition,
                                       struct error *error)
{
    struct flow_engine_run run = run_of(self, definition);
    if (!self->kept->source.shows_line && !self->kept->destination.shows_line)
        ignore_failure(
            show(self, STR_NULL)); /* of a wait that is over, or of a try that was cut off in it */
    enum flow_engine_end ended = flow_engine_run(&run, error);
    self->pause_ms = ended == ENGINE_LEFT ? run.pause_ms : 0;
    return ended;
}

/* A canceled run cleans up all the same: only the server's stop, or another node, ends that. */
static bool ask_cleaning(void *context, enum flow_engine_wish *ret_wish, struct error *error)
{
    bool asked = ask(context, ret_wish, error);
    if (*ret_wish == ENGINE_CANCEL)
        *ret_wish = ENGINE_GO_ON;
    return asked;
}

bool flow_run_try_clean(struct flow_run_try *self, const struct value *definition,
                        struct error *error)
{
    struct flow_engine_run run = run_of(self, definition);
    run.job.ask = ask_cleaning;
    run.s3_deadline_ms = clock_mono_ms() + FLOW_CLEAN_MS;
    return flow_destination_clean(&run, error);
}

bool flow_run_try_register(struct flow_run_try *self, const struct value *definition,
                           struct error *error)
{
    struct flow_engine_run run = run_of(self, definition);
    return run_tables_write(&run, &self->row->tables, error);
}

static bool ask_ending(void *context, enum flow_engine_wish *ret_wish, struct error *error)
{
    const struct flow_run_try *self = context;
    bool is_over = job_is_stopping(self->runner) || clock_mono_ms() >= self->ending_deadline_ms;
    (void)error;
    *ret_wish = is_over ? ENGINE_LEAVE : ENGINE_GO_ON;
    return true;
}

void flow_run_try_end_source(struct flow_run_try *self, const struct value *definition)
{
    struct flow_engine_run run = run_of(self, definition);
    struct error error;
    if (!self->source_cursor.data)
        return;
    run.job.ask = ask_ending;
    self->ending_deadline_ms = clock_mono_ms() + FLOW_END_MS;
    if (!flow_source_end(&run, self->source_cursor, &error))
        log_warn("Run %.*s of flow %.*s has ended, and has left a job at its vendor: %s",
                 STR_ARG(self->row->id), STR_ARG(self->row->flow.name), error.message);
}

void flow_run_try_cancel_load(struct flow_run_try *self, const struct value *definition)
{
    struct flow_engine_run run = run_of(self, definition);
    struct error error;
    if (!self->progress.load.data)
        return;
    run.job.ask = ask_ending;
    self->ending_deadline_ms = clock_mono_ms() + FLOW_END_MS;
    if (!staged_destination_cancel(&run, &error))
        log_warn("Run %.*s of flow %.*s was canceled, and its destination may load its records all "
                 "the same: %s",
                 STR_ARG(self->row->id), STR_ARG(self->row->flow.name), error.message);
}

void flow_run_try_conclude(struct flow_run_try *self)
{
    struct flow_run_row *row = self->row;
    self->progress.counts.put_failures = (int64_t)flow_progress_failures(&self->progress);
    row->counts = self->progress.counts;
    row->progress = flow_progress_text(&self->progress, true, self->arena);
    flow_run_seal_progress(context_of(self)->service_secret, row, self->arena);
}
