/* One call with its bounded repetitions. */
#include "connector/http/connection.h"

#include "base/clock.h"
#include "connector/http/classify.h"
#include "connector/http/vendor_message.h"
#include "work/cpu_slots.h"

void connection_init(struct connection *connection, const struct verification *v)
{
    *connection = (struct connection){
        .v = v,
        .deadline_ms = v->deadline_ms,
        .redaction = {.arena = v->arena},
        .verdict = {.kind = VERDICT_INTERNAL},
    };
    redact_add_value(&connection->redaction, v->credentials);
}

bool connection_fail(struct connection *connection, enum verdict_kind kind, enum verdict_step step,
                     struct str message, const char *hint)
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

static void sleep_for(int64_t duration_ms)
{
    slot_release();
    clock_nap_us(1000 * duration_ms);
    slot_acquire();
}

void connection_pause(const struct connection *connection, int64_t duration_ms)
{
    (connection->v->env->pause ? connection->v->env->pause : sleep_for)(duration_ms);
}

static void call_once(struct connection *connection, struct client_request *request,
                      struct vendor_response *response)
{
    const struct connector_env *env = connection->v->env;
    request->deadline_ms = connection->deadline_ms;
    response->http =
        (struct client_response){.outcome = CLIENT_TIMEOUT, .detail = "the time limit passed"};
    if (clock_mono_ms() < connection->deadline_ms)
        (env->call ? env->call : client_call)(env->client, connection->v->arena, request,
                                              &response->http);
    vendor_response_read(connection->v->arena, response);
}

static bool is_server_fault(const struct client_response *response)
{
    if (response->outcome == CLIENT_BROKEN)
        return response->reused; /* an idle connection that the vendor had closed already */
    return response->outcome == CLIENT_OK && (response->status >= 500 || response->status == 408);
}

/* How long to wait before another try; -1: no other try. */
static int64_t pause_before(const struct connection *connection,
                            const struct classification *classification,
                            const struct vendor_response *response, int tries, bool repeatable)
{
    int64_t pause_ms = -1;
    if (classification->kind == VERDICT_THROTTLED && connection->verdict.retry_after_ms >= 0)
        pause_ms = connection->verdict.retry_after_ms;
    else if (classification->kind == VERDICT_THROTTLED && response->http.status == 429)
        pause_ms = (int64_t)CALL_THROTTLED_PAUSE_MS << (tries - 1);
    else if (classification->kind == VERDICT_UNREACHABLE && repeatable && tries == 1 &&
             is_server_fault(&response->http))
        pause_ms = connection->verdict.retry_after_ms >= 0 ? connection->verdict.retry_after_ms
                                                           : CALL_FAULT_PAUSE_MS;
    bool fits = pause_ms <= connection->deadline_ms - clock_mono_ms() - CALL_ROOM_MS;
    return tries < CALL_TRIES_MAX && fits ? pause_ms : -1;
}

static void conclude_answer(struct connection *connection,
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
        .retry_after_ms = answered ? vendor_response_retry_after_ms(
                                         connection->v->arena, response,
                                         &connection->v->connector->http->wait, clock_wall_ms())
                                   : -1,
    };
}

/* A vendor may repeat the header as it came, and in it a secret that is encoded together with other
 * text: what follows the scheme is one more secret. */
static void redact_authorization(struct connection *connection,
                                 const struct client_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        struct str scheme, value;
        if (str_eq(request->headers[i].name, STR("Authorization")) &&
            str_cut(request->headers[i].value, ' ', &scheme, &value))
            redact_add(&connection->redaction, value);
    }
}

bool connection_send(struct connection *connection, enum verdict_step step, const char *needs,
                     struct client_request *request, bool repeatable,
                     struct vendor_response *ret_response)
{
    struct arena *arena = connection->v->arena;
    struct classification classification;
    int64_t pause_ms;
    redact_authorization(connection, request);
    if (!connection_take_route(connection, step, request))
        return false;
    for (int tries = 1;; tries++) {
        call_once(connection, request, ret_response);
        classification = classify(arena, connection->v->connector, step, needs, ret_response);
        conclude_answer(connection, &classification, ret_response);
        pause_ms = pause_before(connection, &classification, ret_response, tries, repeatable);
        if (pause_ms < 0)
            break;
        connection_pause(connection, pause_ms);
    }
    if (classification.kind != VERDICT_THROTTLED || connection->verdict.retry_after_ms < 0)
        connection->verdict.retry_after_ms = 0;
    if (classification.kind == VERDICT_ACCEPTED)
        return true;
    connection->verdict.message =
        vendor_message_find(&connection->redaction, connection->v->connector, ret_response);
    return false;
}
