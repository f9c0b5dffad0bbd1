/* The table of registered connectors: one row a label, and what keeps it. */
#include "store_fixture.h"

#include "store/connectors.h"
#include "store/core/internal.h"

static struct connector_key key_of(const char *label)
{
    return (struct connector_key){STR("123456789012"), STR("eu-central-1"), str_from(label)};
}

static struct connector_row sample_row(const char *label)
{
    return (struct connector_row){
        .key = key_of(label),
        .version = 100,
        .registered_at_ms = 5,
        .updated_at_ms = 6,
        .function_arn = STR("arn:aws:lambda:eu-central-1:123456789012:function:orders"),
        .summary = STR("{\"connectorName\":\"Orders\"}"),
        .configuration = STR("{\"configuration\":{}}"),
        .mac = STR("m\0c"),
    };
}

static bool apply_row_insert(struct db *db, void *argument, struct error *error)
{
    return connector_row_insert(db, argument, error);
}

static bool insert(struct fixture *f, const char *label)
{
    struct connector_row row = sample_row(label);
    return store_apply(f->store, apply_row_insert, &row, false, &f->error);
}

struct replacement {
    struct connector_row row;
    int64_t expected_version;
};

static bool apply_replace(struct db *db, void *argument, struct error *error)
{
    struct replacement *replacement = argument;
    return connector_row_replace(db, &replacement->row, replacement->expected_version, error);
}

struct removal {
    struct connector_key key;
    bool force;
};

static bool apply_remove(struct db *db, void *argument, struct error *error)
{
    struct removal *removal = argument;
    return connector_row_delete(db, removal->key, removal->force, error);
}

static bool remove_row(struct fixture *f, const char *label, bool force)
{
    struct removal removal = {key_of(label), force};
    return store_apply(f->store, apply_remove, &removal, false, &f->error);
}

static bool find(struct fixture *f, const char *label, struct connector_row *ret_row)
{
    bool found;
    check(f, connector_row_find(f->reader, &f->arena, key_of(label), ret_row, &found, &f->error));
    return found;
}

static void a_row_is_kept_and_replaced_at_its_version(void **state)
{
    struct fixture *f = *state;
    struct connector_row got, sample = sample_row("orders");
    assert_false(find(f, "orders", &got));
    check(f, insert(f, "orders"));
    assert_true(find(f, "orders", &got));
    assert_int_equal(got.version, 100);
    assert_int_equal(got.registered_at_ms, 5);
    assert_int_equal(got.updated_at_ms, 6);
    assert_true(str_eq(got.key.account, sample.key.account));
    assert_true(str_eq(got.key.region, sample.key.region));
    assert_true(str_eq(got.key.label, sample.key.label));
    assert_true(str_eq(got.function_arn, sample.function_arn));
    assert_null(got.description.data);
    assert_true(str_eq(got.summary, sample.summary));
    assert_true(str_eq(got.configuration, sample.configuration));
    assert_true(str_eq(got.mac, sample.mac));

    struct replacement change = {sample, 100};
    change.row.version = 101;
    change.row.updated_at_ms = 7;
    change.row.registered_at_ms = 8; /* which stays as it was */
    change.row.description = STR("new");
    check(f, store_apply(f->store, apply_replace, &change, false, &f->error));
    assert_true(find(f, "orders", &got));
    assert_int_equal(got.version, 101);
    assert_int_equal(got.registered_at_ms, 5);
    assert_int_equal(got.updated_at_ms, 7);
    assert_true(str_eq(got.description, STR("new")));
}

static void what_does_not_fit_is_refused(void **state)
{
    struct fixture *f = *state;
    check(f, insert(f, "orders"));
    assert_false(insert(f, "orders"));
    assert_int_equal(f->error.code, ERR_CONFLICT);
    assert_string_equal(f->error.message, "Connector with label orders is already registered.");

    struct replacement stale = {sample_row("orders"), 99};
    assert_false(store_apply(f->store, apply_replace, &stale, false, &f->error));
    assert_int_equal(f->error.code, ERR_CONFLICT);
    assert_string_equal(f->error.message,
                        "Connector with label orders was changed by another request.");
    struct replacement missing = {sample_row("others"), 99};
    assert_false(store_apply(f->store, apply_replace, &missing, false, &f->error));
    assert_int_equal(f->error.code, ERR_NOT_FOUND);
    assert_string_equal(f->error.message, "Connector:others is not registered.");
    assert_false(remove_row(f, "others", true));
    assert_int_equal(f->error.code, ERR_NOT_FOUND);
}

