/* Registering a connector, changing its registration, and removing it. */
#include "api/op_registration.h"

#include "base/clock.h"
#include "base/fault.h"
#include "connector/custom/contract.h"
#include "connector/custom/function.h"
#include "connector/env.h"
#include "profile/registration.h"
#include "profile/secret_mirror.h"
#include "profile/secret_mirror_label.h"
#include "profile/token_claim.h"
#include "wire/errors.h"

enum {
    ANSWER_MAX = 4096,
    MISSING_MAX = 256,
    TOKEN_WAIT_EXTRA_MS = 5000, /* for the request that holds the token to commit after its call */
};

struct registering {
    struct api_request *request;
    struct arena *arena;
    const struct profile_context *context;
    struct error *error;
    const struct token_claim *claim;
    struct registration registration; /* as it is going to be */
    int64_t expected_version;         /* of the row that it replaces; 0: there must be none */
    struct str replaced_function;     /* ARN; STR_NULL: it replaces none */
    struct str output;
};

static struct connector_key key_of(const struct api_request *request)
{
    return (struct connector_key){request->caller.account, request->caller.region,
                                  value_text(request->input, "connectorLabel")};
}

static struct str function_of(const struct value *input)
{
    const struct value *config = value_get(input, "connectorProvisioningConfig");
    return value_text(value_get(config, "lambda"), "lambdaArn");
}

/* --- what is asked for --- */

/* The model requires none of them, but nothing can be registered without. */
static bool check_given(struct registering *registering)
{
    const struct value *input = registering->request->input;
    const struct {
        const char *name;
        bool given;
    } members[] = {
        {"connectorLabel", value_text(input, "connectorLabel").len > 0},
        {"connectorProvisioningType", value_text(input, "connectorProvisioningType").len > 0},
        {"connectorProvisioningConfig.lambda.lambdaArn", function_of(input).len > 0},
    };
    struct buf missing = buf_in(registering->arena, MISSING_MAX);
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        if (!members[i].given)
            buf_printf(&missing, "%s%s", missing.len > 0 ? ", " : "", members[i].name);
    }
    return missing.len == 0 ||
           fail(registering->error, ERR_VALIDATION,
                "Validation exception: RegisterConnector needs %s.", missing.data);
}

/* arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]. The server invokes functions with rights
 * of its own, which reach further than the caller's: it must be the caller's account. */
static bool check_function(struct registering *registering, struct str arn)
{
    static const char *const wanted[] = {"arn", "aws", "lambda", NULL, NULL, "function"};
    struct str field, rest = arn;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        bool cut = str_cut(rest, ':', &field, &rest);
        if (!cut || (wanted[i] && !str_eq(field, str_from(wanted[i]))))
            return fail(registering->error, ERR_VALIDATION,
                        "Validation exception: lambdaArn must name a Lambda function: "
                        "arn:aws:lambda:REGION:ACCOUNT:function:NAME.");
        if (i == 4 && !str_eq(field, registering->request->caller.account))
            return fail(registering->error, ERR_VALIDATION,
                        "Validation exception: lambdaArn must name a function of the account "
                        "%.*s.",
                        STR_ARG(registering->request->caller.account));
    }
    return rest.len > 0 || fail(registering->error, ERR_VALIDATION,
                                "Validation exception: lambdaArn has no function's name.");
}

/* --- what the function says of itself --- */

static bool fail_answer(struct registering *registering, const struct contract_answer *answer)
{
    switch (answer->kind) {
    case VERDICT_THROTTLED:
        if (answer->retry_after_ms > 0)
            registering->request->retry_after_ms = answer->retry_after_ms;
        return fail(registering->error, ERR_THROTTLING, "Rate exceeded: %.*s",
                    STR_ARG(answer->message));
    case VERDICT_REJECTED:
    case VERDICT_FORBIDDEN:
        return fail(registering->error, ERR_CONNECTOR_AUTHENTICATION,
                    "Error authenticating to connector: %.*s", STR_ARG(answer->message));
    default:
        return contract_fail(answer, registering->error);
    }
}

static bool describe(struct registering *registering)
{
    const struct connector_row *row = &registering->registration.row;
    struct contract_answer answer;
    struct function_call call = {
        .arn = row->function_arn,
        .payload = contract_describe_configuration(registering->arena, row->key.label),
        .account = row->key.account,
        .region = row->key.region,
        .request_id = {registering->request->request_id, UUID_SIZE - 1},
        .deadline_ms = clock_mono_ms() + FUNCTION_TIME_MS,
    };
    contract_invoke(registering->context->connectors->functions, CONTRACT_DESCRIBE_CONFIGURATION,
                    &call, registering->arena, &answer);
    trace_stage_end(&registering->request->stage_ns, STAGE_VERIFY);
    fault_point("registration:described");
    if (answer.kind != VERDICT_ACCEPTED)
        return fail_answer(registering, &answer);
    return contract_configuration_read(answer.body, registering->arena,
                                       &registering->registration.configuration,
                                       registering->error);
}

/* --- commit --- */

static bool apply(struct db *db, void *argument, struct error *error)
{
    struct registering *registering = argument;
    const struct connector_row *row = &registering->registration.row;
    bool stored = registering->expected_version == 0
                      ? connector_row_insert(db, row, error)
                      : connector_row_replace(db, row, registering->expected_version, error);
    struct audit_entry entry = request_audit_entry(registering->request, "ok", STR(""));
    return stored &&
           secret_mirror_follow_label(db, registering->context, &row->key,
                                      registering->replaced_function, row->function_arn,
                                      registering->arena, error) &&
           token_claim_answer(db, registering->claim, registering->output, error) &&
           audit_add(db, &entry, error);
}

