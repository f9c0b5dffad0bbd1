/* What the record of a run says in words. */
#pragma once

#include "flow/progress.h"
#include "store/flow_runs.h"

/* A run whose records were not all written, once each, says so although it was successful. In the
 * arena; STR_NULL: there is nothing to say. */
struct str run_words_of_success(const struct flow_run_row *row,
                                const struct flow_progress *progress, struct arena *arena);
