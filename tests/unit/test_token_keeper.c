/* The token keeper with a scripted vendor and a store that fails where a test wants it: what was
 * got is kept, nothing is asked twice, and what one account's hosts do is no other account's. */
#include "token_keeper_fixture.h"

#include "work/host_breaker.h"

static void what_was_got_outlives_a_failed_save(void **state)
{
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    take(&s, ACCOUNT);
    vendor.meanwhile = NO_WRITE("token_grants", "INSERT");
    assert_int_equal(keep(&s), JOB_AGAIN);
    assert_int_equal(raw(s.f->path, "SELECT count(*) FROM token_states"), 0);
    raw(s.f->path, WRITES);
    vendor.meanwhile = NULL;
    assert_int_equal(keep(&s), JOB_DONE);
    leave(&s);
    assert_int_equal(vendor.calls, 1);
    assert_int_equal(raw(s.f->path, "SELECT count(*) FROM oauth_tokens"), 1);
    assert_state(&s, TOKEN_FRESH, NULL);
    end(&s);
}

/* The server ends before the store was back: the last moment is used. */
static void what_was_got_is_saved_at_the_end(void **state)
{
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    take(&s, ACCOUNT);
    vendor.meanwhile = NO_WRITE("token_grants", "INSERT");
    assert_int_equal(keep(&s), JOB_AGAIN);
    raw(s.f->path, WRITES);
    leave(&s);
    assert_int_equal(raw(s.f->path, "SELECT count(*) FROM token_grants WHERE sealed IS NOT NULL"),
                     1);
    end(&s);
}

static void a_commit_that_fails_is_all_that_is_repeated(void **state)
{
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    take(&s, ACCOUNT);
    vendor.status = 400;
    vendor.body = REFUSED;
    raw(s.f->path, NO_WRITE("jobs", "UPDATE"));
    assert_int_equal(keep(&s), JOB_AGAIN);
    assert_int_equal(keep(&s), JOB_AGAIN);
    raw(s.f->path, WRITES);
    assert_int_equal(keep(&s), JOB_DONE);
    leave(&s);
    assert_int_equal(vendor.calls, 1);
    assert_state(&s, TOKEN_BACKING_OFF, "grant_refused");
    assert_int_equal(state_of(&s).attempts, 1);
    end(&s);
}

static void a_refused_refresh_token_brings_no_code_up(void **state)
{
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT,
           "{\"refreshToken\":\"r1\",\"oAuthRequest\":{\"authCode\":\"c1\",\"redirectUri\":"
           "\"https://example.com/cb\"}}");
    take(&s, ACCOUNT);
    vendor.status = 400;
    vendor.body = REFUSED;
    assert_int_equal(keep(&s), JOB_DONE);
    leave(&s);
    assert_int_equal(vendor.calls, 1);
    assert_state(&s, TOKEN_BACKING_OFF, "grant_refused");
    end(&s);
}

/* --- what the vendor says --- */

static void a_busy_vendor_is_asked_again_within_the_renewal(void **state)
{
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    take(&s, ACCOUNT);
    vendor.busy = 3;
    assert_int_equal(keep(&s), JOB_DONE);
    leave(&s);
    assert_int_equal(vendor.calls, 4);
    assert_state(&s, TOKEN_FRESH, NULL);
    assert_int_equal(raw(s.f->path, "SELECT count(*) FROM audit"), 0);
    end(&s);
}

/* Only the vendor's own refusal of the refresh token is taken for one. */
static void each_answer_is_taken_for_what_it_is(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum token_state state;
        const char *reason;
    } rows[] = {
        {201, TOKENS, TOKEN_FRESH, NULL},
        {400, REFUSED, TOKEN_BACKING_OFF, "grant_refused"},
        {400, "{\"error\":\"invalid_client_id\"}", TOKEN_BACKING_OFF, "client_refused"},
        {401, "<html>Sign in to the guest network</html>", TOKEN_BACKING_OFF, "not_understood"},
        {404, "", TOKEN_BACKING_OFF, "not_understood"},
        {302, "", TOKEN_BACKING_OFF, "not_understood"},
        {429, "", TOKEN_BACKING_OFF, "throttled"},
        {503, "{\"error\":\"server_error\"}", TOKEN_BACKING_OFF, "reply_lost"},
        {504, "", TOKEN_BACKING_OFF, "reply_lost"},
        {200, "{\"access_token\":\"a2", TOKEN_BACKING_OFF, "reply_lost"},
        {200, "{}", TOKEN_BACKING_OFF, "reply_lost"},
        {200, "<html>Sign in</html>", TOKEN_BACKING_OFF, "reply_lost"},
        {200, "{\"error\":\"invalid_grant\"}", TOKEN_BACKING_OFF, "grant_refused"},
    };
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        raw(s.f->path, "DELETE FROM token_grants");
        raw(s.f->path, "DELETE FROM oauth_tokens");
        raw(s.f->path, "DELETE FROM token_states");
        vendor.status = rows[i].status;
        vendor.body = rows[i].body;
        take(&s, ACCOUNT);
        assert_int_equal(keep(&s), JOB_DONE);
        leave(&s);
        assert_state(&s, rows[i].state, rows[i].reason);
    }
    end(&s);
}

