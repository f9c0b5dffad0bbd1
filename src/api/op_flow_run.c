/* A flow on demand gets a run, with the job that carries it out, in one write; one with a schedule
 * or events changes its state, unless a window of the past is asked for. */
#include "api/op_flow_run.h"

#include "api/flow_replay.h"
#include "api/flow_row.h"
#include "api/flow_window.h"
#include "base/clock.h"
#include "base/fault.h"
#include "flow/definition.h"
#include "flow/flow.h"
#include "flow/run.h"
#include "flow/run_id.h"
#include "flow/run_notice.h"
#include "job/job.h"
#include "profile/token_claim.h"
#include "store/flow_schedules.h"
#include "wire/errors.h"
#include "wire/json_value.h"

enum {
    ANSWER_MAX = 1024,
    INVALID_MAX = 256 * 1024, /* of a hundred ids of 256 characters, each up to 6 bytes of JSON */
    TOKEN_WAIT_MS = 5000,     /* for the request that holds the token to commit */
    CANCEL_TRIES = 8,         /* while a run changes its state at the same time */
};

struct flow_start {
    struct api_request *request;
    const struct token_claim *claim; /* NULL: the operation has none */
    struct flow_row row;             /* as it is; with a new status, as it is going to be */
    int64_t expected_version;
    struct flow_run_row run;
    struct value *definition; /* the run's; NULL: it was not read */
    struct str output;
};

static bool is_on_demand(const struct flow_row *row)
{
    return str_eq(row->trigger_type, STR("OnDemand"));
}

static bool is_active(const struct flow_row *row)
{
    return str_eq(row->status, STR("Active"));
}

/* `execution_id`: STR_NULL for none. */
static struct str answer_of(struct arena *arena, const struct flow_row *row,
                            struct str execution_id)
{
    struct value *answer = value_structure(arena);
    struct buf json = buf_in(arena, ANSWER_MAX);
    value_put_text(arena, answer, "flowArn", flow_arn(arena, &row->key));
    value_put_text(arena, answer, "flowStatus", row->status);
    value_put_text(arena, answer, "executionId", execution_id);
    value_encode(&json, answer);
    return buf_str(&json);
}

static bool conclude(struct db *db, const struct flow_start *start, struct error *error)
{
    struct audit_entry entry = request_audit_entry(start->request, "ok", STR(""));
    return (!start->claim || token_claim_answer(db, start->claim, start->output, error)) &&
           audit_add(db, &entry, error);
}

/* `apply` has the start as its argument. */
static bool commit(struct flow_start *start, store_apply_fn *apply)
{
    struct api_request *request = start->request;
    fault_point("run:prepared");
    if (!store_apply(request->service->config.store, apply, start, false, &request->error))
        return false;
    trace_stage_end(&request->stage_ns, STAGE_COMMIT);
    fault_point("run:answering");
    return true;
}

static bool is_scheduled(const struct flow_row *row)
{
    return str_eq(row->trigger_type, STR("Scheduled"));
}

static bool set_schedule(struct db *db, const struct flow_start *start, struct error *error)
{
    const struct flow_row *row = &start->row;
    int64_t now_ms = store_clock_ms(start->request->service->config.store);
    return is_active(row) ? flow_schedule_activate(db, row->key, now_ms, error)
                          : flow_schedule_deactivate(db, row->key, STR_NULL, error);
}

static bool apply_status(struct db *db, void *argument, struct error *error)
{
    const struct flow_start *start = argument;
    return flow_row_set_status(db, &start->row, start->expected_version, error) &&
           (!is_scheduled(&start->row) || set_schedule(db, start, error)) &&
           conclude(db, start, error);
}

static bool set_status(struct flow_start *start, struct str status)
{
    struct api_request *request = start->request;
    start->expected_version = start->row.version++;
    start->row.status = status;
    flow_seal(request->service->config.service_secret, &start->row, request->arena);
    start->output = answer_of(request->arena, &start->row, STR_NULL);
    if (!commit(start, apply_status))
        return false;
    job_runner_look(request->service->flow_schedules);
    return true;
}

/* --- a run --- */

