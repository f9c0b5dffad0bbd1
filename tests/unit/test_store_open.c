/* Which directories and files the store takes, and what it says to those it does not. */
#include "store_fixture.h"

#include "store/core/internal.h"

#include "store/db/migrations.h"
#include "store_raw.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void assert_refused(struct fixture *f, const char *reason)
{
    struct store_config config = fixture_config(f);
    struct store *store = NULL;
    assert_false(store_open(&config, &store, &f->error));
    assert_int_equal(f->error.code, ERR_UNAVAILABLE);
    if (!strstr(f->error.message, reason))
        print_error("%s\n", f->error.message);
    assert_non_null(strstr(f->error.message, reason));
    assert_null(store);
    assert_false(store_attach(&config, &store, &f->error));
    assert_non_null(strstr(f->error.message, reason));
}

static void write_file(const char *path, const void *bytes, size_t size, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void new_file_is_ours_and_private(void **state)
{
    struct fixture *f = *state;
    struct stat info;
    char wal[128];
    fixture_open(f);
    check(f, insert_profile(f, "mine"));
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    snprintf(wal, sizeof(wal), "%s-wal", f->path);
    assert_int_equal(stat(wal, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    fixture_close(f);
    assert_int_equal(access(wal, F_OK), -1);
    assert_int_equal(raw(f->path, "PRAGMA application_id"), 0x48474154);
    assert_int_equal(raw(f->path, "PRAGMA user_version"), schema_version());
}

/* As a program that died between making the file and filling it would leave it. */
static void empty_file_and_leftovers_do_no_harm(void **state)
{
    struct fixture *f = *state;
    char unfinished[128];
    snprintf(unfinished, sizeof(unfinished), "%s.new", f->path);
    write_file(unfinished, "half a database", 15, 0600);
    fixture_open(f);
    assert_int_equal(access(unfinished, F_OK), -1);
    check(f, insert_profile(f, "mine"));
    fixture_close(f);
    write_file(f->path, "", 0, 0600);
    remove_record(f);
    fixture_open(f);
    assert_false(profile_exists(f, "mine"));
    check(f, insert_profile(f, "mine"));
}

static void what_was_written_is_there_after_reopening(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    check(f, insert_profile(f, "mine"));
    fixture_close(f);
    fixture_open(f);
    assert_true(profile_exists(f, "mine"));
}

static void second_server_is_refused(void **state)
{
    struct fixture *f = *state;
    struct store_config config = fixture_config(f);
    struct store *second = NULL;
    char holder[64];
    fixture_open(f);
    assert_false(store_open(&config, &second, &f->error));
    assert_int_equal(f->error.code, ERR_UNAVAILABLE);
    snprintf(holder, sizeof(holder), "Another headgate (process %ld)", (long)getpid());
    assert_non_null(strstr(f->error.message, holder));
    fixture_close(f);
    fixture_open(f);
}

static void tool_works_beside_a_server(void **state)
{
    struct fixture *f = *state, tool = *f;
    struct store_config config = fixture_config(f);
    fixture_open(f);
    check(f, insert_profile(f, "by-server"));
    check(&tool, store_attach(&config, &tool.store, &tool.error));
    check(&tool, store_reader_open(tool.store, &tool.reader, &tool.error));
    assert_true(profile_exists(&tool, "by-server"));
    check(&tool, insert_profile(&tool, "by-tool"));
    store_reader_rest(f->reader);
    assert_true(profile_exists(f, "by-tool"));
    store_reader_rest(f->reader);
    store_reader_rest(tool.reader);
    check(&tool, delete_profile(&tool, "by-tool", true));
    assert_false(insert_profile(&tool, "by-server"));
    assert_int_equal(tool.error.code, ERR_CONFLICT);
    fixture_close(&tool);
    arena_done(&tool.arena);
    check(f, insert_profile(f, "later"));
    assert_false(profile_exists(f, "by-tool"));
}

static void tool_makes_the_database_before_the_first_start(void **state)
{
    struct fixture *f = *state;
    struct store_config config = fixture_config(f);
    check(f, store_attach(&config, &f->store, &f->error));
    check(f, insert_profile(f, "mine"));
    store_close(f->store);
    f->store = NULL;
    fixture_open(f);
    assert_true(profile_exists(f, "mine"));
}

static void *attach_at_once(void *argument)
{
    struct fixture *f = argument;
    struct store_config config = fixture_config(f);
    check(f, store_attach(&config, &f->store, &f->error));
    store_close(f->store);
    return NULL;
}

static void first_starts_at_once_make_one_database(void **state)
{
    struct fixture *f = *state, tools[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        tools[i] = *f;
        assert_int_equal(pthread_create(&threads[i], NULL, attach_at_once, &tools[i]), 0);
    }
    fixture_open(f);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    check(f, insert_profile(f, "mine"));
}

static void file_of_a_newer_version_is_refused(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    fixture_close(f);
    raw(f->path, "PRAGMA user_version = 1000");
    struct str reason = arena_printf(
        &f->arena,
        "was written by a newer version of Headgate (schema 1000, this version knows %lld)",
        (long long)schema_version());
    assert_refused(f, reason.data);
    assert_int_equal(raw(f->path, "PRAGMA user_version"), 1000);
}

static void other_applications_file_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    write_file(f->path, "", 0, 0600);
    raw(f->path, "CREATE TABLE theirs (x)");
    assert_refused(f, "another application's database");
    assert_int_equal(raw(f->path, "SELECT count(*) FROM sqlite_schema"), 1);
    raw(f->path, "PRAGMA application_id = 77");
    assert_refused(f, "another application's database");
}

static void file_that_is_no_database_is_refused(void **state)
{
    struct fixture *f = *state;
    char text[5000];
    memset(text, 'x', sizeof(text));
    write_file(f->path, text, sizeof(text), 0600);
    assert_refused(f, "is not a database. Move it away");
}

static void file_that_others_may_read_is_refused(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    fixture_close(f);
    assert_int_equal(chmod(f->path, 0640), 0);
    assert_refused(f, "Run: chmod 600 ");
}

static void link_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(symlink("/nowhere", f->path), 0);
    assert_refused(f, "is not a regular file");
}

static void directory_that_others_may_write_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(chmod(f->dir, 0770), 0);
    assert_refused(f, "Run: chmod go-w ");
}

