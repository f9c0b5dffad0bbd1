/* That a store removes by itself what has expired, however little is written to it. */
#include "store_fixture.h"
#include "store_raw.h"

#include "base/clock.h"
#include "store/consents.h"
#include "store/core/internal.h"

enum {
    PACE_MS = 20,
    WAIT_MS = 30 * 1000,
    BACKLOG = 2 * EXPIRE_STEP_MAX + 10, /* three steps */
};

static bool apply_answers(struct db *db, void *argument, struct error *error)
{
    static const unsigned char hash[REQUEST_HASH_SIZE];
    const int *count = argument;
    for (int i = 0; i < *count; i++) {
        char text[32];
        snprintf(text, sizeof(text), "token-%d", i);
        struct client_token token = {STR("123456789012"), STR("r"), STR("o"), str_from(text)};
        if (!client_token_answer(db, &token, hash, STR("{}"), fixture_now_ms, error))
            return false;
    }
    return true;
}

static void answer(struct fixture *f, int count)
{
    check(f, store_apply(f->store, apply_answers, &count, false, &f->error));
}

static void wait_for(const struct fixture *f, const char *sql, int64_t count)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (raw(f->path, sql) != count) {
        assert_true(clock_mono_ms() < until_ms);
        clock_nap_us(1000);
    }
}

static void wait_for_tokens(const struct fixture *f, int64_t count)
{
    wait_for(f, "SELECT count(*) FROM client_tokens", count);
}

static void reopen_at_pace(struct fixture *f)
{
    struct store_config config = fixture_config(f);
    config.expiry_pace_ms = PACE_MS;
    fixture_close(f);
    check(f, store_open(&config, &f->store, &f->error));
}

/* Nothing is written but what the store removes. */
static void expired_rows_go_by_themselves(void **state)
{
    struct fixture *f = *state;
    answer(f, BACKLOG);
    reopen_at_pace(f);
    fixture_now_ms += CLIENT_TOKEN_LIFE_MS - 1;
    uint64_t commits = atomic_load(&f->store->commits);
    int64_t begun_ms = clock_mono_ms();
    while (atomic_load(&f->store->commits) < commits + 2) /* two looks that find nothing */
        clock_nap_us(1000);
    assert_true(clock_mono_ms() - begun_ms >= 9 * PACE_MS); /* the second is long after the first */
    wait_for_tokens(f, BACKLOG);
    fixture_now_ms += 1;
    wait_for_tokens(f, 0);
}

/* The look comes before whatever is queued, and after it as well. */
static void expired_rows_go_while_there_are_writes(void **state)
{
    struct fixture *f = *state;
    answer(f, 1);
    reopen_at_pace(f);
    check(f, store_reader_open(f->store, &f->reader, &f->error));
    fixture_now_ms += CLIENT_TOKEN_LIFE_MS;
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    for (int i = 0; raw(f->path, "SELECT count(*) FROM client_tokens") > 0; i++) {
        char name[32];
        snprintf(name, sizeof(name), "p%d", i);
        check(f, insert_profile(f, name));
        assert_true(profile_exists(f, name));
        assert_true(clock_mono_ms() < until_ms);
    }
}

static bool apply_consents(struct db *db, void *argument, struct error *error)
{
    const int *count = argument;
    for (int i = 0; i < *count; i++) {
        char id[CONSENT_ID_SIZE];
        snprintf(id, sizeof(id), "%032d", i);
        const struct consent_row row = {
            .id = str_from(id),
            .key = {STR("123456789012"), STR("r"), STR("p")},
            .expires_at_ms = fixture_now_ms + CONSENT_LIFE_MS + i,
            .sealed = STR("the request"),
        };
        if (!consent_row_add(db, &row, fixture_now_ms, error))
            return false;
    }
    return true;
}

/* A link that is never opened keeps its client secret no longer than it works. */
static void expired_links_lose_their_secret_and_then_go(void **state)
{
    static const char sealed[] = "SELECT count(*) FROM consents WHERE sealed IS NOT NULL";
    static const char rows[] = "SELECT count(*) FROM consents";
    struct fixture *f = *state;
    int count = 2;
    check(f, store_apply(f->store, apply_consents, &count, false, &f->error));
    reopen_at_pace(f);
    fixture_now_ms += CONSENT_LIFE_MS;
    wait_for(f, sealed, 1);
    fixture_now_ms += 1;
    wait_for(f, sealed, 0);
    assert_int_equal(raw(f->path, rows), 2);
    fixture_now_ms += CONSENT_KEPT_MS;
    wait_for(f, rows, 0);
}

/* Neither links in use nor ended ones can be made without a bound. */
static void links_of_an_account_are_bounded(void **state)
{
    struct fixture *f = *state;
    int most = CONSENTS_OF_ACCOUNT_MAX, more = most + 1;
    assert_false(store_apply(f->store, apply_consents, &more, false, &f->error));
    assert_int_equal(f->error.code, ERR_QUOTA);
    f->error = (struct error){0};
    check(f, store_apply(f->store, apply_consents, &most, false, &f->error));
    raw(f->path, "UPDATE consents SET stage = 'ended'");
    raw(f->path, "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 990)"
                 " INSERT INTO consents (id, account, region, name, stage, expires_at_ms)"
                 " SELECT 'x' || i, '123456789012', 'r', 'p', 'ended', 1 FROM n");
    int one = 1;
    raw(f->path, "DELETE FROM consents WHERE id = '00000000000000000000000000000000'");
    raw(f->path, "INSERT INTO consents (id, account, region, name, stage, expires_at_ms)"
                 " VALUES ('y', '123456789012', 'r', 'p', 'ended', 1),"
                 " ('z', '123456789012', 'r', 'p', 'ended', 1)");
    assert_int_equal(raw(f->path, "SELECT count(*) FROM consents"), CONSENTS_KEPT_MAX);
    assert_false(store_apply(f->store, apply_consents, &one, false, &f->error));
    assert_int_equal(f->error.code, ERR_QUOTA);
    raw(f->path, "DELETE FROM consents WHERE id = 'z'");
    f->error = (struct error){0};
    check(f, store_apply(f->store, apply_consents, &one, false, &f->error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(expired_rows_go_by_themselves),
        test_with_store(expired_rows_go_while_there_are_writes),
        test_with_store(expired_links_lose_their_secret_and_then_go),
        test_with_store(links_of_an_account_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
