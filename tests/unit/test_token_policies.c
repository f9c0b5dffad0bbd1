/* Token policies as words: what the operator may change, and what is shown. */
#include "cmocka_all.h"

#include "base/buf.h"
#include "connector/http/http_connector.h"
#include "connector/token_policies.h"
#include "profile/token_schedule.h"

#include <stdio.h>
#include <string.h>

static const struct token_policy *own_of(const char *type)
{
    const struct connector *connector = connector_by_type(str_from(type));
    for (size_t i = 0; i < connector->http->auth.count; i++) {
        if (connector->http->auth.rows[i].oauth2)
            return &connector->http->auth.rows[i].oauth2->policy;
    }
    fail_msg("%s has no OAuth", type);
    return NULL;
}

static struct str shown(struct arena *arena, const char *type)
{
    return token_policy_text(arena, token_policy_in_force(own_of(type)));
}

static void assert_shown(const char *type, const char *text)
{
    struct arena arena = {0};
    struct str is = shown(&arena, type);
    if (!str_eq(is, str_from(text)))
        fail_msg("%s: %.*s, not %s", type, STR_ARG(is), text);
    arena_done(&arena);
}

static void settings_hold_instead_of_the_connectors_own(void **state)
{
    struct error error;
    (void)state;
    const struct token_policy *own = own_of("Slack");
    assert_shown("Slack", "rotation:always, reuse:refused");
    assert_ptr_equal(token_policy_in_force(own), own);
    assert_true(token_policies_add("Slack=reuse:punished,grace:45s,idle:14d", &error));
    assert_shown("Slack", "rotation:always, reuse:punished, grace:45s, idle:14d");
    assert_int_equal(token_policy_in_force(own)->grace_s, 45);
    assert_true(token_policy_in_force(own)->is_changed);
    /* Another one about the same connector adds to it; no other connector changes. */
    assert_true(token_policies_add("Slack=grace:2m,busy:try again later", &error));
    assert_shown("Slack",
                 "rotation:always, reuse:punished, grace:2m, idle:14d, busy:try again later");
    assert_false(token_policy_in_force(own_of("Zendesk"))->is_changed);
    token_policies_clear();
    assert_shown("Slack", "rotation:always, reuse:refused");
}

/* What is shown can be given, and means the same. */
static void what_is_shown_can_be_given(void **state)
{
    struct error error;
    size_t tried = 0;
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        for (size_t k = 0; connector->http && k < connector->http->auth.count; k++) {
            struct arena arena = {0};
            const struct connector_oauth2 *oauth2 = connector->http->auth.rows[k].oauth2;
            if (!oauth2)
                continue;
            struct str text = token_policy_text(&arena, &oauth2->policy);
            const char *option =
                arena_printf(&arena, "%.*s=%.*s", STR_ARG(connector->type), STR_ARG(text)).data;
            assert_true(token_policies_add(option, &error));
            assert_true(
                str_eq(text, token_policy_text(&arena, token_policy_in_force(&oauth2->policy))));
            token_policies_clear();
            arena_done(&arena);
            tried++;
        }
    }
    assert_in_range(tried, 8, 100);
}