static void directory_must_be_one(void **state)
{
    struct fixture *f = *state;
    struct fixture missing = *f;
    memcpy(missing.dir + strlen(missing.dir), "/no", sizeof("/no"));
    assert_refused(&missing, "No such file or directory");
    write_file(missing.dir, "", 0, 0600);
    assert_refused(&missing, "is not a directory");
}

static void overwrite(const struct fixture *f, off_t at, size_t size)
{
    char junk[8192];
    memset(junk, 0xEE, sizeof(junk));
    int fd = open(f->path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, junk, size, at), (ssize_t)size);
    close(fd);
}

static void damaged_schema_is_refused(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    fixture_close(f);
    overwrite(f, 100, 2000); /* behind the header, which names the file's kind */
    assert_refused(f, "is damaged. Restore it from a backup.");
}

static void damaged_row_is_told_and_writes_elsewhere_go_on(void **state)
{
    struct fixture *f = *state;
    struct profile profile;
    bool found;
    fixture_open(f);
    check(f, insert_profile(f, "mine"));
    fixture_close(f);
    int64_t root = raw(f->path, "SELECT rootpage FROM sqlite_schema WHERE name = 'profiles'");
    overwrite(f, (root - 1) * 4096, 4096);
    fixture_open(f);
    assert_false(
        profile_find(f->reader, &f->arena, sample_key("mine"), &profile, &found, &f->error));
    assert_int_equal(f->error.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(f->error.message, "damaged"));
    assert_false(insert_profile(f, "other"));
    assert_int_equal(f->error.code, ERR_UNAVAILABLE);
    struct str value;
    check(f, meta_get(f->reader, &f->arena, STR("name"), &value, &f->error));
}

static void readers_are_pooled(void **state)
{
    struct fixture *f = *state;
    struct store_reader *readers[12], *again;
    fixture_open(f);
    for (int i = 0; i < 12; i++)
        check(f, store_reader_take(f->store, &readers[i], &f->error));
    for (int i = 0; i < 12; i++)
        store_reader_put(f->store, readers[i]);
    check(f, store_reader_take(f->store, &again, &f->error));
    assert_ptr_equal(again, readers[7]); /* the last one that was kept */
    store_reader_put(f->store, again);
}

/* Their transactions end when they are put back, so that a deletion's scrub empties the log; and a
 * few of them are kept, however often they come and go. */
static void readers_that_are_put_back_rest_and_are_kept(void **state)
{
    enum { ROUNDS = 40 };
    struct fixture *f = *state;
    char log[128];
    struct stat info;
    snprintf(log, sizeof(log), "%s-wal", f->path);
    store_reader_rest(f->reader);
    for (int i = 0; i < ROUNDS; i++) {
        struct store_reader *reader;
        struct profile profile;
        bool found;
        check(f, insert_profile(f, "mine"));
        check(f, store_reader_take(f->store, &reader, &f->error));
        check(f, profile_find(reader, &f->arena, sample_key("mine"), &profile, &found, &f->error));
        assert_true(found);
        store_reader_put(f->store, reader);
        assert_ptr_equal(f->store->readers, reader);
        assert_int_equal(f->store->readers_resting, 1);
        check(f, delete_profile(f, "mine", true));
        assert_int_equal(stat(log, &info), 0);
        assert_int_equal(info.st_size, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(readers_that_are_put_back_rest_and_are_kept),
        test_with_dir(new_file_is_ours_and_private),
        test_with_dir(empty_file_and_leftovers_do_no_harm),
        test_with_dir(what_was_written_is_there_after_reopening),
        test_with_dir(second_server_is_refused),
        test_with_dir(tool_works_beside_a_server),
        test_with_dir(tool_makes_the_database_before_the_first_start),
        test_with_dir(first_starts_at_once_make_one_database),
        test_with_dir(file_of_a_newer_version_is_refused),
        test_with_dir(other_applications_file_is_refused_and_left_alone),
        test_with_dir(file_that_is_no_database_is_refused),
        test_with_dir(file_that_others_may_read_is_refused),
        test_with_dir(link_is_refused),
        test_with_dir(directory_that_others_may_write_is_refused),
        test_with_dir(directory_must_be_one),
        test_with_dir(damaged_schema_is_refused),
        test_with_dir(damaged_row_is_told_and_writes_elsewhere_go_on),
        test_with_dir(readers_are_pooled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
