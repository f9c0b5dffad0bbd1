/* What each table of the store keeps and refuses. */
#include "store_fixture.h"

#include "store/inside.h"

static void profile_comes_back_as_it_was_put(void **state)
{
    struct fixture *f = *state;
    struct insert_argument insert = {sample_profile("mine"), 0};
    struct profile got, *put = &insert.profile;
    bool found;
    put->kms_arn = STR("arn:aws:kms:eu-central-1:123456789012:key/1");
    check(f, store_apply(f->store, apply_insert, &insert, false, &f->error));
    check(f, profile_find(f->reader, &f->arena, put->key, &got, &found, &f->error));
    assert_true(found);
    assert_true(str_eq(got.key.account, put->key.account));
    assert_true(str_eq(got.key.region, put->key.region));
    assert_true(str_eq(got.key.name, put->key.name));
    assert_int_equal(got.version, 100);
    assert_true(str_eq(got.connector_type, put->connector_type));
    assert_null(got.connector_label.data);
    assert_true(str_eq(got.connection_mode, put->connection_mode));
    assert_true(str_eq(got.kms_arn, put->kms_arn));
    assert_true(str_eq(got.credentials_arn, put->credentials_arn));
    assert_true(str_eq(got.properties, put->properties));
    assert_true(str_eq(got.sealed_credentials, put->sealed_credentials)); /* with its NUL */
    assert_int_equal(got.created_at_ms, 5);
    assert_int_equal(got.updated_at_ms, 6);
}

static void profile_is_found_by_its_whole_key(void **state)
{
    struct fixture *f = *state;
    struct profile got;
    bool found;
    check(f, insert_profile(f, "mine"));
    struct profile_key others[] = {sample_key("mine"), sample_key("mine"), sample_key("Mine")};
    others[0].account = STR("111122223333");
    others[1].region = STR("us-east-1");
    for (size_t i = 0; i < 3; i++) {
        check(f, profile_find(f->reader, &f->arena, others[i], &got, &found, &f->error));
        assert_false(found);
    }
}

static void profile_name_is_taken_once(void **state)
{
    struct fixture *f = *state;
    check(f, insert_profile(f, "mine"));
    assert_false(insert_profile(f, "mine"));
    assert_int_equal(f->error.code, ERR_CONFLICT);
    assert_string_equal(f->error.message, "ConnectorProfile with name mine already exists.");
}

static void profile_quota_counts_account_and_region(void **state)
{
    struct fixture *f = *state;
    struct insert_argument insert = {sample_profile("c"), 2};
    check(f, insert_profile(f, "a"));
    insert.profile.key.region = STR("us-east-1");
    check(f, store_apply(f->store, apply_insert, &insert, false, &f->error));
    insert.profile.key.region = STR("eu-central-1");
    check(f, store_apply(f->store, apply_insert, &insert, false, &f->error));
    insert.profile.key.name = STR("d");
    assert_false(store_apply(f->store, apply_insert, &insert, false, &f->error));
    assert_int_equal(f->error.code, ERR_QUOTA);
    assert_false(profile_exists(f, "d"));
    insert.profile.key.name = STR("a"); /* a taken name is told before the quota */
    assert_false(store_apply(f->store, apply_insert, &insert, false, &f->error));
    assert_int_equal(f->error.code, ERR_CONFLICT);
}

struct replace_argument {
    struct profile profile;
    int64_t expected;
};

static bool apply_replace(struct db *db, void *argument, struct error *error)
{
    struct replace_argument *replace = argument;
    return profile_replace(db, &replace->profile, replace->expected, error);
}