static void lists_are_in_the_order_of_labels(void **state)
{
    struct fixture *f = *state;
    struct connector_row *rows;
    size_t count;
    struct connector_row other = sample_row("a");
    other.key.region = STR("eu-west-1");
    check(f, insert(f, "c"));
    check(f, insert(f, "a"));
    check(f, insert(f, "b"));
    check(f, store_apply(f->store, apply_row_insert, &other, false, &f->error));
    struct connector_key start = key_of("");
    start.label = STR_NULL; /* as well as "" */
    check(f, connector_row_list(f->reader, &f->arena, start, 3, &rows, &count, &f->error));
    assert_int_equal(count, 3);
    check(f, connector_row_list(f->reader, &f->arena, key_of(""), 2, &rows, &count, &f->error));
    assert_int_equal(count, 2);
    assert_true(str_eq(rows[0].key.label, STR("a")));
    assert_true(str_eq(rows[1].key.label, STR("b")));
    assert_true(str_eq(rows[1].key.region, STR("eu-central-1")));
    assert_true(str_eq(rows[1].summary, STR("{\"connectorName\":\"Orders\"}")));
    assert_null(rows[1].configuration.data);
    check(f, connector_row_list(f->reader, &f->arena, key_of("b"), 2, &rows, &count, &f->error));
    assert_int_equal(count, 1);
    assert_true(str_eq(rows[0].key.label, STR("c")));
}

/* --- profiles of a connector --- */

static bool apply_profile_of(struct db *db, void *argument, struct error *error)
{
    struct profile *profile = argument;
    struct connector_key key = {profile->key.account, profile->key.region,
                                profile->connector_label};
    return connector_row_hold(db, key, error) && profile_insert(db, profile, 0, error);
}

static bool add_profile(struct fixture *f, const char *name, const char *label)
{
    struct profile profile = sample_profile(name);
    profile.connector_type = STR("CustomConnector");
    profile.connector_label = str_from(label);
    return store_apply(f->store, apply_profile_of, &profile, false, &f->error);
}

static void a_connector_in_use_stays_unless_forced(void **state)
{
    struct fixture *f = *state;
    struct connector_row got;
    check(f, insert(f, "orders"));
    check(f, insert(f, "others"));
    check(f, add_profile(f, "mine", "orders"));
    assert_false(remove_row(f, "orders", false));
    assert_int_equal(f->error.code, ERR_CONFLICT);
    assert_string_equal(f->error.message,
                        "Connector with label orders is in use by connector profile mine. Delete "
                        "its profiles first, or set forceDelete.");
    assert_true(find(f, "orders", &got));
    check(f, remove_row(f, "others", false));
    check(f, remove_row(f, "orders", true));
    assert_false(find(f, "orders", &got));
    assert_true(profile_exists(f, "mine"));
}

static void a_profile_needs_its_connector(void **state)
{
    struct fixture *f = *state;
    assert_false(add_profile(f, "mine", "orders"));
    assert_int_equal(f->error.code, ERR_NOT_FOUND);
    assert_string_equal(f->error.message, "Connector:orders is not registered. Please register it "
                                          "first before creating ConnectorProfile.");
    assert_false(profile_exists(f, "mine"));
}

/* A thousand rows in one write, which ends with the quota. */
static bool apply_many(struct db *db, void *argument, struct error *error)
{
    size_t count = *(size_t *)argument;
    char label[32];
    for (size_t i = 0; i < count; i++) {
        struct connector_row row = sample_row("");
        snprintf(label, sizeof(label), "label-%zu", i);
        row.key.label = str_from(label);
        if (!connector_row_insert(db, &row, error))
            return false;
    }
    return true;
}

static void an_account_has_a_quota(void **state)
{
    struct fixture *f = *state;
    size_t count = CONNECTORS_PER_ACCOUNT_MAX;
    check(f, store_apply(f->store, apply_many, &count, false, &f->error));
    assert_false(insert(f, "one-more"));
    assert_int_equal(f->error.code, ERR_QUOTA);
    assert_false(insert(f, "label-1")); /* what is taken is said first */
    assert_int_equal(f->error.code, ERR_CONFLICT);
    check(f, remove_row(f, "label-1", false));
    check(f, insert(f, "one-more"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(a_row_is_kept_and_replaced_at_its_version),
        test_with_store(what_does_not_fit_is_refused),
        test_with_store(lists_are_in_the_order_of_labels),
        test_with_store(a_connector_in_use_stays_unless_forced),
        test_with_store(a_profile_needs_its_connector),
        test_with_store(an_account_has_a_quota),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
