/* StartFlow over a window of the past: the run takes what changed in it, and leaves the flow's
 * schedule as it is. It is asked for by the header X-Headgate-Window, which `headgate flow run
 * --from --to` sends, or by the flow's tag headgate:window, for clients that can send no header of
 * their own: while a flow has it, each StartFlow runs that window. */
#pragma once

#include "api/request.h"
#include "flow/schedule.h"
#include "store/flows.h"

/* The header's text (past_window.h); STR_NULL: it has none. */
struct str flow_window_header(const struct api_request *request);

/* *ret_window: to_ms 0 when neither asks for one. On any thread that may wait. ERR_VALIDATION when
 * it cannot be read, or the flow cannot be read by windows. */
_must_use_ bool flow_window_asked(struct api_request *request, const struct flow_row *row,
                                  struct flow_window *ret_window);
