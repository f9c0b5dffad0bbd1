/* Where a run's records go: batches in order, and the ends of the source's pages. The engine
 * (engine.h) knows no more of a destination than this:
 *
 *     flow_destination_open
 *     do {
 *         write     what the program made of a part of a batch; any number of times
 *         end_page  the source's page is over: may this be a checkpoint?
 *     } while (more);
 *     end
 *
 * One thread at a time uses a destination. What it has written, and what it could not write, it
 * counts in the run's progress. */
#pragma once

#include "flow/engine_run.h"

#include <stdbool.h>

struct flow_destination {
    const struct flow_destination_ops *ops;
};

/* The first member of each destination's own struct is a flow_destination. Errors of all three:
 * ERR_UNAVAILABLE: another try of the run may succeed, from its last checkpoint. Any other: the run
 * ends; the message says what failed. */
struct flow_destination_ops {
    /* `page`: the page of the source, as messages name it. Waits. */
    bool (*write)(struct flow_destination *destination, const struct flow_program_result *result,
                  struct str page, struct error *error);
    /* *ret_settled: all records so far are where they belong, so this may be a checkpoint. Waits.
     */
    bool (*end_page)(struct flow_destination *destination, bool *ret_settled, struct error *error);
    /* Between two pages, before a long wait: as end_page, but objects that are open end now,
     * although they are small. NULL: nothing can be ended before its time. */
    bool (*settle)(struct flow_destination *destination, bool *ret_settled, struct error *error);
    /* There are no more records. Waits. */
    bool (*end)(struct flow_destination *destination, struct error *error);
    void (*free)(struct flow_destination *destination);
};
