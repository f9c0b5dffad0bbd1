/* The flow that a request names. */
#pragma once

#include "api/request.h"
#include "store/flows.h"

/* Of the caller's account and region. */
struct flow_key flow_key_of(const struct api_request *request);

/* Loads the row, on any thread that may wait, and verifies its MAC. ERR_NOT_FOUND when there is
 * none. */
bool flow_row_load(struct api_request *request, struct flow_row *ret_row);
