/* The sandbox's parts: patterns, memory, tokens, assertions, placeholders, and the strict reading
 * of its files. */
#include "cmocka_all.h"

#include "base/clock.h"
#include "sandbox/catalog.h"
#include "sandbox/glob.h"
#include "sandbox/issued.h"
#include "sandbox/jwt.h"
#include "sandbox/memory.h"
#include "sandbox/profile.h"
#include "sandbox/request.h"
#include "sandbox/sandbox.h"
#include "sandbox/template.h"
#include "wire/restjson.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define assert_text(actual, expected)                                                              \
    do {                                                                                           \
        struct str actual_ = (actual), expected_ = (expected);                                     \
        assert_int_equal(actual_.len, expected_.len);                                              \
        assert_memory_equal(actual_.data, expected_.data, expected_.len);                          \
    } while (0)

static void patterns(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"code", "code", true},
        {"code", "codes", false},
        {"code-*", "code-1", true},
        {"code-*", "code-", false},
        {"*.zendesk.com", "acme.zendesk.com", true},
        {"*.zendesk.com", ".zendesk.com", false},
        {"*.zendesk.com", "acme.zendesk.com.evil.example", false},
        {"secretsmanager.*.amazonaws.com", "secretsmanager.us-east-1.amazonaws.com", true},
        {"a*b*c", "aXbbYc", true},
        {"a*b*c", "aXbc", false},
        {"*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false},
        {"*", "", false},
        {"", "", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(glob_match(str_from(cases[i].pattern), str_from(cases[i].text)),
                         cases[i].matches);
    assert_true(glob_match_nocase(STR("*.zendesk.com"), STR("ACME.Zendesk.COM")));
    assert_false(glob_match(STR("*.zendesk.com"), STR("ACME.Zendesk.COM")));
}

static void path_patterns(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool matches;
    } cases[] = {
        {"/services/data/v*/limits", "/services/data/v58.0/limits", true},
        {"/services/data/v*/limits", "/services/data/v58.0/x/limits", false},
        {"/services/data/v*/", "/services/data/v58.0/", true},
        {"/services/data/v*/", "/services/data/v58.0", false},
        {"/api/**", "/api/v2/users/me.json", true},
        {"/api/**", "/api/", false},
        {"/", "/", true},
        {"/", "/x", false},
        {"/x", "", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(glob_match_path(str_from(cases[i].pattern), str_from(cases[i].path)),
                         cases[i].matches);
}

static void memory_counts_and_forgets_the_oldest(void **state)
{
    struct memory *memory = memory_new(3);
    (void)state;
    assert_int_equal(memory_uses(memory, STR("a"), STR("1")), 0);
    assert_int_equal(memory_use(memory, STR("a"), STR("1")), 0);
    assert_int_equal(memory_use(memory, STR("a"), STR("1")), 1);
    assert_int_equal(memory_use(memory, STR("b"), STR("1")), 0);
    assert_int_equal(memory_use(memory, STR("a"), STR("2")), 0);
    assert_int_equal(memory_uses(memory, STR("a"), STR("1")), 2);
    assert_int_equal(memory_use(memory, STR("a"), STR("3")), 0);
    assert_int_equal(memory_uses(memory, STR("a"), STR("1")), 0);
    assert_int_equal(memory_uses(memory, STR("b"), STR("1")), 1);
    for (int i = 0; i < 100; i++) {
        char text[] = {(char)('a' + i % 20), (char)('a' + i / 20), 0};
        assert_int_equal(memory_use(memory, STR("c"), str_from(text)), 0);
    }
    memory_free(memory);
}

enum { RACERS = 4, RACES = 200 };

struct race {
    struct memory *memory;
    pthread_barrier_t barrier;
    atomic_int winners[RACES];
};

static void *run_race(void *argument)
{
    struct race *race = argument;
    for (int i = 0; i < RACES; i++) {
        char code[] = {(char)('A' + i % 26), (char)('A' + i / 26), 0};
        pthread_barrier_wait(&race->barrier);
        if (memory_use(race->memory, STR("code"), str_from(code)) == 0)
            atomic_fetch_add(&race->winners[i], 1);
    }
    return NULL;
}

static void one_of_many_users_is_the_first(void **state)
{
    static struct race race;
    pthread_t threads[RACERS];
    (void)state;
    race.memory = memory_new(MEMORY_MAX);
    pthread_barrier_init(&race.barrier, NULL, RACERS);
    for (int i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_race, &race), 0);
    for (int i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < RACES; i++)
        assert_int_equal(atomic_load(&race.winners[i]), 1);
    pthread_barrier_destroy(&race.barrier);
    memory_free(race.memory);
}

static void issued_tokens_are_known_again(void **state)
{
    struct arena arena = {0};
    (void)state;
    struct str token = issued_make(&arena, STR("Salesforce"), ISSUED_ACCESS);
    struct str other = issued_make(&arena, STR("Salesforce"), ISSUED_ACCESS);
    assert_false(str_eq(token, other));
    assert_true(issued_check(STR("Salesforce"), ISSUED_ACCESS, token));
    assert_false(issued_check(STR("Zendesk"), ISSUED_ACCESS, token));
    assert_false(issued_check(STR("Salesforce"), ISSUED_REFRESH, token));
    for (size_t i = 0; i < token.len; i++) {
        char copy[128];
        memcpy(copy, token.data, token.len);
        copy[i] = copy[i] == '0' ? '1' : '0';
        assert_false(issued_check(STR("Salesforce"), ISSUED_ACCESS, (struct str){copy, token.len}));
    }
    arena_done(&arena);
}

static void assertions_are_made_and_read(void **state)
{
    struct arena arena = {0};
    struct jwt_claims claims = {STR("app"), STR("user@acme.example"), STR("https://a.example"), 99};
    struct jwt_claims read;
    (void)state;
    struct str token = jwt_make(&arena, &claims);
    assert_true(jwt_read(&arena, token, &read));
    assert_text(read.issuer, claims.issuer);
    assert_text(read.subject, claims.subject);
    assert_text(read.audience, claims.audience);
    assert_int_equal(read.expires_at_s, 99);
    claims.subject = STR("a>b");
    assert_null(jwt_make(&arena, &claims).data);
    arena_done(&arena);
}

static void broken_assertions_are_refused(void **state)
{
    /* {"alg":"RS256"}, {"alg":"none"}, {"iss":"a","sub":"b","aud":"c","exp":9}, {"iss":"a"} */
    static const char *const broken[] = {
        "",
        "a.b.c",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIiwic3ViIjoiYiIsImF1ZCI6ImMiLCJleHAiOjl9",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIiwic3ViIjoiYiIsImF1ZCI6ImMiLCJleHAiOjl9.",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIiwic3ViIjoiYiIsImF1ZCI6ImMiLCJleHAiOjl9.x.y",
        "eyJhbGciOiJub25lIn0.eyJpc3MiOiJhIiwic3ViIjoiYiIsImF1ZCI6ImMiLCJleHAiOjl9.x",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.x",
    };
    struct arena arena = {0};
    struct jwt_claims claims;
    (void)state;
    assert_true(jwt_read(
        &arena, STR("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIiwic3ViIjoiYiIsImF1ZCI6ImMiLCJleHAiOjl9.x"),
        &claims));
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        assert_false(jwt_read(&arena, str_from(broken[i]), &claims));
    arena_done(&arena);
}

static bool look_up(void *context, struct str name, struct arena *arena, struct str *ret_text)
{
    (void)context;
    (void)arena;
    *ret_text = str_eq(name, STR("none")) ? STR_NULL : STR("X");
    return !str_eq(name, STR("unknown"));
}

static void placeholders_are_replaced(void **state)
{
    static const struct {
        const char *json, *expected;
    } cases[] = {
        {"{\"a\":\"{x}\",\"b\":[1,\"-{x}-{x}-\"]}", "{\"a\":\"X\",\"b\":[1,\"-X-X-\"]}"},
        {"{\"a\":\"{none}\",\"b\":[\"{none}\",true]}", "{\"b\":[true]}"},
        {"{\"a\":\"{\\\"id\\\":1}{{x}{\"}", "{\"a\":\"{\\\"id\\\":1}{x}{\"}"},
        {"{\"a\":\"{unknown}\"}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena = {0};
        struct template template = {.arena = &arena, .lookup = look_up};
        struct value *value;
        assert_true(json_parse(str_from(cases[i].json), &arena, &value));
        struct value *filled = template_expand(&template, value);
        assert_int_equal(filled != NULL, cases[i].expected != NULL);
        if (filled) {
            struct buf out = buf_in(&arena, 1000);
            value_encode(&out, filled);
            assert_text(buf_str(&out), str_from(cases[i].expected));
        }
        arena_done(&arena);
    }
}

static void forms_are_read_strictly(void **state)
{
    struct arena arena = {0};
    struct parameters form;
    (void)state;
    assert_true(parameters_parse(STR("a=1+2%2B&b=&c"), &arena, &form));
    assert_int_equal(form.count, 3);
    assert_text(parameters_get(&form, STR("a")), STR("1 2+"));
    assert_text(parameters_get(&form, STR("b")), STR(""));
    assert_text(parameters_get(&form, STR("c")), STR(""));
    assert_null(parameters_get(&form, STR("d")).data);
    assert_false(parameters_parse(STR("a=1&a=2"), &arena, &form));
    assert_false(parameters_parse(STR("a=1&%61=2"), &arena, &form));
    assert_false(parameters_parse(STR("a=%zz"), &arena, &form));
    assert_true(parameters_parse(STR(""), &arena, &form));
    arena_done(&arena);
}

/* A small file that loads; each case replaces one piece of it. */
static const char small_file[] =
    "{'name':'V','hosts':['v.example'],'not_found':'no',"
    "'responses':{'no':{'status':404},'ok':{'json':{'t':'{access_token}'}}},"
    "'credentials':{'good':'accepted'},'answers':{'rejected':'no'},"
    "'routes':[{'method':'GET','path':'/','credential':'basic','answers':{'accepted':'ok'}}],"
    "'oauth':{'path':'/token','body':['form'],'clients':[{'id':'i','secret':'s'}],"
    "'client_credentials':{},'answers':{'accepted':'ok','bad-request':'no','unknown-grant':'no',"
    "'unknown-client':'no','wrong-secret':'no'}},"
    "'profiles':{'key':'V','outcomes':{'accepted':{'shows':'','properties':{},"
    "'credentials':{'k':'{fresh}'}}}}}";

#define WITH_PAGE "'redirect_uris':['r'],'codes':{},'authorize':{"
static const struct {
    const char *old, *new, *complaint;
} bad_files[] = {
    {"{'name'", "['name'", "file: is not JSON"},
    {"'name':'V',", "", "name is missing"},
    {"'name':'V'", "'name':7", "name: must be a string"},
    {"'name':'V'", "'name':'V','more':1", "more: there is no such member"},
    {"'name':'V'", "'name':'V','name':'V'", "is not JSON"},
    {"'hosts':['v.example']", "'hosts':[]", "hosts: is empty"},
    {"v.example", "*", "takes in too much"},
    {"v.example", "*.*", "takes in too much"},
    {"v.example", "*example", "takes in too much"},
    {"v.example", "V.example", "must be a host name"},
    {"'not_found':'no'", "'not_found':'none'", "no response of the name \"none\""},
    {"'status':404", "'status':99", "status must be 200 to 599"},
    {"'status':404", "'fault':'explode'", "fault must be"},
    {"'status':404", "'delay_ms':-1", "delay_ms must be"},
    {"'status':404", "'pad_bytes':99999999", "pad_bytes must be"},
    {"'status':404", "'like':'no'", "no response of the name \"no\""},
    {"'status':404", "'body':'','json':{}", "exclude each other"},
    {"'status':404", "'headers':{'A B':'x'}", "cannot be sent"},
    {"'status':404", "'headers':{'A':'x\\r\\nB: y'}", "cannot be sent"},
    {"'status':404", "'headers':{'content-length':'1'}", "set by the server"},
    {"{access_token}", "{token}", "no placeholder {token}"},
    {"'good':'accepted'", "'good':'Accepted'", "an outcome is named by"},
    {"'good':'accepted'", "'good':[]", "a list of 1 to"},
    {"'good':'accepted'", "'good':'sleepy'", "no answer for the outcome sleepy"},
    {"'good':'accepted'", "'good':{'client':'x'}", "outcome is missing"},
    {"'answers':{'rejected':'no'},", "", "needs answers for accepted and rejected"},
    {"'method':'GET'", "'method':'get'", "upper-case"},
    {"'path':'/',", "'path':'x',", "must begin with '/'"},
    {"'credential':'basic'", "'credential':'magic'", "must be basic, or"},
    {"'credential':'basic'", "'credential':'header:'", "must be basic, or"},
    {"'credential':'basic'", "'credential':[]", "must have 1 to 4 parts"},
    {"'credential':'basic',", "", "either answer or credential"},
    {"'credential':'basic'", "'credential':'basic','answer':'no'", "either answer or credential"},
    {"'body':['form']", "'body':['xml']", "may hold form and json"},
    {"[{'id':'i','secret':'s'}]", "[]", "must have 1 to"},
    {"'secret':'s'", "'secret':''", "must not be empty"},
    {"'client_credentials':{},", "", "no grant is given"},
    {"'client_credentials':{}", "'codes':{}", "codes need redirect_uris"},
    {"'client_credentials':{}", "'refresh_tokens':{}", "wrong-client is missing"},
    {"'client_credentials':{}", "'client_credentials':{'hosts':['x']}", "wrong-host is missing"},
    {"'unknown-grant':'no',", "", "unknown-grant is missing"},
    {"'client_credentials':{}",
     "'client_credentials':{},'authorize':{'path':'/a','callbacks':['/c']}", "needs codes"},
    {"'client_credentials':{}", WITH_PAGE "'path':'a','callbacks':['/c']}",
     "oauth.authorize: path must begin with '/'"},
    {"'client_credentials':{}", WITH_PAGE "'path':'/a','callbacks':['/c','d']}",
     "oauth.authorize.callbacks[1]: must begin with '/'"},
    {"'client_credentials':{}", WITH_PAGE "'path':'/a','callbacks':['/c'],'outcome':'sleepy'}",
     "there is no answer for its outcome"},
    {"{fresh}", "{stale}", "{stale} cannot be filled"},
    {"{fresh}", "{jwt sub=a aud=b ttl_s=x}", "cannot be filled"},
    {"{fresh}", "{jwt sub=a ttl_s=1}", "cannot be filled"},
    {"'shows':'',", "", "shows is missing"},
};

/* Replaces `old` by `new`, and then ' by ". */
static struct str edited(struct arena *arena, const char *old, const char *new)
{
    struct buf out = buf_in(arena, 16 * 1024);
    const char *at = strstr(small_file, old);
    assert_non_null(at);
    buf_add(&out, (struct str){small_file, (size_t)(at - small_file)});
    buf_add_cstr(&out, new);
    buf_add_cstr(&out, at + strlen(old));
    for (size_t i = 0; i < out.len; i++)
        if (out.data[i] == '\'')
            out.data[i] = '"';
    return buf_str(&out);
}

static void files_are_read_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++) {
        struct arena arena = {0};
        struct error error = {0};
        struct vendor *vendor;
        /* The place that the complaint names holds quotes of its own. */
        assert_true(vendor_load(STR("v"), edited(&arena, "", ""), &arena, &vendor, &error));
        struct str file = edited(&arena, bad_files[i].old, bad_files[i].new);
        if (vendor_load(STR("v"), file, &arena, &vendor, &error))
            fail_msg("loads, but should complain: %s", bad_files[i].complaint);
        if (!strstr(error.message, bad_files[i].complaint))
            fail_msg("\"%s\" lacks \"%s\"", error.message, bad_files[i].complaint);
        arena_done(&arena);
    }
}