static void profile_is_replaced_by_compare_and_swap(void **state)
{
    struct fixture *f = *state;
    struct replace_argument replace = {sample_profile("mine"), 100};
    struct profile got;
    bool found;
    check(f, insert_profile(f, "mine"));
    replace.profile.version = 101;
    replace.profile.properties = STR("{\"Salesforce\":{\"instanceUrl\":\"x\"}}");
    replace.profile.sealed_credentials = STR("other");
    replace.profile.created_at_ms = 70; /* stays */
    replace.profile.updated_at_ms = 80;
    check(f, store_apply(f->store, apply_replace, &replace, false, &f->error));
    check(f, profile_find(f->reader, &f->arena, replace.profile.key, &got, &found, &f->error));
    assert_int_equal(got.version, 101);
    assert_true(str_eq(got.properties, replace.profile.properties));
    assert_true(str_eq(got.sealed_credentials, STR("other")));
    assert_int_equal(got.created_at_ms, 5);
    assert_int_equal(got.updated_at_ms, 80);

    replace.profile.version = 102; /* a second one that had loaded version 100 */
    replace.profile.properties = STR("{}");
    assert_false(store_apply(f->store, apply_replace, &replace, false, &f->error));
    assert_int_equal(f->error.code, ERR_CONFLICT);
    check(f, profile_find(f->reader, &f->arena, replace.profile.key, &got, &found, &f->error));
    assert_int_equal(got.version, 101);
    assert_string_equal(got.properties.data, "{\"Salesforce\":{\"instanceUrl\":\"x\"}}");

    replace.profile.key.name = STR("gone");
    assert_false(store_apply(f->store, apply_replace, &replace, false, &f->error));
    assert_int_equal(f->error.code, ERR_NOT_FOUND);
    replace.profile.version = replace.expected;
    assert_false(store_apply(f->store, apply_replace, &replace, false, &f->error));
    assert_int_equal(f->error.code, ERR_INTERNAL);
}

static void profile_that_is_unknown_cannot_be_deleted(void **state)
{
    struct fixture *f = *state;
    assert_false(delete_profile(f, "mine", false));
    assert_int_equal(f->error.code, ERR_NOT_FOUND);
    assert_string_equal(f->error.message, "Connector Profile with name mine does not exist.");
    check(f, insert_profile(f, "mine"));
    check(f, delete_profile(f, "mine", false));
    assert_false(profile_exists(f, "mine"));
}

static void insert_for_listing(struct fixture *f, const char *name, struct str type,
                               struct str label)
{
    struct insert_argument insert = {sample_profile(name), 0};
    insert.profile.connector_type = type;
    insert.profile.connector_label = label;
    check(f, store_apply(f->store, apply_insert, &insert, false, &f->error));
}

static void assert_list(struct fixture *f, const struct profile_filter *filter, size_t limit,
                        const char *names)
{
    struct profile *profiles;
    size_t count;
    char got[256] = "";
    check(f, profile_list(f->reader, &f->arena, filter, limit, &profiles, &count, &f->error));
    for (size_t i = 0; i < count; i++) {
        assert_true(str_eq(profiles[i].key.account, filter->account));
        assert_null(profiles[i].sealed_credentials.data);
        assert_int_equal(profiles[i].created_at_ms, 5);
        strcat(strcat(got, i ? " " : ""), profiles[i].key.name.data);
    }
    assert_string_equal(got, names);
}

static void profiles_are_listed_in_name_order(void **state)
{
    struct fixture *f = *state;
    struct profile_filter filter = {.account = STR("123456789012"), .region = STR("eu-central-1")};
    assert_list(f, &filter, 10, "");
    insert_for_listing(f, "b", STR("Zendesk"), STR_NULL);
    insert_for_listing(f, "a", STR("Salesforce"), STR_NULL);
    insert_for_listing(f, "Z", STR("CustomConnector"), STR("one"));
    insert_for_listing(f, "a1", STR("Salesforce"), STR_NULL);
    assert_list(f, &filter, 10, "Z a a1 b");
    assert_list(f, &filter, 2, "Z a");
    filter.after_name = STR("a");
    assert_list(f, &filter, 10, "a1 b");
    filter.connector_type = STR("Zendesk");
    assert_list(f, &filter, 10, "b");
    filter.after_name = filter.connector_type = STR_NULL;
    filter.connector_label = STR("one");
    assert_list(f, &filter, 10, "Z");
    filter.account = STR("111122223333");
    assert_list(f, &filter, 10, "");
}

