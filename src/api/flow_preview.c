/* From a checked definition to the answer of a preview. */
#include "api/flow_preview.h"

#include "base/clock.h"
#include "flow/definition.h"
#include "flow/flow.h"
#include "flow/preview.h"
#include "wire/json_value.h"

enum { BESIDE_PREVIEW_MAX = 256 * 1024 }; /* bytes of the answer's other members */

bool flow_preview_answer(struct api_request *request, const struct flow_row *row,
                         struct value *answer, struct str *ret_output)
{
    struct value *definition;
    struct str json;
    struct buf body =
        buf_in(request->arena, FLOW_PREVIEW_JSON_MAX + ERROR_MESSAGE_MAX + BESIDE_PREVIEW_MAX);
    if (json_parse_own(row->definition, FLOW_NODES_MAX, request->arena, &definition) != JSON_READ)
        return request_no_memory(request);
    const struct flow_preview preview = {
        .config = &request->service->flow_engine,
        .flow = row->key,
        .definition = definition,
        .records_max = FLOW_PREVIEW_RECORDS_MAX,
        .deadline_ms = clock_mono_ms() + request->service->config.verify_timeout_ms,
        .arena = request->arena,
    };
    if (!flow_preview(&preview, &json, &request->error))
        return false;
    value_put_raw(request->arena, answer, "preview", json);
    value_encode(&body, answer);
    *ret_output = buf_str(&body);
    return true;
}
