/* What the other tables of the store keep and refuse, and how long. */
#include "store_fixture.h"

#include "store/core/internal.h"

/* --- exchanges --- */

static bool apply_save(struct db *db, void *argument, struct error *error)
{
    return token_grant_save(db, argument, fixture_now_ms, error);
}

static bool apply_begin(struct db *db, void *argument, struct error *error)
{
    return token_grant_begin(db, argument, fixture_now_ms, error);
}

static bool apply_take_back(struct db *db, void *argument, struct error *error)
{
    return token_grant_take_back(db, argument, error);
}

static bool apply_give_up(struct db *db, void *argument, struct error *error)
{
    return token_grant_give_up(db, argument, error);
}

static bool apply_consume(struct db *db, void *argument, struct error *error)
{
    const struct token_grant *exchange = argument;
    return token_grant_consume(db, exchange, fixture_now_ms, error);
}

static struct token_grant sample_exchange(void)
{
    return (struct token_grant){.id = "0123456789abcdef0123456789abcde",
                                .account = STR("123456789012"),
                                .region = STR("eu-central-1"),
                                .profile = STR("mine"),
                                .one_time = true,
                                .attempt = 7,
                                .attempt_ends_at_ms = 8,
                                .sealed = STR("what the vendor gave")};
}

static bool find_exchange(struct fixture *f, struct token_grant *ret_exchange)
{
    struct token_grant wanted = sample_exchange();
    bool found;
    check(f, token_grant_find(f->reader, &f->arena, wanted.id, ret_exchange, &found, &f->error));
    return found;
}

static void exchange_is_kept_until_it_is_consumed(void **state)
{
    struct fixture *f = *state;
    struct token_grant put = sample_exchange(), got;
    assert_false(find_exchange(f, &got));
    check(f, store_apply(f->store, apply_begin, &put, false, &f->error));
    check(f, store_apply(f->store, apply_save, &put, false, &f->error));
    assert_true(find_exchange(f, &got));
    assert_int_equal(got.attempt, 0);
    assert_memory_equal(got.id, put.id, TOKEN_GRANT_ID_SIZE);
    assert_true(str_eq(got.account, put.account));
    assert_true(str_eq(got.region, put.region));
    assert_true(str_eq(got.profile, put.profile));
    assert_true(str_eq(got.sealed, put.sealed));
    assert_false(got.consumed);

    struct token_grant other = put;
    other.id[0]++;
    check(f, store_apply(f->store, apply_consume, &other, false, &f->error));
    assert_true(find_exchange(f, &got));
    assert_false(got.consumed);
    check(f, store_apply(f->store, apply_consume, &put, false, &f->error));
    assert_true(find_exchange(f, &got));
    assert_true(got.consumed);
    assert_null(got.sealed.data);
    assert_false(store_apply(f->store, apply_save, &put, false, &f->error));
    assert_int_equal(f->error.code, ERR_LOST_RACE);
}

static void expect_lost_race(struct fixture *f, store_apply_fn *apply, struct token_grant *exchange)
{
    assert_false(store_apply(f->store, apply, exchange, false, &f->error));
    assert_int_equal(f->error.code, ERR_LOST_RACE);
}

/* And only by it saved or taken back. */
static void exchange_is_begun_by_one_attempt(void **state)
{
    struct fixture *f = *state;
    struct token_grant first = sample_exchange(), second = sample_exchange(), got;
    second.attempt = INT64_MIN;
    check(f, store_apply(f->store, apply_begin, &first, false, &f->error));
    check(f, store_apply(f->store, apply_begin, &first, false, &f->error));
    expect_lost_race(f, apply_begin, &second);
    expect_lost_race(f, apply_save, &second);
    check(f, store_apply(f->store, apply_take_back, &second, false, &f->error));
    check(f, store_apply(f->store, apply_give_up, &second, false, &f->error));
    assert_true(find_exchange(f, &got));
    assert_int_equal(got.attempt, 7);
    assert_int_equal(got.attempt_ends_at_ms, 8);
    assert_null(got.sealed.data);

    check(f, store_apply(f->store, apply_take_back, &first, false, &f->error));
    assert_false(find_exchange(f, &got));
    check(f, store_apply(f->store, apply_begin, &second, false, &f->error));
    check(f, store_apply(f->store, apply_give_up, &second, false, &f->error));
    expect_lost_race(f, apply_begin, &first);
    assert_true(find_exchange(f, &got));
    assert_true(got.attempt == INT64_MIN);
    assert_int_equal(got.attempt_ends_at_ms, 0);

    check(f, store_apply(f->store, apply_save, &second, false, &f->error));
    expect_lost_race(f, apply_begin, &first);
    expect_lost_race(f, apply_begin, &second);
    expect_lost_race(f, apply_save, &second);
    fixture_now_ms += TOKEN_GRANT_LIFE_MS;
    check(f, store_apply(f->store, apply_begin, &first, false, &f->error));
}