static void profiles_are_listed_by_names(void **state)
{
    struct fixture *f = *state;
    const struct str names[] = {STR("c"), STR("a"), STR("missing"), STR("c"), STR("b")};
    struct profile_filter filter = {.account = STR("123456789012"),
                                    .region = STR("eu-central-1"),
                                    .names = names,
                                    .name_count = 5};
    insert_for_listing(f, "c", STR("Zendesk"), STR_NULL);
    insert_for_listing(f, "b", STR("Salesforce"), STR_NULL);
    insert_for_listing(f, "a", STR("Salesforce"), STR_NULL);
    insert_for_listing(f, "d", STR("Salesforce"), STR_NULL);
    assert_list(f, &filter, 10, "a b c");
    assert_list(f, &filter, 2, "a b");
    filter.after_name = STR("a");
    assert_list(f, &filter, 10, "b c");
    filter.connector_type = STR("Salesforce");
    assert_list(f, &filter, 10, "b");
}

static void more_profiles_than_a_listing_starts_with(void **state)
{
    struct fixture *f = *state;
    struct profile_filter filter = {.account = STR("123456789012"), .region = STR("eu-central-1")};
    struct profile *profiles;
    size_t count;
    for (int i = 0; i < 40; i++) {
        char name[8];
        snprintf(name, sizeof(name), "n%02d", i);
        check(f, insert_profile(f, name));
    }
    check(f, profile_list(f->reader, &f->arena, &filter, 100, &profiles, &count, &f->error));
    assert_int_equal(count, 40);
    assert_string_equal(profiles[0].key.name.data, "n00");
    assert_string_equal(profiles[39].key.name.data, "n39");
}

/* --- exchanges --- */

static bool apply_save(struct db *db, void *argument, struct error *error)
{
    return exchange_save(db, argument, fixture_now_ms, error);
}

static bool apply_consume(struct db *db, void *argument, struct error *error)
{
    const struct exchange *exchange = argument;
    return exchange_consume(db, exchange->account, exchange->region, exchange->profile, error);
}

static struct exchange sample_exchange(void)
{
    return (struct exchange){.id = "0123456789abcdef0123456789abcde",
                             .account = STR("123456789012"),
                             .region = STR("eu-central-1"),
                             .profile = STR("mine"),
                             .sealed = STR("what the vendor gave")};
}

static bool find_exchange(struct fixture *f, struct exchange *ret_exchange)
{
    struct exchange wanted = sample_exchange();
    bool found;
    check(f, exchange_find(f->reader, &f->arena, wanted.id, ret_exchange, &found, &f->error));
    return found;
}

static void exchange_is_kept_until_it_is_consumed(void **state)
{
    struct fixture *f = *state;
    struct exchange put = sample_exchange(), got;
    assert_false(find_exchange(f, &got));
    check(f, store_apply(f->store, apply_save, &put, false, &f->error));
    put.sealed = STR("newer"); /* saving again replaces */
    check(f, store_apply(f->store, apply_save, &put, false, &f->error));
    assert_true(find_exchange(f, &got));
    assert_memory_equal(got.id, put.id, EXCHANGE_ID_SIZE);
    assert_true(str_eq(got.account, put.account));
    assert_true(str_eq(got.region, put.region));
    assert_true(str_eq(got.profile, put.profile));
    assert_true(str_eq(got.sealed, put.sealed));
    assert_false(got.consumed);

    struct exchange other = put;
    other.profile = STR("another");
    check(f, store_apply(f->store, apply_consume, &other, false, &f->error));
    assert_true(find_exchange(f, &got));
    assert_false(got.consumed);
    check(f, store_apply(f->store, apply_consume, &put, false, &f->error));
    assert_true(find_exchange(f, &got));
    assert_true(got.consumed);
    assert_null(got.sealed.data);
    assert_false(store_apply(f->store, apply_save, &put, false, &f->error));
    assert_int_equal(f->error.code, ERR_CONFLICT);
}

