/* Policies in IAM's language: what they allow, what they deny, and what is refused when they are
 * read. */
#include "cmocka_all.h"

#include "api/policy.h"

#include <stdio.h>
#include <string.h>

#define ACCOUNT "arn:aws:appflow:us-east-1:123456789012:"

enum { FACTS_MAX = 8, VALUES_MAX = 4 };

/* "aws:SourceIp=10.0.0.1 aws:TagKeys=a,b": keys with their values. */
static size_t read_facts(const char *text, struct policy_fact *facts,
                         struct str values[FACTS_MAX][VALUES_MAX])
{
    struct str rest = str_from(text), one, list;
    size_t count = 0;
    for (bool more = rest.len > 0; more; count++) {
        more = str_cut(rest, ' ', &one, &rest);
        one = more ? one : rest;
        assert_true(str_cut(one, '=', &facts[count].key, &list));
        facts[count].count = 0;
        for (bool values_left = list.len > 0; values_left;) {
            struct str value;
            values_left = str_cut(list, ',', &value, &list);
            values[count][facts[count].count++] = values_left ? value : list;
        }
        facts[count].values = values[count];
    }
    return count;
}

static enum policy_answer ask(const char *text, const char *action, const char *resource,
                              const char *facts_text)
{
    struct arena arena = {0};
    struct error error = {0};
    const struct policy *policy;
    struct policy_fact facts[FACTS_MAX];
    struct str values[FACTS_MAX][VALUES_MAX];
    if (!policy_read(str_from(text), &arena, &policy, &error))
        fail_msg("%s: %s", text, error.message);
    struct policy_question question = {.action = str_from(action),
                                       .resource = str_from(resource),
                                       .facts = facts,
                                       .fact_count = read_facts(facts_text, facts, values)};
    enum policy_answer answer = policy_ask(policy, &question);
    arena_done(&arena);
    return answer;
}

struct row {
    const char *policy, *action, *resource, *facts;
    enum policy_answer answer;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum policy_answer answer =
            ask(rows[i].policy, rows[i].action, rows[i].resource, rows[i].facts);
        if (answer != rows[i].answer)
            fail_msg("row %zu: %d instead of %d: %s", i, (int)answer, (int)rows[i].answer,
                     rows[i].policy);
    }
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof(*(rows)))

#define POLICY(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"
#define ALLOW(action, resource)                                                                    \
    "{\"Effect\":\"Allow\",\"Action\":" action ",\"Resource\":" resource "}"
#define DENY(action, resource)                                                                     \
    "{\"Effect\":\"Deny\",\"Action\":" action ",\"Resource\":" resource "}"
#define READS "\"appflow:Describe*\""
#define TEAM "\"" ACCOUNT "connectorprofile/team-a-*\""

static void statements_allow_and_deny(void **state)
{
    (void)state;
    static const char one[] = ACCOUNT "connectorprofile/team-a-1";
    static const char other[] = ACCOUNT "connectorprofile/team-b-1";
    static const char read[] = "appflow:DescribeConnectorProfiles";
    static const char change[] = "appflow:UpdateConnectorProfile";
    const struct row rows[] = {
        {POLICY(ALLOW("\"*\"", "\"*\"")), change, one, "", POLICY_ALLOWS},
        {POLICY(""), read, one, "", POLICY_SILENT},
        {POLICY(ALLOW(READS, "\"*\"")), read, one, "", POLICY_ALLOWS},
        {POLICY(ALLOW(READS, "\"*\"")), change, one, "", POLICY_SILENT},
        {POLICY(ALLOW("\"APPFLOW:describe*\"", "\"*\"")), read, one, "", POLICY_ALLOWS},
        {POLICY(ALLOW("\"s3:*\"", "\"*\"")), read, one, "", POLICY_SILENT},
        {POLICY(ALLOW("[\"appflow:List?lows\",\"appflow:UpdateConnectorProfile\"]", TEAM)), change,
         one, "", POLICY_ALLOWS},
        {POLICY(ALLOW("\"appflow:*\"", TEAM)), change, other, "", POLICY_SILENT},
        {POLICY(ALLOW("\"appflow:*\"", TEAM)), change, ACCOUNT "connectorprofile/TEAM-A-1", "",
         POLICY_SILENT},
        {POLICY(ALLOW("\"*\"", "\"*\"") "," DENY("\"appflow:Update*\"", TEAM)), change, one, "",
         POLICY_DENIES},
        {POLICY(DENY("\"appflow:Update*\"", TEAM) "," ALLOW("\"*\"", "\"*\"")), change, one, "",
         POLICY_DENIES},
        {POLICY(DENY("\"appflow:Update*\"", TEAM) "," ALLOW("\"*\"", "\"*\"")), change, other, "",
         POLICY_ALLOWS},
        {POLICY("{\"Effect\":\"Allow\",\"NotAction\":\"appflow:Delete*\",\"Resource\":\"*\"}"),
         change, one, "", POLICY_ALLOWS},
        {POLICY("{\"Effect\":\"Allow\",\"NotAction\":\"appflow:Update*\",\"Resource\":\"*\"}"),
         change, one, "", POLICY_SILENT},
        {POLICY("{\"Effect\":\"Allow\",\"Action\":\"*\",\"NotResource\":" TEAM "}"), change, one,
         "", POLICY_SILENT},
        {POLICY("{\"Effect\":\"Allow\",\"Action\":\"*\",\"NotResource\":" TEAM "}"), change, other,
         "", POLICY_ALLOWS},
        {"{\"Statement\":" ALLOW("\"*\"", "\"*\"") ",\"Id\":\"x\"}", change, one, "",
         POLICY_ALLOWS},
    };
    CHECK(rows);
}

