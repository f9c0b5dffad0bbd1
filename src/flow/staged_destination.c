/* Staging is the work of the objects' destination; this file makes the loads. */
#include "flow/staged_destination.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/fault.h"
#include "connector/connector.h"
#include "connector/loading.h"
#include "flow/definition.h"
#include "flow/object_destination.h"
#include "flow/object_key.h"
#include "flow/object_writer.h"
#include "flow/run_s3.h"
#include "flow/run_vendor.h"
#include "profile/context.h"
#include "store/flow_run_objects.h"
#include "wire/errors.h"
#include "wire/s3_name.h"

#include <stdlib.h>

enum {
    LISTED_ROOM = 1000,                     /* objects that are read of the run's list at once */
    ENTRY_BYTES_MAX = 6 * S3_KEY_MAX + 256, /* of an object in the manifest */
};

struct staged_destination {
    struct flow_destination base;
    struct flow_engine_run *run;
    struct flow_destination *objects; /* NULL: all are staged */
    struct run_vendor vendor;
    struct load_query query;
    struct object_key_config keys;
    struct str state; /* of the load query.part; STR_NULL: it has not begun */
    bool is_resumed;  /* by a try that did not make the state */
    bool is_unknown;  /* whether the part was loaded, should the load fail now */
    bool by_manifest;
    struct load_step step; /* that was made last */
    struct arena listed;   /* the part's objects */
    struct arena entry;    /* of the manifest */
};

static struct staged_destination *self_of(struct flow_destination *destination)
{
    return (struct staged_destination *)destination;
}

/* --- staging --- */

static bool write_result(struct flow_destination *destination,
                         const struct flow_program_result *result, struct str page,
                         struct error *error)
{
    struct flow_destination *objects = self_of(destination)->objects;
    return objects->ops->write(objects, result, page, error);
}

static bool end_page(struct flow_destination *destination, bool *ret_settled, struct error *error)
{
    struct flow_destination *objects = self_of(destination)->objects;
    return objects->ops->end_page(objects, ret_settled, error);
}

static bool settle(struct flow_destination *destination, bool *ret_settled, struct error *error)
{
    struct flow_destination *objects = self_of(destination)->objects;
    return objects->ops->settle(objects, ret_settled, error);
}

/* --- the checkpoint --- */

static bool note(struct staged_destination *self, struct error *error)
{
    struct flow_progress *progress = self->run->progress;
    progress->load = arena_printf(self->run->arena, "%d %.*s", self->query.part,
                                  STR_ARG(self->state.data ? self->state : STR("")));
    if (!self->run->job.commit(self->run->job.context, error))
        return false;
    flow_progress_committed(progress);
    self->run->is_at_checkpoint = true;
    fault_point("load:noted");
    return true;
}

static bool read_noted(struct staged_destination *self, struct error *error)
{
    unsigned long long part;
    struct str number, state;
    if (!str_cut(self->run->progress->load, ' ', &number, &state) ||
        !str_to_u64(number, OBJECT_NUMBER_MAX, &part))
        return fail(error, ERR_INTERNAL, "The run's checkpoint cannot be read.");
    self->query.part = (int)part;
    self->state = state.len > 0 ? state : STR_NULL;
    self->is_resumed = true;
    return true;
}

/* --- the objects of a load --- */

static bool list(struct staged_destination *self, int64_t first, struct flow_run_object **ret_rows,
                 size_t *ret_count, struct error *error)
{
    struct store *store = self->run->config->profiles->store;
    const struct flow_run_row *row = self->run->row;
    struct store_reader *reader;
    arena_reset(&self->listed);
    if (!store_reader_take(store, &reader, error))
        return fail(error, ERR_UNAVAILABLE, "The store does not answer.");
    bool ok = flow_run_object_list(reader, &self->listed, row->flow, row->id, first, LISTED_ROOM,
                                   ret_rows, ret_count, error);
    store_reader_put(store, reader);
    return ok || fail(error, ERR_UNAVAILABLE, "The store does not answer.");
}

_Static_assert((int)LISTED_ROOM == (int)LOAD_OBJECTS_MAX, "a part is what is read at once");

static bool take_part(struct staged_destination *self, struct error *error)
{
    struct flow_run_object *rows;
    size_t count;
    if (!list(self, (int64_t)self->query.part * LOAD_OBJECTS_MAX, &rows, &count, error))
        return false;
    if (count == 0)
        return fail(error, ERR_INTERNAL, "The run's list of staged objects cannot be read.");
    struct str *keys = arena_array(&self->listed, struct str, count);
    for (size_t i = 0; i < count; i++)
        keys[i] = rows[i].key;
    self->query.keys = keys;
    self->query.count = count;
    return true;
}