/* One event, in the write that begins the run. */
static bool notify(struct db *db, const struct flow_start *start, struct error *error)
{
    return flow_run_notice_start(db, &start->request->service->profiles, &start->run,
                                 start->definition, start->request->arena, error);
}

static bool apply_run(struct db *db, void *argument, struct error *error)
{
    const struct flow_start *start = argument;
    return flow_run_insert(db, &start->run, start->row.version, error) &&
           notify(db, start, error) && conclude(db, start, error);
}

static bool read_newest_id(struct flow_start *start, struct str *ret_id)
{
    struct api_request *request = start->request;
    struct store *store = request->service->config.store;
    struct store_reader *reader;
    struct flow_run_row *rows;
    size_t count;
    if (!store_reader_take(store, &reader, &request->error))
        return false;
    bool ok = flow_run_list(reader, request->arena, start->row.key, STR_NULL, 1, &rows, &count,
                            &request->error);
    store_reader_put(store, reader);
    *ret_id = ok && count > 0 ? rows[0].id : STR_NULL;
    return ok;
}

/* `definition`: the run's, as JSON. */
static bool begin_run(struct flow_start *start, struct str definition, struct flow_window window)
{
    struct api_request *request = start->request;
    int64_t now_ms = clock_wall_ms();
    char id[UUID_SIZE];
    struct str newest;
    if (!read_newest_id(start, &newest))
        return false;
    flow_run_id_make(now_ms, newest, id);
    start->run = (struct flow_run_row){
        .flow = start->row.key,
        .id = arena_copy(request->arena, str_from(id)),
        .started_at_ms = now_ms,
        .definition = definition,
        .window_from_ms = window.from_ms,
        .window_to_ms = window.to_ms,
    };
    flow_run_seal(request->service->config.service_secret, &start->run, request->arena);
    start->output = answer_of(request->arena, &start->row, start->run.id);
    if (flow_notices_are_on(&request->service->profiles) && /* it is for the event alone */
        json_parse_own(start->run.definition, FLOW_NODES_MAX, request->arena, &start->definition) !=
            JSON_READ)
        start->definition = NULL;
    if (!commit(start, apply_run))
        return false;
    job_runner_look(request->service->flow_runs);
    flow_notices_look(&request->service->profiles);
    return true;
}

/* A schedule whose job was lost gets one again. */
static bool apply_again(struct db *db, void *argument, struct error *error)
{
    const struct flow_start *start = argument;
    return (!is_scheduled(&start->row) ||
            flow_schedule_keep(db, start->row.key,
                               store_clock_ms(start->request->service->config.store), error)) &&
           conclude(db, start, error);
}

static bool begin_replay(struct flow_start *start)
{
    struct str definition;
    if (flow_window_header(start->request).data)
        return fail(&start->request->error, ERR_VALIDATION,
                    "X-Headgate-Replay and X-Headgate-Window do not go together. Leave one out.");
    return flow_replay_asked(start->request, &start->row, &definition) &&
           begin_run(start, definition, (struct flow_window){0});
}

/* What runs already is left as it is: deployment tools start a flow again and again. */
static bool begin(struct flow_start *start)
{
    struct flow_window window;
    if (!flow_row_load(start->request, &start->row))
        return false;
    if (flow_replay_header(start->request).data)
        return begin_replay(start);
    if (!flow_window_asked(start->request, &start->row, &window))
        return false;
    if (is_on_demand(&start->row) || window.to_ms != 0)
        return begin_run(start, start->row.definition, window);
    if (!is_active(&start->row))
        return set_status(start, STR("Active"));
    start->output = answer_of(start->request->arena, &start->row, STR_NULL);
    return commit(start, apply_again);
}

/* With the window, or the run, that a header names: the same token with another one is another
 * request. */
static const struct value *claimed_input(struct api_request *request)
{
    struct str window = flow_window_header(request), replay = flow_replay_header(request);
    if (!window.data && !replay.data)
        return request->input;
    struct value *input = value_structure(request->arena);
    for (size_t i = 0; i < request->input->count; i++)
        value_put(request->arena, input, request->input->names[i].data, request->input->items[i]);
    value_put_text(request->arena, input, "X-Headgate-Window", window);
    value_put_text(request->arena, input, "X-Headgate-Replay", replay);
    return input;
}

