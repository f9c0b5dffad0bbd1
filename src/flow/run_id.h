/* Ids of runs (the API's executionId): UUIDs of version 7 (RFC 9562), which begin with their time.
 * So they grow over the runs of a flow, also when the clock is set back: an id that would not be
 * greater than the one of the run before takes the millisecond behind that one's. */
#pragma once

#include "base/random.h"
#include "base/str.h"

#include <stdint.h>

/* `before`: the id of the flow's newest run; STR_NULL: it has none. */
void flow_run_id_make(int64_t now_ms, struct str before, char ret_id[UUID_SIZE]);
