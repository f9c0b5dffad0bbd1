/* The transport half of a connection: one call with its bounded repetitions, what is redacted from
 * the response, and the verdict. A call is repeated when the vendor throttles it (429, after the
 * wait that it asks for, or 1 s and then 2 s), while the vendor is busy with the same credential,
 * and once after a server fault when it consumes nothing; never past the deadline, and past three
 * tries (six while busy). Whatever ends a call sets the verdict, so a user of a connection reads
 * one place. */
#include "connector/http/internal.h"

#include "base/clock.h"
#include "connector/http/answer_reader.h"
#include "connector/http/classify.h"
#include "connector/http/vendor_message.h"
#include "work/cpu_slots.h"

#include <assert.h>
#include <string.h>

struct vendor_connection *vendor_connection_new(const struct vendor_connection_config *config)
{
    struct vendor_connection *connection = arena_new(config->arena, struct vendor_connection);
    *connection = (struct vendor_connection){
        .config = config,
        .target = config->target,
        .arena = config->arena,
        .answer = arena_beside(config->arena),
        .deadline_ms = config->deadline_ms,
        .redaction = {.arena = config->arena, .properties = config->target->properties},
        .verdict = {.kind = VERDICT_INTERNAL},
        .watch = {config->caller.wants_answer, config->caller.context},
        .tried = config->withheld,
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
        .message = vendor_message_clean_in(connection->arena, &connection->redaction, message),
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

void vendor_pause(struct vendor_connection *connection, int64_t duration_ms)
{
    arena_done(&connection->answer);
    const struct connector_env *env = connection->target->env;
    (env->pause ? env->pause : sleep_for)(duration_ms);
}

void vendor_set_deadline(struct vendor_connection *connection, int64_t deadline_ms)
{
    connection->deadline_ms = deadline_ms;
}

int64_t vendor_deadline_ms(const struct vendor_connection *connection)
{
    return connection->deadline_ms;
}

bool vendor_has_time(const struct vendor_connection *connection, int64_t wait_ms)
{
    return wait_ms < connection->deadline_ms - clock_mono_ms() - CALL_ROOM_MS;
}

const struct client_watch *vendor_watch(const struct vendor_connection *connection)
{
    return connection->watch.goes_on ? &connection->watch : NULL;
}

bool vendor_may_go_on(struct vendor_connection *connection)
{
    const struct vendor_caller *caller = &connection->config->caller;
    return !caller->may_go_on || caller->may_go_on(caller->context) ||
           vendor_fail(connection, VERDICT_INTERNAL, STEP_API,
                       STR("the next call was not made: its caller is to end, or the store does "
                           "not say whether it is"),
                       NULL);
}

/* --- the route --- */

static bool stays_public(const struct vendor_connection *connection, enum verdict_step step)
{
    const struct target *target = connection->target;
    return !target->private_routes || (step == STEP_TOKEN && target->tokens_are_public);
}

struct str vendor_called_host(const struct vendor_connection *connection, enum verdict_step step)
{
    const struct target *target = connection->target;
    bool to_tokens = step == STEP_TOKEN && connection->auth && connection->auth->oauth2;
    struct endpoint api;
    if (to_tokens)
        return target->http->token->url.host;
    target_api(target, &connection->tokens, &api);
    return api.url.host;
}

/* A route that the operator opened for TLS alone takes no call without it, unless the URL is the
 * operator's own. */
static bool may_be_plain(const struct vendor_connection *connection,
                         const struct client_request *request)
{
    return request->route->plain || !str_starts(request->url, STR("http:")) ||
           endpoint_is_overridden(connection->target);
}

/* In Private mode a call takes one of the operator's routes, or is not made. */
static bool take_route(struct vendor_connection *connection, enum verdict_step step,
                       struct client_request *request)
{
    request->route = NULL;
    if (stays_public(connection, step))
        return true;
    const struct target *target = connection->target;
    struct str host = vendor_called_host(connection, step);
    struct str name = target->private_service.len > 0 ? target->private_service : host;
    request->route = target_route(target, host);
    if (!request->route)
        return vendor_fail(
            connection, VERDICT_MISCONFIGURED, step,
            arena_printf(connection->arena, "There is no private route for %.*s.", STR_ARG(name)),
            "The operator of this server sets up private routes, for an account and "
            "the hosts that it may call.");
    return may_be_plain(connection, request) ||
           vendor_fail(connection, VERDICT_MISCONFIGURED, step,
                       arena_printf(connection->arena,
                                    "The private route for %.*s is for https://.", STR_ARG(name)),
                       "Use https:// in the profile's URL.");
}

/* --- the call --- */

void vendor_note_time(struct vendor_connection *connection, enum verdict_step step, int64_t us)
{
    if (connection->config->times)
        connection->config->times->us[step] += us;
}

static void note_times(struct vendor_connection *connection, enum verdict_step step,
                       const struct client_times *times)
{
    vendor_note_time(connection, STEP_RESOLVE, times->resolve_us);
    vendor_note_time(connection, STEP_CONNECT, times->connect_us);
    vendor_note_time(connection, STEP_TLS, times->tls_us);
    vendor_note_time(connection, step, times->exchange_us);
}

/* One whose answer must not be lost goes through the journal. */
static void call_plainly(struct vendor_connection *connection, client_call_fn *call,
                         const struct client_request *request, struct client_response *ret_response)
{
    const struct token_grant_journal *journal = connection->config->journal;
    struct client *client = connection->target->env->client;
    if (connection->of_attempt && journal->call)
        journal->call(journal->context, call, client, &connection->answer, request, ret_response);
    else
        call(client, &connection->answer, request, ret_response);
}

/* Each try has an arena of its own, so that what the tries before it received takes no memory. */
static void call_once(struct vendor_connection *connection, enum verdict_step step,
                      struct client_request *request, const struct answer_reader *reader,
                      struct vendor_response *response)
{
    const struct connector_env *env = connection->target->env;
    client_call_fn *call = env->call ? env->call : client_call;
    arena_done(&connection->answer);
    request->deadline_ms = connection->deadline_ms;
    request->copies = VENDOR_RESPONSE_COPIES;
    request->opened_only = !endpoint_is_overridden(connection->target);
    response->http =
        (struct client_response){.outcome = CLIENT_TIMEOUT, .detail = "the time limit passed"};
    if (clock_mono_ms() < connection->deadline_ms && reader)
        answer_read(reader, call, env->client, &connection->answer, request, &response->http);
    else if (clock_mono_ms() < connection->deadline_ms)
        call_plainly(connection, call, request, &response->http);
    note_times(connection, step, &response->http.times);
    vendor_response_read(&connection->answer, response);
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
    bool is_asked_to_wait = classification->kind == VERDICT_THROTTLED ||
                            classification->kind == VERDICT_BUSY ||
                            connection->verdict.retry_after_ms > 0;
    if (connection->config->without_waits && is_asked_to_wait)
        return -1;
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
        .causes = classification->causes,
        .transient =
            classification->kind == VERDICT_BUSY || response->http.outcome == CLIENT_NO_MEMORY,
        .retry_after_ms =
            answered ? vendor_response_retry_after_ms(connection->arena, response,
                                                      &connection->target->connector->http->wait,
                                                      clock_wall_ms())
                     : -1,
    };
}

/* One word as RFC 7235 has it (token68), such as Basic's and Bearer's: all of it is the secret. */
static bool is_one_word(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (!ascii_is_alnum(value.data[i]) && !strchr("-._~+/=", value.data[i]))
            return false;
    }
    return true;
}

