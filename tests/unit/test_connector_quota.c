/* What answers say of a customer's quota, and the gate that calls of the API pass. */
#include "read_script.h"

#include "connector/connection.h"
#include "wire/errors.h"
#include "work/call_quota.h"

#define HELP "https://acme.zendesk.com"
#define ZENDESK                                                                                    \
    .type = "Zendesk", .properties = "{\"instanceUrl\":\"" HELP "\"}",                             \
    .credentials = "{\"accessToken\":\"t0ken\",\"clientId\":\"a\",\"clientSecret\":\"b\"}",        \
    .source = "{\"object\":\"groups\"}", .entity = "groups", .fields = "id"
#define GROUPS                                                                                     \
    "GET " HELP "/api/v2/groups.json?page%5Bsize%5D=100\nAccept: application/json\n"               \
    "Authorization: Bearer t0ken\n\n"
#define NONE "{\"groups\":[],\"meta\":{\"has_more\":false}}"
#define CRM "https://acme.my.salesforce.com"
#define SALESFORCE                                                                                 \
    .type = "Salesforce", .properties = "{\"instanceUrl\":\"" CRM "\"}",                           \
    .credentials = "{\"accessToken\":\"t0ken\",\"refreshToken\":\"r3fresh\"}",                     \
    .source = "{\"object\":\"Account\"}", .entity = "Account", .fields = "Id"
#define QUERY                                                                                      \
    "GET " CRM "/services/data/v58.0/query?q=SELECT%20Id%20FROM%20Account\n"                       \
    "Accept: application/json\nAuthorization: Bearer t0ken\n\n"
#define EMPTY "{\"totalSize\":0,\"done\":true,\"records\":[]}"

static struct script script;
static struct call_quota_said said;
static int entered, left;
static bool is_held;

static bool enter(void *context, struct str host, int64_t *ret_wait_ms)
{
    (void)context;
    entered++;
    assert_true(str_eq(host, STR("acme.zendesk.com")) ||
                str_eq(host, STR("acme.my.salesforce.com")));
    *ret_wait_ms = is_held ? 7000 : 0;
    return !is_held;
}

static void leave(void *context, const struct call_quota_said *what)
{
    (void)context;
    left++;
    said = *what;
}

static const struct vendor_gate gate = {enter, leave, NULL};

static void begin(bool holds)
{
    entered = left = 0;
    is_held = holds;
    script.gate = &gate;
}

static void assert_said(enum call_quota_end end, int64_t wait_ms, int64_t calls, int64_t renew_ms)
{
    assert_true(entered > 0);
    assert_int_equal(left, entered);
    assert_int_equal(said.end, end);
    assert_int_equal(said.wait_ms > 0 ? said.wait_ms : -1, wait_ms);
    assert_int_equal(said.left, calls);
    assert_int_equal(said.renew_ms, renew_ms);
    entered = left = 0;
}

static void what_is_left_is_read_from_headers(void **state)
{
    (void)state;
    begin(false);
    static const struct scripted last[] = {
        {GROUPS, 200, .body = NONE, .headers = "X-Rate-Limit-Remaining: 0\nratelimit-reset: 42\n"}};
    static const struct scripted none[] = {
        {GROUPS, 200, .body = NONE, .headers = "X-Rate-Limit-Remaining: -3\nratelimit-reset: x\n"}};
    assert_true(SCRIPT_READ(&script, last, ZENDESK));
    assert_said(CALL_TAKEN, -1, 0, 42000);
    assert_true(SCRIPT_READ(&script, none, ZENDESK));
    assert_said(CALL_TAKEN, -1, -1, -1);
}

static void what_is_used_is_read_from_a_header(void **state)
{
    (void)state;
    begin(false);
    static const struct scripted steps[] = {
        {QUERY, 200, .body = EMPTY,
         .headers = "Sforce-Limit-Info: per-app-api-usage=1/2; api-usage=4990/5000\n"}};
    static const struct scripted over[] = {
        {QUERY, 200, .body = EMPTY, .headers = "Sforce-Limit-Info: api-usage=5001/5000\n"}};
    assert_true(SCRIPT_READ(&script, steps, SALESFORCE));
    assert_said(CALL_TAKEN, -1, 10, -1);
    assert_true(SCRIPT_READ(&script, over, SALESFORCE));
    assert_said(CALL_TAKEN, -1, 0, -1);
}

static void refusals_say_how_long_to_wait(void **state)
{
    (void)state;
    begin(false);
    static const struct scripted limited[] = {
        {GROUPS, 429, .body = "{}", .headers = "Retry-After: 9\n"}};
    static const struct scripted away[] = {
        {GROUPS, 503, .body = "{}", .headers = "Retry-After: 9\n"}};
    static const struct scripted broken[] = {{GROUPS, 503, .body = "{}"},
                                             {GROUPS, 503, .body = "{}"}};
    assert_false(SCRIPT_READ(&script, limited, ZENDESK));
    assert_said(CALL_THROTTLED, 9000, -1, -1);
    assert_false(SCRIPT_READ(&script, away, ZENDESK));
    assert_said(CALL_THROTTLED, 9000, -1, -1);
    assert_false(SCRIPT_READ(&script, broken, ZENDESK));
    assert_said(CALL_UNKNOWN, -1, -1, -1);
}

static void a_call_that_is_held_is_not_made(void **state)
{
    (void)state;
    begin(true);
    assert_false(script_read(&script, NULL, 0, &(const struct read_asked){ZENDESK}));
    assert_int_equal(entered, 1);
    assert_int_equal(left, 0);
    assert_int_equal(script.verdict.kind, VERDICT_THROTTLED);
    assert_int_equal(script.verdict.retry_after_ms, 7000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_left_is_read_from_headers),
        TEST(what_is_used_is_read_from_a_header),
        TEST(refusals_say_how_long_to_wait),
        TEST(a_call_that_is_held_is_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
