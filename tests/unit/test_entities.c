/* Entities by description, on a made-up vendor: pages of every kind, inherited fields, types,
 * schemas, and answers that are hostile, too long, or refused. */
#include "connector_script.h"

#include "base/clock.h"
#include "connector/http/entity_source.h"

#include <stdio.h>
#include <string.h>

#define API "https://acme.example.com"
#define CALL(path) "GET " API path "\nAccept: application/json\nAuthorization: Bearer t0ken\n\n"

static const struct connector_url urls[] = {{.url = API}};
static const struct connector_auth oauth2_way[] = {{.oauth2 = &(const struct connector_oauth2){
                                                        .members = "credentials",
                                                        .grants = GRANT_REFRESH,
                                                        .token_urls = LIST(urls),
                                                        .token_path = "/token",
                                                    }}};

static const char *const equal[] = {"EQUAL_TO"};
static const struct entity_type types[] = {
    {.type = "time", .shown = "datetime", .operators = LIST(equal), .is_time = true},
    {.operators = LIST(equal)},
};

#define SOURCES(paging)                                                                            \
    (const struct entity_list_source[])                                                            \
    {                                                                                              \
        {.items = {.call = {.method = "GET",                                                       \
                            .path = "/things?n={page.number}&o={page.offset}",                     \
                            .query = LIST(cursor)},                                                \
                   .pages = paging,                                                                \
                   .at = "/list",                                                                  \
                   .where = {"/hidden", "true", true}},                                            \
         .name = "{item.id}",                                                                      \
         .label = "{item.title}"},                                                                 \
            {.within = "box-*",                                                                    \
             .group = "Inside",                                                                    \
             .items = {.call = {.method = "GET", .path = "/in/{entity.name}"},                     \
                       .at = "",                                                                   \
                       .missing = 404},                                                            \
             .name = "{entity.name}/{item.id}",                                                    \
             .nested = true},                                                                      \
    }

static const struct connector_param cursor[] = {
    {.name = "c", .value = "{page.cursor}", .given = "page.cursor"},
};

static const struct entity_parent parent = {
    .call = {.method = "GET", .path = "/parent/{entity.name}", .needs = "/row"},
    .at = "/row/parent",
};

static const char *const by_id[] = {"UPDATE"};
static const struct entity_writes writes[] = {{{"/key", "true", false}, LIST(by_id)}};

static const struct entity_field_source fields[] = {
    {.items = {.call = {.method = "GET", .path = "/fields/{entity.names}"}, .at = "/f"},
     .parent = &parent,
     .name = "{item.name}",
     .type = "{item.type}",
     .is_key = {"/key", "true", false},
     .queryable = {"/filter", NULL, false},
     .creatable = {"", NULL, false},
     .nullable = {"/required", "true", true},
     .writes = LIST(writes)},
};

static struct script script;
static struct entity_list list;

/* A connector with these entities, in the script's arena. */
static const struct connector *connector_with(const struct connector_entities *entities)
{
    struct http_connector *http = arena_new(&script.arena, struct http_connector);
    struct connector *acme = arena_new(&script.arena, struct connector);
    *http =
        (struct http_connector){.api = LIST(urls), .auth = LIST(oauth2_way), .entities = entities};
    *acme = (struct connector){.type = STR("Acme"),
                               .key = STR("Acme"),
                               .roles = ROLE_SOURCE | ROLE_DESTINATION,
                               .ops = &http_ops,
                               .http = http};
    return acme;
}

/* The vendor answers with these steps; the credentials to ask with. */
static struct value *begin_script(const struct scripted *steps, size_t count)
{
    struct value *credentials = value_structure(&script.arena);
    value_put_text(&script.arena, credentials, "accessToken", STR("t0ken"));
    script.steps = steps, script.count = count, script.next = 0;
    return credentials;
}

static bool ask_with(const struct entity_pages pages, const struct scripted *steps, size_t count,
                     const char *within)
{
    const struct entity_list_source sources[2] = {SOURCES(pages)[0], SOURCES(pages)[1]};
    const struct connector_entities entities = {
        .types = LIST(types),
        .lists = {sources, 2},
        .fields = LIST(fields),
    };
    return script_list(&script, connector_with(&entities), value_structure(&script.arena),
                       begin_script(steps, count), within, &list);
}

#define ASK(paging, steps, within)                                                                 \
    ask_with(paging, steps, sizeof(steps) / sizeof((steps)[0]), within)