static void vendors_do_not_share_hosts(void **state)
{
    struct arena arena = {0};
    struct error error = {0};
    struct catalog catalog;
    (void)state;
    struct str other = edited(&arena, "'name':'V'", "'name':'W'");
    struct embedded_file files[] = {{STR("v"), edited(&arena, "", "")}, {STR("w"), other}};
    assert_false(catalog_load(files, 2, &catalog, &error));
    assert_non_null(strstr(error.message, "V and W share"));
    files[1].content =
        edited(&arena, "'name':'V','hosts':['v.example']", "'name':'W','hosts':['*.v.example']");
    assert_true(catalog_load(files, 2, &catalog, &error));
    size_t index;
    assert_text(catalog_find(&catalog, STR("V.EXAMPLE"), &index)->name, STR("V"));
    assert_text(catalog_find(&catalog, STR("x.v.example"), &index)->name, STR("W"));
    assert_int_equal(index, 1);
    assert_null(catalog_find(&catalog, STR("v.example.org"), &index));
    catalog_done(&catalog);
    arena_done(&arena);
}

/* What every connector shows at least. */
static const char *const common_outcomes[] = {
    "accepted",  "accepted-after-throttle",
    "rejected",  "expired",
    "revoked",   "forbidden",
    "throttled", "throttled-no-retry-after",
    "reset",     "server-error",
    "slow",      "truncated",
    "malformed", "oversized",
    "redirect",  "login-page",
};

