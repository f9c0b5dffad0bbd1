/* Files of earlier versions of the schema, brought up to date with what is in them. */
#include "store_fixture.h"
#include "store_raw.h"

#include "store/core/backup.h"
#include "store/jobs.h"
#include "store/sqlite/internal.h"

#include <sqlite3.h>
#include <sys/stat.h>

enum { SCRIPT_MAX = 64 * 1024 };

#define COUNT_STRAYS                                                                               \
    "SELECT count(*) FROM profiles WHERE rowid <> profile_rowid(account, region, name)"

/* Makes the database by the script that stands for a version of the schema. */
static void make_old(const struct fixture *f, const char *script)
{
    char text[SCRIPT_MAX] = "";
    sqlite3 *db;
    FILE *file = fopen(script, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(chmod(f->path, 0600), 0);
}

/* The schema's objects with their columns, so that two databases can be compared. */
static struct str schema_of(struct fixture *f)
{
    static const char sql[] =
        "SELECT group_concat(line, ' ') FROM (SELECT s.name || '.' || c.name || ':' || c.type AS "
        "line FROM sqlite_schema s, pragma_table_info(s.name) c WHERE s.type = 'table' UNION ALL "
        "SELECT name || coalesce(sql, '') FROM sqlite_schema WHERE type = 'index' ORDER BY 1)";
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    struct str text = arena_copy(&f->arena, str_from((const char *)sqlite3_column_text(stmt, 0)));
    sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return text;
}

static void assert_profile_came_along(struct fixture *f)
{
    struct profile got;
    bool found;
    check(f, profile_find(f->reader, &f->arena, sample_key("mine"), &got, &found, &f->error));
    assert_true(found);
    assert_int_equal(got.version, 100);
    assert_true(str_eq(got.connection_mode, STR("Public")));
    assert_true(str_eq(got.properties, STR("{\"Salesforce\":{}}")));
    assert_true(str_eq(got.sealed_credentials, STR("sealed")));
    assert_int_equal(got.updated_at_ms, 6);
    assert_null(got.provisioning.status.data);
}

static void version_1_is_brought_up_to_date(void **state)
{
    struct fixture *f = *state;
    make_old(f, TEST_DATA "/store-1.sql");
    fixture_open(f);
    assert_profile_came_along(f);
    fixture_close(f);
    fixture_open(f); /* nothing is left to do */
    assert_true(profile_exists(f, "mine"));
    assert_int_equal(raw(f->path, COUNT_STRAYS), 0);
}

static void a_tool_brings_it_up_to_date_too(void **state)
{
    struct fixture *f = *state;
    struct store_config config = fixture_config(f);
    make_old(f, TEST_DATA "/store-1.sql");
    check(f, store_attach(&config, &f->store, &f->error));
    fixture_close(f);
    fixture_open(f);
    assert_profile_came_along(f);
}

static int reserved_bytes(const struct fixture *f)
{
    enum { RESERVE_AT = 20 };
    unsigned char header[100];
    FILE *file = fopen(f->path, "re");
    assert_non_null(file);
    assert_int_equal(fread(header, 1, sizeof(header), file), sizeof(header));
    fclose(file);
    return header[RESERVE_AT];
}

/* Before version 3 pages had no checksums: the file is written anew. */
static void an_old_file_gets_checksums(void **state)
{
    struct fixture *f = *state;
    make_old(f, TEST_DATA "/store-1.sql");
    assert_int_equal(reserved_bytes(f), 0);
    fixture_open(f);
    assert_profile_came_along(f);
    fixture_close(f);
    assert_int_equal(reserved_bytes(f), 8);
    fixture_open(f); /* each page that is read is checked */
    assert_true(profile_exists(f, "mine"));
}

static void an_old_file_ends_up_like_a_new_one(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    fixture_close(f);
    struct str fresh = schema_of(f);
    assert_int_equal(unlink(f->path), 0);
    remove_record(f);
    make_old(f, TEST_DATA "/store-1.sql");
    assert_false(str_eq(schema_of(f), fresh));
    fixture_open(f);
    fixture_close(f);
    assert_true(str_eq(schema_of(f), fresh));
}

/* --- a database that the server of version 0.1.0 made, at schema 6 --- */

#define DATA_0_1_0 TEST_DATA "/../../data/0.1.0"
#define MADE_AT_MS 1795992908894LL /* its newest audit entry */

static void copy_old(const struct fixture *f, const char *name)
{
    char command[256];
    snprintf(command, sizeof(command), "install -m 600 " DATA_0_1_0 "/%s %s/%s", name, f->dir,
             name);
    assert_int_equal(system(command), 0);
}

static struct token_grant the_attempted(struct fixture *f)
{
    unsigned char id[TOKEN_GRANT_ID_SIZE];
    struct token_grant grant = {0};
    bool found = false;
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT id FROM token_grants WHERE attempt <> 0", -1, &stmt, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    memcpy(id, sqlite3_column_blob(stmt, 0), sizeof(id));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    check(f, token_grant_find(f->reader, &f->arena, id, &grant, &found, &f->error));
    assert_true(found);
    return grant;
}

static void version_0_1_0_is_brought_up_to_date(void **state)
{
    static const char *const names[] = {"amplitude",
                                        "datadog",
                                        "marketo",
                                        "private-code",
                                        "private-pending",
                                        "salesforce-code",
                                        "salesforce-refresh",
                                        "salesforce-token",
                                        "servicenow",
                                        "zendesk"};
    struct fixture *f = *state;
    const struct job_filter due = {
        .kind = STR("private-connection"), .now_ms = MADE_AT_MS, .limit = 10};
    struct job_row *jobs;
    struct profile_filter filter = {.account = STR("123456789012"), .region = STR("us-east-1")};
    struct profile *profiles;
    struct audit_filter audited = {.account = filter.account};
    struct audit_row *entries;
    struct access_key *keys;
    struct oauth_app_row *apps;
    size_t count;
    char path[128];
    fixture_open(f);
    fixture_close(f);
    struct str fresh = schema_of(f);
    copy_old(f, "headgate.db");
    copy_old(f, "mark");
    fixture_now_ms = MADE_AT_MS;
    fixture_open(f);
    check(f, profile_list(f->reader, &f->arena, &filter, 100, &profiles, &count, &f->error));
    assert_int_equal(count, sizeof(names) / sizeof(*names));
    for (size_t i = 0; i < count; i++)
        assert_string_equal(arena_cstr(&f->arena, profiles[i].key.name), names[i]);
    check(f, job_list_due(f->reader, &f->arena, &due, &jobs, &count, &f->error));
    assert_int_equal(count, 2);
    check(f, audit_list(f->reader, &f->arena, &audited, 100, &entries, &count, &f->error));
    assert_int_equal(count, 14);
    assert_int_equal(entries[count - 1].entry.at_ms, MADE_AT_MS);
    check(f, access_key_list(f->reader, &f->arena, &keys, &count, &f->error));
    assert_int_equal(count, 2);
    check(f, oauth_app_list(f->reader, &f->arena, &apps, &count, &f->error));
    assert_int_equal(count, 1);
    struct token_grant grant = the_attempted(f);
    assert_true(str_eq(grant.profile, STR("private-code")));
    assert_true(grant.attempt_ends_at_ms > MADE_AT_MS);
    assert_false(grant.consumed);
    fixture_close(f);
    assert_int_equal(raw(f->path, "SELECT count(*) FROM token_grants WHERE consumed = 1"), 2);
    assert_int_equal(raw(f->path, "SELECT count(*) FROM client_tokens"), 2);
    assert_true(str_eq(schema_of(f), fresh));
    snprintf(path, sizeof(path), "%s/mark", f->dir);
    assert_int_equal(access(path, F_OK), -1);
}

/* The private connections that an older version had begun are jobs, each of its profile's version.
 */
static void what_was_pending_becomes_a_job(void **state)
{
    static const char *const names[] = {"private-code", "private-pending"};
    struct fixture *f = *state;
    struct job_filter due = {.kind = STR("private-connection"), .now_ms = MADE_AT_MS, .limit = 10};
    struct job_row *rows;
    size_t count;
    copy_old(f, "headgate.db");
    fixture_now_ms = MADE_AT_MS;
    fixture_open(f);
    check(f, job_list_due(f->reader, &f->arena, &due, &rows, &count, &f->error));
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        struct profile profile;
        bool found = false;
        struct profile_key key = {rows[i].key.account, rows[i].key.region, rows[i].key.name};
        check(f, profile_find(f->reader, &f->arena, key, &profile, &found, &f->error));
        assert_true(found);
        assert_string_equal(arena_cstr(&f->arena, key.name), names[i]);
        assert_int_equal(strtoll(arena_cstr(&f->arena, rows[i].payload), NULL, 10),
                         profile.version);
        assert_int_equal(rows[i].due_at_ms, profile.updated_at_ms);
        assert_int_equal(rows[i].lease_until_ms, 0);
    }
    assert_int_equal(raw(f->path, "SELECT count(*) FROM sqlite_schema"
                                  " WHERE name = 'profiles_pending'"),
                     0);
}