/* "name=label" of each, with commas. */
static const char *listed(void)
{
    struct buf text = buf_in(&script.arena, 4096);
    buf_add_cstr(&text, "");
    for (size_t i = 0; i < list.count; i++)
        buf_printf(&text, "%s%.*s=%.*s", i ? "," : "", STR_ARG(list.rows[i].name),
                   STR_ARG(list.rows[i].label));
    return text.len ? text.data : "";
}

static const struct entity_pages one = {.kind = PAGES_NONE};

static void a_list_is_sorted_and_filtered(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {.request = CALL("/things?n=1&o=0"),
         .status = 200,
         .body = "{\"list\":[{\"id\":\"b\",\"title\":\"B \\u00e9\\n\"},{\"id\":\"a\"},"
                 "{\"id\":\"h\",\"hidden\":true},{\"id\":\"a\",\"title\":\"twice\"},"
                 "{\"id\":\"with blank\"},{\"id\":7}]}"}};
    assert_true(ASK(one, steps, NULL));
    assert_string_equal(listed(), "7=7,a=a,b=B \303\251 ");
}

static void pages_by_offset_number_and_cursor(void **state)
{
    (void)state;
#define PAGE(id) "{\"list\":[{\"id\":\"" id "1\"},{\"id\":\"" id "2\"}]}"
    static const struct scripted by_offset[] = {
        {.request = CALL("/things?n=1&o=0"), .status = 200, .body = PAGE("a")},
        {.request = CALL("/things?n=2&o=2"), .status = 200, .body = PAGE("b")},
        {.request = CALL("/things?n=3&o=4"), .status = 200, .body = "{\"list\":[{\"id\":\"c\"}]}"}};
    const struct entity_pages offset = {.kind = PAGES_OFFSET, .size = 2};
    assert_true(ASK(offset, by_offset, NULL));
    assert_string_equal(listed(), "a1=a1,a2=a2,b1=b1,b2=b2,c=c");

    static const struct scripted by_cursor[] = {
        {.request = CALL("/things?n=1&o=0"),
         .status = 200,
         .body = "{\"next\":\"x y\",\"list\":[{\"id\":\"a\"}]}"},
        {.request = CALL("/things?n=2&o=1&c=x%20y"),
         .status = 200,
         .body = "{\"list\":[{\"id\":\"b\"}],\"next\":\"\"}"}};
    const struct entity_pages cursors = {.kind = PAGES_CURSOR, .next = "/next"};
    assert_true(ASK(cursors, by_cursor, NULL));
    assert_string_equal(listed(), "a=a,b=b");
}

/* The vendor leaves rows out that the user must not see, after it cut the page. */
static void pages_with_hidden_items(void **state)
{
    (void)state;
    const struct entity_pages pages = {.kind = PAGES_OFFSET, .size = 2, .total = "X-Total-Count"};
    static const struct scripted steps[] = {{.request = CALL("/things?n=1&o=0"),
                                             .status = 200,
                                             .headers = "x-total-count: 6\n",
                                             .body = "{\"list\":[{\"id\":\"a\"}]}"},
                                            {.request = CALL("/things?n=2&o=2"),
                                             .status = 200,
                                             .headers = "x-total-count: 6\n",
                                             .body = "{\"list\":[]}"},
                                            {.request = CALL("/things?n=3&o=4"),
                                             .status = 200,
                                             .headers = "x-total-count: 6\n",
                                             .body = "{\"list\":[{\"id\":\"b\"},{\"id\":\"c\"}]}"}};
    assert_true(ASK(pages, steps, NULL));
    assert_string_equal(listed(), "a=a,b=b,c=c");
    static const struct scripted without[] = {
        {.status = 200, .body = "{\"list\":[{\"id\":\"a\"},{\"id\":\"b\"}]}"},
        {.request = CALL("/things?n=2&o=2"),
         .status = 200,
         .headers = "X-Total-Count: many\n",
         .body = "{\"list\":[{\"id\":\"c\"}]}"}};
    assert_true(ASK(pages, without, NULL));
    assert_string_equal(listed(), "a=a,b=b,c=c");
}

