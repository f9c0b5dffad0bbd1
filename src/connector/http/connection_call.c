/* The transport half of a connection: one call with its bounded repetitions, what is redacted from
 * the response, and the verdict. A call is repeated when the vendor throttles it (429, after the
 * wait that it asks for, or 1 s and then 2 s), while the vendor is busy with the same credential,
 * and once after a server fault when it consumes nothing; never past the deadline, and past three
 * tries (six while busy). Whatever ends a call sets the verdict, so a user of a connection reads
 * one place. */
#include "connector/http/internal.h"

#include "base/clock.h"
#include "connector/http/classify.h"
#include "connector/http/vendor_message.h"
#include "work/cpu_slots.h"

#include <assert.h>

struct vendor_connection *vendor_connection_new(const struct vendor_connection_config *config)
{
    struct vendor_connection *connection = arena_new(config->arena, struct vendor_connection);
    *connection = (struct vendor_connection){
        .config = config,
        .target = config->target,
        .arena = config->arena,
        .deadline_ms = config->deadline_ms,
        .redaction = {.arena = config->arena},
        .verdict = {.kind = VERDICT_INTERNAL},
    };
    redact_add_value(&connection->redaction, config->target->credentials);
    return connection;
}

void vendor_move(struct vendor_connection *connection, enum vendor_state state)
{
    static const unsigned allowed[] = {
        [VENDOR_NEW] =
            1 << VENDOR_READY | 1 << VENDOR_STALE | 1 << VENDOR_FAILED | 1 << VENDOR_CLOSED,
        [VENDOR_READY] = 1 << VENDOR_STALE | 1 << VENDOR_FAILED | 1 << VENDOR_CLOSED,
        [VENDOR_STALE] = 1 << VENDOR_READY | 1 << VENDOR_FAILED | 1 << VENDOR_CLOSED,
        [VENDOR_FAILED] = 1 << VENDOR_CLOSED,
        [VENDOR_CLOSED] = 0,
    };
    assert(allowed[connection->state] & 1U << state);
    assert(state != VENDOR_FAILED || connection->verdict.kind != VERDICT_ACCEPTED);
    connection->state = state;
}

enum vendor_state vendor_state(const struct vendor_connection *connection)
{
    return connection->state;
}

struct verdict vendor_verdict(const struct vendor_connection *connection)
{
    struct verdict verdict = connection->verdict;
    if (verdict.kind != VERDICT_ACCEPTED && connection->note.data)
        verdict.hint = verdict.hint.data
                           ? arena_printf(connection->arena, "%.*s %.*s", STR_ARG(verdict.hint),
                                          STR_ARG(connection->note))
                           : connection->note;
    return verdict;
}

const struct vendor_connection_config *vendor_config(const struct vendor_connection *connection)
{
    return connection->config;
}

void vendor_redact(struct vendor_connection *connection, struct str secret)
{
    redact_add(&connection->redaction, secret);
}

bool vendor_fail(struct vendor_connection *connection, enum verdict_kind kind,
                 enum verdict_step step, struct str message, const char *hint)
{
    connection->renewable = false;
    connection->verdict = (struct verdict){
        .kind = kind,
        .step = step,
        .message = vendor_message_clean(&connection->redaction, message),
        .hint = str_from(hint),
    };
    return false;
}

bool vendor_fail_status(struct vendor_connection *connection, enum verdict_kind kind,
                        enum verdict_step step, int status, struct str message, const char *hint)
{
    vendor_fail(connection, kind, step, message, hint);
    connection->verdict.status = status;
    return false;
}

bool vendor_fail_transport(struct vendor_connection *connection, enum verdict_step step,
                           const struct client_response *response, const char *hint)
{
    struct vendor_response http = {.http = *response};
    const struct call_context call = {.step = step};
    struct classification classification =
        classify(connection->arena, connection->target->connector, &call, &http);
    return vendor_fail(connection, classification.kind, classification.step,
                       str_from(response->detail), hint ? hint : classification.hint);
}

bool vendor_accept(struct vendor_connection *connection, enum verdict_step step)
{
    connection->renewable = false;
    connection->verdict = (struct verdict){.kind = VERDICT_ACCEPTED, .step = step};
    return true;
}

static void sleep_for(int64_t duration_ms)
{
    slot_release();
    clock_nap_us(1000 * duration_ms);
    slot_acquire();
}

void vendor_pause(const struct vendor_connection *connection, int64_t duration_ms)
{
    const struct connector_env *env = connection->target->env;
    (env->pause ? env->pause : sleep_for)(duration_ms);
}

bool vendor_has_time(const struct vendor_connection *connection, int64_t wait_ms)
{
    return wait_ms < connection->deadline_ms - clock_mono_ms() - CALL_ROOM_MS;
}

/* --- the route --- */

static bool stays_public(const struct vendor_connection *connection, enum verdict_step step)
{
    const struct target *target = connection->target;
    return !target->private_routes || (step == STEP_TOKEN && target->tokens_are_public);
}

/* The PrivateLink service that the properties name goes before the host. */
static struct str route_name(const struct vendor_connection *connection, enum verdict_step step)
{
    const struct target *target = connection->target;
    bool to_tokens = step == STEP_TOKEN && connection->auth && connection->auth->oauth2;
    struct endpoint api;
    if (target->private_service.len > 0)
        return target->private_service;
    if (to_tokens)
        return target->http->token->url.host;
    endpoint_for_tokens(target, &connection->tokens, &api);
    return api.url.host;
}