/* --- where rows stand --- */

/* Two names with the same place, found by trying a million; and that place. */
#define TWIN_A "place-720895"
#define TWIN_B "place-1091410"
#define TWINS_PLACE 29600223412
_Static_assert(TWINS_PLACE >> 34 == 1, "a place has its highest bit set and no other above");

static int64_t row_id(const struct fixture *f, const char *name)
{
    char sql[128];
    snprintf(sql, sizeof(sql), "SELECT rowid FROM profiles WHERE name = '%s'", name);
    return raw(f->path, sql);
}

static void a_row_stands_where_its_name_says(void **state)
{
    struct fixture *f = *state;
    check(f, insert_profile(f, "mine"));
    check(f, insert_profile(f, TWIN_A));
    assert_int_equal(row_id(f, TWIN_A), TWINS_PLACE); /* in every file there is: never another */
    assert_int_equal(raw(f->path, COUNT_STRAYS), 0);
}

static void names_with_one_place_get_on(void **state)
{
    struct fixture *f = *state;
    check(f, insert_profile(f, TWIN_A));
    check(f, insert_profile(f, TWIN_B));
    assert_int_equal(row_id(f, TWIN_A), TWINS_PLACE);
    assert_int_equal(row_id(f, TWIN_B), TWINS_PLACE + 1);
    assert_true(profile_exists(f, TWIN_A));
    assert_true(profile_exists(f, TWIN_B));
    assert_false(insert_profile(f, TWIN_B));
    assert_int_equal(f->error.code, ERR_CONFLICT);
    check(f, delete_profile(f, TWIN_A, true));
    assert_false(profile_exists(f, TWIN_A));
    assert_true(profile_exists(f, TWIN_B)); /* though its place is empty */
    check(f, insert_profile(f, TWIN_A));
    check(f, delete_profile(f, TWIN_B, true));
    assert_true(profile_exists(f, TWIN_A));
    assert_false(profile_exists(f, TWIN_B));
}

