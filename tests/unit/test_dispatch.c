/* The dispatcher with a table of operations of its own: what a row says is what is done, on the
 * thread, under the limits and with the traces that it names; and no step is done twice. */
#include "dispatch_fixture.h"

#include "api/authenticate.h"
#include "store/connectors.h"
#include "vault/seal.h"
#include "wire/errors.h"
#include "wire/routes.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

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

static void hang(void)
{
    int now = atomic_fetch_add(&running, 1) + 1;
    if (now > atomic_load(&most_running))
        atomic_store(&most_running, now);
    while (!atomic_load(&gate_open))
        sched_yield();
    atomic_fetch_sub(&running, 1);
}

static bool list_entities(struct api_request *request)
{
    hang();
    request->output = STR("{\"connectorEntityMap\":{}}");
    return true;
}

static bool hang_and_fail(struct api_request *request)
{
    hang();
    return fail(&request->error, ERR_CONFLICT, "It hung.");
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

static struct setting *setting_begin(void)
{
    atomic_store(&gate_open, false);
    atomic_store(&most_running, 0);
    return setting_make();
}

static void setting_end(struct setting *s)
{
    atomic_store(&gate_open, true);
    setting_stop(s);
}

/* --- tests --- */

static void a_route_is_found_once_a_request(void **state)
{
    struct setting *s = setting_begin();
    (void)state;
    s->operations[API_OP_DescribeFlowExecutionRecords].run = NULL; /* as one that is not built */
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
    assert_int_equal(post(s, "/describe-flow-execution-records", "{\"flowName\":\"nightly\"}",
                          "is not implemented in Headgate"),
                     501);
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
    serve(s, WORKERS); /* one account may have all */
    ask_for_entities(s, sockets);
    wait_for(s, WORKERS / 2, WORKERS / 2);
    take_answers(sockets);
    assert_int_equal(atomic_load(&most_running), WORKERS / 2);
    setting_end(s);
}

#define FUNCTION "arn:aws:lambda:eu-central-1:123456789012:function:orders"

static bool apply_connector(struct db *db, void *argument, struct error *error)
{
    struct connector_row row = {
        .key = {ACCOUNT, STR("eu-central-1"), STR("orders")},
        .version = 1,
        .function_arn = STR(FUNCTION),
        .summary = STR("{}"),
        .configuration = STR("not read for this"),
        .mac = STR("m"),
    };
    struct insert_argument own = {sample_profile("own"), 0};
    (void)argument;
    own.profile.connector_type = STR("CustomConnector");
    own.profile.connector_label = row.key.label;
    own.profile.properties = STR("{\"CustomConnector\":{}}");
    return connector_row_insert(db, &row, error) && apply_insert(db, &own, error);
}

/* A function that hangs has one share, however a request names it: by its ARN, by the label that it
 * is registered with, or by a profile. */
static void a_function_has_one_share(void **state)
{
    static const struct {
        const char *path, *body;
    } calls[WORKERS] = {
        {"/register-connector", "{\"connectorLabel\":\"new\",\"connectorProvisioningConfig\":"
                                "{\"lambda\":{\"lambdaArn\":\"" FUNCTION "\"}}}"},
        {"/update-connector-registration", "{\"connectorLabel\":\"orders\"}"},
        {"/list-connector-entities", "{\"connectorProfileName\":\"own\"}"},
        {"/update-connector-registration", "{\"connectorLabel\":\"orders\"}"},
    };
    struct setting *s = setting_begin();
    int sockets[WORKERS];
    (void)state;
    check(&s->store, store_apply(s->store.store, apply_connector, NULL, false, &s->store.error));
    s->operations[API_OP_RegisterConnector].run = hang_and_fail;
    s->operations[API_OP_UpdateConnectorRegistration].run = hang_and_fail;
    s->operations[API_OP_ListConnectorEntities].run = hang_and_fail;
    serve(s, WORKERS); /* one account may have all */
    for (int i = 0; i < WORKERS; i++) {
        sockets[i] = client_connect(s->server);
        send_signed(s, sockets[i], "POST", calls[i].path, "appflow", calls[i].body);
    }
    wait_for(s, WORKERS / 2, WORKERS / 2);
    atomic_store(&gate_open, true);
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(answered(sockets[i], "It hung."), 409);
        close(sockets[i]);
    }
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
    serve(s, WORKERS); /* one account may have all */
    ask_for_entities(s, sockets);
    wait_for(s, WORKERS, 0);
    take_answers(sockets);
    setting_end(s);
}

