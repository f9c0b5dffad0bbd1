/* The one place that knows the JSON library (yyjson): strict reading into a document whose memory
 * is an arena's. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <yyjson.h>

/* Reads one JSON text in one pass and checks the values it found once more. What was read lives in
 * the arena and points into a copy of `text` there: one byte a byte of text, and 16 a value or
 * name. It is never released singly, and must only be read.
 *
 * Refused with ERR_SERIALIZATION: what RFC 8259 does not allow, invalid UTF-8, a lone surrogate,
 * \u0000, an exact name twice in one object, integers past 64 bits signed, numbers past a double,
 * depth over JSON_DEPTH_MAX, more than `nodes_max` values and names. The message holds no byte of
 * the text, since that may be a credential. */
_must_use_ bool json_read(struct str text, size_t nodes_max, struct arena *arena,
                          yyjson_val **ret_root, struct error *error);

struct str json_text(yyjson_val *string);