static void a_link_stays_at_its_host(void **state)
{
    (void)state;
    const struct entity_pages links = {.kind = PAGES_LINK, .next = "/next"};
    static const struct scripted steps[] = {
        {.request = CALL("/things?n=1&o=0"),
         .status = 200,
         .body = "{\"list\":[{\"id\":\"a\"}],\"next\":\"" API "/more?{page.number}=%7b\"}"},
        {.request = CALL("/more?{page.number}=%7b"),
         .status = 200,
         .body = "{\"list\":[{\"id\":\"b\"}],\"next\":\"last\"}"},
        {.request = CALL("/last"), .status = 200, .body = "{\"list\":[]}"}};
    assert_true(ASK(links, steps, NULL));
    assert_string_equal(listed(), "a=a,b=b");
    static const char *const elsewhere[] = {
        "https://evil.example.com/x", "http://acme.example.com/", "https://acme.example.com:444/x",
        "//evil.example/x", "https://acme.example.com@evil.example/x"};
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++) {
        char body[256];
        snprintf(body, sizeof(body), "{\"list\":[],\"next\":\"%s\"}", elsewhere[i]);
        const struct scripted refused[] = {{.status = 200, .body = body}};
        assert_false(ASK(links, refused, NULL));
        assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                       "the next page of the list is at another host");
    }
}

static void pages_end(void **state)
{
    (void)state;
    const struct entity_pages cursors = {.kind = PAGES_CURSOR, .next = "/next"};
    static const struct scripted same[] = {{.status = 200, .body = "{\"list\":[],\"next\":\"x\"}"},
                                           {.status = 200, .body = "{\"list\":[],\"next\":\"x\"}"}};
    assert_false(ASK(cursors, same, NULL));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "the list gives the same next page twice");

    static struct scripted endless[ENTITY_PAGES_MAX];
    static char bodies[ENTITY_PAGES_MAX][64];
    for (int i = 0; i < ENTITY_PAGES_MAX; i++) {
        snprintf(bodies[i], sizeof(bodies[i]), "{\"list\":[{\"id\":1}],\"next\":\"%d\"}", i + 1);
        endless[i] = (struct scripted){.status = 200, .body = bodies[i]};
    }
    assert_false(ASK(cursors, endless, NULL));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "there are more pages than this server takes of one list");
}

/* All pages' pointers are in memory together. */
static void a_pointer_to_the_next_page_has_a_limit(void **state)
{
    (void)state;
    static const struct entity_pages kinds[] = {{.kind = PAGES_CURSOR, .next = "/next"},
                                                {.kind = PAGES_LINK, .next = "/next"}};
    char body[6000];
    snprintf(body, sizeof(body), "{\"list\":[],\"next\":\"/%05000d\"}", 0);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        const struct scripted steps[] = {{.status = 200, .body = body}};
        assert_false(ASK(kinds[i], steps, NULL));
        assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                       "what names the list's next page is too long");
    }
}

static void nested_entities(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {.request = CALL("/in/box-1"), .status = 200, .body = "[{\"id\":\"x\"},{\"id\":\"y\"}]"}};
    assert_true(ASK(one, steps, "box-1"));
    assert_string_equal(listed(), "box-1/x=box-1/x,box-1/y=box-1/y");
    assert_str(list.rows[0].group, "Inside");
    assert_true(list.rows[0].nested);
    static const struct scripted gone[] = {{.status = 404, .body = "{\"message\":\"no box\"}"}};
    assert_false(ASK(one, gone, "box-2"));
    assert_verdict(&script, VERDICT_ABSENT, STEP_API, 404, "no box");
    assert_false(ask_with(one, NULL, 0, "sphere"));
    assert_verdict(&script, VERDICT_ABSENT, STEP_NONE, 0, "sphere has no nested entities");
}

/* Ten thousand entities, in one answer and with none of it in memory at once. */
static void a_long_list(void **state)
{
    (void)state;
    enum { MANY = 10 * 1000 };
    struct buf body = buf_on_heap(16 * 1024 * 1024);
    buf_add_cstr(&body, "{\"list\":[");
    for (int i = 0; i < MANY; i++)
        buf_printf(&body,
                   "%s{\"id\":\"Object_%05d__c\",\"title\":\"Object %d\",\"more\":\"%0400d\"}",
                   i ? "," : "", i, i, 0);
    buf_add_cstr(&body, "]}");
    const struct scripted steps[] = {{.status = 200, .body = body.data}};
    assert_true(ASK(one, steps, NULL));
    assert_int_equal(list.count, MANY);
    assert_str(list.rows[MANY - 1].label, "Object 9999");
    assert_int_equal(entity_list_after(&list, STR("Object_00041__c")), 42);
    assert_int_equal(entity_list_after(&list, STR("Z")), MANY);
    assert_true(script.arena.used < 8 * 1024 * 1024);
    buf_done(&body);
}

enum { ROOM = 1024 * 1024 };

static bool cover_some(struct arena_meter *meter, size_t bytes, bool forced)
{
    if (!forced && bytes > ROOM)
        return false;
    meter->covered = bytes;
    return true;
}

