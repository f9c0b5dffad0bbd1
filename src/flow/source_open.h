/* Opening the source that a definition names: the one place that knows which sources there are. */
#pragma once

#include "flow/source.h"

/* Opens the source that the definition's connectorType names, at the page of the cursor. Waits.
 * - ERR_NOT_IMPLEMENTED: this version cannot read from it.
 * - others as of flow_source_ops.read. */
_must_use_ bool flow_source_open(const struct flow_source_request *request,
                                 struct flow_source **ret_source, struct error *error);
void flow_source_free(struct flow_source *source); /* NULL is fine */

/* Ends what the source's vendor keeps for a run that had come to this cursor. Waits. */
_must_use_ bool flow_source_end(struct flow_engine_run *run, struct str cursor,
                                struct error *error);