/* A refresh token or an assertion may give tokens again after a change has used some. */
static void exchange_that_may_be_repeated_is_saved_again(void **state)
{
    struct fixture *f = *state;
    struct token_grant put = sample_exchange(), got;
    put.one_time = false;
    check(f, store_apply(f->store, apply_save, &put, false, &f->error));
    check(f, store_apply(f->store, apply_consume, &put, false, &f->error));
    check(f, store_apply(f->store, apply_save, &put, false, &f->error));
    assert_true(find_exchange(f, &got));
    assert_false(got.consumed);
    assert_true(str_eq(got.sealed, put.sealed));
}

static void exchange_expires_and_can_be_made_again(void **state)
{
    struct fixture *f = *state;
    struct token_grant put = sample_exchange(), got;
    check(f, store_apply(f->store, apply_save, &put, false, &f->error));
    check(f, store_apply(f->store, apply_consume, &put, false, &f->error));
    fixture_now_ms += TOKEN_GRANT_LIFE_MS - 1;
    assert_true(find_exchange(f, &got));
    fixture_now_ms += 1;
    assert_false(find_exchange(f, &got));
    check(f, store_apply(f->store, apply_save, &put, false, &f->error));
    assert_true(find_exchange(f, &got));
    assert_false(got.consumed);
}

static void exchange_goes_with_its_profile(void **state)
{
    struct fixture *f = *state;
    struct token_grant put = sample_exchange(), got;
    check(f, insert_profile(f, "mine"));
    check(f, insert_profile(f, "other"));
    check(f, store_apply(f->store, apply_save, &put, false, &f->error));
    check(f, delete_profile(f, "other", false));
    assert_true(find_exchange(f, &got));
    check(f, delete_profile(f, "mine", false));
    assert_true(find_exchange(f, &got)); /* but that there was one is remembered */
    assert_true(got.consumed);
    assert_null(got.sealed.data);
}

static void exchange_that_is_begun_stays_so_without_its_profile(void **state)
{
    struct fixture *f = *state;
    struct token_grant put = sample_exchange(), got;
    check(f, insert_profile(f, "mine"));
    check(f, store_apply(f->store, apply_begin, &put, false, &f->error));
    check(f, delete_profile(f, "mine", false));
    assert_true(find_exchange(f, &got));
    assert_int_equal(got.attempt, put.attempt);
    assert_false(got.consumed);
}

static bool save_numbered(struct fixture *f, struct token_grant put, int number)
{
    snprintf((char *)put.id, TOKEN_GRANT_ID_SIZE, "%d", number);
    fixture_now_ms++;
    return store_apply(f->store, apply_save, &put, false, &f->error);
}

static bool has_numbered(struct fixture *f, int number)
{
    unsigned char id[TOKEN_GRANT_ID_SIZE] = {0};
    struct token_grant got;
    bool found;
    snprintf((char *)id, TOKEN_GRANT_ID_SIZE, "%d", number);
    check(f, token_grant_find(f->reader, &f->arena, id, &got, &found, &f->error));
    return found;
}

/* Also of a profile that a change has not made yet. */
static void newest_exchanges_of_a_profile_are_kept(void **state)
{
    struct fixture *f = *state;
    struct token_grant put = sample_exchange(), other = sample_exchange();
    memset(put.id, 0, sizeof(put.id));
    put.one_time = false; /* so that it may be saved again */
    other.profile = STR("other");
    check(f, store_apply(f->store, apply_save, &other, false, &f->error));
    for (int i = 0; i < TOKEN_GRANTS_KEPT_MAX; i++)
        check(f, save_numbered(f, put, i));
    assert_true(has_numbered(f, 0));
    check(f, save_numbered(f, put, TOKEN_GRANTS_KEPT_MAX));
    assert_false(has_numbered(f, 0));
    check(f, save_numbered(f, put, 1)); /* it is the newest now */
    check(f, save_numbered(f, put, TOKEN_GRANTS_KEPT_MAX + 1));
    assert_true(has_numbered(f, 1));
    assert_false(has_numbered(f, 2));
    assert_true(has_numbered(f, 3));
    assert_true(find_exchange(f, &put)); /* the other profile's */
}

