/* Session tokens: what they hold comes back, and nothing else opens. */
#include "cmocka_all.h"

#include "api/session_token.h"
#include "base/clock.h"
#include "keyring_scratch.h"
#include "wire/errors.h"

#include <stdio.h>
#include <string.h>

#define POLICY(action)                                                                             \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"" action "\","  \
    "\"Resource\":\"*\"}]}"
#define INVALID "The security token included in the request is invalid."

static struct keyring *keyring;

struct made {
    struct arena arena;
    struct error error;
    struct session_parent parent;
    struct session_wish wish;
    struct session_credentials credentials;
    struct session_token session;
};

static void begin(struct made *made)
{
    *made = (struct made){
        .parent = {.access_key_id = STR("HGAKPARENT"), .mark = STR("mark"), .policies = STR("")},
        .wish = {.role = STR("Deploy"), .name = STR("ci"), .policy = STR(""), .duration_s = 900},
    };
}

static bool make(struct made *made)
{
    return session_make(keyring, &made->parent, &made->wish, &made->arena, &made->credentials,
                        &made->error);
}

static bool open_with(struct made *made, struct str id, struct str token)
{
    made->error = (struct error){0};
    return session_open(keyring, id, token, &made->arena, &made->session, &made->error);
}

static bool open_made(struct made *made)
{
    return open_with(made, str_from(made->credentials.access_key_id), made->credentials.token);
}

static void assert_text(struct str text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.data, expected, text.len);
}

static void what_a_token_holds(void **state)
{
    (void)state;
    struct made made;
    begin(&made);
    int64_t before_ms = clock_wall_ms();
    made.wish.policy = STR("\r\n" POLICY("appflow:List*") "\n");
    assert_true(make(&made));
    assert_int_equal(strlen(made.credentials.access_key_id), 20);
    assert_true(str_starts(str_from(made.credentials.access_key_id), STR("ASIA")));
    assert_int_equal(strlen(made.credentials.secret), 40);
    assert_true(session_token_is_ours(made.credentials.token));
    assert_false(str_contains(made.credentials.token, str_from(made.credentials.secret)));
    assert_true(open_made(&made));
    assert_text(made.session.parent_id, "HGAKPARENT");
    assert_text(made.session.secret, made.credentials.secret);
    assert_text(made.session.mark, "mark");
    assert_text(made.session.role, "Deploy");
    assert_text(made.session.name, "ci");
    assert_text(made.session.policies, "  " POLICY("appflow:List*") " ");
    assert_true(made.session.end_ms >= before_ms - 1000 + 900 * 1000);
    assert_true(made.session.end_ms <= clock_wall_ms() + 900 * 1000);
    arena_done(&made.arena);
}

static void assert_invalid(struct made *made, struct str id, struct str token)
{
    assert_false(open_with(made, id, token));
    assert_int_equal(made->error.code, ERR_UNRECOGNIZED_CLIENT);
    assert_string_equal(made->error.message, INVALID);
}

/* Each byte of the token changed, each length cut. */
static void a_changed_token_does_not_open(void **state)
{
    (void)state;
    struct made made;
    begin(&made);
    assert_true(make(&made));
    struct str id = str_from(made.credentials.access_key_id), token = made.credentials.token;
    for (size_t i = 0; i < token.len; i++) {
        struct str changed = arena_copy(&made.arena, token);
        ((char *)changed.data)[i] = token.data[i] == 'A' ? 'B' : 'A';
        assert_invalid(&made, id, changed);
        assert_invalid(&made, id, (struct str){token.data, i});
    }
    assert_invalid(&made, STR("ASIAAAAAAAAAAAAAAAAA"), token);
    assert_invalid(&made, id, arena_printf(&made.arena, "%.*s ", STR_ARG(token)));
    assert_invalid(&made, id, STR("AQoDYXdzEPT"));
    assert_true(open_made(&made));
    struct keyring *own = keyring;
    keyring = scratch_keyring("other");
    assert_invalid(&made, id, token);
    keyring_free(keyring);
    keyring = own;
    arena_done(&made.arena);
}

