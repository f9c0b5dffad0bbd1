/* The one place that knows the JSON library (yyjson): strict reading into a document whose memory
 * is an arena's. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <yyjson.h>

enum {
    JSON_TEXT_NEAR = 2048,  /* bytes; most requests fit */
    JSON_NODES_NEAR = 4096, /* bytes; for as much of usual text */
};

/* Where what was read lives until json_scratch_done: a copy of the text, one byte a byte, which
 * strings point into, and 16 bytes a value or name. Small texts need no memory beyond it. */
struct json_scratch {
    char *far_text; /* on the heap; NULL: none */
    size_t text_len;
    struct arena far_nodes;
    char near_text[JSON_TEXT_NEAR];
    _Alignas(16) char near_nodes[JSON_NODES_NEAR];
};

void json_scratch_init(struct json_scratch *scratch);
void json_scratch_done(struct json_scratch *scratch); /* wipes the text, frees */

/* Reads one JSON text in one pass and checks the values it found once more. What was read lives as
 * long as the scratch, which serves one text, and must only be read.
 *
 * Refused with ERR_SERIALIZATION: what RFC 8259 does not allow, invalid UTF-8, a lone surrogate,
 * \u0000, an exact name twice in one object, integers past 64 bits signed, numbers past a double,
 * depth over JSON_DEPTH_MAX, more than `nodes_max` values and names. The message holds no byte of
 * the text, since that may be a credential. */
_must_use_ bool json_read(struct str text, size_t nodes_max, struct json_scratch *scratch,
                          yyjson_val **ret_root, struct error *error);

struct str json_text(yyjson_val *string);
