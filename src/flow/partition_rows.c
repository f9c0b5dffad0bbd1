/* Rows of a folder are a list by their numbers. They are copied side by side, RECORD_CELLS_MAX
 * cells at a time; a batch of one folder is given as it is. */
#include "flow/partition_rows.h"

#include "base/alloc.h"

#include <stdlib.h>

void partition_rows_init(struct partition_rows *rows)
{
    *rows = (struct partition_rows){
        .groups = {.kind = ARENA_PLAIN},
        .memory = {.kind = ARENA_PLAIN},
    };
}

void partition_rows_done(struct partition_rows *rows)
{
    map_done(&rows->by_folder);
    arena_done(&rows->groups);
    arena_done(&rows->memory);
    free(rows->cells);
    rows->cells = NULL;
}

/* --- grouping --- */

static struct partition_group *find_group(struct partition_rows *rows, struct str folder,
                                          struct partition_group ***ret_end)
{
    struct map_link *link = map_find(&rows->by_folder, folder);
    if (link)
        return (struct partition_group *)(void *)link; /* its first member */
    struct partition_group *group = arena_new(&rows->groups, struct partition_group);
    group->link.name = folder;
    map_add(&rows->by_folder, &group->link);
    rows->group_count++;
    **ret_end = group;
    *ret_end = &group->next;
    return group;
}

void partition_rows_group(struct partition_rows *rows, const struct str *folders, size_t count)
{
    struct partition_group **end = &rows->first, *group = NULL;
    map_done(&rows->by_folder);
    arena_reset(&rows->groups);
    rows->first = NULL;
    rows->group_count = 0;
    for (size_t row = 0; row < count; row++) {
        /* Equal folders of neighbours are one text. */
        if (row == 0 || folders[row].data != folders[row - 1].data)
            group = find_group(rows, folders[row], &end);
        if (group->left == 0)
            group->first = (uint32_t)row;
        else
            rows->next_row[group->last] = (uint32_t)row;
        group->last = (uint32_t)row;
        group->left++;
    }
}

/* --- giving --- */

static void reserve(struct partition_rows *rows, size_t columns)
{
    if (!rows->cells)
        rows->cells = xcalloc(RECORD_CELLS_MAX, sizeof(*rows->cells));
    if (columns <= rows->column_room)
        return;
    arena_reset(&rows->memory);
    rows->column_room = 2 * columns;
    rows->columns = arena_array(&rows->memory, struct record_column, rows->column_room);
}

/* Takes up to `most` rows off the group. */
static size_t copy_rows(struct partition_rows *rows, struct partition_group *group,
                        const struct record_batch *batch, size_t most)
{
    size_t count = 0;
    for (; count < most && group->left > 0; count++, group->left--) {
        uint32_t row = group->first;
        for (size_t i = 0; i < batch->column_count; i++)
            rows->columns[i].cells[count] = batch->columns[i].cells[row];
        rows->places[count] = batch->places[row];
        group->first = rows->next_row[row];
    }
    return count;
}

bool partition_rows_take(struct partition_rows *rows, struct partition_group *group,
                         const struct record_batch *batch, struct record_batch *ret_part)
{
    *ret_part = *batch;
    if (group->left == 0)
        return false;
    if (rows->group_count == 1) {
        group->left = 0;
        return true;
    }
    reserve(rows, batch->column_count);
    size_t most = RECORD_CELLS_MAX / batch->column_count;
    if (most > group->left)
        most = group->left;
    for (size_t i = 0; i < batch->column_count; i++) {
        rows->columns[i] = batch->columns[i];
        rows->columns[i].cells = rows->cells + i * most;
        rows->columns[i].capacity = most;
    }
    ret_part->columns = rows->columns;
    ret_part->places = rows->places;
    ret_part->rows = copy_rows(rows, group, batch, most);
    return true;
}
