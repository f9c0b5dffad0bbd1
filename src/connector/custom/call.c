/* One call with its bounded repetitions. The bounds are those of a vendor's call (CALL_TRIES_MAX
 * and the pauses beside it); each try has Lambda's time limit as far as the deadline leaves it. */
#include "connector/custom/call.h"

#include "base/clock.h"
#include "connector/custom/declared.h"
#include "connector/custom/secret_text.h"
#include "connector/http/internal.h"
#include "work/call_quota.h"

static const struct custom_connector *custom_of(const struct vendor_connection *connection)
{
    return connection->target->connector->custom;
}

struct function_call custom_call_new(struct vendor_connection *connection, bool with_secret)
{
    const struct vendor_connection_config *config = connection->config;
    struct function_call call = {
        .arn = custom_of(connection)->function_arn,
        .account = connection->target->account,
        .settings = connection->target->receiver_settings,
        .region = config->region,
        .request_id = config->request_id,
    };
    if (!with_secret)
        return call;
    call.connector_version = connection->target->connector->version;
    call.secret_arn = config->secret_arn;
    call.secret_text =
        secret_text(connection->arena, connection->target->credentials, &connection->tokens);
    return call;
}

static void set_deadline(const struct vendor_connection *connection, int64_t time_ms,
                         struct function_call *call)
{
    int64_t own_ms = clock_mono_ms() + time_ms;
    call->deadline_ms = connection->deadline_ms < own_ms ? connection->deadline_ms : own_ms;
}

/* What a function says of the vendor's limits counts for calls of this function alone. */
static void leave_gate(struct vendor_connection *connection, const struct contract_answer *answer)
{
    const struct call_quota_said said = {
        .end = answer->kind == VERDICT_THROTTLED     ? CALL_THROTTLED
               : answer->kind == VERDICT_UNREACHABLE ? CALL_UNKNOWN
                                                     : CALL_TAKEN,
        .wait_ms = answer->retry_after_ms,
        .left = -1,
        .renew_ms = -1,
    };
    vendor_gate_leave(connection, &said);
}

static bool conclude(struct vendor_connection *connection, const struct contract_answer *answer,
                     enum verdict_step step)
{
    vendor_fail(connection, answer->kind, step, answer->message, answer->hint);
    bool may_pass = answer->kind == VERDICT_THROTTLED || answer->kind == VERDICT_UNREACHABLE;
    if (may_pass && answer->retry_after_ms > 0)
        connection->verdict.retry_after_ms = answer->retry_after_ms;
    if (answer->renewable && connection->state == VENDOR_READY)
        vendor_move(connection, vendor_next_grant(connection) ? VENDOR_STALE : VENDOR_FAILED);
    return false;
}

bool custom_call_place_secret(struct vendor_connection *connection, struct function_call *call,
                              enum verdict_step step, struct contract_credentials *ret_credentials)
{
    struct function_answer end;
    set_deadline(connection, FUNCTION_TIME_MS, call);
    if (!call->secret_text.data)
        return vendor_fail(connection, VERDICT_MISCONFIGURED, step, STR_NULL,
                           "The credentials are longer than a secret of 64 KiB may be.");
    if (!function_place_secret(connection->target->env->functions, call, connection->arena,
                               &call->secret_arn, &end)) {
        struct contract_answer answer;
        contract_answer_of_end(&end, &answer);
        return conclude(connection, &answer, step);
    }
    *ret_credentials = (struct contract_credentials){
        .secret_arn = call->secret_arn,
        .authentication_type = custom_authentication_type(connection->target),
    };
    return true;
}

/* How long to wait before another try; -1: no other try. */
static int64_t pause_before(const struct vendor_connection *connection,
                            const struct contract_answer *answer, bool repeatable, int tries)
{
    int64_t pause_ms = answer->retry_after_ms;
    bool throttled = answer->kind == VERDICT_THROTTLED;
    if (!answer->repeatable || !(repeatable || answer->undone) ||
        tries >= (throttled ? CALL_TRIES_MAX : 2))
        return -1;
    if (pause_ms < 0)
        pause_ms =
            throttled ? (int64_t)CALL_THROTTLED_PAUSE_MS << (tries - 1) : CALL_FAULT_PAUSE_MS;
    if (connection->config->without_waits && pause_ms > CALL_FAULT_PAUSE_MS)
        return -1;
    return vendor_has_time(connection, pause_ms) ? pause_ms : -1;
}

bool custom_call(struct vendor_connection *connection, enum contract_function function,
                 struct function_call *call, enum verdict_step step, bool repeatable,
                 struct contract_answer *ret_answer)
{
    struct function_runner *runners = connection->target->env->functions;
    for (int tries = 1;; tries++) {
        if (!vendor_has_time(connection, 0))
            return vendor_fail(connection, VERDICT_UNREACHABLE, step, STR("the time limit passed"),
                               "Try again later.");
        if (step == STEP_API && !vendor_gate_enter(connection, call->arn))
            return false;
        arena_done(&connection->answer); /* each try's answer has an arena of its own */
        set_deadline(connection, contract_time_ms(function), call);
        int64_t begun_us = clock_mono_us();
        contract_invoke(runners, function, call, &connection->answer, ret_answer);
        if (step == STEP_API)
            leave_gate(connection, ret_answer);
        vendor_note_time(connection, step, clock_mono_us() - begun_us);
        if (ret_answer->kind == VERDICT_ACCEPTED)
            return vendor_accept(connection, step);
        int64_t pause_ms = pause_before(connection, ret_answer, repeatable, tries);
        if (pause_ms < 0)
            return conclude(connection, ret_answer, step);
        vendor_pause(connection, pause_ms);
    }
}
