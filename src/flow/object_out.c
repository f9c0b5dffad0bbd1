/* An encoder lives as long as the fields stay the same. */
#include "flow/object_out.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "record/csv_out.h"
#include "record/json_out.h"
#include "record/parquet_out.h"

#include <stdlib.h>

struct object_out {
    enum object_format format;
    size_t group_bytes;
    struct object_writer *writer;
    bool is_open;
    struct arena names; /* of the key */
    struct str key;
    uint64_t records;
    char sha256[2 * CRYPTO_HASH_SIZE + 1];

    struct record_encoder *encoder; /* NULL: none */
    uint64_t encoded;               /* bytes of encoders that have ended, of this object */
    uint64_t given;                 /* bytes of the object that the writer has */
    struct arena shape;             /* of `fields` */
    struct record_fields fields;    /* of the encoder */
};

static const struct {
    struct str name, content_type;
} formats[] = {
    [OBJECT_JSON] = {STR("JSON"), STR("application/x-ndjson")},
    [OBJECT_CSV] = {STR("CSV"), STR("text/csv")},
    [OBJECT_PARQUET] = {STR("PARQUET"), STR("application/vnd.apache.parquet")},
};
enum { FORMATS = sizeof(formats) / sizeof(*formats) };

enum object_format object_format_of(const struct value *s3)
{
    struct str name = value_text(value_get(s3, "s3OutputFormatConfig"), "fileType");
    for (int i = 0; i < FORMATS; i++) {
        if (str_eq(formats[i].name, name))
            return (enum object_format)i;
    }
    return OBJECT_JSON;
}

struct object_out *object_out_new(const struct object_writer_config *config,
                                  enum object_format format, size_t group_bytes)
{
    struct object_out *out = xcalloc(1, sizeof(*out));
    out->format = format;
    out->group_bytes = group_bytes;
    out->writer = object_writer_new(config);
    out->names = out->shape = arena_beside(config->run->arena);
    return out;
}

void object_out_free(struct object_out *out)
{
    if (!out)
        return;
    if (out->encoder)
        out->encoder->ops->free(out->encoder);
    object_writer_free(out->writer);
    arena_done(&out->names);
    arena_done(&out->shape);
    free(out);
}

bool object_out_is_open(const struct object_out *out)
{
    return out->is_open;
}

/* --- its encoder --- */

static bool take(void *context, struct str bytes, struct error *error)
{
    struct object_out *out = context;
    out->given += bytes.len;
    return object_writer_add(out->writer, bytes, error);
}

static bool is_field(const struct record_field *a, const struct record_field *b)
{
    return str_eq(a->name, b->name) && a->kind == b->kind && a->precision == b->precision &&
           a->scale == b->scale && a->local == b->local;
}

static bool has_fields(const struct object_out *out, const struct record_fields *fields)
{
    bool same = out->encoder && out->fields.count == fields->count;
    for (size_t i = 0; same && i < fields->count; i++)
        same = is_field(&out->fields.fields[i], &fields->fields[i]);
    return same;
}

bool object_out_takes(const struct object_out *out, const struct record_fields *fields)
{
    return out->format == OBJECT_JSON || !out->encoder || has_fields(out, fields);
}

static bool end_encoder(struct object_out *out, struct error *error)
{
    struct record_encoder *encoder = out->encoder;
    if (!encoder)
        return true;
    bool ok = encoder->ops->finish(encoder, error);
    out->encoded += encoder->ops->size(encoder);
    encoder->ops->free(encoder);
    out->encoder = NULL;
    return ok;
}

static void keep_fields(struct object_out *out, const struct record_fields *fields)
{
    arena_reset(&out->shape);
    struct record_field *kept = arena_array(&out->shape, struct record_field, fields->count);
    for (size_t i = 0; i < fields->count; i++) {
        kept[i] = fields->fields[i];
        kept[i].name = arena_copy(&out->shape, fields->fields[i].name);
    }
    out->fields = (struct record_fields){kept, fields->count};
}

static bool begin_encoder(struct object_out *out, const struct record_fields *fields,
                          struct error *error)
{
    const struct record_output bytes = {take, out};
    if (!end_encoder(out, error))
        return false;
    keep_fields(out, fields);
    switch (out->format) {
    case OBJECT_JSON:
        out->encoder = json_out_new(&(struct json_out_options){.fields = out->fields}, &bytes);
        return true;
    case OBJECT_CSV:
        out->encoder = csv_out_new(&out->fields, &bytes);
        return true;
    case OBJECT_PARQUET:
        break;
    }
    const struct parquet_out_options options = {.fields = out->fields,
                                                .group_bytes = out->group_bytes};
    return parquet_out_new(&options, &bytes, &out->encoder, error);
}

/* --- the object --- */

void object_out_begin(struct object_out *out, struct str key)
{
    arena_reset(&out->names);
    out->key = arena_copy(&out->names, key);
    out->is_open = true;
    out->records = 0;
    out->encoded = 0;
    out->given = 0;
    object_writer_begin(out->writer, key, formats[out->format].content_type);
}

bool object_out_write(struct object_out *out, const struct record_fields *fields,
                      const struct record_batch *batch, struct error *error)
{
    out->records += batch->rows;
    return (has_fields(out, fields) || begin_encoder(out, fields, error)) &&
           out->encoder->ops->write(out->encoder, batch, error);
}

uint64_t object_out_size(const struct object_out *out)
{
    return out->encoded + (out->encoder ? out->encoder->ops->size(out->encoder) : 0);
}

size_t object_out_held(const struct object_out *out)
{
    uint64_t size = object_out_size(out);
    size_t in_encoder = size > out->given ? (size_t)(size - out->given) : 0;
    return sizeof(*out) + 2 * (size_t)RECORD_PIECE_BYTES + in_encoder +
           object_writer_held(out->writer);
}

bool object_out_end(struct object_out *out, struct flow_run_object *ret_object, struct error *error)
{
    struct object_facts facts;
    if (!end_encoder(out, error) || !object_writer_end(out->writer, &facts, error))
        return false;
    out->is_open = false;
    encode_hex(facts.sha256, sizeof(facts.sha256), out->sha256);
    *ret_object = (struct flow_run_object){
        .key = out->key,
        .bytes = (int64_t)facts.bytes,
        .records = (int64_t)out->records,
        .sha256 = str_from(out->sha256),
    };
    return true;
}