/* What expires later is not newer. */
static void grants_of_one_life_do_not_displace_others(void **state)
{
    struct fixture *f = *state;
    struct token_grant code = sample_exchange(), put = sample_exchange(), got;
    memset(put.id, 0, sizeof(put.id));
    put.one_time = false;
    check(f, store_apply(f->store, apply_begin, &code, false, &f->error));
    check(f, store_apply(f->store, apply_save, &code, false, &f->error));
    check(f, store_apply(f->store, apply_consume, &code, false, &f->error));
    put.life_ms = TOKEN_GRANT_TRIAL_LIFE_MS;
    for (int i = 0; i <= TOKEN_GRANTS_KEPT_MAX; i++)
        check(f, save_numbered(f, put, i));
    assert_false(has_numbered(f, 0));
    put.life_ms = 0;
    check(f, save_numbered(f, put, TOKEN_GRANTS_KEPT_MAX + 1));
    assert_true(find_exchange(f, &got) && got.consumed);
    for (int i = 2; i <= TOKEN_GRANTS_KEPT_MAX; i++)
        check(f, save_numbered(f, put, TOKEN_GRANTS_KEPT_MAX + i));
    assert_false(find_exchange(f, &got));
    assert_true(has_numbered(f, 1));
}

/* Unless the credential was sent anew since. */
static void a_longer_life_stays(void **state)
{
    struct fixture *f = *state;
    struct token_grant put = sample_exchange(), got;
    put.one_time = false;
    put.life_ms = TOKEN_GRANT_TRIAL_LIFE_MS;
    check(f, store_apply(f->store, apply_save, &put, false, &f->error));
    put.life_ms = 0;
    check(f, store_apply(f->store, apply_save, &put, false, &f->error));
    fixture_now_ms += TOKEN_GRANT_TRIAL_LIFE_MS - 1;
    assert_true(find_exchange(f, &got));
    check(f, store_apply(f->store, apply_consume, &put, false, &f->error));
    check(f, store_apply(f->store, apply_begin, &put, false, &f->error));
    check(f, store_apply(f->store, apply_save, &put, false, &f->error));
    fixture_now_ms += TOKEN_GRANT_LIFE_MS;
    assert_false(find_exchange(f, &got));
}

/* What an attempt has noted is its only protection from showing a code twice. */
static void trimming_leaves_running_attempts(void **state)
{
    struct fixture *f = *state;
    struct token_grant put = sample_exchange(), running = sample_exchange(), got;
    memset(put.id, 0, sizeof(put.id));
    put.one_time = false;
    running.attempt_ends_at_ms = fixture_now_ms + TOKEN_GRANTS_KEPT_MAX + 10;
    check(f, store_apply(f->store, apply_begin, &running, false, &f->error));
    for (int i = 0; i <= TOKEN_GRANTS_KEPT_MAX + 1; i++)
        check(f, save_numbered(f, put, i));
    assert_false(has_numbered(f, 0));
    assert_true(find_exchange(f, &got));
    assert_int_equal(got.attempt, running.attempt);
    /* When its time is over it is as old as the others. */
    fixture_now_ms = running.attempt_ends_at_ms;
    check(f, save_numbered(f, put, TOKEN_GRANTS_KEPT_MAX + 2));
    assert_false(find_exchange(f, &got));
}

/* --- access keys --- */

/* --- meta, apps --- */

static bool apply_meta(struct db *db, void *argument, struct error *error)
{
    bool put;
    return meta_put_once(db, STR("name"), *(struct str *)argument, &put, error);
}

static void meta_value_is_put_once(void **state)
{
    struct fixture *f = *state;
    struct str value;
    check(f, meta_get(f->reader, &f->arena, STR("name"), &value, &f->error));
    assert_null(value.data);
    check(f, store_apply(f->store, apply_meta, &STR("fir\0st"), false, &f->error));
    check(f, store_apply(f->store, apply_meta, &STR("second"), false, &f->error));
    check(f, meta_get(f->reader, &f->arena, STR("name"), &value, &f->error));
    assert_true(str_eq(value, STR("fir\0st")));
}

static bool apply_app_put(struct db *db, void *argument, struct error *error)
{
    return oauth_app_put(db, argument, error);
}

