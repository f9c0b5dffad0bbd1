/* Which run, and whether its failed records can be written again. */
#include "api/flow_replay.h"

#include "base/encode.h"
#include "base/random.h"
#include "flow/definition.h"
#include "flow/replay.h"
#include "flow/run_state.h"
#include "store/flow_runs.h"
#include "wire/json_value.h"

struct str flow_replay_header(const struct api_request *request)
{
    const struct str *text = http_find_header(&request->exchange->head, STR("X-Headgate-Replay"));
    return text ? *text : STR_NULL;
}

static bool find_run(struct api_request *request, const struct flow_row *row, struct str id,
                     struct flow_run_row *ret_run, bool *ret_found)
{
    struct store *store = request->service->config.store;
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, &request->error))
        return false;
    bool ok =
        flow_run_find(reader, request->arena, row->key, id, ret_run, ret_found, &request->error);
    store_reader_put(store, reader);
    return ok;
}

static bool check_run(struct api_request *request, const struct flow_row *row, struct str id)
{
    struct flow_run_row run;
    bool found;
    if (!find_run(request, row, id, &run, &found))
        return false;
    if (!found)
        return fail(&request->error, ERR_NOT_FOUND, "Flow %.*s has no run %.*s.",
                    STR_ARG(row->key.name), STR_ARG(utf8_cut(id, UUID_SIZE)));
    enum run_state state;
    return (run_state_read(run.state, &state) && run_state_is_last(state)) ||
           fail(&request->error, ERR_CONFLICT,
                "Run %.*s of flow %.*s has not ended: its failed records are not known yet.",
                STR_ARG(id), STR_ARG(row->key.name));
}

bool flow_replay_asked(struct api_request *request, const struct flow_row *row,
                       struct str *ret_definition)
{
    struct str id = flow_replay_header(request);
    struct value *definition;
    if (!check_run(request, row, id))
        return false;
    if (json_parse_own(row->definition, FLOW_NODES_MAX, request->arena, &definition) != JSON_READ)
        return request_no_memory(request);
    return flow_replay_make(definition, row->key.name, id, request->arena, ret_definition,
                            &request->error);
}