/* --- the manifest --- */

static bool may_write(void *context, struct error *error)
{
    struct staged_destination *self = context;
    return flow_engine_check(self->run, error);
}

/* What is begun in parts is found by the run's end (run_objects_clean). */
static bool before_upload(void *context, struct error *error)
{
    struct staged_destination *self = context;
    struct flow_progress *progress = self->run->progress;
    if (progress->has_begun)
        return flow_engine_check(self->run, error);
    progress->has_begun = true;
    return self->run->job.note_begun(self->run->job.context, error);
}

static bool add_entry(struct staged_destination *self, struct object_writer *writer, bool is_first,
                      struct str key, struct error *error)
{
    arena_reset(&self->entry);
    struct buf entry = buf_in(&self->entry, ENTRY_BYTES_MAX);
    struct str url =
        arena_printf(&self->entry, "s3://%.*s/%.*s", STR_ARG(self->query.bucket), STR_ARG(key));
    buf_add_cstr(&entry, is_first ? "{\"entries\":[\n{\"url\":" : ",\n{\"url\":");
    encode_json_string(&entry, url);
    buf_add_cstr(&entry, ",\"mandatory\":true}");
    return object_writer_add(writer, buf_str(&entry), error);
}

static bool add_entries(struct staged_destination *self, struct object_writer *writer,
                        struct error *error)
{
    struct flow_run_object *rows;
    size_t count = LISTED_ROOM;
    for (int64_t first = 0; count == LISTED_ROOM; first += LISTED_ROOM) {
        if (!list(self, first, &rows, &count, error))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!add_entry(self, writer, first == 0 && i == 0, rows[i].key, error))
                return false;
        }
    }
    return object_writer_add(writer, STR("\n]}\n"), error);
}

static bool write_manifest(struct staged_destination *self, struct error *error)
{
    const struct object_writer_config config = {
        .run = self->run,
        .bucket = self->query.bucket,
        .before_upload = before_upload,
        .before_complete = may_write,
        .context = self,
    };
    struct object_writer *writer = object_writer_new(&config);
    struct object_facts ignored;
    object_writer_begin(writer, self->query.manifest, STR("application/json"));
    bool ok = add_entries(self, writer, error) && object_writer_end(writer, &ignored, error);
    object_writer_free(writer);
    return run_s3_ended(self->run, ok, error);
}

/* --- loads --- */

static bool call(void *context, struct vendor_connection *connection)
{
    struct staged_destination *self = context;
    const struct load_ops *loads = self->vendor.access.target.connector->loads;
    self->step = (struct load_step){.arena = self->run->arena};
    bool ok = loads->load(connection, &self->query, self->state, &self->step);
    self->query.is_again = true;
    if (self->step.known != LOAD_AS_BEFORE)
        self->is_unknown = self->step.known == LOAD_UNKNOWN;
    return ok;
}

static bool has_more(const struct staged_destination *self)
{
    uint64_t behind = ((uint64_t)self->query.part + 1) * LOAD_OBJECTS_MAX;
    return !self->by_manifest && behind < self->run->progress->objects;
}

/* What a run that ends here leaves. */
static bool fail_load(const struct staged_destination *self, struct error *error)
{
    const struct error said = *error;
    if (said.code == ERR_UNAVAILABLE || self->run->wish != ENGINE_GO_ON)
        return false;
    static const char *const what[2][2] = {
        {"Nothing was loaded", "It is not known whether the records were loaded"},
        {"The run's first objects were loaded, the others were not",
         "The run's first objects were loaded, and it is not known whether the others were"},
    };
    struct str prefix = object_key_prefix(&self->keys, self->run->arena);
    return fail(error, said.code, "%s %s; the records are in s3://%.*s/%.*s.", said.message,
                what[self->query.part > 0][self->is_unknown], STR_ARG(self->query.bucket),
                STR_ARG(prefix));
}

/* Whether its objects are there, and listed where they have to be. */
static bool prepare(struct staged_destination *self, struct error *error)
{
    if (!self->by_manifest)
        return take_part(self, error);
    return self->state.data || write_manifest(self, error);
}

/* One step; false with ERR_UNAVAILABLE: the run waits for the next one. */
static bool make_step(struct staged_destination *self, struct error *error)
{
    self->query.is_again = self->is_resumed;
    self->is_unknown |= self->is_resumed;
    self->is_resumed = false;
    if (!flow_engine_check(self->run, error))
        return false;
    if (!run_vendor_do(&self->vendor, call, self, error))
        return fail_load(self, error);
    fault_point("load:made");
    self->state = self->step.state;
    if (!self->state.data)
        return true;
    if (!note(self, error))
        return false;
    if (self->step.pause_ms == 0)
        return true;
    self->run->pause_ms = self->step.pause_ms;
    return fail(error, ERR_UNAVAILABLE, "The run waits for its destination to load the records.");
}