/* A vendor may repeat what authenticates a request as it came: what follows the scheme in
 * Authorization, and a body or query that asks for tokens or logs in. Every request passes here, so
 * each of them is known, whatever built it. */
static void redact_request(struct vendor_connection *connection, enum verdict_step step,
                           const struct client_request *request)
{
    struct redaction *redaction = &connection->redaction;
    for (size_t i = 0; i < request->header_count; i++) {
        struct str scheme, value;
        if (!str_eq(request->headers[i].name, STR("Authorization")) ||
            !str_cut(request->headers[i].value, ' ', &scheme, &value))
            continue;
        if (is_one_word(value))
            redact_add(redaction, value);
        else
            redact_add_whole(redaction, value);
    }
    struct str before, query;
    if (step == STEP_TOKEN)
        redact_add_whole(redaction, request->body);
    if (step == STEP_TOKEN && str_cut(request->url, '?', &before, &query))
        redact_add_whole(redaction, query);
}

/* The operator knows words for it that the connector's rules do not. */
static bool is_said_to_be_busy(const struct vendor_connection *connection,
                               const struct classification *classification,
                               const struct vendor_response *response)
{
    const struct connector_auth *auth = connection->auth;
    struct str body = response->http.body;
    if (classification->kind == VERDICT_ACCEPTED || classification->step != STEP_TOKEN || !auth ||
        !auth->oauth2 || response->http.outcome != CLIENT_OK || response->http.status >= 500)
        return false;
    const char *busy = vendor_policy(connection)->busy;
    return busy && body.len > 0 && memmem(body.data, body.len, busy, strlen(busy));
}

