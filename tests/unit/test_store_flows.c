/* The table of flows: one row a name, what keeps a profile that it uses, and what keeps it. */
#include "store_fixture.h"

#include "store/core/internal.h"
#include "store/flows.h"
#include "store/tags.h"

static struct flow_key key_of(const char *name)
{
    return (struct flow_key){STR("123456789012"), STR("eu-central-1"), str_from(name)};
}

static struct flow_row sample_row(const char *name)
{
    return (struct flow_row){
        .key = key_of(name),
        .version = 100,
        .created_at_ms = 5,
        .updated_at_ms = 6,
        .status = STR("Active"),
        .trigger_type = STR("OnDemand"),
        .summary = STR("{\"sourceConnectorType\":\"S3\"}"),
        .definition = STR("{\"tasks\":[]}"),
        .mac = STR("m\0c"),
    };
}

static bool apply_row_insert(struct db *db, void *argument, struct error *error)
{
    return flow_row_insert(db, argument, error);
}

static bool insert_row(struct fixture *f, struct flow_row row)
{
    return store_apply(f->store, apply_row_insert, &row, false, &f->error);
}

static bool insert(struct fixture *f, const char *name)
{
    return insert_row(f, sample_row(name));
}

struct replacement {
    struct flow_row row;
    int64_t expected_version;
};

static bool apply_replace(struct db *db, void *argument, struct error *error)
{
    struct replacement *replacement = argument;
    return flow_row_replace(db, &replacement->row, replacement->expected_version, error);
}

static bool replace(struct fixture *f, struct flow_row row, int64_t expected_version)
{
    struct replacement replacement = {row, expected_version};
    return store_apply(f->store, apply_replace, &replacement, false, &f->error);
}

struct removal {
    struct flow_key key;
    bool force;
};

static bool apply_remove(struct db *db, void *argument, struct error *error)
{
    struct removal *removal = argument;
    return flow_row_delete(db, removal->key, removal->force, error);
}

static bool remove_row(struct fixture *f, const char *name, bool force)
{
    struct removal removal = {key_of(name), force};
    return store_apply(f->store, apply_remove, &removal, false, &f->error);
}

static bool find(struct fixture *f, const char *name, struct flow_row *ret_row)
{
    bool found;
    check(f, flow_row_find(f->reader, &f->arena, key_of(name), ret_row, &found, &f->error));
    return found;
}

static void assert_error(const struct fixture *f, int code, const char *message)
{
    assert_string_equal(f->error.message, message);
    assert_int_equal(f->error.code, code);
}

/* --- rows --- */

static void a_row_is_kept_and_replaced_at_its_version(void **state)
{
    struct fixture *f = *state;
    struct flow_row got, row = sample_row("nightly");
    check(f, insert_profile(f, "crm"));
    assert_false(find(f, "nightly", &got));
    check(f, insert(f, "nightly"));
    assert_true(find(f, "nightly", &got));
    assert_int_equal(got.version, 100);
    assert_int_equal(got.created_at_ms, 5);
    assert_int_equal(got.updated_at_ms, 6);
    assert_true(str_eq(got.key.account, row.key.account));
    assert_true(str_eq(got.key.region, row.key.region));
    assert_true(str_eq(got.key.name, row.key.name));
    assert_true(str_eq(got.status, row.status));
    assert_true(str_eq(got.trigger_type, row.trigger_type));
    assert_null(got.source_profile.data);
    assert_null(got.destination_profile.data);
    assert_true(str_eq(got.summary, row.summary));
    assert_true(str_eq(got.definition, row.definition));
    assert_true(str_eq(got.mac, row.mac));

    row.version = 101;
    row.updated_at_ms = 7;
    row.created_at_ms = 8; /* which stays as it was */
    row.status = STR("Draft");
    row.trigger_type = STR("Event");
    row.source_profile = row.destination_profile = STR("crm");
    row.definition = STR("{\"tasks\":[1]}");
    check(f, replace(f, row, 100));
    assert_true(find(f, "nightly", &got));
    assert_int_equal(got.version, 101);
    assert_int_equal(got.created_at_ms, 5);
    assert_int_equal(got.updated_at_ms, 7);
    assert_true(str_eq(got.status, STR("Draft")));
    assert_true(str_eq(got.trigger_type, STR("Event")));
    assert_true(str_eq(got.source_profile, STR("crm")));
    assert_true(str_eq(got.destination_profile, STR("crm")));
    assert_true(str_eq(got.definition, row.definition));
}

