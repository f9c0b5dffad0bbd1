/* Entities whose names are the ends of URLs, in a list inside the first item of another one, at a
 * vendor that has no status for an entity that does not exist. */
#include "connector_script.h"

#include "connector/http/entity_source.h"

#include <string.h>

#define API "https://acme.example.com"
#define CALL "GET " API "/kinds\nAccept: application/json\nAuthorization: Bearer t0ken\n\n"

static const struct connector_url urls[] = {{.url = API}};
static const struct connector_header shown[] = {{"Authorization", "Bearer {credentials.token}"}};
static const struct connector_auth auth[] = {
    {.headers = &(const struct connector_headers)LIST(shown)}};

static const struct entity_list_source lists[] = {
    {.within = "shelf*",
     .items = {.call = {.method = "GET", .path = "/kinds"},
               .at = "/all/0/kinds",
               .missing_kind = VERDICT_MISCONFIGURED},
     .name = "{item.url}",
     .under = "shelf/kinds/"},
};
static const struct connector_entities entities = {.lists = LIST(lists)};
static const struct http_connector http = {
    .api = LIST(urls), .auth = LIST(auth), .entities = &entities};
static const struct connector acme = {
    .type = STR("Acme"), .key = STR("Acme"), .roles = ROLE_SOURCE, .ops = &http_ops, .http = &http};

/* Made of XML: one item is no list. */
static const struct entity_list_source lone_lists[] = {
    {.items = {.call = {.method = "GET", .path = "/kinds", .needs = "/result"},
               .pages = {.kind = PAGES_OFFSET, .size = 2},
               .at = "/result/kind",
               .lone = true,
               .where = {"/old", "true", true}},
     .name = "{item.@attributes.id}"},
};
static const struct connector_entities lone_entities = {.lists = LIST(lone_lists)};
static const struct http_connector lone_http = {
    .api = LIST(urls), .auth = LIST(auth), .entities = &lone_entities};
static const struct connector lone = {.type = STR("Acme"),
                                      .key = STR("Acme"),
                                      .roles = ROLE_SOURCE,
                                      .ops = &http_ops,
                                      .http = &lone_http};

static struct script script;
static struct entity_list list;

static bool ask_of(const struct connector *connector, const struct scripted *steps, size_t count,
                   const char *within)
{
    struct value *credentials = value_structure(&script.arena);
    value_put_text(&script.arena, credentials, "token", STR("t0ken"));
    script.steps = steps, script.count = count, script.next = 0;
    return script_list(&script, connector, value_structure(&script.arena), credentials, within,
                       &list);
}

static bool ask(const struct scripted *steps, size_t count, const char *within)
{
    return ask_of(&acme, steps, count, within);
}

static void names_are_the_ends_of_urls(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {.request = CALL,
         .status = 200,
         .body = "{\"all\":[{\"kinds\":[{\"url\":\"" API "/kinds/b\"},{\"url\":\"" API "/kinds/\"},"
                 "{\"url\":\"a\"}]},{\"kinds\":[{\"url\":\"c\"}]}]}"}};
    assert_true(ask(steps, 1, "shelf1"));
    assert_int_equal(list.count, 2);
    assert_str(list.rows[0].name, "shelf/kinds/a");
    assert_str(list.rows[1].name, "shelf/kinds/b");
}

static void a_verdict_says_that_there_is_none(void **state)
{
    (void)state;
    static const struct scripted gone[] = {
        {.status = 404, .body = "{\"message\":\"no such shelf\"}"}};
    assert_false(ask(gone, 1, "shelf2"));
    assert_verdict(&script, VERDICT_ABSENT, STEP_API, 404, "no such shelf");
    static const struct scripted refused[] = {{.status = 401, .body = "{\"message\":\"who?\"}"}};
    assert_false(ask(refused, 1, "shelf2"));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 401, "who?");
}

/* A list's names go into JSON, whatever a connector read them from. */
static void names_are_bounded_text(void **state)
{
    (void)state;
    static char bytes[ENTITY_NAME_MAX * 4 + 4];
    for (size_t i = 0; i < sizeof(bytes); i += 4)
        memcpy(bytes + i, "\360\237\230\200", 4);
    assert_true(entity_name_is_fit((struct str){bytes, 4 * (size_t)ENTITY_NAME_MAX}));
    assert_false(entity_name_is_fit((struct str){bytes, sizeof(bytes)}));
    memset(bytes, 0x80, sizeof(bytes));
    assert_false(entity_name_is_fit((struct str){bytes, sizeof(bytes)}));
    assert_false(entity_name_is_fit(STR("caf\351")));
    assert_true(entity_name_is_fit(STR("caf\303\251")));
    assert_false(entity_name_is_fit(STR("a b")));
    assert_false(entity_name_is_fit(STR("")));
}

/* Nothing that the API itself says: the verdict and its hint stay. */
static void what_is_no_answer_says_nothing_of_the_entity(void **state)
{
    (void)state;
    static const struct scripted answers[] = {
        {.status = 302, .headers = "Location: https://elsewhere.example/\n"},
        {.status = 200, .headers = "Content-Type: text/html\n", .body = "<html>Log in</html>"},
        {.status = 404, .headers = "Content-Type: text/html\n", .body = "<html>None</html>"},
        {.outcome = CLIENT_REFUSED, .detail = "the address is not allowed"},
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        assert_false(ask(&answers[i], 1, "shelf2"));
        assert_int_equal(script.verdict.kind, VERDICT_MISCONFIGURED);
        assert_int_equal(script.verdict.status, answers[i].status);
        assert_true(script.verdict.hint.len > 0);
    }
}

static void a_pattern_does_not_reach_past_a_slash(void **state)
{
    (void)state;
    assert_false(ask(NULL, 0, "shelf/inner"));
    assert_verdict(&script, VERDICT_ABSENT, STEP_NONE, 0, "shelf/inner has no nested entities");
}

static void a_single_item_needs_no_list(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t count;
        bool good;
    } answers[] = {
        {"{\"result\":{\"total\":2,\"kind\":[{\"@attributes\":{\"id\":\"a\"}},"
         "{\"old\":true}]}}",
         1, true},
        {"{\"result\":{\"kind\":{\"@attributes\":{\"id\":\"a\"}}}}", 1, true},
        {"{\"result\":{\"kind\":{\"old\":true,\"@attributes\":{\"id\":\"a\"}}}}", 0, true},
        {"{\"result\":{\"total\":0}}", 0, true},
        {"{\"other\":{}}", 0, false},
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        const struct scripted steps[] = {
            {.status = 200, .body = answers[i].body},
            {.status = 200, .body = "{\"result\":{\"total\":2}}"}, /* after a full page */
        };
        assert_int_equal(ask_of(&lone, steps, i == 0 ? 2 : 1, NULL), answers[i].good);
        assert_int_equal(list.count, answers[i].count);
        if (answers[i].count == 1)
            assert_str(list.rows[0].name, "a");
    }
    /* Without `lone` that is no list. */
    static const struct scripted one[] = {
        {.status = 200, .body = "{\"all\":[{\"kinds\":{\"url\":\"a\"}}]}"}};
    assert_false(ask(one, 1, "shelf1"));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "the response has no list of entities");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_the_ends_of_urls),  TEST(a_verdict_says_that_there_is_none),
        TEST(names_are_bounded_text),      TEST(what_is_no_answer_says_nothing_of_the_entity),
        TEST(a_single_item_needs_no_list), TEST(a_pattern_does_not_reach_past_a_slash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