/* The vendor is not to blame, whichever part of the list has no room. */
static void no_memory_for_a_list(void **state)
{
    (void)state;
    enum { MANY = 10 * 1000 };
    struct arena_meter meter = {.cover = cover_some};
    struct buf body = buf_on_heap(16 * 1024 * 1024);
    buf_add_cstr(&body, "{\"list\":[{\"id\":0}");
    for (int i = 1; i < MANY; i++)
        buf_printf(&body, ",{\"id\":\"%0100d\"}", i);
    buf_add_cstr(&body, "]}");
    const struct scripted steps[] = {{.status = 200, .body = body.data}};
    arena_set_meter(&script.arena, &meter);
    assert_false(ASK(one, steps, NULL));
    assert_int_equal(script.verdict.kind, VERDICT_INTERNAL);
    assert_str(script.verdict.message, "no memory is left for the response");
    arena_set_meter(&script.arena, NULL);
    buf_done(&body);
}

static void no_memory_for_fields(void **state)
{
    (void)state;
    struct arena_meter meter = {.cover = cover_some};
    struct entity_fields many;
    struct arena scratch = {.kind = ARENA_PLAIN};
    bool added = true;
    entity_fields_init(&many, &meter);
    for (int i = 0; added && i < ENTITY_FIELDS_MAX; i++) {
        struct value *field = value_structure(&scratch);
        value_put_text(&scratch, field, "identifier", arena_printf(&scratch, "%0100d", i));
        value_put_text(&scratch, field, "label", arena_printf(&scratch, "%0400d", i));
        added = entity_fields_add(&many, field);
    }
    assert_false(added);
    assert_true(many.no_room);
    entity_fields_done(&many);
    arena_done(&scratch);
}

static void too_many_entities(void **state)
{
    (void)state;
    struct buf body = buf_on_heap(16 * 1024 * 1024);
    buf_add_cstr(&body, "{\"list\":[{\"id\":0}");
    for (int i = 1; i <= ENTITIES_MAX; i++)
        buf_printf(&body, ",{\"id\":%d}", i);
    buf_add_cstr(&body, "]}");
    const struct scripted steps[] = {{.status = 200, .body = body.data}};
    assert_false(ASK(one, steps, NULL));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "there are more entities than this server takes of one list");
    buf_done(&body);
}

static void answers_that_are_none(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum verdict_kind kind;
    } answers[] = {
        {200, "{\"list\":[{\"id\":1},]}", VERDICT_UNREACHABLE},
        {200, "{\"list\":[{\"id\":1}", VERDICT_UNREACHABLE},
        {200, "{\"list\":[{\"id\":1 \"x\"}]}", VERDICT_UNREACHABLE},
        {200, "{\"other\":[]}", VERDICT_UNREACHABLE},
        {200, "<html>login</html>", VERDICT_MISCONFIGURED},
        {401, "", VERDICT_REJECTED},
        {403, "{\"list\":[{\"id\":1}]}", VERDICT_BLOCKED},
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        const struct scripted steps[] = {{.status = answers[i].status, .body = answers[i].body}};
        assert_false(ASK(one, steps, NULL));
        assert_int_equal(script.verdict.kind, answers[i].kind);
    }
}

static bool describe(const struct scripted *steps, size_t count, const char *entity,
                     struct str *ret_fields)
{
    const struct connector_entities entities = {.types = LIST(types), .fields = LIST(fields)};
    return script_describe(&script, connector_with(&entities), value_structure(&script.arena),
                           begin_script(steps, count), entity, ret_fields);
}

