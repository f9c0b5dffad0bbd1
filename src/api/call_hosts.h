/* Which hosts a change or a private connection is going to call, before it is worked on. */
#pragma once

#include "api/request.h"

/* Those of its configuration, in the request's arena; STR_NULL when it calls nobody. Changes whose
 * input does not tell (only the stored profile does) have one line in common. Reads nothing but the
 * request's input, so it may stand on an event loop. */
struct str request_hosts(const struct api_request *request);
