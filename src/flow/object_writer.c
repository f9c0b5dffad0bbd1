/* Parts of OBJECT_PART_BYTES, and what is left in the last one. */
#include "flow/object_writer.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "record/encoder.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS_ROOM = 16 }; /* at first */

struct object_writer {
    struct object_writer_config config;
    struct run_s3 s3;
    struct arena object; /* of the object at hand */
    struct arena call;   /* of one call */
    struct s3_upload upload;
    struct str content_type;
    bool is_open;
    char *buffer;
    size_t used, capacity; /* of the buffer: OBJECT_PART_BYTES at most */
    struct s3_part *parts;
    size_t part_count, part_room;
    uint64_t bytes; /* of the object at hand */
    struct crypto_hash *hash;
};

struct object_writer *object_writer_new(const struct object_writer_config *config)
{
    struct object_writer *writer = xcalloc(1, sizeof(*writer));
    writer->config = *config;
    writer->object = writer->call = arena_beside(config->run->arena);
    writer->hash = crypto_hash_new();
    run_s3_init(&writer->s3, config->run);
    return writer;
}

size_t object_writer_held(const struct object_writer *writer)
{
    return writer->capacity;
}

/* When it fails, a later try of the run aborts the upload, or the run's end. */
static void abort_upload(struct object_writer *writer)
{
    struct error error;
    const struct s3 *s3 = run_s3_call(&writer->s3, &error);
    arena_reset(&writer->call);
    if (s3)
        ignore_failure(s3_upload_abort(s3, &writer->upload, &writer->call, &error));
}

void object_writer_free(struct object_writer *writer)
{
    if (!writer)
        return;
    if (writer->is_open && writer->upload.id.data)
        abort_upload(writer);
    run_s3_done(&writer->s3);
    arena_done(&writer->object);
    arena_done(&writer->call);
    crypto_hash_free(writer->hash);
    free(writer->buffer);
    free(writer);
}

void object_writer_begin(struct object_writer *writer, struct str key, struct str content_type)
{
    arena_reset(&writer->object);
    writer->upload = (struct s3_upload){
        .place = {.bucket = writer->config.bucket, .key = arena_copy(&writer->object, key)}};
    writer->content_type = content_type;
    writer->is_open = true;
    writer->used = 0;
    writer->parts = NULL;
    writer->part_count = writer->part_room = 0;
    writer->bytes = 0;
}

/* --- parts --- */

static bool begin_upload(struct object_writer *writer, struct error *error)
{
    if (!writer->config.before_upload(writer->config.context, error))
        return false;
    const struct s3 *s3 = run_s3_call(&writer->s3, error);
    return s3 && s3_upload_begin(s3, &writer->upload.place, writer->content_type, &writer->object,
                                 &writer->upload.id, error);
}

static struct s3_part *new_part(struct object_writer *writer)
{
    if (writer->part_count == writer->part_room) {
        size_t room = writer->part_room > 0 ? 2 * writer->part_room : PARTS_ROOM;
        struct s3_part *parts = arena_array(&writer->object, struct s3_part, room);
        if (writer->part_count > 0)
            memcpy(parts, writer->parts, writer->part_count * sizeof(*parts));
        writer->parts = parts;
        writer->part_room = room;
    }
    return &writer->parts[writer->part_count];
}

static bool send_part(struct object_writer *writer, struct error *error)
{
    struct str body = {writer->buffer, writer->used}, etag;
    int number = (int)writer->part_count + 1;
    arena_reset(&writer->call);
    if (number > S3_PARTS_MAX)
        return fail(error, ERR_VALIDATION,
                    "The object %.*s would have more than %d MiB. Let the flow write several "
                    "objects: set targetFileSize.",
                    STR_ARG(writer->upload.place.key), S3_PARTS_MAX * (OBJECT_PART_BYTES >> 20));
    if (!writer->upload.id.data && !begin_upload(writer, error))
        return false;
    const struct s3 *s3 = run_s3_call(&writer->s3, error);
    if (!s3 || !s3_upload_part(s3, &writer->upload, number, body, &writer->call, &etag, error))
        return false;
    *new_part(writer) = (struct s3_part){number, arena_copy(&writer->object, etag), body.len};
    writer->part_count++;
    writer->used = 0;
    fault_point("move:part");
    return true;
}

/* --- bytes --- */

static void reserve(struct object_writer *writer, size_t wanted)
{
    size_t capacity = writer->capacity > 0 ? writer->capacity : RECORD_PIECE_BYTES;
    while (capacity < wanted)
        capacity *= 2;
    if (capacity == writer->capacity)
        return;
    writer->buffer = xrealloc(writer->buffer, capacity);
    writer->capacity = capacity;
}

bool object_writer_add(struct object_writer *writer, struct str bytes, struct error *error)
{
    crypto_hash_add(writer->hash, bytes);
    writer->bytes += bytes.len;
    while (bytes.len > 0) {
        size_t room = OBJECT_PART_BYTES - writer->used;
        size_t count = bytes.len < room ? bytes.len : room;
        reserve(writer, writer->used + count);
        memcpy(writer->buffer + writer->used, bytes.data, count);
        writer->used += count;
        bytes = (struct str){bytes.data + count, bytes.len - count};
        if (writer->used == OBJECT_PART_BYTES && !send_part(writer, error))
            return false;
    }
    return true;
}

/* --- the end --- */

static bool put_whole(struct object_writer *writer, struct error *error)
{
    const struct s3_content content = {
        .body = {writer->buffer, writer->used},
        .type = writer->content_type,
    };
    const struct s3 *s3 = run_s3_call(&writer->s3, error);
    return s3 && s3_put(s3, &writer->upload.place, &content, &writer->call, NULL, error);
}

static bool complete(struct object_writer *writer, struct error *error)
{
    const struct s3 *s3 = run_s3_call(&writer->s3, error);
    return s3 && s3_upload_complete(s3, &writer->upload, writer->parts, writer->part_count, false,
                                    &writer->call, NULL, error);
}

bool object_writer_end(struct object_writer *writer, struct object_facts *ret_facts,
                       struct error *error)
{
    bool in_parts = writer->part_count > 0;
    if (in_parts && writer->used > 0 && !send_part(writer, error))
        return false;
    if (!writer->config.before_complete(writer->config.context, error))
        return false;
    fault_point("move:completing");
    arena_reset(&writer->call);
    if (!(in_parts ? complete(writer, error) : put_whole(writer, error)))
        return false;
    fault_point("move:completed");
    writer->is_open = false;
    ret_facts->bytes = writer->bytes;
    crypto_hash_end(writer->hash, ret_facts->sha256);
    return true;
}