static void an_account_has_its_share(void **state)
{
    struct setting *s = setting_begin();
    int sockets[WORKERS];
    (void)state;
    s->operations[API_OP_ListConnectorEntities].run = list_entities;
    serve(s, 0);
    ask_for_entities(s, sockets);
    wait_for(s, WORKERS / 2, WORKERS / 2);
    take_answers(sockets);
    assert_int_equal(atomic_load(&most_running), WORKERS / 2);
    setting_end(s);
}

/* A profile that is not there has no hosts; the operation runs and says so itself. */
static void a_profile_that_is_not_there_has_no_hosts(void **state)
{
    struct setting *s = setting_begin();
    int sockets[WORKERS];
    (void)state;
    s->operations[API_OP_ListConnectorEntities].run = list_entities;
    serve(s, WORKERS); /* one account may have all */
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

static size_t audit_rows(struct setting *s, struct audit_row **ret_rows)
{
    const struct audit_filter filter = {.account = ACCOUNT};
    size_t count;
    check(&s->store, audit_list(s->store.reader, &s->store.arena, &filter, 100, ret_rows, &count,
                                &s->store.error));
    return count;
}

/* The audit names what the operation's row says it is about. */
static void a_failed_change_is_audited_by_its_resource(void **state)
{
    struct setting *s = setting_begin();
    struct audit_row *rows;
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
    assert_true(str_eq(rows[0].entry.operation, STR("StopFlow")));
    assert_true(str_eq(rows[0].entry.resource, STR("nightly")));
    assert_true(str_eq(rows[0].entry.outcome, STR("UnsupportedOperationException")));
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

static bool some_input_has(const char *member)
{
    for (size_t i = 0; i < API_OP_COUNT; i++) {
        if (shape_find_member(&api_shapes[api_operations[i].input], str_from(member)))
            return true;
    }
    return false;
}

/* Each row is at its operation's place, and says what its kind of operation must. A list may be
 * about what other operations name. */
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
        if (row->resource && row->flags & OPERATION_CHANGES)
            assert_non_null(shape_find_member(input, str_from(row->resource)));
        else if (row->resource)
            assert_true(some_input_has(row->resource));
        else
            assert_false(row->flags & OPERATION_AUDITED);
    }
    assert_true(str_eq(operation_metric_name(METRIC_UNKNOWN_OPERATION), STR("unknown")));
    assert_true(str_eq(operation_metric_name(METRIC_STS), STR("GetCallerIdentity")));
    assert_true(str_eq(operation_metric_name(METRIC_SECRETS - 1), STR("GetSessionToken")));
    assert_true(str_eq(operation_metric_name(METRIC_SECRETS), STR("GetSecretValue")));
    assert_true(str_eq(operation_metric_name(METRIC_OPERATIONS - 1), STR("DescribeSecret")));
    assert_null(operation_metric_name(METRIC_OPERATIONS).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_is_found_once_a_request),
        cmocka_unit_test(hosts_of_a_stored_profile_have_their_share),
        cmocka_unit_test(a_function_has_one_share),
        cmocka_unit_test(an_operation_without_hosts_has_no_share),
        cmocka_unit_test(an_account_has_its_share),
        cmocka_unit_test(a_profile_that_is_not_there_has_no_hosts),
        cmocka_unit_test(the_limit_counts_what_its_row_says),
        cmocka_unit_test(a_failed_change_is_audited_by_its_resource),
        cmocka_unit_test(what_is_no_answer_is_an_internal_error),
        cmocka_unit_test(an_internal_signal_is_an_internal_error),
        cmocka_unit_test(the_table_has_every_operation),
    };
    return cmocka_run_group_tests_name("dispatch", tests, scratch_begin, scratch_end);
}
