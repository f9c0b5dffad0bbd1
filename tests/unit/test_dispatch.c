/* The dispatcher with a table of operations of its own: what a row says is what is done, on the
 * thread, under the limits and with the traces that it names; and no step is done twice. */
#include "cmocka_all.h"

#include "api/authenticate.h"
#include "base/clock.h"
#include "keyring_scratch.h"
#include "server_fixture.h"
#include "store_fixture.h"
#include "vault/seal.h"
#include "wire/api_ids.h"
#include "wire/routes.h"
#include "wire/sigv4.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define ACCOUNT STR("123456789012")
#define KEY_ID STR("AKIADISPATCH")
#define SECRET STR("a secret of the test")

enum { WORKERS = 4 };

/* --- counting: the linker puts this function before the real one --- */

const struct api_operation *__real_route_find(struct str method, struct str target);
const struct api_operation *__wrap_route_find(struct str method, struct str target);
static atomic_int routes_found;

const struct api_operation *__wrap_route_find(struct str method, struct str target)
{
    atomic_fetch_add(&routes_found, 1);
    return __real_route_find(method, target);
}

/* --- operations of the test --- */

static atomic_int running, most_running;
static atomic_bool gate_open;

static bool list_entities(struct api_request *request)
{
    int now = atomic_fetch_add(&running, 1) + 1;
    if (now > atomic_load(&most_running))
        atomic_store(&most_running, now);
    while (!atomic_load(&gate_open))
        sched_yield();
    atomic_fetch_sub(&running, 1);
    request->output = STR("{\"connectorEntityMap\":{}}");
    return true;
}

static bool stop_flow(struct api_request *request)
{
    return fail(&request->error, ERR_UNSUPPORTED_OPERATION, "The flow is on demand.");
}

static bool misspelt(struct api_request *request)
{
    request->output = STR("{\"flow\":[]}");
    return true;
}

static bool silent_failure(struct api_request *request)
{
    (void)request;
    return false;
}

static bool signals(struct api_request *request)
{
    return fail(&request->error, ERR_LOST_RACE, "Another node was first.");
}

/* --- a service over a store in a directory of its own --- */

struct setting {
    struct fixture store; /* first: the fixture's teardown frees the whole */
    struct keyring *keyring;
    struct secret *secret, *key_secret;
    struct private_routes *routes;
    struct operation operations[API_OP_COUNT];
    struct service *service;
    struct server *server;
};

static bool apply_key(struct db *db, void *argument, struct error *error)
{
    return access_key_insert(db, argument, error);
}

static void add_key(struct setting *s)
{
    struct access_key key = {.id = KEY_ID, .account = ACCOUNT, .created_at_ms = 1};
    struct seal_binding binding = access_key_binding(key.account, key.id);
    check(&s->store, seal_close(s->keyring, &binding, SECRET, &s->store.arena, &key.sealed_secret,
                                &s->store.error));
    check(&s->store, store_apply(s->store.store, apply_key, &key, false, &s->store.error));
}

static void *setting_begin(void)
{
    struct setting *s = calloc(1, sizeof(*s));
    fixture_make_dir(&s->store);
    fixture_empty();
    fixture_open(&s->store);
    s->keyring = scratch_keyring("dispatch");
    s->secret = secret_random(32);
    s->key_secret = secret_new(SECRET);
    assert_true(private_routes_new(NULL, 0, &s->routes, &s->store.error));
    memcpy(s->operations, appflow_operations, sizeof(s->operations));
    atomic_store(&gate_open, false);
    atomic_store(&most_running, 0);
    add_key(s);
    return s;
}

/* After the test has changed its table. */
static void serve(struct setting *s, long account_updates_max)
{
    s->service = service_new(&(struct service_config){
        .store = s->store.store,
        .operations = s->operations,
        .keyring = s->keyring,
        .service_secret = s->secret,
        .worker_count = WORKERS,
        .reader_count = WORKERS,
        .queue_max = 100,
        .account_updates_max = account_updates_max,
        .private_routes = s->routes,
    });
    const struct server_config config = {
        .host = "127.0.0.1",
        .loops = 1,
        .handler = service_handle,
        .refuse = service_refuse,
        .handler_context = s->service,
        .on_iteration = service_rest,
        .on_loop_end = service_loop_end,
    };
    check(&s->store, server_start(&config, &s->server, &s->store.error));
}

