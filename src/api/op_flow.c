/* Definitions of flows are checked, sealed and stored. Nothing here runs a flow. */
#include "api/op_flow.h"

#include "api/flow_preview.h"
#include "api/flow_row.h"
#include "base/clock.h"
#include "base/fault.h"
#include "flow/check.h"
#include "flow/flow.h"
#include "flow/schedule.h"
#include "job/job.h"
#include "profile/token_claim.h"
#include "store/flow_run_objects.h"
#include "store/flow_runs.h"
#include "store/flow_schedules.h"
#include "store/tags.h"
#include "wire/json_value.h"

enum {
    ANSWER_MAX = 1024,
    TOKEN_WAIT_MS = 5000, /* for the request that holds the token to commit */
};

struct flow_change {
    struct api_request *request;
    struct arena *arena;
    const struct profile_context *context;
    struct error *error;
    const struct token_claim *claim;
    struct flow_definition definition;
    struct flow_row row;      /* as it is going to be */
    int64_t expected_version; /* of the row that it replaces; 0: there must be none */
    bool slots_changed;       /* of the schedule that it replaces */
    struct str output;
};

/* --- commit --- */

static bool put_tags(struct db *db, const struct flow_change *change, struct error *error)
{
    const struct flow_key *key = &change->row.key;
    const struct value *given = value_get(change->request->input, "tags");
    struct tagged tagged = {key->account, key->region, STR("flow"), key->name};
    struct tag tags[TAGS_MAX];
    if (!given)
        return true;
    for (size_t i = 0; i < given->count; i++)
        tags[i] = (struct tag){given->names[i], given->items[i]->text};
    return tags_put(db, &tagged, tags, given->count, error);
}

/* Of a flow that was changed: its job looks at the new definition, or ends. */
static bool follow_schedule(struct db *db, const struct flow_change *change, struct error *error)
{
    const struct flow_row *row = &change->row;
    bool is_active =
        str_eq(row->status, STR("Active")) && str_eq(row->trigger_type, STR("Scheduled"));
    int64_t now_ms = store_clock_ms(change->request->service->config.store);
    return is_active ? flow_schedule_changed(db, row->key, change->slots_changed, now_ms, error)
                     : flow_schedule_deactivate(db, row->key, STR_NULL, error);
}

static bool apply(struct db *db, void *argument, struct error *error)
{
    struct flow_change *change = argument;
    struct audit_entry entry = request_audit_entry(change->request, "ok", STR(""));
    bool stored = change->expected_version == 0
                      ? flow_row_insert(db, &change->row, error) && put_tags(db, change, error)
                      : flow_row_replace(db, &change->row, change->expected_version, error) &&
                            follow_schedule(db, change, error);
    return stored && token_claim_answer(db, change->claim, change->output, error) &&
           audit_add(db, &entry, error);
}

/* Records were shown. */
static bool apply_preview(struct db *db, void *argument, struct error *error)
{
    struct flow_change *change = argument;
    struct audit_entry entry = request_audit_entry(change->request, "ok", STR(""));
    return audit_add(db, &entry, error);
}

static bool preview(struct flow_change *change, struct value *answer)
{
    return flow_preview_answer(change->request, &change->row, answer, &change->output) &&
           store_apply(change->context->store, apply_preview, change, false, change->error);
}

static bool commit(struct flow_change *change, struct value *answer)
{
    if (change->request->is_preview)
        return preview(change, answer);
    struct buf json = buf_in(change->arena, ANSWER_MAX);
    flow_seal(change->context->service_secret, &change->row, change->arena);
    value_encode(&json, answer);
    change->output = buf_str(&json);
    trace_stage_end(&change->request->stage_ns, STAGE_SEAL);
    fault_point("flow:sealed");
    if (!store_apply(change->context->store, apply, change, false, change->error))
        return false;
    trace_stage_end(&change->request->stage_ns, STAGE_COMMIT);
    fault_point("flow:committed");
    job_runner_look(change->request->service->flow_schedules);
    return true;
}

static struct flow_change change_of(struct api_request *request)
{
    struct flow_change change = {
        .request = request,
        .arena = request->arena,
        .context = &request->service->profiles,
        .error = &request->error,
        .row = {.key = flow_key_of(request)},
    };
    flow_definition_read(request->input, &change.definition);
    return change;
}

typedef bool make_fn(struct flow_change *change);

/* It changes nothing, so that a client token stands for nothing. */
static bool run_preview(struct api_request *request, make_fn *make)
{
    struct flow_change change = change_of(request);
    bool ok = make(&change);
    request->output = change.output;
    return ok;
}

static bool run_change(struct api_request *request, make_fn *make)
{
    bool answered;
    _cleanup_token_claim_ struct token_claim claim;
    struct flow_change change = change_of(request);
    change.claim = &claim;
    struct token_claim_request wanted = {
        .context = change.context,
        .arena = request->arena,
        .input = request->input,
        .account = request->caller.account,
        .region = request->caller.region,
        .operation = request->operation->name,
        .wait_ms = TOKEN_WAIT_MS,
    };
    bool ok = token_claim_take(&wanted, &claim, &answered, &change.output, &request->error) &&
              (answered || make(&change));
    if (!ok && token_claim_answered_meanwhile(&claim, request->arena, &change.output)) {
        request->error = (struct error){0};
        ok = true;
    }
    request->output = change.output;
    return ok;
}

