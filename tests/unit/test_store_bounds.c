/* What is read among many profiles does not grow with their number: counted in SQLite's own steps.
 */
#include "store_fixture.h"

#include "store/jobs.h"

#include "store/core/internal.h"
#include "store/sqlite/internal.h"
#include "store/sqlite/page.h"

enum {
    MANY = 20000,
    SEALED_SIZE = 300,             /* about as they are */
    CACHE_BYTES = 4 * 1024 * 1024, /* of a reader, without the headers of its pages */
    LOOK_UPS = 1000,
    STEPS_MAX = 1000, /* a walk over MANY takes five steps each, or more */
    KEPT_STEPS_MAX = 60 * TOKEN_GRANTS_KEPT_MAX, /* each changes in two indexes */
};

/* The steps that the connection's statements have taken since they were made. */
static int steps_of(const struct db *db)
{
    int steps = 0;
    for (int i = 0; i < PREPARED_COUNT; i++) {
        sqlite3_stmt *handle = sqlite_of(db)->prepared[i].handle;
        steps += handle ? sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_VM_STEP, 0) : 0;
    }
    return steps;
}

static struct profile one_of_many(const char *name, const char *type, const char *label)
{
    static const char sealed[SEALED_SIZE];
    struct profile profile = sample_profile(name);
    profile.sealed_credentials = (struct str){sealed, sizeof(sealed)};
    profile.connector_type = str_from(type);
    profile.connector_label = label ? str_from(label) : STR_NULL;
    return profile;
}

/* The one that is sought is the last by name: {type, label}. */
static bool apply_many(struct db *db, void *argument, struct error *error)
{
    const char *const *kinds = argument;
    struct profile sought = one_of_many("z", kinds[2], kinds[3]);
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%05d", i);
        struct profile profile = one_of_many(name, kinds[0], kinds[1]);
        if (!profile_insert(db, &profile, 0, error))
            return false;
    }
    return profile_insert(db, &sought, 0, error);
}

static void assert_listed_in_few_steps(struct fixture *f, struct str type, struct str label,
                                       const char *names)
{
    struct profile_filter filter = {.account = STR("123456789012"),
                                    .region = STR("eu-central-1"),
                                    .connector_type = type,
                                    .connector_label = label};
    struct profile *profiles;
    struct db *db;
    size_t count;
    check(f, reader_begin(f->reader, &db, &f->error));
    int before = steps_of(db);
    check(f, profile_list(f->reader, &f->arena, &filter, 2, &profiles, &count, &f->error));
    assert_in_range(steps_of(db) - before, 1, STEPS_MAX);
    assert_int_equal(count, strlen(names) > 0);
    if (count > 0)
        assert_string_equal(profiles[0].key.name.data, names);
}

static void one_type_among_many_of_another(void **state)
{
    struct fixture *f = *state;
    const char *kinds[] = {"Salesforce", NULL, "Zendesk", NULL};
    check(f, store_apply(f->store, apply_many, kinds, false, &f->error));
    assert_listed_in_few_steps(f, STR("Zendesk"), STR_NULL, "z");
    assert_listed_in_few_steps(f, STR("Veeva"), STR_NULL, "");
    assert_listed_in_few_steps(f, STR("CustomConnector"), STR("none"), "");
}

static void one_label_among_many_of_another(void **state)
{
    struct fixture *f = *state;
    const char *kinds[] = {"CustomConnector", "many", "CustomConnector", "one"};
    check(f, store_apply(f->store, apply_many, kinds, false, &f->error));
    assert_listed_in_few_steps(f, STR("CustomConnector"), STR("one"), "z");
    assert_listed_in_few_steps(f, STR("CustomConnector"), STR("none"), "");
    assert_listed_in_few_steps(f, STR("Salesforce"), STR("many"), "");
}

static void a_quota_far_below_what_there_is(void **state)
{
    struct fixture *f = *state;
    const char *kinds[] = {"Salesforce", NULL, "Zendesk", NULL};
    struct insert_argument insert = {sample_profile("more"), 10};
    check(f, store_apply(f->store, apply_many, kinds, false, &f->error));
    int before = steps_of(f->store->writer);
    assert_false(store_apply(f->store, apply_insert, &insert, false, &f->error));
    assert_int_equal(f->error.code, ERR_QUOTA);
    assert_in_range(steps_of(f->store->writer) - before, 1, STEPS_MAX);
    assert_false(profile_exists(f, "more"));
    insert.quota = MANY + 1; /* as many as there are */
    assert_false(store_apply(f->store, apply_insert, &insert, false, &f->error));
    assert_int_equal(f->error.code, ERR_QUOTA);
    insert.quota = MANY + 2;
    check(f, store_apply(f->store, apply_insert, &insert, false, &f->error));
}

static bool apply_tokens(struct db *db, void *argument, struct error *error)
{
    static const unsigned char hash[REQUEST_HASH_SIZE];
    (void)argument;
    for (int i = 0; i < MANY; i++) {
        char text[16];
        snprintf(text, sizeof(text), "t%05d", i);
        struct client_token key = {STR("123456789012"), STR("eu-central-1"),
                                   STR("CreateConnectorProfile"), str_from(text)};
        if (!client_token_answer(db, &key, hash, STR("{}"), FIXTURE_NOW_MS + i, error))
            return false;
    }
    return true;
}

