/* What vendors said of credentials' ends: kept for the credentials that it was about. */
#include "store_fixture.h"

#include "store/credential_ends.h"
#include "store/jobs.h"
#include "store/stored_credentials.h"

enum { VERSION = 100 }; /* of the sample's credentials */

struct put {
    struct profile_key key;
    struct profile_asked asked;
};

static bool apply_put(struct db *db, void *argument, struct error *error)
{
    const struct put *put = argument;
    const struct job_row job = {
        .key = {CREDENTIAL_END_JOB, put->key.account, put->key.region, put->key.name},
        .due_at_ms = 1,
        .fence = 1,
        .payload = STR(""),
    };
    return profile_asked_put(db, put->key, &put->asked, error) &&
           job_insert(db, &job, STR(""), error);
}

static void put(struct fixture *f, struct profile_asked asked)
{
    struct put it = {sample_key("crm"), asked};
    check(f, store_apply(f->store, apply_put, &it, false, &f->error));
}

static struct profile_asked get(struct fixture *f)
{
    struct stored_credentials_row *rows;
    const struct profile_key start = {STR(""), STR(""), STR("")};
    size_t count;
    check(f, stored_credentials_list(f->reader, &f->arena, start, STR_NULL, 10, &rows, &count,
                                     &f->error));
    assert_int_equal(count, 1);
    assert_false(rows[0].has_tokens || rows[0].has_state);
    return rows[0].asked;
}

static void insert(struct fixture *f)
{
    struct insert_argument insert = {sample_profile("crm"), 0};
    insert.profile.credentials_version = VERSION;
    check(f, store_apply(f->store, apply_insert, &insert, false, &f->error));
}

static void an_answer_comes_back(void **state)
{
    struct fixture *f = *state;
    insert(f);
    assert_int_equal(get(f).version, 0);
    put(f, (struct profile_asked){VERSION, 7, 90, STR_NULL});
    struct profile_asked asked = get(f);
    assert_int_equal(asked.version, VERSION);
    assert_int_equal(asked.at_ms, 7);
    assert_int_equal(asked.end_ms, 90);
    assert_null(asked.words.data);
    put(f, (struct profile_asked){VERSION, 8, 0, STR_NULL}); /* it has no end any more */
    assert_int_equal(get(f).end_ms, 0);
}

static void a_refusal_leaves_the_last_answer(void **state)
{
    struct fixture *f = *state;
    insert(f);
    put(f, (struct profile_asked){VERSION, 6, 0, STR("may not be asked")});
    assert_int_equal(get(f).end_ms, 0);
    assert_true(str_eq(get(f).words, STR("may not be asked")));
    put(f, (struct profile_asked){VERSION, 7, 90, STR_NULL});
    put(f, (struct profile_asked){VERSION, 8, 0, STR("may not be asked")});
    struct profile_asked asked = get(f);
    assert_int_equal(asked.at_ms, 8);
    assert_int_equal(asked.end_ms, 90);
    assert_true(str_eq(asked.words, STR("may not be asked")));
}

static void an_answer_about_other_credentials_is_dropped(void **state)
{
    struct fixture *f = *state;
    insert(f);
    put(f, (struct profile_asked){VERSION - 1, 7, 90, STR_NULL});
    assert_int_equal(get(f).version, 0);
}

static void long_words_are_cut_at_a_character(void **state)
{
    struct fixture *f = *state;
    char words[ASKED_WORDS_MAX + 2];
    memset(words, 'x', sizeof(words));
    memcpy(words + ASKED_WORDS_MAX - 1, "\xC3\xA9", 2);
    insert(f);
    put(f, (struct profile_asked){VERSION, 7, 0, {words, ASKED_WORDS_MAX + 1}});
    assert_int_equal(get(f).words.len, ASKED_WORDS_MAX - 1);
}

static void the_job_goes_with_the_profile(void **state)
{
    struct fixture *f = *state;
    const struct job_filter due = {.kind = CREDENTIAL_END_JOB, .now_ms = 10, .limit = 10};
    struct job_row *jobs;
    size_t count;
    insert(f);
    put(f, (struct profile_asked){VERSION, 7, 90, STR_NULL});
    check(f, job_list_due(f->reader, &f->arena, &due, &jobs, &count, &f->error));
    assert_int_equal(count, 1);
    check(f, delete_profile(f, "crm", false));
    check(f, job_list_due(f->reader, &f->arena, &due, &jobs, &count, &f->error));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(an_answer_comes_back),
        test_with_store(a_refusal_leaves_the_last_answer),
        test_with_store(an_answer_about_other_credentials_is_dropped),
        test_with_store(long_words_are_cut_at_a_character),
        test_with_store(the_job_goes_with_the_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
