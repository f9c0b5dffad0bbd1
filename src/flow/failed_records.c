/* Objects that end before they need a second part, so a run that is cut off leaves no upload. */
#include "flow/failed_records.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/encode.h"
#include "connector/writing.h"
#include "flow/object_writer.h"
#include "wire/s3_name.h"

#include <stdlib.h>

enum { LINE_EXTRA_MAX = 64 * 1024 }; /* bytes beside the record */

_Static_assert(FAILED_OBJECT_BYTES + 2 * (WRITE_BYTES_MAX + LINE_EXTRA_MAX) <= FAILED_RECORDS_BYTES,
               "an object, and a line twice");
_Static_assert(FAILED_OBJECT_BYTES + 2 * (FAILED_ANSWER_BYTES + LINE_EXTRA_MAX) <=
                   FAILED_ANSWERS_BYTES,
               "an object, and an answer twice");

struct failed_records {
    struct flow_engine_run *run;
    struct str prefix;
    const char *suffix; /* of keys */
    struct object_writer *writer;
    bool is_open;
    size_t bytes;    /* of the object at hand */
    unsigned number; /* of the page's object that is next, or at hand */
    struct arena arena;
};

_Static_assert(FAILED_OBJECT_BYTES + WRITE_BYTES_MAX + LINE_EXTRA_MAX < OBJECT_PART_BYTES,
               "an object of the error bucket is shorter than a part, so that no upload is left");

static bool before_upload(void *context, struct error *error)
{
    (void)context;
    return fail(error, ERR_INTERNAL, "An object of the error bucket has the size of a part.");
}

static bool before_complete(void *context, struct error *error)
{
    struct failed_records *self = context;
    return flow_engine_check(self->run, error);
}

struct failed_records *failed_records_new(struct flow_engine_run *run, const struct value *config,
                                          const char *suffix)
{
    struct failed_records *self = xcalloc(1, sizeof(*self));
    const struct object_writer_config writer = {
        .run = run,
        .bucket = value_text(config, "bucketName"),
        .before_upload = before_upload,
        .before_complete = before_complete,
        .context = self,
    };
    self->run = run;
    self->prefix = value_text(config, "bucketPrefix");
    self->suffix = suffix;
    self->writer = object_writer_new(&writer);
    self->arena = arena_beside(run->arena);
    return self;
}

void failed_records_free(struct failed_records *self)
{
    if (!self)
        return;
    object_writer_free(self->writer);
    arena_done(&self->arena);
    free(self);
}

static bool begin(struct failed_records *self, struct error *error)
{
    const struct flow_run_row *row = self->run->row;
    struct buf key = buf_in(&self->arena, 2 * S3_KEY_MAX);
    if (self->is_open)
        return true;
    if (self->prefix.len > 0)
        buf_printf(&key, "%.*s/", STR_ARG(self->prefix));
    buf_printf(&key, "%.*s/%.*s/%05llu-%u%s", STR_ARG(row->flow.name), STR_ARG(row->id),
               (unsigned long long)self->run->progress->pages, self->number, self->suffix);
    if (key.overflow || key.len > S3_KEY_MAX)
        return fail(
            error, ERR_VALIDATION,
            "The objects of errorHandlingConfig or successResponseHandlingConfig would have "
            "keys of more than %d bytes: its bucketPrefix must be shorter.",
            S3_KEY_MAX);
    object_writer_begin(self->writer, buf_str(&key), STR("application/json"));
    self->is_open = true;
    self->bytes = 0;
    return true;
}

static bool end(struct failed_records *self, struct error *error)
{
    struct object_facts facts;
    if (!self->is_open)
        return true;
    self->is_open = false;
    self->number++;
    return object_writer_end(self->writer, &facts, error);
}

static bool add_line(struct failed_records *self, const struct buf *line, struct error *error)
{
    if (!begin(self, error) || !object_writer_add(self->writer, buf_str(line), error))
        return false;
    self->bytes += line->len;
    return self->bytes < FAILED_OBJECT_BYTES || end(self, error);
}

bool failed_records_add(struct failed_records *self, struct str record, const char *code,
                        struct str message, struct error *error)
{
    arena_reset(&self->arena);
    struct buf line = buf_in(&self->arena, record.len + LINE_EXTRA_MAX);
    buf_reserve(&line, line.limit);
    buf_add_cstr(&line, "{\"record\":");
    buf_add(&line, record);
    buf_printf(&line, ",\"errorCode\":\"%s\",\"errorMessage\":", code);
    encode_json_string(&line, message);
    buf_add_cstr(&line, "}\n");
    return add_line(self, &line, error);
}

bool failed_records_add_answer(struct failed_records *self, struct str answer, struct error *error)
{
    arena_reset(&self->arena);
    struct buf line = buf_in(&self->arena, answer.len + 2);
    if (answer.len > FAILED_ANSWER_BYTES)
        return true;
    for (size_t i = 0; i < answer.len; i++)
        buf_add_char(&line,
                     answer.data[i] == '\n' || answer.data[i] == '\r' ? ' ' : answer.data[i]);
    buf_add_char(&line, '\n');
    return add_line(self, &line, error);
}

bool failed_records_end_page(struct failed_records *self, struct error *error)
{
    bool ended = end(self, error);
    self->number = 0;
    return ended;
}