/* In Private mode a call takes one of the operator's routes, or is not made. */
static bool take_route(struct vendor_connection *connection, enum verdict_step step,
                       struct client_request *request)
{
    request->route = NULL;
    if (stays_public(connection, step))
        return true;
    struct str name = route_name(connection, step);
    request->route = private_routes_find(connection->target->private_routes, name);
    return request->route ||
           vendor_fail(connection, VERDICT_MISCONFIGURED, step,
                       arena_printf(connection->arena, "There is no private route for %.*s.",
                                    STR_ARG(name)),
                       "The operator of this server sets up private routes.");
}

/* --- the call --- */

static void call_once(struct vendor_connection *connection, struct client_request *request,
                      struct vendor_response *response)
{
    const struct connector_env *env = connection->target->env;
    request->deadline_ms = connection->deadline_ms;
    request->opened_only = !endpoint_is_overridden(connection->target);
    response->http =
        (struct client_response){.outcome = CLIENT_TIMEOUT, .detail = "the time limit passed"};
    if (clock_mono_ms() < connection->deadline_ms)
        (env->call ? env->call : client_call)(env->client, connection->arena, request,
                                              &response->http);
    vendor_response_read(connection->arena, response);
}

static bool is_server_fault(const struct client_response *response)
{
    if (response->outcome == CLIENT_BROKEN)
        return response->reused; /* an idle connection that the vendor had closed already */
    return response->outcome == CLIENT_OK && (response->status >= 500 || response->status == 408);
}

/* Doubled from try to try, so that the other request gets time to end. */
static int64_t busy_pause_ms(const struct vendor_connection *connection, int tries)
{
    int64_t pause_ms = (int64_t)CALL_BUSY_PAUSE_MS << (tries - 1);
    if (connection->verdict.retry_after_ms >= 0)
        return connection->verdict.retry_after_ms;
    return pause_ms < CALL_BUSY_PAUSE_MAX_MS ? pause_ms : CALL_BUSY_PAUSE_MAX_MS;
}

/* How long to wait before another try; -1: no other try. */
static int64_t pause_before(const struct vendor_connection *connection,
                            const struct classification *classification,
                            const struct vendor_response *response, int tries, bool repeatable)
{
    int64_t pause_ms = -1;
    if (classification->kind == VERDICT_THROTTLED && connection->verdict.retry_after_ms >= 0)
        pause_ms = connection->verdict.retry_after_ms;
    else if (classification->kind == VERDICT_THROTTLED && response->http.status == 429)
        pause_ms = (int64_t)CALL_THROTTLED_PAUSE_MS << (tries - 1);
    else if (classification->kind == VERDICT_BUSY)
        pause_ms = busy_pause_ms(connection, tries);
    else if (classification->kind == VERDICT_UNREACHABLE && repeatable && tries == 1 &&
             is_server_fault(&response->http))
        pause_ms = connection->verdict.retry_after_ms >= 0 ? connection->verdict.retry_after_ms
                                                           : CALL_FAULT_PAUSE_MS;
    bool fits = pause_ms <= connection->deadline_ms - clock_mono_ms() - CALL_ROOM_MS;
    int tries_max = classification->kind == VERDICT_BUSY ? CALL_BUSY_TRIES_MAX : CALL_TRIES_MAX;
    return tries < tries_max && fits ? pause_ms : -1;
}

static void conclude_answer(struct vendor_connection *connection,
                            const struct classification *classification,
                            const struct vendor_response *response)
{
    bool answered = response->http.outcome == CLIENT_OK;
    connection->renewable = classification->renewable;
    connection->verdict = (struct verdict){
        .kind = classification->kind,
        .step = classification->step,
        .status = answered ? response->http.status : 0,
        .hint = str_from(classification->hint),
        .transient = classification->kind == VERDICT_BUSY,
        .retry_after_ms =
            answered ? vendor_response_retry_after_ms(connection->arena, response,
                                                      &connection->target->connector->http->wait,
                                                      clock_wall_ms())
                     : -1,
    };
}

/* A vendor may repeat the header as it came, and in it a secret that is encoded together with other
 * text: what follows the scheme is one more secret. */
static void redact_authorization(struct vendor_connection *connection,
                                 const struct client_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        struct str scheme, value;
        if (str_eq(request->headers[i].name, STR("Authorization")) &&
            str_cut(request->headers[i].value, ' ', &scheme, &value))
            redact_add(&connection->redaction, value);
    }
}

bool vendor_send(struct vendor_connection *connection, enum verdict_step step, const char *needs,
                 struct client_request *request, bool repeatable,
                 struct vendor_response *ret_response)
{
    struct arena *arena = connection->arena;
    const struct call_context call = {step, step == STEP_TOKEN ? connection->grant : 0, needs};
    struct classification classification;
    int64_t pause_ms;
    redact_authorization(connection, request);
    if (!take_route(connection, step, request))
        return false;
    for (int tries = 1;; tries++) {
        call_once(connection, request, ret_response);
        classification = classify(arena, connection->target->connector, &call, ret_response);
        conclude_answer(connection, &classification, ret_response);
        pause_ms = pause_before(connection, &classification, ret_response, tries, repeatable);
        if (pause_ms < 0)
            break;
        vendor_pause(connection, pause_ms);
    }
    if (classification.kind != VERDICT_THROTTLED || connection->verdict.retry_after_ms < 0)
        connection->verdict.retry_after_ms = 0;
    if (classification.kind == VERDICT_ACCEPTED)
        return true;
    connection->verdict.message =
        vendor_message_find(&connection->redaction, connection->target->connector, ret_response);
    return false;
}