static bool run(struct api_request *request, make_fn *make)
{
    return request->is_preview ? run_preview(request, make) : run_change(request, make);
}

/* `current`: what the definition replaces; NULL: nothing. */
static bool check(struct flow_change *change, const struct flow_current *current,
                  struct str kms_arn)
{
    struct flow_check check = {
        .context = change->context,
        .arena = change->arena,
        .account = change->row.key.account,
        .region = change->row.key.region,
        .kms_arn = kms_arn,
        .current = current,
        .sub_minute_schedules = change->request->service->config.sub_minute_schedules,
    };
    bool ok = flow_check(&check, &change->definition, change->error);
    trace_stage_end(&change->request->stage_ns, STAGE_CHECK);
    return ok;
}

/* --- create --- */

static bool create(struct flow_change *change)
{
    struct api_request *request = change->request;
    struct flow_row *row = &change->row;
    struct value *answer = value_structure(change->arena);
    struct flow_facts facts = {
        .kms_arn = value_text(request->input, "kmsArn"),
        .created_by = request_caller_arn(request),
        .updated_by = request_caller_arn(request),
        .schema_version = 1,
    };
    row->created_at_ms = row->updated_at_ms = clock_wall_ms();
    row->version = row->created_at_ms * 1000;
    row->status = flow_first_status(change->definition.trigger_type);
    if (!check(change, NULL, facts.kms_arn) ||
        !flow_definition_store(&change->definition, &facts, change->arena, row, change->error))
        return false;
    value_put_text(change->arena, answer, "flowArn", flow_arn(change->arena, &row->key));
    value_put_text(change->arena, answer, "flowStatus", row->status);
    return commit(change, answer);
}

bool create_flow(struct api_request *request)
{
    return run(request, create);
}

/* --- update --- */

/* Of the row it was made sure that this server wrote it: only memory can be missing. */
static bool read_current(struct flow_change *change, const struct flow_row *row,
                         struct flow_current *ret_current)
{
    struct value *definition, *summary;
    if (json_parse_own(row->definition, FLOW_NODES_MAX, change->arena, &definition) != JSON_READ ||
        json_parse_own(row->summary, FLOW_NODES_MAX, change->arena, &summary) != JSON_READ)
        return request_no_memory(change->request);
    *ret_current = (struct flow_current){row, definition, summary};
    return true;
}

static void set_replacement(struct flow_change *change, const struct flow_row *current)
{
    struct flow_row *row = &change->row;
    bool same_trigger = str_eq(current->trigger_type, change->definition.trigger_type);
    row->version = current->version + 1;
    row->created_at_ms = current->created_at_ms;
    row->updated_at_ms = clock_wall_ms();
    row->status =
        same_trigger ? current->status : flow_first_status(change->definition.trigger_type);
    change->expected_version = current->version;
}

static bool has_other_slots(const struct flow_change *change, const struct flow_current *current)
{
    struct flow_schedule now, before;
    return !flow_schedule_read(value_get(change->request->input, "triggerConfig"), &now) ||
           !flow_schedule_read(value_get(current->definition, "triggerConfig"), &before) ||
           !flow_schedule_same_slots(&now, &before);
}

static bool update(struct flow_change *change)
{
    struct flow_row row = {0};
    struct flow_current current = {0};
    struct value *answer = value_structure(change->arena);
    if (!flow_row_load(change->request, &row) || !read_current(change, &row, &current))
        return false;
    fault_point("flow:loaded");
    struct flow_facts facts = {
        .kms_arn = value_text(current.definition, "kmsArn"),
        .created_by = value_text(current.definition, "createdBy"),
        .updated_by = request_caller_arn(change->request),
        .schema_version = flow_schema_version(&change->definition, &current, change->arena),
    };
    if (!check(change, &current, facts.kms_arn))
        return false;
    set_replacement(change, &row);
    change->slots_changed = has_other_slots(change, &current);
    value_put_text(change->arena, answer, "flowStatus", change->row.status);
    return flow_definition_store(&change->definition, &facts, change->arena, &change->row,
                                 change->error) &&
           commit(change, answer);
}

bool update_flow(struct api_request *request)
{
    return run(request, update);
}

/* --- delete --- */

static bool apply_removal(struct db *db, void *argument, struct error *error)
{
    struct api_request *request = argument;
    struct audit_entry entry = request_audit_entry(request, "ok", STR(""));
    bool force = value_flag(request->input, "forceDelete", false);
    struct flow_key key = flow_key_of(request);
    return (force || flow_runs_check_ended(db, key, error)) &&
           flow_row_delete(db, key, force, error) && flow_runs_delete(db, key, error) &&
           flow_run_objects_trim_later(db, key, error) && flow_schedule_delete(db, key, error) &&
           audit_add(db, &entry, error);
}

bool delete_flow(struct api_request *request)
{
    if (!store_apply(request->service->config.store, apply_removal, request, false,
                     &request->error))
        return false;
    trace_stage_end(&request->stage_ns, STAGE_COMMIT);
    job_runner_look(request->service->flow_objects);
    fault_point("flow:removed");
    request->output = STR("{}");
    return true;
}