static bool apply_app_delete(struct db *db, void *argument, struct error *error)
{
    return oauth_app_delete(db, *(struct str *)argument, error);
}

static void oauth_apps_are_kept(void **state)
{
    struct fixture *f = *state;
    struct oauth_app_row app = {STR("Zendesk"), STR("id"), STR("sealed"), 1}, got, *all;
    size_t count;
    bool found;
    check(f, store_apply(f->store, apply_app_put, &app, false, &f->error));
    app = (struct oauth_app_row){STR("Zendesk"), STR("id2"), STR("sealed2"), 2};
    check(f, store_apply(f->store, apply_app_put, &app, false, &f->error));
    check(f, oauth_app_find(f->reader, &f->arena, STR("Zendesk"), &got, &found, &f->error));
    assert_true(found);
    assert_true(str_eq(got.client_id, STR("id2")));
    assert_true(str_eq(got.sealed_secret, STR("sealed2")));
    assert_int_equal(got.updated_at_ms, 2);
    app.connector_type = STR("Salesforce");
    check(f, store_apply(f->store, apply_app_put, &app, false, &f->error));
    check(f, oauth_app_list(f->reader, &f->arena, &all, &count, &f->error));
    assert_int_equal(count, 2);
    assert_true(str_eq(all[0].connector_type, STR("Salesforce")));
    store_reader_rest(f->reader);
    check(f, store_apply(f->store, apply_app_delete, &STR("Zendesk"), true, &f->error));
    check(f, oauth_app_find(f->reader, &f->arena, STR("Zendesk"), &got, &found, &f->error));
    assert_false(found);
    assert_false(store_apply(f->store, apply_app_delete, &STR("Zendesk"), true, &f->error));
    assert_int_equal(f->error.code, ERR_NOT_FOUND);
}

/* --- audit --- */

static bool apply_audit(struct db *db, void *argument, struct error *error)
{
    return audit_add(db, argument, error);
}

static void audit_is_listed_by_account_and_time(void **state)
{
    struct fixture *f = *state;
    const struct str given[] = {STR("r"),
                                STR("123456789012"),
                                STR("eu-central-1"),
                                STR("AKIAONE"),
                                STR("UpdateConnectorProfile"),
                                STR("mine"),
                                STR("ok"),
                                STR("d")};
    struct audit_entry entry = {10,       given[0], given[1], given[2], given[3],
                                STR_NULL, given[4], given[5], given[6], given[7],
                                0,        0,        0};
    struct audit_filter filter = {.account = entry.account};
    struct audit_row *got;
    size_t count;
    check(f, store_apply(f->store, apply_audit, &entry, false, &f->error));
    entry.account = STR("111122223333");
    check(f, store_apply(f->store, apply_audit, &entry, false, &f->error));
    const struct str outcome = STR("ValidationException");
    entry = (struct audit_entry){
        .at_ms = 11, .account = given[1], .operation = given[4], .outcome = outcome};
    check(f, store_apply(f->store, apply_audit, &entry, false, &f->error));
    check(f, audit_list(f->reader, &f->arena, &filter, 10, &got, &count, &f->error));
    assert_int_equal(count, 2);
    assert_int_equal(got[0].entry.at_ms, 10);
    const struct audit_entry *is = &got[0].entry;
    const struct str all[] = {is->request_id, is->account,  is->region,  is->access_key_id,
                              is->operation,  is->resource, is->outcome, is->detail};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        assert_true(str_eq(all[i], given[i]));
    assert_null(got[1].entry.resource.data);
    filter = (struct audit_filter){entry.account, 10, audit_row_position(&got[0])};
    check(f, audit_list(f->reader, &f->arena, &filter, 10, &got, &count, &f->error));
    assert_int_equal(count, 1);
    filter = (struct audit_filter){.account = entry.account};
    check(f, audit_list(f->reader, &f->arena, &filter, 1, &got, &count, &f->error));
    assert_int_equal(count, 1);
    assert_int_equal(got[0].entry.at_ms, 10);
}

/* --- expiry --- */

static bool apply_many_answers(struct db *db, void *argument, struct error *error)
{
    (void)argument;
    unsigned char hash[REQUEST_HASH_SIZE] = {0};
    for (int i = 0; i < EXPIRE_STEP_MAX + 10; i++) {
        char text[16];
        snprintf(text, sizeof(text), "token-%d", i);
        struct client_token key = {STR("123456789012"), STR("r"), STR("o"), str_from(text)};
        if (!client_token_answer(db, &key, hash, STR("{}"), FIXTURE_NOW_MS + i, error))
            return false;
    }
    return true;
}

