/* Planned renewals follow a changed token policy; those that wait for a reason, or are being made,
 * keep their times. */
#include "token_keeper_fixture.h"

#include "connector/connector.h"
#include "connector/token_policies.h"

enum { MIN = 60 * 1000 };

static bool apply_note(struct db *db, void *argument, struct error *error)
{
    (void)argument;
    return token_replan_note(db, error);
}

static void note(struct setting *s)
{
    check(s->f, store_apply(s->f->store, apply_note, NULL, false, &s->f->error));
}

static int64_t due(struct setting *s)
{
    return raw(s->f->path, "SELECT coalesce(max(due_at_ms), 0) FROM jobs WHERE name = 'crm'");
}

/* A profile whose access token was got just now, for an hour. */
static void begin_with_tokens(struct setting *s, void **state)
{
    begin(s, *state);
    insert(s, ACCOUNT, BY_REFRESH_TOKEN);
    keep_times(s, ACCOUNT, 1);
    note(s);
}

static void change_policy(struct setting *s, const char *text)
{
    check(s->f, token_policies_add(text, &s->f->error));
}

static void end_with_policies(struct setting *s)
{
    token_policies_clear();
    end(s);
}

static void replan(struct setting *s)
{
    take_job(s, (struct job_key){TOKEN_KEEPER_JOB, STR(""), STR(""), TOKEN_REPLAN_JOB}, "");
    assert_int_equal(keep(s), JOB_DONE);
    leave(s);
    assert_int_equal(raw(s->f->path, "SELECT count(*) FROM jobs WHERE account = ''"), 0);
}

static void only_types_whose_policy_changed_are_planned_anew(void **state)
{
    struct setting s;
    const bool *types;
    begin(&s, *state);
    note(&s);
    change_policy(&s, "Salesforce=margin:20m");
    check(s.f, token_replan_types(s.f->store, &s.f->arena, &types, &s.f->error));
    for (size_t i = 0; i < connector_count(); i++)
        assert_int_equal(types[i], str_eq(connector_at(i)->type, STR("Salesforce")));
    note(&s);
    check(s.f, token_replan_types(s.f->store, &s.f->arena, &types, &s.f->error));
    for (size_t i = 0; i < connector_count(); i++)
        assert_false(types[i]);
    end_with_policies(&s);
}

static void a_due_time_follows_the_policy(void **state)
{
    struct setting s;
    begin_with_tokens(&s, state);
    int64_t end_ms = state_of(&s).works_until_ms;
    assert_in_range(end_ms - due(&s), 6 * MIN, 18 * MIN);
    change_policy(&s, "Salesforce=margin:20m");
    replan(&s);
    assert_in_range(end_ms - due(&s), 20 * MIN, 32 * MIN);
    int64_t planned_ms = due(&s);
    replan(&s); /* nothing has changed since */
    assert_int_equal(due(&s), planned_ms);
    assert_int_equal(vendor.calls, 1);
    end_with_policies(&s);
}

static void what_waits_for_a_reason_keeps_its_time(void **state)
{
    static const char *const reasons[] = {
        "UPDATE token_states SET state = 'backing-off'",
        "UPDATE token_states SET state = 'needs-reauthorization'",
        "UPDATE jobs SET lease_until_ms = 1 + due_at_ms",
    };
    struct setting s;
    begin_with_tokens(&s, state);
    int64_t planned_ms = due(&s);
    change_policy(&s, "Salesforce=margin:20m");
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
        raw(s.f->path, reasons[i]);
        raw(s.f->path, "UPDATE meta SET value = 'of before' WHERE name = 'token-policies'");
        replan(&s);
        assert_int_equal(due(&s), planned_ms);
        raw(s.f->path, "UPDATE token_states SET state = 'fresh'");
    }
    end_with_policies(&s);
}

/* Of 101 profiles, of which the last is the second page, whose write fails at first. */
static void a_failed_page_is_tried_again_alone(void **state)
{
    struct setting s;
    char accounts[101][13];
    begin(&s, *state);
    for (int i = 0; i < 101; i++) {
        snprintf(accounts[i], sizeof(accounts[i]), "%012d", i);
        insert(&s, accounts[i], BY_REFRESH_TOKEN);
    }
    raw(s.f->path, NO_WRITE("token_states WHEN NEW.account = '000000000100'", "INSERT"));
    take_job(&s, (struct job_key){TOKEN_KEEPER_JOB, STR(""), STR(""), STR("")}, "");
    assert_int_equal(keep(&s), JOB_AGAIN);
    assert_int_equal(raw(s.f->path, "SELECT count(*) FROM token_states"), 100);
    raw(s.f->path, "DELETE FROM token_states");
    raw(s.f->path, WRITES);
    assert_int_equal(keep(&s), JOB_DONE);
    leave(&s);
    assert_int_equal(raw(s.f->path, "SELECT count(*) FROM token_states"), 1);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(only_types_whose_policy_changed_are_planned_anew),
        test_with_store(a_due_time_follows_the_policy),
        test_with_store(what_waits_for_a_reason_keeps_its_time),
        test_with_store(a_failed_page_is_tried_again_alone),
    };
    return cmocka_run_group_tests_name("token replan", tests, prepare, finish);
}