/* --- hosts --- */

static void an_account_closes_no_host_to_others(void **state)
{
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    insert(&s, "111122223333", "{\"refreshToken\":\"r9\"}");
    vendor.outcome = CLIENT_CONNECT;
    keep_times(&s, ACCOUNT, HOST_BREAKER_FAILURES + 1);
    assert_int_equal(vendor.calls, HOST_BREAKER_FAILURES);
    vendor.outcome = CLIENT_OK;
    keep_times(&s, "111122223333", 1);
    assert_int_equal(vendor.calls, HOST_BREAKER_FAILURES + 1);
    end(&s);
}

static void any_status_is_an_answer(void **state)
{
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    vendor.status = 410;
    vendor.body = "";
    keep_times(&s, ACCOUNT, HOST_BREAKER_FAILURES + 1);
    assert_int_equal(vendor.calls, HOST_BREAKER_FAILURES + 1);
    end(&s);
}

static void a_host_that_hangs_is_silent(void **state)
{
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    take(&s, ACCOUNT);
    vendor.outcome = CLIENT_TIMEOUT;
    assert_int_equal(keep(&s), JOB_DONE);
    assert_state(&s, TOKEN_BACKING_OFF, "reply_lost");
    assert_int_equal(leave(&s), JOB_HOSTS_SILENT);
    end(&s);
}

/* --- the state --- */

static void the_state_follows_a_late_landing(void **state)
{
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    keep_times(&s, ACCOUNT, 1);
    raw(s.f->path, "UPDATE token_states SET state = 'backing-off', reason = 'vendor_down'");
    take(&s, ACCOUNT);
    vendor.body = "{\"access_token\":\"a3\",\"refresh_token\":\"r3\",\"expires_in\":3600,"
                  "\"instance_url\":\"https://acme.my.salesforce.com\"}";
    vendor.meanwhile = "UPDATE jobs SET fence = fence + 1";
    assert_int_equal(keep(&s), JOB_DONE);
    leave(&s);
    struct token_state_row row = state_of(&s);
    assert_int_equal(row.state, TOKEN_FRESH);
    assert_null(row.reason.data);
    assert_true(row.next_at_ms > row.renewed_at_ms + 30 * 60 * 1000);
    end(&s);
}

static void what_cannot_be_opened_keeps_its_end(void **state)
{
    struct setting s;
    begin(&s, *state);
    insert(&s, ACCOUNT, BY_REFRESH_TOKEN);
    keep_times(&s, ACCOUNT, 1);
    int64_t works_until_ms = state_of(&s).works_until_ms;
    assert_true(works_until_ms > 0);
    raw(s.f->path, "UPDATE profiles SET sealed_credentials = CAST('damaged' AS BLOB)");
    keep_times(&s, ACCOUNT, 1);
    assert_state(&s, TOKEN_BACKING_OFF, "not_understood");
    assert_int_equal(state_of(&s).works_until_ms, works_until_ms);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(what_was_got_outlives_a_failed_save),
        test_with_store(what_was_got_is_saved_at_the_end),
        test_with_store(a_commit_that_fails_is_all_that_is_repeated),
        test_with_store(a_refused_refresh_token_brings_no_code_up),
        test_with_store(a_busy_vendor_is_asked_again_within_the_renewal),
        test_with_store(each_answer_is_taken_for_what_it_is),
        test_with_store(an_account_closes_no_host_to_others),
        test_with_store(any_status_is_an_answer),
        test_with_store(a_host_that_hangs_is_silent),
        test_with_store(the_state_follows_a_late_landing),
        test_with_store(what_cannot_be_opened_keeps_its_end),
    };
    return cmocka_run_group_tests_name("token keeper", tests, prepare, finish);
}