static void what_does_not_fit_is_refused(void **state)
{
    struct fixture *f = *state;
    struct flow_row row = sample_row("nightly");
    check(f, insert(f, "nightly"));
    assert_false(insert(f, "nightly"));
    assert_error(f, ERR_CONFLICT,
                 "Conflict executing request: Flow with name nightly already exists");
    assert_false(replace(f, row, 99));
    assert_error(f, ERR_CONFLICT,
                 "Conflict executing request: Flow was changed by another request: nightly");
    assert_false(replace(f, row, 100));
    assert_error(f, ERR_INTERNAL, "A flow's version must grow.");
    assert_false(replace(f, sample_row("others"), 99));
    assert_error(f, ERR_NOT_FOUND, "Flow with name others does not exist.");
    assert_false(remove_row(f, "others", true));
    assert_error(f, ERR_NOT_FOUND, "Flow with name others does not exist.");
}

static void lists_are_in_the_order_of_names(void **state)
{
    struct fixture *f = *state;
    struct flow_row *rows, other = sample_row("aa");
    struct flow_key start = key_of("");
    size_t count;
    other.key.region = STR("eu-west-1");
    check(f, insert(f, "cc"));
    check(f, insert(f, "aa"));
    check(f, insert(f, "bb"));
    check(f, insert_row(f, other));
    check(f, flow_row_list(f->reader, &f->arena, start, 2, &rows, &count, &f->error));
    assert_int_equal(count, 2);
    assert_true(str_eq(rows[0].key.name, STR("aa")));
    assert_true(str_eq(rows[1].key.name, STR("bb")));
    assert_true(str_eq(rows[1].key.region, STR("eu-central-1")));
    assert_true(str_eq(rows[1].summary, STR("{\"sourceConnectorType\":\"S3\"}")));
    assert_null(rows[1].definition.data);
    check(f, flow_row_list(f->reader, &f->arena, key_of("bb"), 9, &rows, &count, &f->error));
    assert_int_equal(count, 1);
    assert_true(str_eq(rows[0].key.name, STR("cc")));

    start = (struct flow_key){STR(""), STR(""), STR("")};
    check(f, flow_row_list_all(f->reader, &f->arena, start, 9, &rows, &count, &f->error));
    assert_int_equal(count, 4);
    assert_true(str_eq(rows[3].key.region, STR("eu-west-1")));
    assert_true(str_eq(rows[3].definition, other.definition));
    check(f, flow_row_list_all(f->reader, &f->arena, rows[2].key, 9, &rows, &count, &f->error));
    assert_int_equal(count, 1);
}

/* A thousand rows in one write. */
static bool apply_many(struct db *db, void *argument, struct error *error)
{
    char name[32];
    (void)argument;
    for (size_t i = 0; i < FLOWS_PER_ACCOUNT_MAX; i++) {
        struct flow_row row = sample_row("");
        snprintf(name, sizeof(name), "flow-%zu", i);
        row.key.name = str_from(name);
        if (!flow_row_insert(db, &row, error))
            return false;
    }
    return true;
}

static void an_account_has_a_quota(void **state)
{
    struct fixture *f = *state;
    struct flow_row elsewhere = sample_row("flow-x");
    elsewhere.key.region = STR("eu-west-1");
    check(f, store_apply(f->store, apply_many, NULL, false, &f->error));
    assert_false(insert(f, "one-more"));
    assert_error(f, ERR_QUOTA, "The account may have at most 1000 flows.");
    assert_false(insert(f, "flow-1")); /* what is taken is said first */
    assert_int_equal(f->error.code, ERR_CONFLICT);
    check(f, insert_row(f, elsewhere));
    check(f, remove_row(f, "flow-1", false));
    check(f, insert(f, "one-more"));
}

/* --- deleting --- */

static void what_starts_by_itself_is_deleted_by_force(void **state)
{
    struct fixture *f = *state;
    struct flow_row row = sample_row("nightly"), got;
    check(f, insert(f, "nightly"));
    check(f, remove_row(f, "nightly", false)); /* active, but on demand */
    row.trigger_type = STR("Scheduled");
    check(f, insert_row(f, row));
    assert_false(remove_row(f, "nightly", false));
    assert_error(f, ERR_CONFLICT,
                 "Conflict executing request: Flow is in active state, please set forceDelete to "
                 "true or deactivate the flow: nightly");
    assert_true(find(f, "nightly", &got));
    check(f, remove_row(f, "nightly", true));
    assert_false(find(f, "nightly", &got));
    row.status = STR("Draft");
    check(f, insert_row(f, row));
    check(f, remove_row(f, "nightly", false));
}

static const struct tagged nightly = {STR("123456789012"), STR("eu-central-1"), STR("flow"),
                                      STR("nightly")};