/* Among many whose time has not come one has expired; then none has. */
static void what_has_expired_among_many(void **state)
{
    struct fixture *f = *state;
    struct expiry expiry = {.now_ms = FIXTURE_NOW_MS + CLIENT_TOKEN_LIFE_MS};
    check(f, store_apply(f->store, apply_tokens, NULL, false, &f->error));
    for (int64_t expired = 1; expired >= 0; expired--) {
        int before = steps_of(f->store->writer);
        expiry.removed = 0;
        check(f, store_apply(f->store, expiry_apply, &expiry, false, &f->error));
        assert_in_range(steps_of(f->store->writer) - before, 1, STEPS_MAX);
        assert_int_equal(expiry.removed, expired);
    }
}

static bool apply_exchange(struct db *db, void *argument, struct error *error)
{
    return token_grant_save(db, argument, FIXTURE_NOW_MS + MANY, error);
}

/* All of one profile, a few at a time as old as each other. */
static bool apply_token_grants(struct db *db, void *argument, struct error *error)
{
    struct token_grant *exchange = argument;
    for (int i = 0; i < MANY; i++) {
        snprintf((char *)exchange->id, TOKEN_GRANT_ID_SIZE, "e%05d", i);
        if (!token_grant_save(db, exchange, FIXTURE_NOW_MS + i / 4, error))
            return false;
    }
    return true;
}

static void a_profile_with_many_token_grants(void **state)
{
    struct fixture *f = *state;
    struct token_grant exchange = {.account = STR("123456789012"),
                                   .region = STR("eu-central-1"),
                                   .profile = STR("mine"),
                                   .sealed = STR("what the vendor gave")};
    check(f, insert_profile(f, "mine"));
    check(f, store_apply(f->store, apply_token_grants, &exchange, false, &f->error));
    int before = steps_of(f->store->writer);
    exchange.id[0] = 'f';
    check(f, store_apply(f->store, apply_exchange, &exchange, false, &f->error));
    assert_in_range(steps_of(f->store->writer) - before, 1, KEPT_STEPS_MAX);
    before = steps_of(f->store->writer);
    check(f, delete_profile(f, "mine", false));
    assert_in_range(steps_of(f->store->writer) - before, TOKEN_GRANTS_KEPT_MAX, KEPT_STEPS_MAX);
}

/* Jobs that are not due, and those of another kind, cost nothing. */
static bool apply_jobs(struct db *db, void *argument, struct error *error)
{
    struct job_row row = {.key = {STR("later"), STR("a"), STR("r"), STR("")},
                          .due_at_ms = 2,
                          .fence = 1,
                          .payload = STR("")};
    (void)argument;
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%d", i);
        row.key.name = str_from(name);
        row.key.kind = i % 2 ? STR("sought") : STR("other");
        row.due_at_ms = i % 2 ? 2 : 1;
        if (!job_insert(db, &row, STR("node"), error))
            return false;
    }
    row.key.kind = STR("sought");
    row.key.name = STR("due");
    row.due_at_ms = 1;
    return job_insert(db, &row, STR("node"), error);
}

static void a_job_that_is_due_among_many(void **state)
{
    struct fixture *f = *state;
    struct job_filter filter = {.kind = STR("sought"), .now_ms = 1, .limit = 2};
    struct job_row *rows;
    struct db *db;
    size_t count;
    check(f, store_apply(f->store, apply_jobs, NULL, false, &f->error));
    check(f, reader_begin(f->reader, &db, &f->error));
    int before = steps_of(db);
    check(f, job_list_due(f->reader, &f->arena, &filter, &rows, &count, &f->error));
    assert_in_range(steps_of(db) - before, 1, STEPS_MAX);
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].key.name.data, "due");
}

/* Pages that the connection read from the file since it was asked last, and all that it has. */
static int misses_of(const struct db *db)
{
    int misses, most;
    assert_int_equal(
        sqlite3_db_status(sqlite_of(db)->handle, SQLITE_DBSTATUS_CACHE_MISS, &misses, &most, 1),
        SQLITE_OK);
    return misses;
}

static int cache_bytes(const struct db *db)
{
    int bytes, most;
    assert_int_equal(
        sqlite3_db_status(sqlite_of(db)->handle, SQLITE_DBSTATUS_CACHE_USED, &bytes, &most, 0),
        SQLITE_OK);
    return bytes;
}

static void read_all_rows(const struct db *db)
{
    assert_int_equal(sqlite3_exec(sqlite_of(db)->handle,
                                  "SELECT sum(version) FROM profiles NOT INDEXED", NULL, NULL,
                                  NULL),
                     SQLITE_OK);
}

/* A look-up walks one tree, whose inner pages fit into the cache beside the leaves: it reads about
 * the one leaf that its row is on. Before, all rows have passed through the cache, and did not fit.
 */
static void a_look_up_among_many_reads_few_pages(void **state)
{
    struct fixture *f = *state;
    const char *kinds[] = {"Salesforce", NULL, "Zendesk", NULL};
    struct db *db;
    check(f, store_apply(f->store, apply_many, kinds, false, &f->error));
    check(f, reader_begin(f->reader, &db, &f->error));
    read_all_rows(db);
    assert_true(misses_of(db) > CACHE_BYTES / DB_PAGE_SIZE); /* all could not stay */
    for (int i = 0; i < LOOK_UPS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%05d", i * 7919 % MANY);
        assert_true(profile_exists(f, name));
    }
    assert_in_range(misses_of(db), 1, LOOK_UPS * 5 / 4);
    assert_in_range(cache_bytes(db), 1, CACHE_BYTES * 9 / 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(one_type_among_many_of_another),
        test_with_store(one_label_among_many_of_another),
        test_with_store(a_quota_far_below_what_there_is),
        test_with_store(what_has_expired_among_many),
        test_with_store(a_profile_with_many_token_grants),
        test_with_store(a_job_that_is_due_among_many),
        test_with_store(a_look_up_among_many_reads_few_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
