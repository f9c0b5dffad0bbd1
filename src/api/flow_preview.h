/* The header X-Headgate-Preview: true, with which CreateFlow and UpdateFlow check the definition,
 * store nothing, and show the first records of the source with what the tasks make of them
 * (flow/preview.h). It must be signed, as sigv4_verify has it: a preview that lost it on the way
 * would make the change.
 *
 * The answer has the operation's usual members and one more, `preview`, which is not of the API's
 * model: clients that do not know it leave it out. */
#pragma once

#include "api/request.h"
#include "store/flows.h"
#include "wire/value.h"

/* `row`: the flow as the change would store it. Adds to `answer`, and sets *ret_output, in the
 * request's arena. Waits for the vendor; errors as flow_preview. */
_must_use_ bool flow_preview_answer(struct api_request *request, const struct flow_row *row,
                                    struct value *answer, struct str *ret_output);