static bool apply_tag(struct db *db, void *argument, struct error *error)
{
    static const struct tag tag = {STR("team"), STR("sales")};
    (void)argument;
    return flow_row_hold(db, key_of("nightly"), error) && tags_put(db, &nightly, &tag, 1, error);
}

static void tags_end_with_their_flow(void **state)
{
    struct fixture *f = *state;
    struct tag *tags;
    size_t count;
    assert_false(store_apply(f->store, apply_tag, NULL, false, &f->error));
    assert_error(f, ERR_NOT_FOUND, "Flow with name nightly does not exist.");
    check(f, insert(f, "nightly"));
    check(f, store_apply(f->store, apply_tag, NULL, false, &f->error));
    check(f, remove_row(f, "nightly", false));
    check(f, tags_list(f->reader, &f->arena, &nightly, &tags, &count, &f->error));
    assert_int_equal(count, 0);
}

/* --- profiles that flows use --- */

static bool apply_delete_unused(struct db *db, void *argument, struct error *error)
{
    struct profile_key key = sample_key(argument);
    return flow_rows_check_unused(db, key, error) && profile_delete(db, key, error);
}

static bool delete_unused(struct fixture *f, char *name)
{
    return store_apply(f->store, apply_delete_unused, name, false, &f->error);
}

#define IN_USE(flows)                                                                              \
    "Conflict executing request: Connector profile: crm is associated with one or more flows. If " \
    "you still want to delete it, then make delete request with forceDelete flag as true. Some "   \
    "of the associated flows are: [" flows "]"

static void a_profile_in_use_stays_unless_forced(void **state)
{
    struct fixture *f = *state;
    struct flow_row from = sample_row("from"), to = sample_row("to-it");
    check(f, insert_profile(f, "crm"));
    check(f, insert_profile(f, "others"));
    from.source_profile = to.destination_profile = STR("crm");
    check(f, insert_row(f, from));
    check(f, insert_row(f, to));
    assert_false(delete_unused(f, "crm"));
    assert_error(f, ERR_CONFLICT, IN_USE("from, to-it"));
    assert_true(profile_exists(f, "crm"));
    check(f, delete_unused(f, "others"));
    check(f, remove_row(f, "from", false));
    assert_false(delete_unused(f, "crm"));
    assert_error(f, ERR_CONFLICT, IN_USE("to-it"));
    check(f, delete_profile(f, "crm", false)); /* by force */
    assert_false(delete_unused(f, "crm"));     /* which is gone, and not in use */
    assert_int_equal(f->error.code, ERR_NOT_FOUND);
}

/* Ten names of 256 characters: more than the message has room for. */
static void only_some_of_many_users_are_named(void **state)
{
    struct fixture *f = *state;
    char name[257] = "";
    check(f, insert_profile(f, "crm"));
    memset(name, 'x', sizeof(name) - 1);
    for (size_t i = 0; i < 12; i++) {
        name[0] = (char)('a' + i);
        struct flow_row row = sample_row(name);
        row.source_profile = STR("crm");
        check(f, insert_row(f, row));
    }
    assert_false(delete_unused(f, "crm"));
    assert_int_equal(f->error.code, ERR_CONFLICT);
    assert_non_null(strstr(f->error.message, ", cxxx"));
    assert_null(strstr(f->error.message, ", kxxx"));
    assert_true(str_ends(str_from(f->error.message), STR("xxx]")));
}

static void a_flow_needs_its_profiles(void **state)
{
    struct fixture *f = *state;
    struct flow_row row = sample_row("nightly");
    check(f, insert_profile(f, "crm"));
    row.source_profile = STR("crm");
    row.destination_profile = STR("gone");
    assert_false(insert_row(f, row));
    assert_error(f, ERR_NOT_FOUND, "Connector Profile with name gone does not exist.");
    row.destination_profile = STR_NULL;
    check(f, insert_row(f, row));
    row.version = 101;
    row.source_profile = STR("gone");
    assert_false(replace(f, row, 100));
    assert_error(f, ERR_NOT_FOUND, "Connector Profile with name gone does not exist.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(a_row_is_kept_and_replaced_at_its_version),
        test_with_store(what_does_not_fit_is_refused),
        test_with_store(lists_are_in_the_order_of_names),
        test_with_store(an_account_has_a_quota),
        test_with_store(what_starts_by_itself_is_deleted_by_force),
        test_with_store(tags_end_with_their_flow),
        test_with_store(a_profile_in_use_stays_unless_forced),
        test_with_store(only_some_of_many_users_are_named),
        test_with_store(a_flow_needs_its_profiles),
    };
    return cmocka_run_group_tests_name("store-flows", tests, NULL, NULL);
}