static void what_cannot_be_meant_is_refused(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"Slack", "TYPE=SETTING:VALUE,... with a SETTING of rotation, reuse, probe, probe-path, "
                  "grace, margin, life, idle, absolute, old-access-ends, same-until-end or busy"},
        {"Slack=", "TYPE=SETTING:VALUE"},
        {"Slack=rotation", "TYPE=SETTING:VALUE"},
        {"Slack=speed:9", "TYPE=SETTING:VALUE"},
        {"Slack=grace:1s,", "TYPE=SETTING:VALUE"},
        {"Slack=rotation:sometimes", "possible, never or always after \"rotation:\""},
        {"Slack=same-until-end:true", "no or yes after \"same-until-end:\""},
        {"Slack=grace:30", "a time of at most ten years after \"grace:\""},
        {"Slack=grace:-1s", "a time of at most ten years"},
        {"Slack=grace:s", "a time of at most ten years"},
        {"Slack=idle:4000d", "a time of at most ten years"},
        {"Slack=idle:99999999999999999999d", "a time of at most ten years"},
        {"Slack=probe:introspection", "\"probe-path:/...\" where there is a probe"},
        {"Slack=probe:old-access-token,probe-path:/me",
         "\"old-access-ends:yes\" where the probe is old-access-token"},
        {"CustomConnector=probe:introspection,probe-path:/introspect",
         "another probe than introspection"},
        {"Slack=probe-path:x", "a path that begins with /"},
        {"Slack=busy:", "a text after \"busy:\""},
        {"Amplitude=grace:30s",
         "a connector type with OAuth tokens before \"=\", not \"Amplitude\""},
        {"Slakc=grace:30s", "a connector type with OAuth tokens before \"=\", not \"Slakc\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct error error = {0};
        if (token_policy_check(rows[i].text, &error) || !strstr(error.message, rows[i].expected))
            fail_msg("%s: %s", rows[i].text, error.message);
    }
    struct error error;
    assert_true(token_policy_check("Slack=probe:introspection,probe-path:/introspect", &error));
    assert_shown("Slack", "rotation:always, reuse:refused"); /* a check changes nothing */
}

/* --- the page for operators --- */

enum { PAGE_MAX = 64 * 1024 };

static void add_row(struct buf *table, struct arena *arena, const struct connector *connector)
{
    static const struct token_policy strictest;
    struct str strict = token_policy_text(arena, &strictest), last = STR_NULL;
    for (size_t i = 0; connector->http && i < connector->http->auth.count; i++) {
        const struct connector_oauth2 *oauth2 = connector->http->auth.rows[i].oauth2;
        struct str text = oauth2 ? token_policy_text(arena, &oauth2->policy) : strict;
        if (str_eq(text, strict) || (last.data && str_eq(text, last)))
            continue;
        buf_printf(table, "| %.*s | `%.*s` |\n", STR_ARG(connector->type), STR_ARG(text));
        last = text;
    }
}

static struct str read_page(struct arena *arena)
{
    char *text = arena_alloc(arena, PAGE_MAX);
    FILE *file = fopen(TEST_DATA "/../../../docs/when-a-credential-dies.md", "r");
    assert_non_null(file);
    size_t len = fread(text, 1, PAGE_MAX, file);
    assert_in_range(len, 1, PAGE_MAX - 1);
    fclose(file);
    return (struct str){text, len};
}

static void the_page_for_operators_has_the_policies(void **state)
{
    struct arena arena = {0};
    struct buf table = buf_in(&arena, PAGE_MAX);
    (void)state;
    buf_printf(&table, "| connector | policy |\n|---|---|\n");
    for (size_t i = 0; i < connector_count(); i++)
        add_row(&table, &arena, connector_at(i));
    buf_printf(&table, "\n");
    struct str page = read_page(&arena), wanted = buf_str(&table);
    if (!memmem(page.data, page.len, wanted.data, wanted.len))
        fail_msg("docs/when-a-credential-dies.md is to have\n%.*s", STR_ARG(wanted));
    arena_done(&arena);
}

static void the_page_for_operators_has_what_a_renewal_can_come_to(void **state)
{
    struct arena arena = {0};
    (void)state;
    struct str page = read_page(&arena);
    for (enum token_outcome i = 0; i < OUTCOME_COUNT; i++) {
        struct str name = arena_printf(&arena, "`%s`", token_outcome_name(i));
        if (i != OUTCOME_RENEWED && !str_contains(page, name))
            fail_msg("docs/when-a-credential-dies.md has no row for %.*s", STR_ARG(name));
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_hold_instead_of_the_connectors_own),
        cmocka_unit_test(what_is_shown_can_be_given),
        cmocka_unit_test(what_cannot_be_meant_is_refused),
        cmocka_unit_test(the_page_for_operators_has_the_policies),
        cmocka_unit_test(the_page_for_operators_has_what_a_renewal_can_come_to),
    };
    return cmocka_run_group_tests_name("token policies", tests, NULL, NULL);
}