static void a_session_ends(void **state)
{
    (void)state;
    struct made made;
    begin(&made);
    made.wish.duration_s = 0;
    assert_true(make(&made));
    assert_false(open_made(&made));
    assert_int_equal(made.error.code, ERR_EXPIRED_TOKEN);
    arena_done(&made.arena);
}

static void a_session_does_not_outlive_what_makes_it(void **state)
{
    (void)state;
    struct made made;
    begin(&made);
    made.parent.end_ms = clock_wall_ms() + 60 * 1000;
    assert_true(make(&made) && open_made(&made));
    assert_int_equal(made.credentials.end_ms, made.parent.end_ms / 1000 * 1000);
    assert_int_equal(made.session.end_ms, made.credentials.end_ms);
    arena_done(&made.arena);
}

static void policies_add_up(void **state)
{
    (void)state;
    struct made made;
    struct str one, rest;
    begin(&made);
    made.parent.policies = STR(POLICY("appflow:*"));
    made.wish.policy = STR(POLICY("appflow:List*"));
    assert_true(make(&made) && open_made(&made));
    rest = made.session.policies;
    assert_true(session_next_policy(&rest, &one));
    assert_text(one, POLICY("appflow:*"));
    assert_true(session_next_policy(&rest, &one));
    assert_text(one, POLICY("appflow:List*"));
    assert_false(session_next_policy(&rest, &one));
    made.wish.policy = STR("");
    assert_true(make(&made) && open_made(&made));
    assert_text(made.session.policies, POLICY("appflow:*"));
    arena_done(&made.arena);
}

static struct str padded_policy(struct made *made, int len)
{
    return arena_printf(&made->arena, "%-*s", len, POLICY("appflow:*"));
}

static void policies_have_limits(void **state)
{
    (void)state;
    struct made made;
    begin(&made);
    made.wish.policy = STR("{\"Statement\":[{}]}");
    assert_false(make(&made));
    assert_int_equal(made.error.code, ERR_VALIDATION);
    made.wish.policy = padded_policy(&made, SESSION_POLICY_MAX + 1);
    assert_false(make(&made));
    assert_int_equal(made.error.code, ERR_VALIDATION);
    made.wish.policy = padded_policy(&made, SESSION_POLICY_MAX);
    made.parent.policies = padded_policy(&made, SESSION_POLICIES_MAX - SESSION_POLICY_MAX);
    assert_false(make(&made));
    assert_int_equal(made.error.code, ERR_VALIDATION);
    made.parent.policies.len--; /* the longest that there is */
    assert_true(make(&made));
    assert_true(made.credentials.token.len <= SESSION_TOKEN_MAX);
    assert_true(open_made(&made));
    arena_done(&made.arena);
}

static void a_mark_is_of_one_secret(void **state)
{
    (void)state;
    char first[SESSION_MARK_SIZE], again[SESSION_MARK_SIZE], other[SESSION_MARK_SIZE];
    struct secret *a = secret_new(STR("a secret")), *b = secret_new(STR("another"));
    session_mark(a, first);
    session_mark(a, again);
    session_mark(b, other);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    secret_free(a);
    secret_free(b);
}

static void names(void **state)
{
    (void)state;
    char longest[SESSION_NAME_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    assert_true(session_name_is_valid((struct str){longest, SESSION_NAME_MAX}));
    assert_false(session_name_is_valid((struct str){longest, SESSION_NAME_MAX + 1}));
    assert_true(session_name_is_valid(STR("a_+=,.@-Z9")));
    static const char *const bad[] = {"", "a b", "a\nb", "a/b", "a<b", "a&b", "\xC3\xA4"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(session_name_is_valid(str_from(bad[i])));
    assert_false(session_name_is_valid((struct str){"a\0b", 3}));
}

static int begin_all(void **state)
{
    int failed = scratch_begin(state);
    keyring = scratch_keyring("keyring");
    return failed;
}

static int end_all(void **state)
{
    keyring_free(keyring);
    return scratch_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_token_holds),
        cmocka_unit_test(a_changed_token_does_not_open),
        cmocka_unit_test(a_session_ends),
        cmocka_unit_test(a_session_does_not_outlive_what_makes_it),
        cmocka_unit_test(policies_add_up),
        cmocka_unit_test(policies_have_limits),
        cmocka_unit_test(a_mark_is_of_one_secret),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