static void expired_rows_are_removed_a_bounded_number_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct token_grant exchange = sample_exchange(), got;
    struct audit_entry entry = {FIXTURE_NOW_MS, .account = STR("123456789012"),
                                .operation = STR("o"), .outcome = STR("ok")};
    struct expiry expiry = {.now_ms = FIXTURE_NOW_MS};
    struct audit_filter filter = {.account = entry.account};
    struct audit_row *entries;
    size_t count;
    check(f, store_apply(f->store, apply_many_answers, NULL, false, &f->error));
    check(f, store_apply(f->store, apply_save, &exchange, false, &f->error));
    check(f, store_apply(f->store, apply_audit, &entry, false, &f->error));
    check(f, store_apply(f->store, expiry_apply, &expiry, false, &f->error));
    assert_int_equal(expiry.removed, 0);
    assert_false(expiry.more);

    expiry.now_ms = FIXTURE_NOW_MS + 9LL * 60 * 60 * 1000;
    check(f, store_apply(f->store, expiry_apply, &expiry, false, &f->error));
    assert_int_equal(expiry.removed, EXPIRE_STEP_MAX + 1); /* and the exchange */
    assert_true(expiry.more);
    assert_false(find_exchange(f, &got));
    expiry = (struct expiry){.now_ms = expiry.now_ms};
    check(f, store_apply(f->store, expiry_apply, &expiry, false, &f->error));
    assert_int_equal(expiry.removed, 10);
    assert_false(expiry.more);

    expiry = (struct expiry){.now_ms = FIXTURE_NOW_MS + AUDIT_LIFE_MS};
    check(f, store_apply(f->store, expiry_apply, &expiry, false, &f->error));
    assert_int_equal(expiry.removed, 1);
    check(f, audit_list(f->reader, &f->arena, &filter, 9, &entries, &count, &f->error));
    assert_int_equal(count, 0);
}

/* --- the statements themselves --- */

static bool apply_prepare_all(struct db *db, void *argument, struct error *error)
{
    (void)argument, (void)error;
    for (int sql = 0; sql < SQL_COUNT; sql++) {
        _cleanup_stmt_ struct stmt stmt = stmt_open(db, (enum sql)sql);
        if (!stmt.handle || stmt.rc != 0)
            return fail(error, ERR_INTERNAL, "Statement %d does not fit the schema.", sql);
    }
    return true;
}

static void every_statement_fits_the_schema(void **state)
{
    struct fixture *f = *state;
    check(f, store_apply(f->store, apply_prepare_all, NULL, false, &f->error));
}

static bool apply_bind_some(struct db *db, void *argument, struct error *error)
{
    struct profile_key key = sample_key(argument);
    bool found = false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_LIST_ONE);
    stmt_text(&stmt, 1, key.account);
    stmt_text(&stmt, 2, key.region);
    stmt_text(&stmt, 3, key.name);
    if (!stmt_step(&stmt, &found, error))
        return false;
    return found || fail(error, ERR_NOT_FOUND, "No row without filters.");
}

static void what_is_not_bound_is_null(void **state)
{
    struct fixture *f = *state;
    char name[] = "crm";
    check(f, insert_profile(f, name));
    check(f, store_apply(f->store, apply_bind_some, name, false, &f->error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(exchange_is_kept_until_it_is_consumed),
        test_with_store(exchange_that_may_be_repeated_is_saved_again),
        test_with_store(exchange_expires_and_can_be_made_again),
        test_with_store(exchange_goes_with_its_profile),
        test_with_store(newest_exchanges_of_a_profile_are_kept),
        test_with_store(grants_of_one_life_do_not_displace_others),
        test_with_store(a_longer_life_stays),
        test_with_store(trimming_leaves_running_attempts),
        test_with_store(exchange_that_is_begun_stays_so_without_its_profile),
        test_with_store(exchange_is_begun_by_one_attempt),
        test_with_store(meta_value_is_put_once),
        test_with_store(oauth_apps_are_kept),
        test_with_store(audit_is_listed_by_account_and_time),
        test_with_store(expired_rows_are_removed_a_bounded_number_at_a_time),
        test_with_store(every_statement_fits_the_schema),
        test_with_store(what_is_not_bound_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
