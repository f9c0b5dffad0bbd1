/* StartFlow with the header X-Headgate-Replay, which has the id of a run of the flow that has
 * ended: a run writes the records that this one's destination did not take (flow/replay.h).
 * `headgate flow replay` sends it. The header must be signed, as sigv4_verify has it. */
#pragma once

#include "api/request.h"
#include "store/flows.h"

/* The header's text; STR_NULL: it has none. */
struct str flow_replay_header(const struct api_request *request);

/* *ret_definition: that of the replaying run, in the request's arena. On any thread that may wait.
 * ERR_NOT_FOUND: the flow has no such run; ERR_CONFLICT: it has not ended; ERR_VALIDATION. */
_must_use_ bool flow_replay_asked(struct api_request *request, const struct flow_row *row,
                                  struct str *ret_definition);
