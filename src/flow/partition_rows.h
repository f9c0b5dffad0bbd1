/* The rows of a batch by folder, for partition_router.c: groups in the order of their first rows,
 * each as one or more batches, since that is what encoders take. */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "record/batch.h"

/* The rows of one folder. */
struct partition_group {
    struct map_link link; /* its name is the folder */
    struct partition_group *next;
    uint32_t first, last; /* rows; `next_row` leads from one to the next */
    size_t left;          /* rows that partition_rows_take has not given yet */
};

/* Serves one batch after another. Memory: RECORD_CELLS_MAX cells, 4 MiB, from the first batch with
 * two groups on. */
struct partition_rows {
    struct partition_group *first;
    size_t group_count;
    struct map by_folder;
    struct arena groups; /* of one batch */
    uint32_t next_row[RECORD_ROWS_MAX];
    struct record_place places[RECORD_ROWS_MAX]; /* of the batch given last */
    struct record_cell *cells;
    struct record_column *columns;
    size_t column_room;
    struct arena memory; /* of `columns` */
};

void partition_rows_init(struct partition_rows *rows);
void partition_rows_done(struct partition_rows *rows);

/* Finds the groups of a batch, whose rows have these folders. */
void partition_rows_group(struct partition_rows *rows, const struct str *folders, size_t count);

/* The next rows of a group: *ret_part refers to cells of `rows` or of the batch until the next one
 * is taken. False: it had no more. */
bool partition_rows_take(struct partition_rows *rows, struct partition_group *group,
                         const struct record_batch *batch, struct record_batch *ret_part);