static bool commit(struct registering *registering)
{
    struct value *body = value_structure(registering->arena);
    struct buf answer = buf_in(registering->arena, ANSWER_MAX);
    registration_seal(registering->context, &registering->registration, registering->arena);
    value_put_text(registering->arena, body, "connectorArn",
                   registration_arn(registering->arena, &registering->registration.row.key));
    value_encode(&answer, body);
    registering->output = buf_str(&answer);
    fault_point("registration:sealed");
    if (!store_apply(registering->context->store, apply, registering, false, registering->error))
        return false;
    trace_stage_end(&registering->request->stage_ns, STAGE_COMMIT);
    fault_point("registration:committed");
    secret_mirror_wake(registering->context);
    return true;
}

static bool load(struct registering *registering, bool *ret_found)
{
    bool ok = registration_find(registering->context, NULL, key_of(registering->request),
                                registering->arena, &registering->registration, ret_found,
                                registering->error);
    trace_stage_end(&registering->request->stage_ns, STAGE_LOAD);
    return ok;
}

static bool run(struct api_request *request, bool (*make)(struct registering *registering))
{
    bool answered;
    _cleanup_token_claim_ struct token_claim claim;
    struct registering registering = {
        .request = request,
        .arena = request->arena,
        .context = &request->service->profiles,
        .error = &request->error,
        .claim = &claim,
    };
    struct token_claim_request wanted = {
        .context = registering.context,
        .arena = request->arena,
        .input = request->input,
        .account = request->caller.account,
        .region = request->caller.region,
        .operation = request->operation->name,
        .wait_ms = FUNCTION_TIME_MS + TOKEN_WAIT_EXTRA_MS,
    };
    bool ok = token_claim_take(&wanted, &claim, &answered, &registering.output, &request->error) &&
              (answered || make(&registering));
    if (!ok && token_claim_answered_meanwhile(&claim, request->arena, &registering.output)) {
        request->error = (struct error){0};
        ok = true;
    }
    request->output = registering.output;
    return ok;
}

/* --- register --- */

/* Before the function is called; the commit checks again. */
static bool check_label_is_free(struct registering *registering)
{
    struct connector_key key = key_of(registering->request);
    struct connector_row existing;
    struct store_reader *reader;
    bool found = false;
    if (!store_point_reader_take(registering->context->store, &reader, registering->error))
        return false;
    bool ok =
        connector_row_find(reader, registering->arena, key, &existing, &found, registering->error);
    store_point_reader_put(registering->context->store, reader);
    trace_stage_end(&registering->request->stage_ns, STAGE_LOAD);
    return ok &&
           (!found || fail(registering->error, ERR_CONFLICT,
                           "Connector with label %.*s is already registered.", STR_ARG(key.label)));
}

static bool register_new(struct registering *registering)
{
    const struct value *input = registering->request->input;
    struct connector_row *row = &registering->registration.row;
    if (!check_given(registering) || !check_function(registering, function_of(input)) ||
        !check_label_is_free(registering))
        return false;
    row->key = key_of(registering->request);
    row->registered_at_ms = row->updated_at_ms = clock_wall_ms();
    row->version = row->registered_at_ms * 1000;
    row->function_arn = function_of(input);
    row->description = value_text(input, "description");
    return describe(registering) && commit(registering);
}

bool register_connector(struct api_request *request)
{
    return run(request, register_new);
}

/* --- update --- */

/* What is left out stays as it was; the function is asked again in any case. */
static bool register_again(struct registering *registering)
{
    const struct value *input = registering->request->input;
    struct connector_row *row = &registering->registration.row;
    struct str function = function_of(input), description = value_text(input, "description");
    bool found;
    if (function.len > 0 && !check_function(registering, function))
        return false;
    if (!load(registering, &found))
        return false;
    if (!found)
        return fail(registering->error, ERR_NOT_FOUND, "Connector:%.*s is not registered.",
                    STR_ARG(key_of(registering->request).label));
    fault_point("registration:loaded");
    registering->expected_version = row->version++;
    row->updated_at_ms = clock_wall_ms();
    registering->replaced_function = row->function_arn;
    row->function_arn = function.len > 0 ? function : row->function_arn;
    row->description = description.data ? description : row->description;
    return describe(registering) && commit(registering);
}

bool update_connector_registration(struct api_request *request)
{
    return run(request, register_again);
}

/* --- unregister --- */

static bool apply_removal(struct db *db, void *argument, struct error *error)
{
    struct api_request *request = argument;
    struct audit_entry entry = request_audit_entry(request, "ok", STR(""));
    struct connector_key key = key_of(request);
    bool force = value_flag(request->input, "forceDelete", false);
    return connector_row_delete(db, key, force, error) &&
           (!force || secret_mirror_follow_label(db, &request->service->profiles, &key, STR_NULL,
                                                 STR_NULL, request->arena, error)) &&
           audit_add(db, &entry, error);
}

bool unregister_connector(struct api_request *request)
{
    if (!store_apply(request->service->config.store, apply_removal, request, false,
                     &request->error))
        return false;
    trace_stage_end(&request->stage_ns, STAGE_COMMIT);
    fault_point("registration:removed");
    secret_mirror_wake(&request->service->profiles);
    request->output = STR("{}");
    return true;
}
