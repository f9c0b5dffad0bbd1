/* States of OAuth tokens: what is stored, and what follows from the job beside it. */
#include "store_fixture.h"

#include "profile/token_clock.h"
#include "store/jobs.h"
#include "store/token_states.h"

struct put {
    struct profile_key key;
    struct token_state_row row;
    int64_t due_at_ms; /* of its job; 0: it gets none */
};

static bool apply_put(struct db *db, void *argument, struct error *error)
{
    const struct put *put = argument;
    const struct job_row job = {
        .key = {TOKEN_KEEPER_JOB, put->key.account, put->key.region, put->key.name},
        .due_at_ms = put->due_at_ms,
        .fence = 1,
        .payload = STR(""),
    };
    return token_state_put(db, put->key, &put->row, error) &&
           (put->due_at_ms == 0 || job_insert(db, &job, STR(""), error));
}

static void put(struct fixture *f, const char *name, enum token_state state, int64_t due_at_ms)
{
    struct put it = {
        .key = sample_key(name),
        .row = {.state = state,
                .since_ms = 10,
                .attempts = 3,
                .wait_ms = 7,
                .renewed_at_ms = 8,
                .works_until_ms = 9,
                .reason = STR("vendor_down"),
                .words = STR("away")},
        .due_at_ms = due_at_ms,
    };
    check(f, store_apply(f->store, apply_put, &it, false, &f->error));
}

static struct token_state_row get(struct fixture *f, const char *name, bool *ret_found)
{
    struct token_state_row row;
    check(f, token_state_find(f->reader, &f->arena, sample_key(name), &row, ret_found, &f->error));
    return row;
}

static bool apply_delete_state(struct db *db, void *argument, struct error *error)
{
    return token_state_delete(db, *(const struct profile_key *)argument, error);
}

static void a_state_comes_back(void **state)
{
    struct fixture *f = *state;
    bool found;
    get(f, "crm", &found);
    assert_false(found);
    put(f, "crm", TOKEN_BACKING_OFF, 50);
    struct token_state_row row = get(f, "crm", &found);
    assert_true(found);
    assert_int_equal(row.state, TOKEN_BACKING_OFF);
    assert_int_equal(row.since_ms, 10);
    assert_int_equal(row.attempts, 3);
    assert_int_equal(row.wait_ms, 7);
    assert_int_equal(row.renewed_at_ms, 8);
    assert_int_equal(row.works_until_ms, 9);
    assert_true(str_eq(row.reason, STR("vendor_down")));
    assert_true(str_eq(row.words, STR("away")));
    assert_int_equal(row.next_at_ms, 50);
    put(f, "crm", TOKEN_FRESH, 60);
    assert_int_equal(get(f, "crm", &found).state, TOKEN_FRESH);
}

static bool apply_add(struct db *db, void *argument, struct error *error)
{
    const struct put *put = argument;
    return token_state_add(db, put->key, &put->row, error);
}

/* A profile may be deleted between the backfill's read and its write; its state would stay. */
static void a_state_is_added_to_a_profile_that_is_there(void **state)
{
    struct fixture *f = *state;
    struct put it = {.key = sample_key("a"),
                     .row = {.state = TOKEN_BACKING_OFF, .since_ms = 10, .words = STR("away")}};
    bool found;
    check(f, store_apply(f->store, apply_add, &it, false, &f->error));
    get(f, "a", &found);
    assert_false(found);
    assert_true(insert_profile(f, "a"));
    check(f, store_apply(f->store, apply_add, &it, false, &f->error));
    struct token_state_row row = get(f, "a", &found);
    assert_true(found);
    assert_int_equal(row.since_ms, 10);
    assert_true(str_eq(row.words, STR("away")));
    assert_null(row.reason.data);
    it.row.since_ms = 20;
    check(f, store_apply(f->store, apply_add, &it, false, &f->error));
    assert_int_equal(get(f, "a", &found).since_ms, 10); /* the first one stays */
}