static void setting_end(struct setting *s)
{
    atomic_store(&gate_open, true);
    assert_true(server_stop(s->server, WAIT_MS));
    assert_true(service_stop(s->service, clock_mono_ms() + WAIT_MS));
    server_free(s->server);
    service_free(s->service);
    private_routes_free(s->routes);
    secret_free(s->secret);
    secret_free(s->key_secret);
    keyring_free(s->keyring);
    void *fixture = &s->store;
    fixture_teardown(&fixture);
}

/* --- a client --- */

static void send_signed(struct setting *s, int fd, const char *method, const char *target,
                        const char *service, const char *body)
{
    struct arena *arena = &s->store.arena;
    struct http_header host = {STR("Host"), STR("h")};
    struct str date, authorization, path = str_from(target);
    const struct sigv4_request request = {.method = str_from(method),
                                          .path = path,
                                          .query = STR(""),
                                          .headers = &host,
                                          .header_count = 1,
                                          .body = str_from(body)};
    sigv4_sign(&request, KEY_ID, s->key_secret, STR("eu-central-1"), str_from(service),
               clock_wall_ms(), arena, &date, &authorization);
    client_send(fd, arena_printf(arena,
                                 "%s %s HTTP/1.1\r\nHost: h\r\nX-Amz-Date: %.*s\r\n"
                                 "Authorization: %.*s\r\nContent-Length: %zu\r\n\r\n%s",
                                 method, target, STR_ARG(date), STR_ARG(authorization),
                                 strlen(body), body));
}

/* The status; the answer's text must hold `words`. */
static int answered(int fd, const char *words)
{
    struct buf answer = client_read_answer(fd);
    int status = answer_status(buf_str(&answer));
    if (!strstr(answer.data, words))
        fail_msg("%s is not in %s", words, answer.data);
    buf_done(&answer);
    return status;
}

static int call(struct setting *s, const char *method, const char *target, const char *service,
                const char *body, const char *words)
{
    int fd = client_connect(s->server);
    send_signed(s, fd, method, target, service, body);
    int status = answered(fd, words);
    close(fd);
    return status;
}

static int post(struct setting *s, const char *target, const char *body, const char *words)
{
    return call(s, "POST", target, "appflow", body, words);
}

/* --- tests --- */

static void a_route_is_found_once_a_request(void **state)
{
    struct setting *s = setting_begin();
    (void)state;
    serve(s, 0);
    atomic_store(&routes_found, 0);
    assert_int_equal(post(s, "/describe-connector-profiles", "{}", "Details"), 200);
    assert_int_equal(atomic_load(&routes_found), 1);
    assert_int_equal(post(s, "/update-connector-profile",
                          "{\"connectorProfileName\":\"p\",\"connectionMode\":\"Public\","
                          "\"connectorProfileConfig\":{\"connectorProfileProperties\":{}}}",
                          "does not exist"),
                     404);
    assert_int_equal(atomic_load(&routes_found), 2);
    assert_int_equal(post(s, "/list-flows", "{}", "is not implemented in Headgate"), 501);
    assert_int_equal(atomic_load(&routes_found), 3);
    assert_int_equal(post(s, "/no-such-operation", "{}", "UnknownOperation"), 404);
    assert_int_equal(atomic_load(&routes_found), 4);
    assert_int_equal(call(s, "POST", "/", "sts", "Action=GetCallerIdentity", "123456789012"), 200);
    assert_int_equal(atomic_load(&routes_found), 5);
    setting_end(s);
}