static const struct shape *config_shape(void)
{
    for (size_t i = 0; i < api_shape_count; i++)
        if (str_eq(api_shapes[i].name, STR("UpdateConnectorProfileRequest")))
            return &api_shapes[i];
    fail_msg("the API has no such shape");
    return NULL;
}

/* As a client would send it, so the model's own constraints judge it. */
static void check_config(struct arena *arena, const struct value *config)
{
    struct buf body = buf_in(arena, 16 * 1024);
    struct value *decoded;
    struct error error = {0};
    buf_add_cstr(&body, "{\"connectorProfileName\":\"p\",\"connectionMode\":\"Public\","
                        "\"connectorProfileConfig\":");
    value_encode(&body, config);
    buf_add_char(&body, '}');
    if (!restjson_decode(config_shape(), buf_str(&body), arena, &decoded, &error))
        fail_msg("%.*s: %s", STR_ARG(buf_str(&body)), error.message);
    const struct value *again = value_get(decoded, "connectorProfileConfig");
    struct buf one = buf_in(arena, 16 * 1024), two = buf_in(arena, 16 * 1024);
    value_encode(&one, config);
    value_encode(&two, again);
    assert_int_equal(one.len, two.len); /* no member was unknown, and so left out */
}

static void the_list_is_ready_to_send(void **state)
{
    struct arena arena = {0};
    struct buf out = buf_in(&arena, 1024 * 1024);
    struct value *all;
    (void)state;
    sandbox_list_json(&out);
    assert_true(json_parse(buf_str(&out), &arena, &all));
    assert_true(all->count >= 3);
    for (size_t i = 0; i < all->count; i++) {
        const struct value *outcomes = all->items[i];
        for (size_t k = 0; k < sizeof(common_outcomes) / sizeof(common_outcomes[0]); k++)
            assert_non_null(value_get(outcomes, common_outcomes[k]));
        for (size_t k = 0; k < outcomes->count; k++)
            check_config(&arena, outcomes->items[k]);
    }
    const struct value *salesforce = value_get(all, "Salesforce");
    static const char *const more[] = {"accepted-code",
                                       "accepted-refresh",
                                       "accepted-refresh-rotating",
                                       "accepted-jwt",
                                       "used-code",
                                       "wrong-redirect-uri",
                                       "code-expired",
                                       "refresh-revoked",
                                       "wrong-client",
                                       "accepted-client-credentials-arn"};
    for (size_t k = 0; k < sizeof(more) / sizeof(more[0]); k++)
        assert_non_null(value_get(salesforce, more[k]));
    arena_done(&arena);
}

