/* Filters that are parameters of their own, and pages whose list is left out. */
#include "read_script.h"

#include "connector/http/read_source.h"

#include <string.h>

static struct script script;

#define RUN(steps, ...) SCRIPT_READ(&script, steps, __VA_ARGS__)

#define CHANNEL                                                                                    \
    .type = "Slack", .properties = "{\"instanceUrl\":\"https://acme.slack.com\"}",                 \
    .credentials = "{\"clientId\":\"c\",\"clientSecret\":\"s\",\"accessToken\":\"t0ken\"}",        \
    .source = "{\"object\":\"conversations/C1\"}", .entity = "conversations/C1"
#define HISTORY(more)                                                                              \
    "GET https://slack.com/api/conversations.history?channel=C1&inclusive=true&limit=200" more     \
    "\nAccept: application/json\nAuthorization: Bearer t0ken\n\n"
#define NO_MESSAGES "{\"ok\":true,\"messages\":[],\"has_more\":false}"

static void assert_history(const struct read_filter *filters, size_t count, const char *request)
{
    const struct scripted steps[] = {{request, 200, .body = NO_MESSAGES}};
    script.next = 0;
    assert_true(RUN(steps, CHANNEL, .filters = filters, .filter_count = count));
}

static void bounds_are_rounded_outwards(void **state)
{
    (void)state;
    const struct read_filter within[] = {{STR("ts"), STR("BETWEEN"), STR("datetime"),
                                          READ_VALUES(STR("1700000000500"), STR("1700000001500"))}};
    const struct read_filter from[] = {{STR("ts"), STR("GREATER_THAN_OR_EQUAL_TO"),
                                        STR("timestamp"),
                                        READ_VALUES(STR("2023-11-14T22:13:20Z"))}};
    assert_history(within, 1, HISTORY("&oldest=1700000000&latest=1700000002"));
    assert_history(from, 1, HISTORY("&oldest=1700000000"));
}

static void the_narrowest_bound_counts(void **state)
{
    (void)state;
    const struct read_filter filters[] = {
        {STR("ts"), STR("GREATER_THAN"), STR("datetime"), READ_VALUES(STR("1600000000000"))},
        {STR("ts"), STR("GREATER_THAN_OR_EQUAL_TO"), STR("datetime"),
         READ_VALUES(STR("1700000000000"))},
        {STR("ts"), STR("LESS_THAN"), STR("datetime"), READ_VALUES(STR("1800000000000"))},
        {STR("ts"), STR("LESS_THAN"), STR("datetime"), READ_VALUES(STR("1900000000000"))},
        {STR("ts"), STR("GREATER_THAN"), STR("datetime"), READ_VALUES(STR("1500000000000"))},
    };
    assert_history(filters, 5, HISTORY("&oldest=1700000000&latest=1800000000"));
}

/* By any of them a record would be lost that the flow keeps. */
static void other_filters_are_no_bounds(void **state)
{
    (void)state;
    const struct read_filter filters[] = {
        {STR("ts"), STR("GREATER_THAN"), STR("string"), READ_VALUES(STR("1700000000"))},
        {STR("thread_ts"), STR("GREATER_THAN"), STR("datetime"), READ_VALUES(STR("1700000000000"))},
        {STR("ts"), STR("EQUAL_TO"), STR("datetime"), READ_VALUES(STR("1700000000000"))},
        {STR("ts"), STR("NOT_EQUAL_TO"), STR("datetime"), READ_VALUES(STR("1700000000000"))},
        {STR("ts"), STR("GREATER_THAN"), STR("datetime"),
         READ_VALUES(STR("1700000000000"), STR("1800000000000"))},
        {STR("ts"), STR("LESS_THAN"), STR("datetime"), READ_VALUES(STR("yesterday"))},
    };
    assert_history(filters, 6, HISTORY(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bounds_are_rounded_outwards),
        TEST(the_narrowest_bound_counts),
        TEST(other_filters_are_no_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
