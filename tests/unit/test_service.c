/* Parts of the service that need no network: workers, unions, page tokens, names. */
#include "cmocka_all.h"

#include "api/page_token.h"
#include "profile/arn.h"
#include "profile/config.h"
#include "wire/restjson.h"
#include "work/concurrency_limit.h"
#include "work/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* --- workers --- */

static atomic_int jobs_done;
static pthread_barrier_t together;

static void count_job(void *argument)
{
    (void)argument;
    atomic_fetch_add(&jobs_done, 1);
}

static void meet(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&together);
}

static struct pool *pool(int threads, size_t queue_max)
{
    return pool_new(
        &(struct pool_config){.max_threads = threads, .queue_max = queue_max, .idle_ms = 1});
}

static bool post(struct pool *workers, void (*run)(void *argument))
{
    return pool_post(workers, STR_NULL, run, NULL, NULL, NULL);
}

static void workers_do_all_that_they_took(void **state)
{
    (void)state;
    struct pool *workers = pool(3, 1000);
    for (int i = 0; i < 1000; i++)
        assert_true(post(workers, count_job));
    pool_free(workers);
    assert_int_equal(atomic_load(&jobs_done), 1000);
}

/* Each of these jobs waits for the others: they end only if every one has a thread. */
static void workers_grow_when_all_wait(void **state)
{
    (void)state;
    struct pool *workers = pool(8, 0);
    pthread_barrier_init(&together, NULL, 8);
    for (int i = 0; i < 8; i++)
        assert_true(post(workers, meet));
    pool_free(workers);
    pthread_barrier_destroy(&together);
}

/* Jobs that have a thread do not count, even before the thread has seen them. */
static void a_full_queue_refuses(void **state)
{
    (void)state;
    enum { THREADS = 2, QUEUE = 5 };
    struct pool *workers = pool(THREADS, QUEUE);
    atomic_store(&jobs_done, 0);
    pthread_barrier_init(&together, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        assert_true(post(workers, meet));
    for (int i = 0; i < QUEUE; i++)
        assert_true(post(workers, count_job));
    assert_false(post(workers, count_job));
    assert_int_equal(pool_counts(workers).threads, THREADS);
    pthread_barrier_wait(&together);
    pool_free(workers);
    assert_int_equal(atomic_load(&jobs_done), QUEUE);
    pthread_barrier_destroy(&together);
}

/* What a burst needed ends by itself; a few stay for what comes next. */
static void idle_workers_end(void **state)
{
    (void)state;
    enum { BURST = 3 * POOL_KEPT };
    struct pool *workers = pool(BURST, 1);
    pthread_barrier_init(&together, NULL, BURST);
    for (int i = 0; i < BURST; i++)
        assert_true(post(workers, meet));
    while (pool_counts(workers).threads > POOL_KEPT || pool_counts(workers).busy > 0)
        sched_yield();
    pthread_barrier_destroy(&together);
    atomic_store(&jobs_done, 0);
    assert_true(post(workers, count_job));
    assert_int_equal(pool_counts(workers).threads, POOL_KEPT);
    pool_free(workers);
    assert_int_equal(atomic_load(&jobs_done), 1);
}

/* Those that call a host that hangs leave threads for others. */
static void a_host_that_hangs_leaves_threads(void **state)
{
    (void)state;
    enum { THREADS = 4, HANGING = THREADS / 2 };
    struct pool *workers = pool(THREADS, 100);
    struct error error = {0};
    atomic_store(&jobs_done, 0);
    pthread_barrier_init(&together, NULL, HANGING + 1);
    for (int i = 0; i < HANGING; i++)
        assert_true(pool_post(workers, STR("hangs"), meet, NULL, NULL, &error));
    for (int i = 0; i < THREADS; i++)
        assert_true(pool_post(workers, STR("hangs"), count_job, NULL, NULL, &error));
    assert_true(pool_post(workers, STR("good"), count_job, NULL, NULL, &error));
    while (atomic_load(&jobs_done) < 1)
        sched_yield();
    assert_int_equal(pool_counts(workers).held, THREADS);
    pthread_barrier_wait(&together);
    pool_free(workers);
    assert_int_equal(atomic_load(&jobs_done), 1 + THREADS);
    pthread_barrier_destroy(&together);
}

/* --- an account's share --- */

static void an_account_has_its_share(void **state)
{
    (void)state;
    struct str one = STR("123456789012"), other = STR("111122223333");
    struct concurrency_limit *limit = concurrency_limit_new(2);
    assert_true(concurrency_limit_enter(limit, one));
    assert_true(concurrency_limit_enter(limit, one));
    assert_false(concurrency_limit_enter(limit, one));
    assert_true(concurrency_limit_enter(limit, other));
    concurrency_limit_leave(limit, one);
    assert_true(concurrency_limit_enter(limit, one));
    assert_false(concurrency_limit_enter(limit, one));
    concurrency_limit_leave(limit, one);
    concurrency_limit_leave(limit, one);
    concurrency_limit_leave(limit, other);
    assert_true(concurrency_limit_enter(limit, other));
    concurrency_limit_leave(limit, other);
    concurrency_limit_free(limit); /* the leak checker knows whether shares were left */
}

static void no_limit_lets_all_in(void **state)
{
    (void)state;
    struct concurrency_limit *limit = concurrency_limit_new(0);
    for (int i = 0; i < 1000; i++)
        assert_true(concurrency_limit_enter(limit, STR("123456789012")));
    concurrency_limit_leave(limit, STR("123456789012"));
    concurrency_limit_free(limit);
}

/* Many accounts, so that some meet in one bucket; shares of those that left are gone. */
static void accounts_do_not_mix(void **state)
{
    (void)state;
    enum { ACCOUNTS = 2000 };
    struct concurrency_limit *limit = concurrency_limit_new(1);
    char account[16];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < ACCOUNTS; i++) {
            snprintf(account, sizeof(account), "%012d", i);
            assert_true(concurrency_limit_enter(limit, str_from(account)));
            assert_false(concurrency_limit_enter(limit, str_from(account)));
        }
        for (int i = 0; i < ACCOUNTS; i++) {
            snprintf(account, sizeof(account), "%012d", i);
            concurrency_limit_leave(limit, str_from(account));
        }
    }
    concurrency_limit_free(limit);
}