static void ask_for_entities(struct setting *s, int *sockets)
{
    for (int i = 0; i < WORKERS; i++) {
        sockets[i] = client_connect(s->server);
        send_signed(s, sockets[i], "POST", "/list-connector-entities", "appflow",
                    "{\"connectorProfileName\":\"crm\"}");
    }
}

static void take_answers(const int *sockets)
{
    atomic_store(&gate_open, true);
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(answered(sockets[i], "connectorEntityMap"), 200);
        close(sockets[i]);
    }
}

static void wait_for(struct setting *s, int busy, size_t held)
{
    for (;;) {
        struct pool_counts counts = pool_counts(s->service->workers);
        if (atomic_load(&running) == busy && counts.held == held)
            return;
        sched_yield();
    }
}

/* One host that hangs must leave workers to others, whether the request or the stored profile names
 * it: half of the workers at most. */
static void hosts_of_a_stored_profile_have_their_share(void **state)
{
    struct setting *s = setting_begin();
    int sockets[WORKERS];
    (void)state;
    check(&s->store, insert_profile(&s->store, "crm"));
    s->operations[API_OP_ListConnectorEntities].run = list_entities;
    serve(s, 0);
    ask_for_entities(s, sockets);
    wait_for(s, WORKERS / 2, WORKERS / 2);
    take_answers(sockets);
    assert_int_equal(atomic_load(&most_running), WORKERS / 2);
    setting_end(s);
}

static void an_operation_without_hosts_has_no_share(void **state)
{
    struct setting *s = setting_begin();
    int sockets[WORKERS];
    (void)state;
    check(&s->store, insert_profile(&s->store, "crm"));
    s->operations[API_OP_ListConnectorEntities].run = list_entities;
    s->operations[API_OP_ListConnectorEntities].hosts = CALLS_NONE;
    serve(s, 0);
    ask_for_entities(s, sockets);
    wait_for(s, WORKERS, 0);
    take_answers(sockets);
    setting_end(s);
}

/* A profile that is not there has no hosts; the operation runs and says so itself. */
static void a_profile_that_is_not_there_has_no_hosts(void **state)
{
    struct setting *s = setting_begin();
    int sockets[WORKERS];
    (void)state;
    s->operations[API_OP_ListConnectorEntities].run = list_entities;
    serve(s, 0);
    ask_for_entities(s, sockets);
    wait_for(s, WORKERS, 0);
    take_answers(sockets);
    setting_end(s);
}

static void the_limit_counts_what_its_row_says(void **state)
{
    struct setting *s = setting_begin();
    (void)state;
    s->operations[API_OP_ListConnectorEntities].run = list_entities;
    s->operations[API_OP_ListConnectorEntities].flags = OPERATION_LIMITED;
    serve(s, 1);
    int fd = client_connect(s->server);
    send_signed(s, fd, "POST", "/list-connector-entities", "appflow", "{}");
    wait_for(s, 1, 0);
    assert_int_equal(post(s, "/list-connector-entities", "{}", "Rate exceeded"), 429);
    atomic_store(&gate_open, true);
    assert_int_equal(answered(fd, "connectorEntityMap"), 200);
    close(fd);
    assert_int_equal(post(s, "/list-connector-entities", "{}", "connectorEntityMap"), 200);
    setting_end(s);
}

static bool apply_nothing(struct db *db, void *argument, struct error *error)
{
    (void)db, (void)argument, (void)error;
    return true;
}

/* Writes are made in the order in which they were posted, so those before this one are. */
static void wait_for_writes(struct setting *s)
{
    check(&s->store, store_apply(s->store.store, apply_nothing, NULL, false, &s->store.error));
}

static size_t audit_rows(struct setting *s, struct audit_entry **ret_rows)
{
    size_t count;
    check(&s->store, audit_list(s->store.reader, &s->store.arena, ACCOUNT, 0, 100, ret_rows, &count,
                                &s->store.error));
    return count;
}

