/* Session credentials of connectors' processes: what a session may read, when, and who finds it. */
#include "cmocka_all.h"

#include "auth/function_session.h"

#include <string.h>

#define ARN "arn:aws:secretsmanager:eu-west-3:123456789012:secret:appflow!x-AbCdEf"

struct fixture {
    struct function_sessions *sessions;
    struct function_session *session;
    struct function_credentials credentials;
    struct arena arena;
    struct function_caller caller;
};

static int begin(void **state)
{
    static struct fixture f;
    f = (struct fixture){.sessions = function_sessions_new()};
    f.session =
        function_session_new(f.sessions, STR("123456789012"), STR("arn:function"), &f.credentials);
    *state = &f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    function_session_free(f->session);
    function_sessions_free(f->sessions);
    arena_done(&f->arena);
    return 0;
}

static bool find(struct fixture *f, const char *id, const char *token)
{
    struct secret *secret =
        function_session_find(f->sessions, str_from(id), str_from(token), &f->arena, &f->caller);
    bool found = secret != NULL;
    if (found)
        assert_string_equal(secret_reveal(secret).data, f->credentials.secret_access_key);
    secret_free(secret);
    return found;
}

static bool find_own(struct fixture *f)
{
    return find(f, f->credentials.access_key_id, f->credentials.session_token);
}

static void credentials_have_the_form_of_temporary_ones(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(strncmp(f->credentials.access_key_id, "ASIA", 4), 0);
    assert_int_equal(strlen(f->credentials.access_key_id), FUNCTION_SESSION_ID_SIZE - 1);
    assert_int_equal(strlen(f->credentials.secret_access_key), FUNCTION_SESSION_SECRET_SIZE - 1);
    assert_int_equal(strlen(f->credentials.session_token), FUNCTION_SESSION_TOKEN_SIZE - 1);
    assert_true(function_token_is_ours(str_from(f->credentials.session_token)));
    assert_false(function_token_is_ours(STR("HGST.abc")));
    assert_false(function_token_is_ours(STR_NULL));
}

static void a_session_may_read_nothing_before_a_call(void **state)
{
    struct fixture *f = *state;
    assert_true(find_own(f));
    assert_string_equal(f->caller.account.data, "123456789012");
    assert_string_equal(f->caller.function_arn.data, "arn:function");
    assert_null(f->caller.secret_arn.data);
    assert_null(f->caller.secret_text.data);
}

static void a_grant_lasts_until_it_is_revoked(void **state)
{
    struct fixture *f = *state;
    function_session_grant(f->session,
                           &(struct function_grant){STR("111122223333"), STR(ARN), STR("{\"a\":1}"),
                                                    STR("request-1")});
    assert_true(find_own(f));
    assert_string_equal(f->caller.account.data, "111122223333");
    assert_string_equal(f->caller.secret_arn.data, ARN);
    assert_string_equal(f->caller.secret_text.data, "{\"a\":1}");
    assert_string_equal(f->caller.request_id.data, "request-1");
    function_session_revoke(f->session);
    assert_true(find_own(f));
    assert_null(f->caller.secret_arn.data);
    assert_null(f->caller.secret_text.data);
}

static void a_grant_replaces_the_one_before(void **state)
{
    struct fixture *f = *state;
    function_session_grant(
        f->session, &(struct function_grant){STR("123456789012"), STR(ARN), STR("{}"), STR("1")});
    function_session_grant(f->session, &(struct function_grant){.account = STR("123456789012"),
                                                                .secret_arn = STR("other")});
    assert_true(find_own(f));
    assert_string_equal(f->caller.secret_arn.data, "other");
    assert_null(f->caller.secret_text.data);
}

static void requests_are_counted_from_each_grant(void **state)
{
    struct fixture *f = *state;
    const struct function_grant grant = {.account = STR("123456789012"), .secret_arn = STR(ARN)};
    function_session_grant(f->session, &grant);
    for (int i = 1; i <= FUNCTION_REQUESTS_MAX + 1; i++) {
        assert_true(find_own(f));
        assert_int_equal(f->caller.requests, i);
    }
    assert_true(find_own(f));
    assert_int_equal(f->caller.requests, FUNCTION_REQUESTS_MAX + 1);
    assert_false(find(f, f->credentials.access_key_id, "HGFS.other"));
    function_session_grant(f->session, &grant);
    assert_true(find_own(f));
    assert_int_equal(f->caller.requests, 1);
}

static void a_session_is_found_by_its_own_id_and_token_alone(void **state)
{
    struct fixture *f = *state;
    struct function_credentials other;
    struct function_session *session =
        function_session_new(f->sessions, STR("123456789012"), STR("arn:other"), &other);
    assert_false(find(f, f->credentials.access_key_id, other.session_token));
    assert_false(find(f, other.access_key_id, f->credentials.session_token));
    assert_false(find(f, f->credentials.access_key_id, ""));
    assert_false(find(f, "ASIAAAAAAAAAAAAAAAAA", f->credentials.session_token));
    function_session_free(session);
    assert_true(find_own(f));
}

static void a_session_that_ended_is_unknown(void **state)
{
    struct fixture *f = *state;
    function_session_free(f->session);
    f->session = NULL;
    assert_false(find_own(f));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(credentials_have_the_form_of_temporary_ones, begin, end),
        cmocka_unit_test_setup_teardown(a_session_may_read_nothing_before_a_call, begin, end),
        cmocka_unit_test_setup_teardown(a_grant_lasts_until_it_is_revoked, begin, end),
        cmocka_unit_test_setup_teardown(a_grant_replaces_the_one_before, begin, end),
        cmocka_unit_test_setup_teardown(requests_are_counted_from_each_grant, begin, end),
        cmocka_unit_test_setup_teardown(a_session_is_found_by_its_own_id_and_token_alone, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_session_that_ended_is_unknown, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
