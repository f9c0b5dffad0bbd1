/* Which destination a run has. */
#pragma once

#include "flow/destination.h"

/* Whether what is written has the types of the source's values (flow_program_keep_types). */
bool flow_destination_is_typed(const struct flow_engine_run *run);

/* Of the run's first destination. Takes away what an earlier try has left behind; waits.
 * ERR_NOT_IMPLEMENTED: this version cannot write there. */
_must_use_ bool flow_destination_open(struct flow_engine_run *run,
                                      struct flow_destination **ret_destination,
                                      struct error *error);
void flow_destination_free(struct flow_destination *destination); /* NULL is fine */

/* Takes away what tries of this run have left behind, for a run that ends without another try. */
_must_use_ bool flow_destination_clean(struct flow_engine_run *run, struct error *error);