#define WITH(condition)                                                                            \
    POLICY("{\"Sid\":\"s\",\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\","              \
           "\"Condition\":{" condition "}}")
#define ROW(condition, facts, answer)                                                              \
    {                                                                                              \
        WITH(condition), "appflow:ListFlows", "*", facts, answer                                   \
    }
#define YES POLICY_ALLOWS
#define NO POLICY_SILENT

static void conditions_compare_strings(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("\"StringEquals\":{\"a:K\":\"v\"}", "a:K=v", YES),
        ROW("\"StringEquals\":{\"a:K\":\"v\"}", "A:k=v", YES),
        ROW("\"StringEquals\":{\"a:K\":\"v\"}", "a:K=V", NO),
        ROW("\"StringEquals\":{\"a:K\":\"v\"}", "", NO),
        ROW("\"StringEquals\":{\"a:K\":[\"u\",\"v\"]}", "a:K=v", YES),
        ROW("\"StringEqualsIfExists\":{\"a:K\":\"v\"}", "", YES),
        ROW("\"StringEqualsIfExists\":{\"a:K\":\"v\"}", "a:K=w", NO),
        ROW("\"StringNotEquals\":{\"a:K\":\"v\"}", "a:K=v", NO),
        ROW("\"StringNotEquals\":{\"a:K\":[\"u\",\"v\"]}", "a:K=v", NO),
        ROW("\"StringNotEquals\":{\"a:K\":[\"u\",\"v\"]}", "a:K=w", YES),
        ROW("\"StringNotEquals\":{\"a:K\":\"v\"}", "", YES),
        ROW("\"StringEqualsIgnoreCase\":{\"a:K\":\"v\"}", "a:K=V", YES),
        ROW("\"StringNotEqualsIgnoreCase\":{\"a:K\":\"v\"}", "a:K=V", NO),
        ROW("\"StringLike\":{\"a:K\":\"v*\"}", "a:K=v", YES),
        ROW("\"StringLike\":{\"a:K\":\"v?\"}", "a:K=v", NO),
        ROW("\"StringLike\":{\"a:K\":\"*b*d\"}", "a:K=abcbd", YES),
        ROW("\"StringNotLike\":{\"a:K\":\"v*\"}", "a:K=vw", NO),
        ROW("\"StringEquals\":{\"a:K\":\"v\",\"a:L\":\"w\"}", "a:K=v a:L=w", YES),
        ROW("\"StringEquals\":{\"a:K\":\"v\",\"a:L\":\"w\"}", "a:K=v a:L=x", NO),
        ROW("\"StringEquals\":{\"a:K\":\"v\"},\"StringLike\":{\"a:L\":\"w*\"}", "a:K=v a:L=x", NO),
        ROW("\"ArnLike\":{\"a:K\":\"arn:aws:iam::*:role/r*\"}", "a:K=arn:aws:iam::1:role/r1", YES),
        ROW("\"ArnLike\":{\"a:K\":\"arn:aws:*:role/r\"}", "a:K=arn:aws:iam::1:role/r", NO),
        ROW("\"ArnNotEquals\":{\"a:K\":\"arn:aws:iam::1:role/r\"}", "a:K=arn:aws:iam::1:role/r",
            NO),
    };
    CHECK(rows);
}