static void exchange_expires_and_can_be_made_again(void **state)
{
    struct fixture *f = *state;
    struct exchange put = sample_exchange(), got;
    check(f, store_apply(f->store, apply_save, &put, false, &f->error));
    check(f, store_apply(f->store, apply_consume, &put, false, &f->error));
    fixture_now_ms += EXCHANGE_LIFE_MS - 1;
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
    struct exchange put = sample_exchange(), got;
    check(f, insert_profile(f, "mine"));
    check(f, insert_profile(f, "other"));
    check(f, store_apply(f->store, apply_save, &put, false, &f->error));
    check(f, delete_profile(f, "other", false));
    assert_true(find_exchange(f, &got));
    check(f, delete_profile(f, "mine", false));
    assert_false(find_exchange(f, &got));
}

/* --- access keys --- */

static bool apply_key_insert(struct db *db, void *argument, struct error *error)
{
    return access_key_insert(db, argument, error);
}

static bool apply_key_delete(struct db *db, void *argument, struct error *error)
{
    return access_key_delete(db, *(struct str *)argument, error);
}

static void access_keys_are_kept(void **state)
{
    struct fixture *f = *state;
    struct access_key one = {STR("AKIAONE"), STR("123456789012"), STR("s\0ealed"), 7};
    struct access_key two = {STR("AKIATWO"), STR("111122223333"), STR("t"), 8};
    struct access_key got, *all;
    size_t count;
    bool found;
    check(f, access_key_list(f->reader, &f->arena, &all, &count, &f->error));
    assert_int_equal(count, 0);
    check(f, store_apply(f->store, apply_key_insert, &one, false, &f->error));
    check(f, store_apply(f->store, apply_key_insert, &two, false, &f->error));
    assert_false(store_apply(f->store, apply_key_insert, &one, false, &f->error));
    assert_int_equal(f->error.code, ERR_CONFLICT);
    check(f, access_key_find(f->reader, &f->arena, one.id, &got, &found, &f->error));
    assert_true(found);
    assert_true(str_eq(got.id, one.id));
    assert_true(str_eq(got.account, one.account));
    assert_true(str_eq(got.sealed_secret, one.sealed_secret));
    assert_int_equal(got.created_at_ms, 7);
    check(f, access_key_list(f->reader, &f->arena, &all, &count, &f->error));
    assert_int_equal(count, 2);
    assert_true(str_eq(all[0].id, two.id));
    assert_true(str_eq(all[1].id, one.id));
    store_reader_rest(f->reader); /* a scrub waits for readers */
    check(f, store_apply(f->store, apply_key_delete, &one.id, true, &f->error));
    check(f, access_key_find(f->reader, &f->arena, one.id, &got, &found, &f->error));
    assert_false(found);
    assert_false(store_apply(f->store, apply_key_delete, &one.id, true, &f->error));
    assert_int_equal(f->error.code, ERR_NOT_FOUND);
}

/* --- meta, apps --- */

