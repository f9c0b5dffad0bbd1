/* Objects are listed a page of keys at a time; the cursor is the key of the last one that was read,
 * since S3 lists what is behind a key. */
#include "flow/s3_source.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/fault.h"
#include "flow/engine_run.h"
#include "flow/object_key.h"
#include "flow/run_s3.h"
#include "record/csv_in.h"
#include "record/gzip_in.h"
#include "record/json_in.h"

#include <stdlib.h>

enum { KEY_SHOWN_MAX = 512, INFLATED_ROOM = 64 * 1024, GZIP_MAGIC_SIZE = 2 };

struct s3_source {
    struct flow_source base;
    struct run_s3 s3;
    struct str bucket, prefix;
    struct object_key_config own; /* of objects that the run writes */
    bool writes_here;             /* to this bucket */
    int64_t from_ms, until_ms;    /* the run's window; until_ms 0: none */
    struct arena calls;           /* of one call */
    struct arena lists;           /* of `list` */
    struct arena tokens;          /* of the query's token */
    struct s3_query query;        /* for the next list */
    struct s3_page list;
    size_t at;       /* the object at hand; list.count: there is none */
    struct str last; /* key of the object that was read last; STR_NULL: none */
    struct arena lasts;
    struct gzip_in *gzip; /* NULL until an object needs it */
};

/* --- which objects --- */

/* S3 lists times in whole seconds: an object that is written later within the second of until_ms is
 * the next window's, as all of that second are. An object whose time the service does not say is
 * taken: no record is lost by that. */
static bool is_in_window(const struct s3_source *self, const struct s3_entry *entry)
{
    return self->until_ms == 0 || entry->changed_at_ms == 0 ||
           (entry->changed_at_ms >= self->from_ms && entry->changed_at_ms < self->until_ms);
}

static bool is_wanted(const struct s3_source *self, const struct s3_entry *entry)
{
    bool is_folder = entry->size == 0 && str_ends(entry->key, STR("/"));
    bool is_own = self->writes_here && object_key_is_own(&self->own, entry->key);
    return !is_folder && !is_own && is_in_window(self, entry);
}

static void skip_unwanted(struct s3_source *self)
{
    while (self->at < self->list.count && !is_wanted(self, &self->list.entries[self->at]))
        self->at++;
}

static bool has_object(const struct s3_source *self)
{
    return self->at < self->list.count;
}

static bool read_list(struct s3_source *self, struct error *error)
{
    const struct s3 *s3 = run_s3_call(&self->s3, error);
    arena_reset(&self->lists);
    self->list = (struct s3_page){0};
    self->at = 0;
    if (!s3 || !s3_list(s3, &self->query, &self->lists, &self->list, error))
        return false;
    arena_reset(&self->tokens);
    self->query.token =
        self->list.next_token.data ? arena_copy(&self->tokens, self->list.next_token) : STR_NULL;
    return true;
}

/* On to the next wanted object, in this list or those behind it. */
static bool find_object(struct s3_source *self, struct error *error)
{
    skip_unwanted(self);
    while (!has_object(self) && self->query.token.data) {
        /* There may be thousands of lists without one. */
        if (flow_engine_is_to_end(self->s3.run) && !flow_engine_check(self->s3.run, error))
            return false;
        if (!flow_engine_check_time(self->s3.run, error) || !read_list(self, error))
            return false;
        skip_unwanted(self);
    }
    return true;
}

/* --- reading --- */

/* The bytes of one object on their way to the engine. */
struct s3_reading {
    struct s3_source *source;
    const struct flow_sink *sink;
    unsigned char magic[GZIP_MAGIC_SIZE]; /* the first bytes, until it is known what they begin */
    size_t magic_count;
    bool is_known, is_gzip;
    struct error *error; /* set: why it ends */
};

static bool inflate(struct s3_reading *reading, struct str bytes)
{
    char room[INFLATED_ROOM];
    size_t len = sizeof(room);
    while (bytes.len > 0 || len == sizeof(room)) {
        if (!gzip_in_inflate(reading->source->gzip, &bytes, room, sizeof(room), &len,
                             reading->error) ||
            (len > 0 && !reading->sink->push(reading->sink->context, (struct str){room, len})))
            return false;
    }
    return true;
}

static bool push_known(struct s3_reading *reading, struct str bytes)
{
    if (reading->is_gzip)
        return inflate(reading, bytes);
    return bytes.len == 0 || reading->sink->push(reading->sink->context, bytes);
}

static void decide(struct s3_reading *reading)
{
    struct s3_source *source = reading->source;
    reading->is_known = true;
    reading->is_gzip = reading->magic_count == GZIP_MAGIC_SIZE && reading->magic[0] == 0x1F &&
                       reading->magic[1] == 0x8B;
    if (!reading->is_gzip)
        return;
    if (!source->gzip)
        source->gzip = gzip_in_new((uint64_t)S3_SOURCE_INFLATED_GIB << 30);
    gzip_in_restart(source->gzip);
}

static bool push_magic(struct s3_reading *reading)
{
    decide(reading);
    return push_known(reading, (struct str){(const char *)reading->magic, reading->magic_count});
}

static bool push(void *context, struct str bytes)
{
    struct s3_reading *reading = context;
    while (!reading->is_known && bytes.len > 0) {
        reading->magic[reading->magic_count++] = (unsigned char)bytes.data[0];
        bytes = (struct str){bytes.data + 1, bytes.len - 1};
        if (reading->magic_count == GZIP_MAGIC_SIZE && !push_magic(reading))
            return false;
    }
    return bytes.len == 0 || push_known(reading, bytes);
}

