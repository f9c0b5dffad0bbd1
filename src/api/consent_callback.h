/* The vendor's answer to a consent, and the change that it leads to. */
#pragma once

#include "api/request.h"

/* On a worker. False: request->error, and no answer is set. *ret_handed: another worker has the
 * request, which is to be touched no more. */
bool consent_callback_take(struct api_request *request, bool *ret_handed);

/* On a worker, after the change ran, whatever came of it: notes the end. For
 * api_visit.end. */
void consent_callback_end(struct api_request *request);