static void fields_are_inherited(void **state)
{
    (void)state;
    struct str found;
    static const struct scripted steps[] = {
        {.request = CALL("/parent/car"), .status = 200, .body = "{\"row\":{\"parent\":\"thing\"}}"},
        {.request = CALL("/parent/thing"), .status = 200, .body = "{\"row\":{\"parent\":\"\"}}"},
        {.request = CALL("/fields/car%2Cthing"),
         .status = 200,
         .body = "{\"f\":[{\"name\":\"id\",\"type\":\"key\",\"key\":true,\"filter\":true,"
                 "\"required\":true},{\"name\":\"at\",\"type\":\"time\",\"filter\":false},"
                 "{\"name\":\"id\",\"type\":\"again\"}]}"}};
    assert_true(describe(steps, 3, "car", &found));
    assert_str(
        found,
        "{\"identifier\":\"id\",\"label\":\"id\",\"isPrimaryKey\":true,"
        "\"supportedFieldTypeDetails\":{\"v1\":{\"fieldType\":\"key\",\"filterOperators\":["
        "\"EQUAL_TO\"],\"supportedValues\":[]}},\"description\":\"id\",\"sourceProperties\":{"
        "\"isRetrievable\":true,\"isQueryable\":true},\"destinationProperties\":{"
        "\"isCreatable\":true,\"isNullable\":false,\"isUpsertable\":false,\"isUpdatable\":false,"
        "\"supportedWriteOperations\":[\"UPDATE\"]}},"
        "{\"identifier\":\"at\",\"label\":\"at\",\"supportedFieldTypeDetails\":{\"v1\":{"
        "\"fieldType\":\"datetime\",\"filterOperators\":[],\"supportedValues\":[]}},"
        "\"description\":\"at\",\"sourceProperties\":{\"isRetrievable\":true,"
        "\"isQueryable\":false,\"isTimestampFieldForIncrementalQueries\":true},"
        "\"destinationProperties\":{\"isCreatable\":true,\"isNullable\":true,"
        "\"isUpsertable\":false,\"isUpdatable\":false,\"supportedWriteOperations\":[]}}");
}

static void a_chain_of_parents_ends(void **state)
{
    (void)state;
    struct str found;
    struct scripted steps[ENTITY_DEPTH_MAX + 1];
    for (int i = 0; i < ENTITY_DEPTH_MAX; i++)
        steps[i] = (struct scripted){.status = 200, .body = "{\"row\":{\"parent\":\"loop\"}}"};
    steps[ENTITY_DEPTH_MAX] = (struct scripted){.status = 200, .body = "{\"f\":[]}"};
    assert_false(describe(steps, ENTITY_DEPTH_MAX + 1, "loop", &found));
    assert_verdict(&script, VERDICT_ABSENT, STEP_NONE, 0, "loop is no entity here");
}

static void too_many_fields(void **state)
{
    (void)state;
    struct str found;
    struct buf body = buf_on_heap(16 * 1024 * 1024);
    buf_add_cstr(&body, "{\"f\":[{\"name\":0}");
    for (int i = 1; i <= ENTITY_FIELDS_MAX; i++)
        buf_printf(&body, ",{\"name\":%d}", i);
    buf_add_cstr(&body, "]}");
    const struct scripted steps[] = {
        {.status = 200, .body = "{\"row\":{}}"},
        {.status = 200, .body = body.data},
    };
    assert_false(describe(steps, 2, "wide", &found));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "there are more fields than this server takes of one list");
    buf_done(&body);
}

/* The token is refused in the middle of a list, a refresh gives another, and the list begins again.
 */
static void a_token_is_renewed_on_the_way(void **state)
{
    (void)state;
    const struct connector *connector = connector_by_type(STR("Salesforce"));
    static const struct scripted steps[] = {
        {.status = 401, .body = "[{\"errorCode\":\"INVALID_SESSION_ID\",\"message\":\"old\"}]"},
        {.status = 200, .body = "{\"access_token\":\"t2\"}"},
        {.request = "GET https://acme.my.salesforce.com/services/data/v58.0/sobjects\n"
                    "Accept: application/json\nAuthorization: Bearer t2\n\n",
         .status = 200,
         .body = "{\"sobjects\":[{\"name\":\"Account\",\"label\":\"Account\"}]}"}};
    script.steps = steps;
    script.count = 3;
    script.app_secret = "s3cret";
    assert_true(script_list(&script, connector,
                            script_part(&script, "Salesforce", "Properties",
                                        "{\"instanceUrl\":\"https://acme.my.salesforce.com\"}"),
                            script_part(&script, "Salesforce", "Credentials",
                                        "{\"accessToken\":\"t1\",\"refreshToken\":\"r1\"}"),
                            NULL, &list));
    assert_string_equal(listed(), "Account=Account");
    assert_str(script.tokens.access_token, "t2");
    assert_str(script.saved.access_token, "t2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_list_is_sorted_and_filtered),
        TEST(pages_by_offset_number_and_cursor),
        TEST(pages_with_hidden_items),
        TEST(a_link_stays_at_its_host),
        TEST(pages_end),
        TEST(a_pointer_to_the_next_page_has_a_limit),
        TEST(nested_entities),
        TEST(a_long_list),
        TEST(no_memory_for_a_list),
        TEST(no_memory_for_fields),
        TEST(too_many_entities),
        TEST(answers_that_are_none),
        TEST(fields_are_inherited),
        TEST(a_chain_of_parents_ends),
        TEST(too_many_fields),
        TEST(a_token_is_renewed_on_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