/* Whether the wait that the vendor asked for is of use to those who ask again later: a token
 * endpoint that fails has waits of its keeper's own. */
static bool says_when(const struct verdict *verdict)
{
    bool is_away =
        verdict->kind == VERDICT_UNREACHABLE && verdict->step == STEP_API && verdict->status == 503;
    return verdict->retry_after_ms >= 0 && (verdict->kind == VERDICT_THROTTLED || is_away);
}

bool vendor_send(struct vendor_connection *connection, enum verdict_step step, const char *needs,
                 struct client_request *request, bool repeatable,
                 struct vendor_response *ret_response)
{
    return vendor_send_read(connection, step, needs, request, repeatable, NULL, ret_response);
}

bool vendor_send_read(struct vendor_connection *connection, enum verdict_step step,
                      const char *needs, struct client_request *request, bool repeatable,
                      const struct answer_reader *reader, struct vendor_response *ret_response)
{
    struct arena *arena = connection->arena;
    const struct call_context call = {step, step == STEP_TOKEN ? connection->grant : 0, needs};
    struct classification classification;
    int64_t pause_ms;
    redact_request(connection, step, request);
    if (!take_route(connection, step, request))
        return false;
    request->watch = repeatable && step == STEP_API ? vendor_watch(connection) : NULL;
    for (int tries = 1;; tries++) {
        if (!vendor_quota_enter(connection, step))
            return false;
        call_once(connection, step, request, reader, ret_response);
        classification = classify(arena, connection->target->connector, &call, ret_response);
        if (is_said_to_be_busy(connection, &classification, ret_response))
            classification = (struct classification){
                .kind = VERDICT_BUSY, .step = step, .hint = "Try again.", .causes = CAUSE_BUSY};
        conclude_answer(connection, &classification, ret_response);
        vendor_quota_leave(connection, step, ret_response);
        pause_ms = pause_before(connection, &classification, ret_response, tries, repeatable);
        if (pause_ms < 0)
            break;
        vendor_pause(connection, pause_ms);
    }
    if (!says_when(&connection->verdict))
        connection->verdict.retry_after_ms = 0;
    if (classification.kind == VERDICT_ACCEPTED)
        return true;
    struct redaction redaction = connection->redaction;
    redaction.arena = arena;
    connection->verdict.message = vendor_message_find(&redaction, connection->target->connector,
                                                      ret_response, request->route != NULL);
    return false;
}
