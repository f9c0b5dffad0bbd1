/* What an incremental run takes of its source: the records, or the objects, that changed within the
 * run's window (schedule.h).
 *
 * Of records the window is two filters on the field that says when a record changed. They are given
 * to the vendor as far as it can filter, like the flow's own ones, and the run applies them in any
 * case. Of objects it is their own time, which the source looks at (s3_source.h). */
#pragma once

#include "flow/definition.h"
#include "store/flow_runs.h"

/* Whether a flow can be read incrementally: the flow names a field, its connector has one for all
 * entities, or its source has objects with times of their own. Else each run reads everything.
 * `definition`: DescribeFlow's members. */
bool flow_incremental_is_possible(const struct value *definition);

/* Adds the filters of the run's window to the definition's tasks, if it has a window of records.
 * They come before the flow's own: some vendors take one filter alone, or as many as a URL has
 * room for, and the window is what keeps a run from reading everything. */
void flow_incremental_add_filters(const struct flow_run_row *row, struct value *definition,
                                  struct arena *arena);