/* The audit names what the operation's row says it is about. */
static void a_failed_change_is_audited_by_its_resource(void **state)
{
    struct setting *s = setting_begin();
    struct audit_entry *rows;
    (void)state;
    s->operations[API_OP_StopFlow].run = stop_flow;
    s->operations[API_OP_CancelFlowExecutions].run = stop_flow;
    s->operations[API_OP_CancelFlowExecutions].flags = 0;
    serve(s, 0);
    assert_int_equal(post(s, "/stop-flow", "{\"flowName\":\"nightly\"}", "The flow is on demand."),
                     400);
    assert_int_equal(post(s, "/cancel-flow-executions", "{\"flowName\":\"weekly\"}", "on demand"),
                     400);
    wait_for_writes(s);
    assert_int_equal(audit_rows(s, &rows), 1);
    assert_true(str_eq(rows[0].operation, STR("StopFlow")));
    assert_true(str_eq(rows[0].resource, STR("nightly")));
    assert_true(str_eq(rows[0].outcome, STR("UnsupportedOperationException")));
    setting_end(s);
}

/* An answer that the API's model does not have fails, and so does an operation without one. */
static void what_is_no_answer_is_an_internal_error(void **state)
{
    struct setting *s = setting_begin();
    (void)state;
    s->operations[API_OP_ListFlows].run = misspelt;
    s->operations[API_OP_ListConnectors].run = silent_failure;
    serve(s, 0);
    assert_int_equal(post(s, "/list-flows", "{}",
                          "The answer of ListFlows does not match the API's model: flow is no "
                          "member of it."),
                     500);
    assert_int_equal(post(s, "/list-connectors", "{}", "failed without an error message"), 500);
    setting_end(s);
}

/* A signal between parts of the server never reaches a client as what it is. */
static void an_internal_signal_is_an_internal_error(void **state)
{
    struct setting *s = setting_begin();
    (void)state;
    s->operations[API_OP_ListFlows].run = signals;
    serve(s, 0);
    assert_int_equal(post(s, "/list-flows", "{}",
                          "x-amzn-ErrorType: InternalServerException\r\n\r\n"
                          "{\"message\":\"An internal error occurred.\"}"),
                     500);
    setting_end(s);
}

/* Each row is at its operation's place, and says what its kind of operation must. */
static void the_table_has_every_operation(void **state)
{
    (void)state;
    for (size_t i = 0; i < API_OP_COUNT; i++) {
        const struct operation *row = &appflow_operations[i];
        const struct shape *input = &api_shapes[api_operations[i].input];
        assert_true(str_eq(row->name, api_operations[i].name));
        assert_true(str_eq(operation_metric_name(row->metric), row->name));
        assert_int_equal(!!(row->flags & OPERATION_CHANGES), !!(row->flags & OPERATION_AUDITED));
        assert_true(!(row->flags & OPERATION_CHANGES) || row->thread == ON_WORKER);
        assert_true(row->hosts == CALLS_NONE || row->thread == ON_WORKER);
        if (row->resource)
            assert_non_null(shape_find_member(input, str_from(row->resource)));
        else
            assert_false(row->flags & OPERATION_AUDITED);
    }
    assert_true(str_eq(operation_metric_name(METRIC_UNKNOWN_OPERATION), STR("unknown")));
    assert_true(str_eq(operation_metric_name(METRIC_OTHER_SERVICES), STR("GetCallerIdentity")));
    assert_null(operation_metric_name(METRIC_OTHER_SERVICES + 1).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_is_found_once_a_request),
        cmocka_unit_test(hosts_of_a_stored_profile_have_their_share),
        cmocka_unit_test(an_operation_without_hosts_has_no_share),
        cmocka_unit_test(a_profile_that_is_not_there_has_no_hosts),
        cmocka_unit_test(the_limit_counts_what_its_row_says),
        cmocka_unit_test(a_failed_change_is_audited_by_its_resource),
        cmocka_unit_test(what_is_no_answer_is_an_internal_error),
        cmocka_unit_test(an_internal_signal_is_an_internal_error),
        cmocka_unit_test(the_table_has_every_operation),
    };
    shapes_init();
    return cmocka_run_group_tests_name("dispatch", tests, scratch_begin, scratch_end);
}