/* --- unions --- */

static bool read_config(struct arena *arena, const char *json, const char *type,
                        struct profile_config *ret_config, struct error *error)
{
    struct value *config;
    assert_true(json_parse(str_from(json), arena, &config));
    *error = (struct error){0};
    return profile_config_read(config, connector_by_type(str_from(type)), STR("the profile acme"),
                               arena, ret_config, error);
}

static void unions_hold_the_profile_s_connector_only(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct profile_config config;
    struct error error;
    static const struct {
        const char *json, *type, *message; /* NULL: accepted */
    } cases[] = {
        {"{\"connectorProfileProperties\":{\"Salesforce\":{}}}", "Salesforce", NULL},
        {"{\"connectorProfileProperties\":{}}", "Amplitude", NULL},
        {"{\"connectorProfileProperties\":{\"Amplitude\":{}},"
         "\"connectorProfileCredentials\":{\"Amplitude\":{\"apiKey\":\"k\"}}}",
         "Amplitude", NULL},
        {"{\"connectorProfileProperties\":{}}", "Salesforce", NULL},
        {"{\"connectorProfileProperties\":{}}", "CustomConnector", NULL},
        {"{\"connectorProfileProperties\":{}}", "Zendesk", "is empty; give exactly one"},
        {"{\"connectorProfileProperties\":{\"Zendesk\":{}}}", "Salesforce",
         "is for Zendesk, but the profile acme is for Salesforce"},
        {"{\"connectorProfileProperties\":{\"Zendesk\":{},\"Salesforce\":{}}}", "Salesforce",
         "has Zendesk and Salesforce"},
        {"{\"connectorProfileProperties\":{\"Salesforce\":{}},\"connectorProfileCredentials\":{}}",
         "Salesforce", "connectorProfileCredentials is empty"},
        {"{\"connectorProfileProperties\":{\"Salesforce\":{}},"
         "\"connectorProfileCredentials\":{\"Slack\":{}}}",
         "Salesforce", "connectorProfileCredentials is for Slack"},
        {"{\"connectorProfileProperties\":{\"ServiceNow\":{}}}", "Servicenow", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        bool ok = read_config(&arena, cases[i].json, cases[i].type, &config, &error);
        assert_int_equal(ok, cases[i].message == NULL);
        if (ok)
            assert_non_null(config.properties);
        else
            assert_non_null(strstr(error.message, cases[i].message));
    }
    arena_done(&arena);
}

static void properties_are_stored_with_their_key(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct profile_config config;
    struct error error;
    assert_true(
        read_config(&arena, "{\"connectorProfileProperties\":{}}", "Amplitude", &config, &error));
    assert_true(str_eq(profile_config_properties_json(&arena, connector_by_type(STR("Amplitude")),
                                                      config.properties),
                       STR("{\"Amplitude\":{}}")));
    arena_done(&arena);
}

/* --- page tokens --- */

static struct api_request *call_with(struct arena *arena, struct service *service,
                                     const char *account, const char *input)
{
    static const struct operation operation = {.name = {"DescribeConnectorProfiles", 25}};
    struct api_request *call = arena_new(arena, struct api_request);
    call->service = service;
    call->arena = arena;
    call->operation = &operation;
    call->caller = (struct sigv4_caller){.account = str_from(account), .region = STR("us-east-1")};
    assert_true(json_parse(str_from(input), arena, &call->input));
    return call;
}

static const char *with_token(struct arena *arena, const char *filters, struct str token)
{
    return arena_printf(arena, "{%s\"nextToken\":\"%.*s\"}", filters, STR_ARG(token)).data;
}

static void page_tokens_cannot_be_altered_or_moved(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct secret *secret = secret_random(32);
    struct service service = {.config = {.service_secret = secret}};
    struct str position;
    const char *filters = "\"connectorType\":\"Slack\",";
    struct api_request *call =
        call_with(&arena, &service, "123456789012", "{\"connectorType\":\"Slack\"}");
    struct str token = page_token_make(call, STR("acme/1"));
    call = call_with(&arena, &service, "123456789012", with_token(&arena, filters, token));
    assert_true(page_token_read(call, &position));
    assert_true(str_eq(position, STR("acme/1")));
    call = call_with(&arena, &service, "111122223333", with_token(&arena, filters, token));
    assert_false(page_token_read(call, &position));
    assert_int_equal(call->error.code, ERR_VALIDATION);
    call = call_with(&arena, &service, "123456789012", with_token(&arena, "", token));
    assert_false(page_token_read(call, &position));
    for (size_t i = 0; i < token.len; i++) {
        struct str altered = arena_copy(&arena, token);
        ((char *)altered.data)[i] = token.data[i] == 'A' ? 'B' : 'A';
        call = call_with(&arena, &service, "123456789012", with_token(&arena, filters, altered));
        assert_false(page_token_read(call, &position));
    }
    call = call_with(&arena, &service, "123456789012", "{}");
    assert_true(page_token_read(call, &position));
    assert_null(position.data);
    secret_free(secret);
    arena_done(&arena);
}

/* As the value of an option one would be taken for another option. */
static void page_tokens_do_not_begin_with_a_hyphen(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct secret *secret = secret_random(32);
    struct service service = {.config = {.service_secret = secret}};
    struct api_request *call = call_with(&arena, &service, "123456789012", "{}");
    for (int i = 0; i < 2000; i++) {
        struct str token = page_token_make(call, arena_printf(&arena, "%d", i));
        assert_true(token.data[0] != '-');
    }
    secret_free(secret);
    arena_done(&arena);
}

/* --- names --- */

static void arns_have_the_real_service_s_form(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct profile_key key = {STR("123456789012"), STR("us-east-1"), STR("sf/temp")};
    assert_true(str_eq(profile_arn(&arena, &key),
                       STR("arn:aws:appflow:us-east-1:123456789012:connectorprofile/sf/temp")));
    struct str one = credentials_arn(&arena, &key, STR_NULL, 1763741024664);
    struct str prefix = STR("arn:aws:secretsmanager:us-east-1:123456789012:secret:"
                            "appflow!123456789012-sf/temp-1763741024664-");
    assert_true(str_starts(one, prefix));
    assert_int_equal(one.len, prefix.len + 6);
    assert_false(str_eq(one, credentials_arn(&arena, &key, STR_NULL, 1763741024664)));
    /* The policies that the connector SDKs give their functions name the label first. */
    assert_true(str_starts(credentials_arn(&arena, &key, STR("Own"), 1763741024664),
                           STR("arn:aws:secretsmanager:us-east-1:123456789012:secret:"
                               "appflow!123456789012-Own-sf/temp-")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_do_all_that_they_took),
        cmocka_unit_test(workers_grow_when_all_wait),
        cmocka_unit_test(idle_workers_end),
        cmocka_unit_test(a_host_that_hangs_leaves_threads),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(an_account_has_its_share),
        cmocka_unit_test(no_limit_lets_all_in),
        cmocka_unit_test(accounts_do_not_mix),
        cmocka_unit_test(unions_hold_the_profile_s_connector_only),
        cmocka_unit_test(properties_are_stored_with_their_key),
        cmocka_unit_test(page_tokens_cannot_be_altered_or_moved),
        cmocka_unit_test(page_tokens_do_not_begin_with_a_hyphen),
        cmocka_unit_test(arns_have_the_real_service_s_form),
    };
    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
