/* Where objects end. */
#include "flow/objects.h"

#include "base/alloc.h"
#include "flow/definition.h"
#include "flow/object_key.h"
#include "flow/object_out.h"
#include "flow/object_strays.h"
#include "flow/partition_router.h"

#include <stdlib.h>

enum {
    MEBIBYTE = 1024 * 1024,
    NEAR_PERCENT = 75,  /* of targetFileSize: from here on an object ends with its page */
    PAST_PERCENT = 125, /* and here it ends within the page */
};

/* A Parquet file takes memory for each of its columns, too. */
enum { PARQUET_OPEN_MAX = 8, PARQUET_FOLDER_GROUP_BYTES = 2 * MEBIBYTE };

/* One object after the other in a folder. */
struct object_place {
    struct str folder; /* of the partition; "": none */
    struct object_out *out;
};

struct run_objects {
    struct flow_engine_run *run;
    struct object_key_config keys;
    struct object_writer_config writer;
    struct object_place whole;       /* of a run without folders */
    struct partition_router *router; /* of a run with them; NULL: none yet */
    bool is_one;                     /* SingleFile */
    uint64_t target_bytes;           /* 0: none */
    bool ended_in_page;              /* an object ended within the page at hand */
    bool is_near;                    /* one in a folder is near targetFileSize */
    bool is_ending;                  /* all are ended now */
    struct arena name;               /* of a key */
    struct run_columns *columns;     /* of what is written; NULL: no table will have it */
};

/* --- what must be durable first --- */

static bool before_upload(void *context, struct error *error)
{
    struct run_objects *self = context;
    struct flow_progress *progress = self->run->progress;
    if (progress->has_begun) /* another node, which has the run, would not know of the upload */
        return flow_engine_check(self->run, error);
    progress->has_begun = true;
    return self->run->job.note_begun(self->run->job.context, error);
}

static bool before_complete(void *context, struct error *error)
{
    struct run_objects *self = context;
    return flow_engine_check(self->run, error);
}

/* --- uploads that were left --- */

static bool abort_own(const struct s3 *s3, const struct object_key_config *keys,
                      const struct s3_uploads_page *page, struct arena *arena, struct error *error)
{
    for (size_t i = 0; i < page->count; i++) {
        if (object_key_is_own(keys, page->uploads[i].place.key) &&
            !s3_upload_abort(s3, &page->uploads[i], arena, error))
            return false;
    }
    return true;
}

static bool clean(struct flow_engine_run *run, const struct object_key_config *keys,
                  struct run_s3 *calls, struct arena *arena, struct error *error)
{
    struct s3_uploads_query query = {.bucket = value_text(keys->s3, "bucketName"),
                                     .prefix = object_key_prefix(keys, run->arena)};
    struct s3_uploads_page page = {0};
    do {
        const struct s3 *s3 = run_s3_call(calls, error);
        if (!s3 || !s3_uploads(s3, &query, arena, &page, error) ||
            !abort_own(s3, keys, &page, arena, error))
            return false;
        query.after_key = page.next_key;
        query.after_id = page.next_id;
    } while (page.next_key.data);
    return true;
}

static bool abort_uploads(struct flow_engine_run *run, const struct object_key_config *keys,
                          struct run_s3 *calls, struct error *error)
{
    struct arena arena = arena_beside(run->arena);
    bool ok = !run->progress->has_begun || clean(run, keys, calls, &arena, error);
    arena_done(&arena);
    return ok;
}

static bool clean_with(struct flow_engine_run *run, bool removes_strays, struct error *error)
{
    const struct object_key_config keys = object_key_config_of(run);
    struct run_s3 calls;
    if (!run->progress->has_begun && !removes_strays)
        return true;
    if (!flow_engine_check(run, error)) /* what is there may be another node's */
        return false;
    run_s3_init(&calls, run);
    bool ok = abort_uploads(run, &keys, &calls, error) &&
              (!removes_strays || object_strays_remove(run, &keys, &calls, error));
    run_s3_done(&calls);
    return ok;
}

