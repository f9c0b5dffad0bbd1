/* The columns of a source, as a decoder knows them: given once, or found one after another. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "base/str.h"
#include "record/batch.h"
#include "record/decoder.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORD_NO_COLUMN = -1 };

struct record_schema {
    bool is_open; /* names that are not known become columns */
    size_t count;
    struct str *names;
    size_t capacity; /* of names */
    struct map by_name;
    struct arena memory;
};

/* Given names past RECORD_COLUMNS_MAX, empty ones, and those that repeat are the caller's fault. */
void record_schema_init(struct record_schema *schema, const struct record_columns *columns);
void record_schema_done(struct record_schema *schema);

/* The column of that name, whose hash_text() is `hash`; RECORD_NO_COLUMN: there is none. */
int record_schema_find(const struct record_schema *schema, struct str name, uint64_t hash);

/* The column of that name, which is added to an open schema. RECORD_NO_COLUMN: it is not wanted.
 * False: it would be a new column past a limit (RECORD_FAULT_COLUMNS, RECORD_FAULT_NAME). The name
 * is copied. */
_must_use_ bool record_schema_column(struct record_schema *schema, struct str name, int *ret_column,
                                     enum record_fault *ret_fault);

/* Adds to the batch the columns that it lacks. False: there is no room, see record_batch_can_widen.
 */
bool record_schema_widen(const struct record_schema *schema, struct record_batch *batch);