/* What is left after the last byte: an object that is too short to tell, or an end of gzip. */
static bool push_end(struct s3_reading *reading)
{
    if (!reading->is_known && !push_magic(reading))
        return false;
    return !reading->is_gzip || gzip_in_finish(reading->source->gzip, reading->error);
}

static struct s3_source *self_of(struct flow_source *source)
{
    return (struct s3_source *)source;
}

static struct str page_name(const struct flow_source *source, struct arena *arena)
{
    const struct s3_source *self = (const struct s3_source *)source;
    struct str key = has_object(self) ? self->list.entries[self->at].key : STR("");
    return arena_printf(arena, "s3://%.*s/%.*s", STR_ARG(self->bucket),
                        STR_ARG(utf8_cut(key, KEY_SHOWN_MAX)));
}

static bool read_object(struct s3_source *self, const struct flow_sink *sink, struct error *error)
{
    const struct s3_place place = {self->bucket, self->list.entries[self->at].key};
    struct error broken = {0};
    struct s3_reading reading = {.source = self, .sink = sink, .error = &broken};
    const struct s3_sink bytes = {.push = push, .context = &reading};
    const struct s3 *s3 = run_s3_call(&self->s3, error);
    if (!s3)
        return false;
    if (!s3_get(s3, &place, NULL, &bytes, &self->calls, error)) {
        if (broken.code == ERR_NONE)
            return false;
    } else if (push_end(&reading)) {
        return true;
    }
    struct str name = page_name(&self->base, &self->calls);
    return fail(error, broken.code, "%.*s: %s", STR_ARG(name), broken.message);
}

static bool read(struct flow_source *source, const struct flow_sink *sink, struct error *error)
{
    struct s3_source *self = self_of(source);
    arena_reset(&self->calls);
    bool ok = !has_object(self) || read_object(self, sink, error);
    return run_s3_ended(self->s3.run, ok, error);
}

static bool next(struct flow_source *source, uint64_t records, bool *ret_more, struct error *error)
{
    struct s3_source *self = self_of(source);
    (void)records;
    if (has_object(self)) {
        arena_reset(&self->lasts);
        self->last = arena_copy(&self->lasts, self->list.entries[self->at].key);
        self->at++;
    }
    if (!run_s3_ended(self->s3.run, find_object(self, error), error))
        return false;
    *ret_more = has_object(self);
    return !*ret_more || self->s3.run->progress->pages < S3_SOURCE_OBJECTS_MAX ||
           fail(error, ERR_VALIDATION, "A run reads at most %d objects.", S3_SOURCE_OBJECTS_MAX);
}

static struct str cursor(const struct flow_source *source, struct arena *arena)
{
    const struct s3_source *self = (const struct s3_source *)source;
    return arena_copy(arena, self->last);
}

static void free_source(struct flow_source *source)
{
    struct s3_source *self = self_of(source);
    if (self->base.decoder)
        self->base.decoder->ops->free(self->base.decoder);
    gzip_in_free(self->gzip);
    run_s3_done(&self->s3);
    arena_done(&self->calls);
    arena_done(&self->lists);
    arena_done(&self->tokens);
    arena_done(&self->lasts);
    free(self);
}

static const struct flow_source_ops ops = {
    .read = read,
    .next = next,
    .cursor = cursor,
    .page_name = page_name,
    .free = free_source,
};

/* --- opening --- */

static const struct value *properties_of(const struct flow_engine_run *run)
{
    const struct value *config = value_get(run->definition, "sourceFlowConfig");
    return value_get(value_get(config, "sourceConnectorProperties"), "S3");
}

static struct record_decoder *decoder_for(const struct flow_source_request *request)
{
    const struct value *format = value_get(properties_of(request->run), "s3InputFormatConfig");
    struct record_columns columns = {0};
    bool all;
    flow_program_reads(request->program, &columns.names, &columns.count, &all);
    if (str_eq(value_text(format, "s3InputFileType"), STR("JSON")))
        return json_in_new(&(struct json_in_options){.columns = columns});
    return csv_in_new(&(struct csv_in_options){.columns = columns});
}

static bool fail_empty(const struct s3_source *self, struct error *error)
{
    return fail(error, ERR_VALIDATION,
                "The bucket %.*s has no object to read whose key begins with \"%.*s\".",
                STR_ARG(self->bucket), STR_ARG(utf8_cut(self->prefix, KEY_SHOWN_MAX)));
}

bool s3_source_open(const struct flow_source_request *request, struct flow_source **ret_source,
                    struct error *error)
{
    const struct value *properties = properties_of(request->run);
    struct s3_source *self = xcalloc(1, sizeof(*self));
    struct str prefix = value_text(properties, "bucketPrefix");
    self->base.ops = &ops;
    self->calls = self->lists = self->tokens = self->lasts = arena_beside(request->arena);
    run_s3_init(&self->s3, request->run);
    self->bucket = value_text(properties, "bucketName");
    self->prefix = prefix.data ? prefix : STR("");
    self->own = object_key_config_of(request->run);
    self->writes_here = str_eq(value_text(self->own.s3, "bucketName"), self->bucket);
    self->from_ms = request->run->row->window_from_ms;
    self->until_ms = request->run->row->window_to_ms;
    self->last = request->cursor.data ? arena_copy(&self->lasts, request->cursor) : STR_NULL;
    self->query = (struct s3_query){
        .bucket = self->bucket, .prefix = self->prefix, .start_after = self->last};
    self->base.decoder = decoder_for(request);
    if (!read_list(self, error) || !find_object(self, error) ||
        (!has_object(self) && !request->cursor.data && self->until_ms == 0 &&
         !fail_empty(self, error))) {
        free_source(&self->base);
        return run_s3_ended(request->run, false, error);
    }
    *ret_source = &self->base;
    return true;
}
