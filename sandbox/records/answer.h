/* Answers of vendors that are made of records, in the languages in which they are asked for. */
#pragma once

#include "sandbox/request.h"

/* What a response with "records" comes to: status, body and headers filled in, all else as it is.
 * In the request's arena. */
const struct sandbox_response *records_answer(const struct sample_set *set,
                                              const struct sandbox_response *response,
                                              struct sandbox_request *request, int64_t now_ms);