static struct str bytes_of(struct fixture *f)
{
    struct stat info;
    FILE *file = fopen(f->path, "re");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    char *bytes = arena_alloc(&f->arena, (size_t)info.st_size);
    assert_int_equal(fread(bytes, 1, (size_t)info.st_size, file), info.st_size);
    fclose(file);
    return (struct str){bytes, (size_t)info.st_size};
}

/* An older program gives rows the next free number. */
static void rows_of_an_older_program_are_found_and_moved(void **state)
{
    struct fixture *f = *state;
    const char *names[] = {TWIN_A, TWIN_B, "x", "y"};
    for (size_t i = 0; i < 4; i++)
        check(f, insert_profile(f, names[i]));
    fixture_close(f);
    raw(f->path, "UPDATE profiles SET rowid = (SELECT count(*) FROM profiles AS other"
                 " WHERE other.name <= profiles.name)");
    assert_int_equal(raw(f->path, COUNT_STRAYS), 4);
    assert_int_equal(raw(f->path, "SELECT max(rowid) FROM profiles"), 4);
    struct store_config config = fixture_config(f);
    check(f, store_attach(&config, &f->store, &f->error)); /* it is current: nothing is moved */
    check(f, store_reader_open(f->store, &f->reader, &f->error));
    for (size_t i = 0; i < 4; i++)
        assert_true(profile_exists(f, names[i]));
    fixture_close(f);
    assert_int_equal(raw(f->path, COUNT_STRAYS), 4);
    fixture_open(f);
    for (size_t i = 0; i < 4; i++)
        assert_true(profile_exists(f, names[i]));
    fixture_close(f);
    assert_int_equal(raw(f->path, COUNT_STRAYS), 1); /* one of the twins */
    assert_int_equal(raw(f->path, "SELECT min(rowid) FROM profiles") >> 34, 1);
    struct str before = bytes_of(f);
    fixture_open(f); /* nothing is left to do */
    fixture_close(f);
    assert_true(str_eq(bytes_of(f), before));
}

/* SQLite promises to keep row ids in a copy only where they are a column of their own. */
static void a_copy_keeps_rows_in_their_places(void **state)
{
    struct fixture *f = *state;
    char copy[128];
    snprintf(copy, sizeof(copy), "%s/copy.db", f->dir);
    check(f, insert_profile(f, "mine"));
    check(f, insert_profile(f, "yours"));
    check(f, backup_make(f->dir, copy, &f->error));
    assert_int_equal(raw(copy, "SELECT count(*) FROM profiles"), 2);
    assert_int_equal(raw(copy, COUNT_STRAYS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_dir(version_1_is_brought_up_to_date),
        test_with_dir(what_was_pending_becomes_a_job),
        test_with_dir(a_tool_brings_it_up_to_date_too),
        test_with_dir(an_old_file_gets_checksums),
        test_with_dir(an_old_file_ends_up_like_a_new_one),
        test_with_dir(version_0_1_0_is_brought_up_to_date),
        test_with_store(a_row_stands_where_its_name_says),
        test_with_store(names_with_one_place_get_on),
        test_with_store(rows_of_an_older_program_are_found_and_moved),
        test_with_store(a_copy_keeps_rows_in_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