bool run_objects_clean(struct flow_engine_run *run, struct error *error)
{
    return clean_with(run, run->is_later, error);
}

/* --- opening --- */

static enum object_format format_of(const struct run_objects *self)
{
    return object_format_of(self->keys.s3);
}

bool run_objects_are_typed(const struct flow_engine_run *run)
{
    const struct value *s3 = object_key_config_of(run).s3;
    return object_format_of(s3) == OBJECT_PARQUET &&
           value_flag(value_get(s3, "s3OutputFormatConfig"), "preserveSourceDataTyping", false);
}

bool run_objects_open(struct flow_engine_run *run, struct run_objects **ret_objects,
                      struct error *error)
{
    const struct object_key_config keys = object_key_config_of(run);
    const struct value *output = value_get(keys.s3, "s3OutputFormatConfig");
    *ret_objects = NULL;
    if (!keys.s3)
        return fail(error, ERR_NOT_IMPLEMENTED, "The destination is no bucket.");
    if (!clean_with(run, false, error))
        return false;
    struct run_objects *self = xcalloc(1, sizeof(*self));
    self->writer = (struct object_writer_config){
        .run = run,
        .bucket = value_text(keys.s3, "bucketName"),
        .before_upload = before_upload,
        .before_complete = before_complete,
        .context = self,
    };
    self->run = run;
    self->keys = keys;
    self->is_one = !keys.has_parts;
    if (!self->is_one)
        self->target_bytes =
            MEBIBYTE *
            (uint64_t)value_integer(value_get(output, "aggregationConfig"), "targetFileSize", 0);
    self->name = arena_beside(run->arena);
    if (flow_data_catalog(run->definition)) {
        self->columns = &run->progress->columns;
        self->columns->are_typed = run_objects_are_typed(run);
        self->columns->by_place = format_of(self) == OBJECT_CSV;
    }
    self->whole = (struct object_place){STR(""), object_out_new(&self->writer, format_of(self), 0)};
    *ret_objects = self;
    return true;
}

void run_objects_free(struct run_objects *self)
{
    if (!self)
        return;
    partition_router_free(self->router);
    object_out_free(self->whole.out);
    arena_done(&self->name);
    free(self);
}

/* --- an object --- */

static bool begin(struct run_objects *self, const struct object_place *at, struct error *error)
{
    struct str key;
    if (object_out_is_open(at->out))
        return true;
    arena_reset(&self->name);
    if (!object_key(&self->keys, at->folder, self->run->progress->objects, &self->name, &key,
                    error))
        return false;
    object_out_begin(at->out, key);
    return true;
}

static bool end(struct run_objects *self, const struct object_place *at, struct error *error)
{
    struct flow_run_object object;
    struct flow_progress *progress = self->run->progress;
    if (!object_out_is_open(at->out))
        return true;
    if (!object_out_end(at->out, &object, error))
        return false;
    flow_progress_add_object(progress, &object);
    progress->written += (uint64_t)object.records;
    progress->counts.bytes_written += object.bytes;
    return true;
}

static bool fail_fields(struct error *error)
{
    return fail(error, ERR_VALIDATION,
                "Records have other fields than those before, and one object of this fileType "
                "(aggregationType SingleFile) cannot hold both. Map the fields one by one, or let "
                "the flow write several objects: aggregationType None.");
}

/* Another object for records with other fields. */
static bool make_way(struct run_objects *self, const struct object_place *at,
                     const struct record_fields *fields, struct error *error)
{
    if (object_out_takes(at->out, fields))
        return true;
    if (self->is_one)
        return fail_fields(error);
    return end(self, at, error);
}

static bool is_past(const struct run_objects *self, const struct object_place *at, int percent)
{
    return self->target_bytes > 0 && object_out_is_open(at->out) &&
           object_out_size(at->out) >= self->target_bytes / 100 * (uint64_t)percent;
}

static bool write_records(struct run_objects *self, const struct object_place *at,
                          const struct record_fields *fields, const struct record_batch *batch,
                          struct error *error)
{
    if (!make_way(self, at, fields, error) || !begin(self, at, error) ||
        !object_out_write(at->out, fields, batch, error))
        return false;
    if (!is_past(self, at, PAST_PERCENT))
        return true;
    self->ended_in_page = true;
    return end(self, at, error);
}