static void conditions_compare_other_things(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("\"Bool\":{\"a:K\":\"true\"}", "a:K=true", YES),
        ROW("\"Bool\":{\"a:K\":true}", "a:K=true", YES),
        ROW("\"Bool\":{\"a:K\":\"false\"}", "a:K=true", NO),
        ROW("\"Bool\":{\"a:K\":\"true\"}", "", NO),
        ROW("\"Null\":{\"a:K\":\"true\"}", "", YES),
        ROW("\"Null\":{\"a:K\":\"true\"}", "a:K=x", NO),
        ROW("\"Null\":{\"a:K\":\"false\"}", "a:K=x", YES),
        ROW("\"Null\":{\"a:K\":\"false\"}", "", NO),
        ROW("\"IpAddress\":{\"a:K\":\"10.0.0.0/8\"}", "a:K=10.255.0.1", YES),
        ROW("\"IpAddress\":{\"a:K\":\"10.0.0.0/8\"}", "a:K=11.0.0.1", NO),
        ROW("\"IpAddress\":{\"a:K\":[\"192.0.2.7\",\"2001:db8::/32\"]}", "a:K=2001:db8::1", YES),
        ROW("\"NotIpAddress\":{\"a:K\":\"10.0.0.0/8\"}", "a:K=10.0.0.1", NO),
        ROW("\"NotIpAddress\":{\"a:K\":\"10.0.0.0/8\"}", "a:K=192.0.2.1", YES),
        ROW("\"DateLessThan\":{\"a:K\":\"2026-06-01T00:00:00Z\"}", "a:K=2026-05-31T23:59:59Z", YES),
        ROW("\"DateLessThan\":{\"a:K\":\"2026-06-01T00:00:00Z\"}", "a:K=2026-06-01T00:00:00Z", NO),
        ROW("\"DateLessThanEquals\":{\"a:K\":\"2026-06-01\"}", "a:K=2026-06-01T00:00:00Z", YES),
        ROW("\"DateGreaterThan\":{\"a:K\":\"2026-06-01\"}", "a:K=2026-06-01T00:00:00Z", NO),
        ROW("\"DateGreaterThanEquals\":{\"a:K\":\"2026-06-01\"}", "a:K=2026-06-01T00:00:00Z", YES),
        ROW("\"DateEquals\":{\"a:K\":\"2026-06-01\"}", "a:K=1780272000", YES),
        ROW("\"DateNotEquals\":{\"a:K\":\"2026-06-01\"}", "a:K=1780272000", NO),
        ROW("\"DateGreaterThan\":{\"a:K\":\"2026-06-01\"}", "a:K=never", NO),
        ROW("\"DateLessThan\":{\"a:K\":\"2026-06-01\"}", "a:K=never", NO),
    };
    CHECK(rows);
}

static void keys_with_many_values(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("\"ForAllValues:StringEquals\":{\"a:K\":[\"u\",\"v\"]}", "a:K=u,v", YES),
        ROW("\"ForAllValues:StringEquals\":{\"a:K\":[\"u\",\"v\"]}", "a:K=u,w", NO),
        ROW("\"ForAllValues:StringEquals\":{\"a:K\":\"u\"}", "", YES),
        ROW("\"ForAnyValue:StringEquals\":{\"a:K\":[\"u\",\"v\"]}", "a:K=w,v", YES),
        ROW("\"ForAnyValue:StringEquals\":{\"a:K\":\"u\"}", "a:K=w,v", NO),
        ROW("\"ForAnyValue:StringEquals\":{\"a:K\":\"u\"}", "", NO),
        ROW("\"ForAnyValue:StringNotEquals\":{\"a:K\":\"u\"}", "a:K=u,v", YES),
        ROW("\"ForAllValues:StringNotEquals\":{\"a:K\":\"u\"}", "a:K=u,v", NO),
        ROW("\"ForAnyValue:StringLikeIfExists\":{\"a:K\":\"u*\"}", "", YES),
    };
    CHECK(rows);
}

