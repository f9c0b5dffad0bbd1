/* Ends a request: counts it, logs it, and answers in the protocol that its client speaks. */
#pragma once

#include "api/request.h"

/* On the request's loop; the request is gone afterwards. */
void request_answer(struct api_request *request);
