/* The one place that knows the JSON library: strict reading into a tree that lives in an arena. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>

/* Once, before threads; shapes_init does it. */
void json_reader_init(void);

/* Reads one JSON text. The tree lives in the arena and is wiped with it, so nothing is ever
 * released; it must only be read. Refused with ERR_SERIALIZATION: what RFC 8259 does not allow,
 * invalid UTF-8, a lone surrogate, \u0000, an exact name twice in one object, numbers past 64 bits
 * or past a double, depth over JSON_DEPTH_MAX. The message holds no byte of the text, since that
 * may be a credential. */
bool json_read(struct str text, struct arena *arena, const json_t **ret_tree, struct error *error);

struct str json_text(const json_t *string);

/* The library's iteration takes trees that could be written to. */
json_t *json_iterable(const json_t *json);
struct str json_iter_name(void *iter);
