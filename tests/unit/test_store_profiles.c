/* What the table of profiles keeps and refuses. */
#include "store_fixture.h"

#include "base/buf.h"

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
    struct buf got = buf_in(&f->arena, 256);
    check(f, profile_list(f->reader, &f->arena, filter, limit, &profiles, &count, &f->error));
    for (size_t i = 0; i < count; i++) {
        assert_true(str_eq(profiles[i].key.account, filter->account));
        assert_null(profiles[i].sealed_credentials.data);
        assert_int_equal(profiles[i].created_at_ms, 5);
        buf_add_cstr(&got, i ? " " : "");
        buf_add(&got, profiles[i].key.name);
    }
    assert_true(str_eq(buf_str(&got), str_from(names)));
}

enum { SOME = 64 * 1024 }; /* bytes: room for some of the rows */

static bool cover_some(struct arena_meter *meter, size_t bytes, bool forced)
{
    bool covers = forced || bytes <= SOME;
    meter->covered = covers ? bytes : meter->covered;
    return covers;
}

static void a_listing_takes_no_more_memory_than_there_is(void **state)
{
    struct fixture *f = *state;
    struct arena_meter meter = {.cover = cover_some};
    struct arena arena = {0};
    struct profile_filter filter = {.account = STR("123456789012"), .region = STR("eu-central-1")};
    struct profile *profiles;
    size_t count;
    char name[16];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "crm-%d", i);
        check(f, insert_profile(f, name));
    }
    arena_set_meter(&arena, &meter);
    check(f, profile_list(f->reader, &arena, &filter, 10, &profiles, &count, &f->error));
    assert_false(profile_list(f->reader, &arena, &filter, 100, &profiles, &count, &f->error));
    assert_int_equal(f->error.code, ERR_THROTTLING);
    assert_true(meter.held <= SOME);
    arena_done(&arena);
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
    insert_for_listing(f, "Y", STR("CustomConnector"), STR("other"));
    insert_for_listing(f, "a2", STR("CustomConnector"), STR("one"));
    filter.after_name = STR_NULL;
    filter.connector_type = STR("CustomConnector");
    assert_list(f, &filter, 10, "Y Z a2");
    assert_list(f, &filter, 2, "Y Z");
    filter.connector_label = STR("one");
    assert_list(f, &filter, 10, "Z a2");
    assert_list(f, &filter, 1, "Z");
    filter.after_name = STR("Z");
    assert_list(f, &filter, 10, "a2");
    filter.connector_type = STR("Salesforce");
    assert_list(f, &filter, 10, "");
    filter.after_name = filter.connector_type = filter.connector_label = STR_NULL;
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

static bool apply_pending(struct db *db, void *argument, struct error *error)
{
    struct insert_argument *insert = argument;
    insert->profile.connection_mode = STR("Private");
    insert->profile.provisioning.status = STR("PENDING");
    return profile_insert(db, &insert->profile, 0, error);
}

static void insert_pending(struct fixture *f, const char *region, const char *name)
{
    struct insert_argument insert = {sample_profile(name), 0};
    insert.profile.key.region = str_from(region);
    check(f, store_apply(f->store, apply_pending, &insert, false, &f->error));
}

static void provisioning_comes_back_and_goes(void **state)
{
    struct fixture *f = *state;
    struct replace_argument replace = {sample_profile("mine"), 100};
    struct profile got;
    bool found;
    insert_pending(f, "eu-central-1", "mine");
    check(f, profile_find(f->reader, &f->arena, sample_key("mine"), &got, &found, &f->error));
    assert_true(str_eq(got.provisioning.status, STR("PENDING")));
    assert_null(got.provisioning.cause.data);
    assert_null(got.provisioning.message.data);

    replace.profile.version = 101;
    replace.profile.provisioning =
        (struct provisioning){STR("FAILED"), STR("VALIDATION"), STR("Why it failed.")};
    check(f, store_apply(f->store, apply_replace, &replace, false, &f->error));
    check(f, profile_find(f->reader, &f->arena, sample_key("mine"), &got, &found, &f->error));
    assert_true(str_eq(got.provisioning.status, STR("FAILED")));
    assert_true(str_eq(got.provisioning.cause, STR("VALIDATION")));
    assert_true(str_eq(got.provisioning.message, STR("Why it failed.")));

    replace.expected = 101;
    replace.profile.version = 102;
    replace.profile.provisioning = (struct provisioning){0};
    check(f, store_apply(f->store, apply_replace, &replace, false, &f->error));
    check(f, profile_find(f->reader, &f->arena, sample_key("mine"), &got, &found, &f->error));
    assert_null(got.provisioning.status.data);
    assert_null(got.provisioning.cause.data);
    assert_null(got.provisioning.message.data);
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
        test_with_store(a_listing_takes_no_more_memory_than_there_is),
        test_with_store(profiles_are_listed_by_names),
        test_with_store(more_profiles_than_a_listing_starts_with),
        test_with_store(provisioning_comes_back_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
