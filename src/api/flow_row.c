/* Finding a flow by its name, for operations that change it. */
#include "api/flow_row.h"

#include "flow/flow.h"

struct flow_key flow_key_of(const struct api_request *request)
{
    return (struct flow_key){request->caller.account, request->caller.region,
                             value_text(request->input, "flowName")};
}

bool flow_row_load(struct api_request *request, struct flow_row *ret_row)
{
    struct store *store = request->service->config.store;
    struct flow_key key = flow_key_of(request);
    struct store_reader *reader;
    bool found = false;
    if (!store_point_reader_take(store, &reader, &request->error))
        return false;
    bool ok = flow_row_find(reader, request->arena, key, ret_row, &found, &request->error);
    store_point_reader_put(store, reader);
    trace_stage_end(&request->stage_ns, STAGE_LOAD);
    if (!ok)
        return false;
    return found
               ? flow_check_seal(request->service->config.service_secret, ret_row, &request->error)
               : fail(&request->error, ERR_NOT_FOUND, "Flow with name %.*s does not exist.",
                      STR_ARG(key.name));
}