static void listed_codes_are_fresh_each_time(void **state)
{
    struct arena arena = {0};
    struct buf one = buf_in(&arena, 1024 * 1024), two = buf_in(&arena, 1024 * 1024);
    (void)state;
    sandbox_list_json(&one);
    sandbox_list_json(&two);
    assert_int_equal(one.len, two.len);
    assert_memory_not_equal(one.data, two.data, one.len);
    struct buf text = buf_in(&arena, 1024 * 1024);
    sandbox_list_text(&text);
    assert_true(str_contains(buf_str(&text), STR("accepted-refresh-rotating")));
    assert_false(str_contains(buf_str(&text), STR("sandbox-token")));
    arena_done(&arena);
}

static void the_oauth_app_is_told(void **state)
{
    struct str id, secret;
    (void)state;
    sandbox_oauth_app(STR("Salesforce"), &id, &secret);
    assert_text(id, STR("sandbox-connected-app"));
    assert_text(secret, STR("sandbox-connected-app-secret"));
    sandbox_oauth_app(STR("Amplitude"), &id, &secret);
    assert_null(id.data);
    sandbox_oauth_app(STR("Nobody"), &id, &secret);
    assert_null(secret.data);
}

static int prepare(void **state)
{
    (void)state;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(path_patterns),
        cmocka_unit_test(memory_counts_and_forgets_the_oldest),
        cmocka_unit_test(one_of_many_users_is_the_first),
        cmocka_unit_test(issued_tokens_are_known_again),
        cmocka_unit_test(assertions_are_made_and_read),
        cmocka_unit_test(broken_assertions_are_refused),
        cmocka_unit_test(placeholders_are_replaced),
        cmocka_unit_test(forms_are_read_strictly),
        cmocka_unit_test(files_are_read_strictly),
        cmocka_unit_test(vendors_do_not_share_hosts),
        cmocka_unit_test(the_list_is_ready_to_send),
        cmocka_unit_test(listed_codes_are_fresh_each_time),
        cmocka_unit_test(the_oauth_app_is_told),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