static bool apply_meta(struct db *db, void *argument, struct error *error)
{
    return meta_put_once(db, STR("name"), *(struct str *)argument, error);
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
    struct audit_entry entry = {.at_ms = 10,
                                .request_id = STR("r"),
                                .account = STR("123456789012"),
                                .region = STR("eu-central-1"),
                                .access_key_id = STR("AKIAONE"),
                                .operation = STR("UpdateConnectorProfile"),
                                .resource = STR("mine"),
                                .outcome = STR("ok"),
                                .detail = STR("d")};
    struct audit_entry *got;
    size_t count;
    check(f, store_apply(f->store, apply_audit, &entry, false, &f->error));
    entry.account = STR("111122223333");
    check(f, store_apply(f->store, apply_audit, &entry, false, &f->error));
    entry = (struct audit_entry){.at_ms = 11,
                                 .account = STR("123456789012"),
                                 .operation = STR("x"),
                                 .outcome = STR("ValidationException")};
    check(f, store_apply(f->store, apply_audit, &entry, false, &f->error));
    check(f, audit_list(f->reader, &f->arena, entry.account, 0, 10, &got, &count, &f->error));
    assert_int_equal(count, 2);
    assert_int_equal(got[0].at_ms, 10);
    assert_true(str_eq(got[0].request_id, STR("r")));
    assert_true(str_eq(got[0].account, STR("123456789012")));
    assert_true(str_eq(got[0].region, STR("eu-central-1")));
    assert_true(str_eq(got[0].access_key_id, STR("AKIAONE")));
    assert_true(str_eq(got[0].operation, STR("UpdateConnectorProfile")));
    assert_true(str_eq(got[0].resource, STR("mine")));
    assert_true(str_eq(got[0].outcome, STR("ok")));
    assert_true(str_eq(got[0].detail, STR("d")));
    assert_null(got[1].resource.data);
    check(f, audit_list(f->reader, &f->arena, entry.account, 10, 10, &got, &count, &f->error));
    assert_int_equal(count, 1);
    check(f, audit_list(f->reader, &f->arena, entry.account, 0, 1, &got, &count, &f->error));
    assert_int_equal(count, 1);
    assert_int_equal(got[0].at_ms, 10);
}

/* --- expiry --- */

static bool apply_many_answers(struct db *db, void *argument, struct error *error)
{
    (void)argument;
    unsigned char hash[REQUEST_HASH_SIZE] = {0};
    for (int i = 0; i < EXPIRE_STEP_MAX + 10; i++) {
        char text[16];
        snprintf(text, sizeof(text), "token-%d", i);
        struct token_key key = {STR("123456789012"), STR("r"), STR("o"), str_from(text)};
        if (!token_answer(db, &key, hash, STR("{}"), FIXTURE_NOW_MS + i, error))
            return false;
    }
    return true;
}

static void expired_rows_are_removed_a_bounded_number_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct exchange exchange = sample_exchange(), got;
    struct audit_entry entry = {FIXTURE_NOW_MS, .account = STR("123456789012"),
                                .operation = STR("o"), .outcome = STR("ok")};
    struct expiry expiry = {.now_ms = FIXTURE_NOW_MS};
    struct audit_entry *entries;
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
    check(f, audit_list(f->reader, &f->arena, entry.account, 0, 9, &entries, &count, &f->error));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(profile_comes_back_as_it_was_put),
        test_with_store(profile_is_found_by_its_whole_key),
        test_with_store(profile_name_is_taken_once),
        test_with_store(profile_quota_counts_account_and_region),
        test_with_store(profile_is_replaced_by_compare_and_swap),
        test_with_store(profile_that_is_unknown_cannot_be_deleted),
        test_with_store(profiles_are_listed_in_name_order),
        test_with_store(profiles_are_listed_by_names),
        test_with_store(more_profiles_than_a_listing_starts_with),
        test_with_store(exchange_is_kept_until_it_is_consumed),
        test_with_store(exchange_expires_and_can_be_made_again),
        test_with_store(exchange_goes_with_its_profile),
        test_with_store(access_keys_are_kept),
        test_with_store(meta_value_is_put_once),
        test_with_store(oauth_apps_are_kept),
        test_with_store(audit_is_listed_by_account_and_time),
        test_with_store(expired_rows_are_removed_a_bounded_number_at_a_time),
        test_with_store(every_statement_fits_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