static void they_are_counted(void **state)
{
    struct fixture *f = *state;
    int64_t counts[TOKEN_STATES];
    put(f, "a", TOKEN_FRESH, 50);
    put(f, "b", TOKEN_NEEDS_REAUTHORIZATION, 0);
    put(f, "c", TOKEN_FRESH, 70);
    check(f, token_state_count(f->reader, 60, counts, &f->error));
    assert_int_equal(counts[TOKEN_FRESH], 1);
    assert_int_equal(counts[TOKEN_DUE], 1);
    assert_int_equal(counts[TOKEN_NEEDS_REAUTHORIZATION], 1);
    assert_int_equal(counts[TOKEN_BACKING_OFF], 0);
}

static void they_go_with_the_job_and_the_profile(void **state)
{
    struct fixture *f = *state;
    struct profile_key key = sample_key("a");
    bool found;
    put(f, "a", TOKEN_FRESH, 50);
    check(f, store_apply(f->store, apply_delete_state, &key, false, &f->error));
    put(f, "a", TOKEN_FRESH, 0);
    assert_int_equal(get(f, "a", &found).next_at_ms, 0); /* the job went, too */
    assert_true(insert_profile(f, "a"));
    put(f, "a", TOKEN_FRESH, 50);
    assert_true(delete_profile(f, "a", true));
    get(f, "a", &found);
    assert_false(found);
    put(f, "a", TOKEN_FRESH, 0);
    assert_int_equal(get(f, "a", &found).next_at_ms, 0);
}

/* A database server refuses half of a character. */
static void long_words_are_cut_at_a_character(void **state)
{
    struct fixture *f = *state;
    char text[TOKEN_WORDS_MAX + 8];
    bool found;
    memset(text, 'x', sizeof(text));
    memcpy(text + TOKEN_WORDS_MAX - 1, "\xe2\x82\xac", 3);
    struct put it = {.key = sample_key("a"),
                     .row = {.state = TOKEN_FRESH, .words = {text, sizeof(text)}}};
    check(f, store_apply(f->store, apply_put, &it, false, &f->error));
    assert_int_equal(get(f, "a", &found).words.len, TOKEN_WORDS_MAX - 1);
}

static void what_follows_from_the_job_is_not_stored(void **state)
{
    struct fixture *f = *state;
    struct put it = {.key = sample_key("a"), .row = {.state = TOKEN_DUE}};
    assert_false(store_apply(f->store, apply_put, &it, false, &f->error));
    assert_int_equal(f->error.code, ERR_INTERNAL);
}

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

static int64_t next_due(struct fixture *f)
{
    int64_t due_ms = 0;
    bool found;
    check(f, job_next_due(f->reader, TOKEN_KEEPER_JOB, 0, &found, &due_ms, &f->error));
    return due_ms;
}

/* Two nodes whose time source was wrong for both. A store in a file has one process: the second
 * one is that after a restart, and its step is another one. */
static void clocks_that_are_set_back_together_move_due_times_once(void **state)
{
    struct fixture *f = *state;
    struct clock_steps one = {0}, two = {0};
    const int64_t now = FIXTURE_NOW_MS, mono = HOUR;
    put(f, "crm", TOKEN_FRESH, now + 10 * MINUTE);
    assert_true(token_clock_note(&one, f->store, now, mono));
    assert_true(token_clock_note(&two, f->store, now, 2 * mono));
    assert_true(token_clock_note(&one, f->store, now - HOUR, mono));
    assert_int_equal(next_due(f), now - 50 * MINUTE);
    assert_true(token_clock_note(&two, f->store, now - HOUR, 2 * mono));
    assert_int_equal(next_due(f), now - 50 * MINUTE - (fixture_is_remote() ? 0 : HOUR));
    /* Another step of the same clock is another step. */
    assert_true(token_clock_note(&one, f->store, now - 3 * HOUR, mono));
    assert_int_equal(next_due(f), now - 170 * MINUTE - (fixture_is_remote() ? 0 : HOUR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(a_state_comes_back),
        test_with_store(a_state_is_added_to_a_profile_that_is_there),
        test_with_store(they_are_counted),
        test_with_store(they_go_with_the_job_and_the_profile),
        test_with_store(long_words_are_cut_at_a_character),
        test_with_store(what_follows_from_the_job_is_not_stored),
        test_with_store(clocks_that_are_set_back_together_move_due_times_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
