/* One object in the making: records are encoded in the flow's file type and written to a bucket
 * (object_writer.h). */
#pragma once

#include "flow/object_writer.h"
#include "record/encoder.h"

enum object_format { OBJECT_JSON, OBJECT_CSV, OBJECT_PARQUET };

/* Of S3DestinationProperties: fileType, whose default is JSON. */
enum object_format object_format_of(const struct value *s3);

struct object_out;

/* `group_bytes`: of Parquet's row groups (parquet_out.h); 0: as many as for one file at a time. */
struct object_out *object_out_new(const struct object_writer_config *config,
                                  enum object_format format, size_t group_bytes);
void object_out_free(struct object_out *out); /* as object_writer_free; NULL is fine */

bool object_out_is_open(const struct object_out *out);
/* Whether records with these fields may go to the object at hand: objects of CSV and Parquet say
 * once which fields their records have, those of JSON lines do not. */
bool object_out_takes(const struct object_out *out, const struct record_fields *fields);

/* A new object; the one before has been ended. */
void object_out_begin(struct object_out *out, struct str key);
/* `fields`: of the batch's columns, which the object takes. Errors, also of object_out_end: as of
 * s3.h, and of encoders. */
_must_use_ bool object_out_write(struct object_out *out, const struct record_fields *fields,
                                 const struct record_batch *batch, struct error *error);
/* About how large the object would be if it ended now. */
uint64_t object_out_size(const struct object_out *out);
/* Bytes of memory that it takes, about. */
size_t object_out_held(const struct object_out *out);
/* *ret_object: its key lives until the next begin, and its SHA-256 until the next end. */
_must_use_ bool object_out_end(struct object_out *out, struct flow_run_object *ret_object,
                               struct error *error);
