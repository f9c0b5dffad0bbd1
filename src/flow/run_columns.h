/* The columns of all records that a run has written to objects, for the tables that its objects are
 * registered in (run_tables.h): a later try does not see the records of the tries before it, so
 * they are part of the run's checkpoint. A type is that of a table's column (docs.aws.amazon.com/
 * athena, "Data types in Amazon Athena"). */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "record/encoder.h"
#include "wire/value.h"

enum { RUN_COLUMNS_BYTES_MAX = 96 * 1024 }; /* of names and types, as a checkpoint has them */

struct run_column {
    struct map_link link; /* its name */
    struct str type;
};

struct run_columns {
    struct arena *arena; /* of what is kept */
    bool are_typed;      /* else all values are texts to readers; set before any is added, and */
    bool by_place;       /* that readers go by a column's place in a record, and not by its name */
    struct run_column **columns; /* in the order in which they came first */
    size_t count, room;
    size_t bytes;
    struct map by_name;
    struct str fault; /* a sentence why no table can describe the objects; STR_NULL: one can */
};

void run_columns_init(struct run_columns *columns, struct arena *arena);
void run_columns_done(struct run_columns *columns); /* may be called on a zeroed one */

/* What the next records have. Nothing is added once there is a fault. */
void run_columns_add(struct run_columns *columns, const struct record_fields *fields);

/* In the arena, for the checkpoint: a list of "TYPE NAME", behind which there may be the fault. */
struct value *run_columns_value(const struct run_columns *columns, struct arena *arena);
/* Adds what was in a checkpoint. False: it is none. */
_must_use_ bool run_columns_read(struct run_columns *columns, const struct value *list);