static void a_policy_that_means_less_than_it_says_is_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "The policy is not JSON"},
        {"[]", "not an object with a Statement"},
        {"{}", "not an object with a Statement"},
        {"{\"Version\":\"2020-01-01\",\"Statement\":[]}", "Version is not \"2012-10-17\""},
        {"{\"Version\":1,\"Statement\":[]}", "Version is not \"2012-10-17\""},
        {"{\"Statement\":[],\"Extra\":1}", "Extra is not an element of a policy"},
        {POLICY("1"), "statement 1: it is not an object"},
        {POLICY(ALLOW("\"*\"", "\"*\"") ",{\"Effect\":\"Allow\"}"),
         "statement 2: it needs one of Action and NotAction"},
        {POLICY("{\"Effect\":\"allow\",\"Action\":\"*\",\"Resource\":\"*\"}"),
         "Effect is neither Allow nor Deny"},
        {POLICY("{\"Effect\":7,\"Action\":\"*\",\"Resource\":\"*\"}"),
         "Effect is neither Allow nor Deny"},
        {POLICY("{\"Effect\":\"Allow\",\"Action\":\"*\",\"NotAction\":\"*\",\"Resource\":\"*\"}"),
         "one of Action and NotAction"},
        {POLICY("{\"Effect\":\"Allow\",\"Action\":\"*\"}"), "one of Resource and NotResource"},
        {POLICY("{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}"),
         "Principal is not one of Sid, Effect"},
        {POLICY(ALLOW("[]", "\"*\"")), "Action is an empty list"},
        {POLICY(ALLOW("[1]", "\"*\"")), "Action is not a string"},
        {POLICY(ALLOW("\"UpdateConnectorProfile\"", "\"*\"")), "is not SERVICE:NAME"},
        {POLICY(ALLOW("\"*\"", "\"arn:${aws:username}\"")), "policy variables"},
        {WITH("\"NumericEquals\":{\"a:K\":\"1\"}"), "operator NumericEquals is not supported"},
        {WITH("\"StringEqual\":{\"a:K\":\"1\"}"), "operator StringEqual is not supported"},
        {WITH("\"NullIfExists\":{\"a:K\":\"true\"}"), "operator NullIfExists is not supported"},
        {WITH("\"StringEquals\":\"v\""), "StringEquals has no object of keys"},
        {WITH("\"Bool\":{\"a:K\":\"yes\"}"), "\"yes\" is none that Bool compares with"},
        {WITH("\"IpAddress\":{\"a:K\":\"10.0.0.0/99\"}"), "is none that IpAddress compares with"},
        {WITH("\"IpAddress\":{\"a:K\":\"host.example\"}"), "is none that IpAddress compares with"},
        {WITH("\"DateLessThan\":{\"a:K\":\"tomorrow\"}"), "is none that DateLessThan compares"},
        {POLICY("{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":[]}"),
         "Condition is not an object"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct arena arena = {0};
        struct error error = {0};
        const struct policy *policy;
        if (policy_read(str_from(rows[i][0]), &arena, &policy, &error))
            fail_msg("taken: %s", rows[i][0]);
        assert_int_equal(error.code, ERR_VALIDATION);
        if (!strstr(error.message, rows[i][1]))
            fail_msg("%s: %s", rows[i][0], error.message);
        arena_done(&arena);
    }
}

static void a_policy_has_a_largest_size(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error error = {0};
    const struct policy *policy;
    static char text[POLICY_TEXT_MAX + 2];
    memset(text, ' ', POLICY_TEXT_MAX + 1);
    memcpy(text, "{\"Statement\":[]}", strlen("{\"Statement\":[]}"));
    assert_false(policy_read(str_from(text), &arena, &policy, &error));
    assert_non_null(strstr(error.message, "longer than 6144 bytes"));
    text[POLICY_TEXT_MAX] = '\0';
    assert_true(policy_read(str_from(text), &arena, &policy, &error));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_allow_and_deny),
        cmocka_unit_test(conditions_compare_strings),
        cmocka_unit_test(conditions_compare_other_things),
        cmocka_unit_test(keys_with_many_values),
        cmocka_unit_test(a_policy_that_means_less_than_it_says_is_refused),
        cmocka_unit_test(a_policy_has_a_largest_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