static bool load_part(struct staged_destination *self, struct error *error)
{
    self->is_unknown = false;
    if (!prepare(self, error))
        return false;
    do {
        if (!make_step(self, error))
            return false;
    } while (self->state.data);
    return true;
}

static bool load_all(struct staged_destination *self, struct error *error)
{
    while (load_part(self, error)) {
        if (!has_more(self))
            return true;
        self->query.part++;
        if (!note(self, error))
            return false;
    }
    return false;
}

static bool end(struct flow_destination *destination, struct error *error)
{
    struct staged_destination *self = self_of(destination);
    struct flow_progress *progress = self->run->progress;
    if (!self->objects)
        return load_all(self, error);
    if (!self->objects->ops->end(self->objects, error))
        return false;
    return progress->objects == 0 || (note(self, error) && load_all(self, error));
}

static void free_destination(struct flow_destination *destination)
{
    struct staged_destination *self = self_of(destination);
    if (self->objects)
        self->objects->ops->free(self->objects);
    run_vendor_done(&self->vendor);
    arena_done(&self->listed);
    arena_done(&self->entry);
    free(self);
}

static const struct flow_destination_ops ops = {
    .write = write_result,
    .end_page = end_page,
    .settle = settle,
    .end = end,
    .free = free_destination,
};

/* --- opening --- */

static const struct run_vendor_use loads_into = {
    .does = "loads records into",
    .call_ms = 60 * 60 * 1000,
    .fits = connector_has_loads,
};

static void read_query(struct staged_destination *self, const struct flow_end *end)
{
    struct arena *arena = self->run->arena;
    self->keys = object_key_config_of(self->run);
    self->by_manifest = end->connector->loads->by_manifest;
    self->query = (struct load_query){
        .table = flow_end_entity(end),
        .run = self->run->row->id,
        .bucket = value_text(self->keys.s3, "bucketName"),
    };
    if (self->by_manifest)
        self->query.manifest =
            arena_printf(arena, "%.*s%.*s.manifest", STR_ARG(object_key_prefix(&self->keys, arena)),
                         STR_ARG(self->query.run));
}

static bool begin(struct staged_destination *self, const struct flow_end *end, struct error *error)
{
    read_query(self, end);
    if (!end->profile.data)
        return fail(error, ERR_NOT_IMPLEMENTED, "no destination writes to %.*s",
                    STR_ARG(end->type));
    if (!run_vendor_open(&self->vendor, self->run, &loads_into, end, self->query.table, error))
        return false;
    return self->run->progress->load.data
               ? read_noted(self, error)
               : object_destination_open(self->run, &self->objects, error);
}

bool staged_destination_open(struct flow_engine_run *run, struct flow_destination **ret_destination,
                             struct error *error)
{
    struct staged_destination *self = xcalloc(1, sizeof(*self));
    struct flow_definition definition;
    flow_definition_read(run->definition, &definition);
    self->base.ops = &ops;
    self->run = run;
    self->listed = self->entry = arena_beside(run->arena);
    if (begin(self, &definition.destination, error)) {
        *ret_destination = &self->base;
        return true;
    }
    free_destination(&self->base);
    return false;
}

/* --- a run that was canceled --- */

static const struct run_vendor_use canceling = {
    .does = "loads records into",
    .call_ms = 20 * 1000,
    .fits = connector_has_loads,
};

struct cancel_call {
    const struct load_ops *loads;
    struct str state;
};

static bool cancel(void *context, struct vendor_connection *connection)
{
    const struct cancel_call *call = context;
    return call->loads->cancel(connection, call->state);
}

bool staged_destination_cancel(struct flow_engine_run *run, struct error *error)
{
    struct flow_definition definition;
    struct run_vendor vendor;
    struct str part;
    struct cancel_call call = {0};
    flow_definition_read(run->definition, &definition);
    if (!str_cut(run->progress->load, ' ', &part, &call.state) || call.state.len == 0)
        return true;
    run->kept->destination.began_ms = run->kept->destination.due_ms = 0; /* of the load's calls */
    bool canceled = run_vendor_open(&vendor, run, &canceling, &definition.destination,
                                    flow_end_entity(&definition.destination), error);
    call.loads = canceled ? vendor.access.target.connector->loads : NULL;
    canceled = canceled && (!call.loads->cancel || run_vendor_do(&vendor, cancel, &call, error));
    run_vendor_done(&vendor);
    return canceled;
}