/* --- objects in folders --- */

static bool begin_folder(void *context, struct str folder, void **ret_object, struct error *error)
{
    struct run_objects *self = context;
    struct object_place *at = xcalloc(1, sizeof(*at));
    (void)error;
    at->folder = folder;
    at->out = object_out_new(&self->writer, format_of(self), PARQUET_FOLDER_GROUP_BYTES);
    *ret_object = at;
    return true;
}

static bool write_folder(void *context, void *object, const struct record_fields *fields,
                         const struct record_batch *part, struct error *error)
{
    struct run_objects *self = context;
    if (!write_records(self, object, fields, part, error))
        return false;
    self->is_near |= is_past(self, object, NEAR_PERCENT);
    return true;
}

static void drop_folder(void *context, void *object)
{
    struct object_place *at = object;
    (void)context;
    object_out_free(at->out);
    free(at);
}

/* Before all end, it is for want of room. */
static bool end_folder(void *context, void *object, struct error *error)
{
    struct run_objects *self = context;
    if (!self->is_ending && self->is_one)
        return fail(error, ERR_VALIDATION,
                    "The Partition task makes too many folders for one object each "
                    "(aggregationType SingleFile): at most %d at once with this fileType, which "
                    "hold up to %d MiB together. Let the flow write several objects a folder: "
                    "aggregationType None.",
                    format_of(self) == OBJECT_PARQUET ? PARQUET_OPEN_MAX : PARTITIONS_OPEN_MAX,
                    PARTITIONS_BYTES_MAX / MEBIBYTE);
    self->ended_in_page = true;
    if (!end(self, object, error))
        return false;
    drop_folder(context, object);
    return true;
}

static size_t held_by_folder(void *context, const void *object)
{
    (void)context;
    return object_out_held(((const struct object_place *)object)->out);
}

static bool route(struct run_objects *self, const struct flow_program_result *result,
                  struct error *error)
{
    static const struct partition_ops ops = {
        .begin = begin_folder,
        .write = write_folder,
        .end = end_folder,
        .drop = drop_folder,
        .held = held_by_folder,
    };
    bool is_parquet = format_of(self) == OBJECT_PARQUET;
    if (!self->router)
        self->router =
            partition_router_new(&ops, self, is_parquet ? PARQUET_OPEN_MAX : PARTITIONS_OPEN_MAX);
    return partition_router_write(self->router, result, error);
}

/* --- records --- */

bool run_objects_write(struct run_objects *self, const struct flow_program_result *result,
                       struct error *error)
{
    if (result->output.rows == 0)
        return true;
    if (self->columns)
        run_columns_add(self->columns, &result->fields);
    if (result->folders)
        return route(self, result, error);
    return write_records(self, &self->whole, &result->fields, &result->output, error);
}

static bool end_all(struct run_objects *self, struct error *error)
{
    self->is_ending = true;
    bool ok = end(self, &self->whole, error) &&
              (!self->router || partition_router_end(self->router, error));
    self->is_ending = self->is_near = false;
    return ok;
}

static bool is_settled(const struct run_objects *self)
{
    return !object_out_is_open(self->whole.out) &&
           !(self->router && partition_router_is_open(self->router));
}

bool run_objects_end_page(struct run_objects *self, bool *ret_settled, struct error *error)
{
    bool is_near = self->is_near || is_past(self, &self->whole, NEAR_PERCENT);
    bool ends = !self->is_one && (self->target_bytes == 0 || self->ended_in_page || is_near);
    if (ends && !end_all(self, error))
        return false;
    self->ended_in_page = false;
    *ret_settled = is_settled(self);
    return true;
}

bool run_objects_settle(struct run_objects *self, bool *ret_settled, struct error *error)
{
    if (!self->is_one && !end_all(self, error))
        return false;
    *ret_settled = is_settled(self);
    return true;
}

bool run_objects_end(struct run_objects *self, struct error *error)
{
    return end_all(self, error);
}