bool start_flow(struct api_request *request)
{
    bool answered;
    _cleanup_token_claim_ struct token_claim claim;
    struct flow_start self = {.request = request, .claim = &claim};
    const struct token_claim_request wanted = {
        .context = &request->service->profiles,
        .arena = request->arena,
        .input = claimed_input(request),
        .account = request->caller.account,
        .region = request->caller.region,
        .operation = request->operation->name,
        .wait_ms = TOKEN_WAIT_MS,
    };
    bool ok = token_claim_take(&wanted, &claim, &answered, &self.output, &request->error) &&
              (answered || begin(&self));
    if (!ok && token_claim_answered_meanwhile(&claim, request->arena, &self.output)) {
        request->error = (struct error){0};
        ok = true;
    }
    request->output = self.output;
    return ok;
}

/* --- stop --- */

/* Runs in progress go on, as the User Guide says. */
bool stop_flow(struct api_request *request)
{
    struct flow_start self = {.request = request};
    if (!flow_row_load(request, &self.row))
        return false;
    struct str name = self.row.key.name;
    if (is_on_demand(&self.row))
        return fail(&request->error, ERR_UNSUPPORTED_OPERATION,
                    "Flow %.*s runs on demand: it has no schedule and no events to stop. "
                    "CancelFlowExecutions ends a run.",
                    STR_ARG(name));
    if (!is_active(&self.row))
        return fail(&request->error, ERR_CONFLICT,
                    "Conflict executing request: Flow is not active: %.*s", STR_ARG(name));
    if (!set_status(&self, STR("Suspended")))
        return false;
    request->output = self.output;
    return true;
}

/* --- cancel --- */

struct flow_cancel {
    struct api_request *request;
    struct flow_key flow;
    const struct value *ids; /* NULL: all that are in progress */
    bool *canceled;          /* for each id, by the last application */
};

static bool cancel_runs(struct db *db, struct flow_cancel *cancel, struct error *error)
{
    int64_t now_ms = clock_wall_ms();
    if (!cancel->ids)
        return flow_run_cancel_newest(db, cancel->flow, now_ms, error);
    for (size_t i = 0; i < cancel->ids->count; i++) {
        if (!flow_run_cancel(db, cancel->flow, cancel->ids->items[i]->text, now_ms,
                             &cancel->canceled[i], error))
            return false;
    }
    return true;
}

static bool apply_cancel(struct db *db, void *argument, struct error *error)
{
    struct flow_cancel *cancel = argument;
    struct audit_entry entry = request_audit_entry(cancel->request, "ok", STR(""));
    return flow_row_hold(db, cancel->flow, error) && cancel_runs(db, cancel, error) &&
           audit_add(db, &entry, error);
}

static void answer_invalid(struct flow_cancel *cancel)
{
    struct arena *arena = cancel->request->arena;
    struct value *answer = value_structure(arena), *invalid = value_list(arena);
    struct buf json = buf_in(arena, INVALID_MAX);
    for (size_t i = 0; cancel->ids && i < cancel->ids->count; i++) {
        if (!cancel->canceled[i])
            value_append(arena, invalid, value_string(arena, cancel->ids->items[i]->text));
    }
    value_put(arena, answer, "invalidExecutions", invalid);
    value_encode(&json, answer);
    cancel->request->output = buf_str(&json);
}

bool cancel_flow_executions(struct api_request *request)
{
    struct store *store = request->service->config.store;
    const struct value *ids = value_get(request->input, "executionIds");
    struct flow_cancel cancel = {
        .request = request,
        .flow = flow_key_of(request),
        .ids = ids,
        .canceled = arena_array(request->arena, bool, ids ? ids->count + 1 : 1),
    };
    bool ok = false;
    for (int i = 0; !ok && i < CANCEL_TRIES && (i == 0 || request->error.code == ERR_LOST_RACE);
         i++)
        ok = store_apply(store, apply_cancel, &cancel, false, &request->error);
    if (!ok)
        return false;
    trace_stage_end(&request->stage_ns, STAGE_COMMIT);
    job_runner_look(request->service->flow_runs);
    job_runner_wake(request->service->flow_runs, cancel.flow.account, cancel.flow.region,
                    cancel.flow.name);
    answer_invalid(&cancel);
    return true;
}
