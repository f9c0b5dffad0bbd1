/* A database that went back in time: restored from an older copy, or without the end of its WAL.
 * That is a warning until a newer change; a database that is missing is refused. */
#include "store_fixture.h"

#include "base/clock.h"
#include "store/core/internal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { RECORD_WAIT_MS = 20 * 1000 };

static void copy_file(const char *from, const char *to)
{
    char bytes[64 * 1024];
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t size; (size = read(in, bytes, sizeof(bytes))) > 0;)
        assert_int_equal(write(out, bytes, (size_t)size), size);
    close(in);
    close(out);
}

static void path_of(const struct fixture *f, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", f->dir, name);
}

/* A profile and its audit entry, a millisecond after the last one. */
static bool apply_change(struct db *db, void *argument, struct error *error)
{
    struct insert_argument insert = {sample_profile(argument), 0};
    struct audit_entry entry = {
        .at_ms = fixture_now_ms,
        .account = insert.profile.key.account,
        .operation = STR("CreateConnectorProfile"),
        .resource = insert.profile.key.name,
        .outcome = STR("ok"),
    };
    return profile_insert(db, &insert.profile, 0, error) && audit_add(db, &entry, error);
}

static bool change(struct fixture *f, const char *name)
{
    fixture_now_ms++;
    return store_apply(f->store, apply_change, (void *)name, false, &f->error);
}

/* Whether the open store's database went back. */
static bool went_back(struct fixture *f)
{
    bool back;
    int64_t recorded_ms;
    check(f, rollback_check(f->store, f->store->writer, &back, &recorded_ms, &f->error));
    return back;
}

static void older_copy_is_noticed_until_a_newer_change(void **state)
{
    struct fixture *f = *state;
    char copy[128];
    path_of(f, "copy.db", copy);
    fixture_open(f);
    check(f, change(f, "old"));
    fixture_close(f);
    copy_file(f->path, copy);
    fixture_open(f);
    assert_false(went_back(f));
    fixture_close(f);
    copy_file(copy, f->path); /* nothing is missing in it */
    fixture_open(f);
    assert_false(went_back(f));
    check(f, change(f, "new"));
    fixture_close(f);
    copy_file(copy, f->path);
    for (int i = 0; i < 2; i++) { /* opening it changes nothing */
        fixture_open(f);
        assert_true(went_back(f));
        assert_true(profile_exists(f, "old"));
        assert_false(profile_exists(f, "new"));
        fixture_close(f);
    }
    fixture_open(f);
    check(f, change(f, "newer"));
    assert_false(went_back(f));
    fixture_close(f);
    copy_file(copy, f->path);
    fixture_open(f);
    assert_true(went_back(f));
}

static void tools_changes_count_too(void **state)
{
    struct fixture *f = *state, tool = *f;
    struct store_config config = fixture_config(f);
    char copy[128];
    path_of(f, "copy.db", copy);
    fixture_open(f);
    fixture_close(f);
    copy_file(f->path, copy);
    fixture_open(f);
    check(&tool, store_attach(&config, &tool.store, &tool.error));
    fixture_use_audit_key(tool.store);
    check(&tool, change(&tool, "by-tool"));
    store_close(tool.store);
    fixture_close(f);
    copy_file(copy, f->path);
    check(&tool, store_attach(&config, &tool.store, &tool.error));
    fixture_use_audit_key(tool.store);
    assert_true(went_back(&tool));
    store_close(tool.store);
}

static void assert_refused(struct fixture *f, const char *reason)
{
    struct store_config config = fixture_config(f);
    struct store *store = NULL;
    assert_false(store_open(&config, &store, &f->error));
    assert_int_equal(f->error.code, ERR_UNAVAILABLE);
    if (!strstr(f->error.message, reason))
        fail_msg("%s", f->error.message);
    assert_false(store_attach(&config, &store, &f->error));
    assert_non_null(strstr(f->error.message, reason));
}

static void missing_database_is_not_made_anew(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    check(f, insert_profile(f, "mine"));
    fixture_close(f);
    assert_int_equal(unlink(f->path), 0);
    assert_refused(f, "/newest-change shows that there was one");
    assert_int_equal(access(f->path, F_OK), -1);
    remove_record(f);
    fixture_open(f);
    assert_false(profile_exists(f, "mine"));
}

/* Written by version 0.1.0 until now, which counted commits in it. */
static void write_mark(const struct fixture *f)
{
    char path[128];
    path_of(f, "mark", path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs("headgate-mark 1 00000000000000000005\n", file);
    fclose(file);
}

static void mark_of_an_older_version_is_removed(void **state)
{
    struct fixture *f = *state;
    char path[128];
    path_of(f, "mark", path);
    fixture_open(f);
    fixture_close(f);
    write_mark(f);
    fixture_open(f);
    assert_int_equal(access(path, F_OK), -1);
    assert_false(went_back(f));
}

static void database_missing_beside_a_mark_is_not_made_anew(void **state)
{
    struct fixture *f = *state;
    write_mark(f);
    assert_refused(f, "/mark shows that there was one");
}

static bool is_recorded(struct fixture *f)
{
    int64_t recorded_ms = 0;
    bool back;
    return rollback_check(f->store, f->store->writer, &back, &recorded_ms, &f->error) &&
           recorded_ms == fixture_now_ms;
}

/* Leaves a WAL as a killed process does, with a record that the checkpointer wrote. An open read
 * transaction keeps the checkpointer from emptying the WAL, however slow the rest is. */
static void write_and_die(struct fixture *f, int count)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store_config config = fixture_config(f);
        bool opened = store_open(&config, &f->store, &f->error);
        if (opened)
            fixture_use_audit_key(f->store);
        bool ok =
            opened && store_reader_open(f->store, &f->reader, &f->error) && !profile_exists(f, "x");
        for (int i = 0; i < count && ok; i++) {
            char name[16];
            snprintf(name, sizeof(name), "mine-%d", i);
            ok = change(f, name);
        }
        int64_t until_ms = clock_mono_ms() + RECORD_WAIT_MS;
        while (ok && !is_recorded(f) && clock_mono_ms() < until_ms)
            clock_nap_us(1000);
        _exit(ok && is_recorded(f) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    fixture_now_ms += count; /* as in the child */
}

static void killed_process_leaves_a_record_that_fits(void **state)
{
    struct fixture *f = *state;
    write_and_die(f, 5);
    fixture_open(f);
    assert_false(went_back(f));
    assert_true(profile_exists(f, "mine-4"));
}

/* SQLite takes the first frame that does not fit for the end of the WAL. */
static void damaged_wal_is_noticed(void **state)
{
    struct fixture *f = *state;
    char log[128], byte;
    struct stat info;
    path_of(f, "headgate.db-wal", log);
    write_and_die(f, 5);
    int fd = open(log, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(pread(fd, &byte, 1, info.st_size / 2), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, info.st_size / 2), 1);
    close(fd);
    fixture_open(f);
    assert_true(went_back(f));
}

static void lost_wal_is_noticed(void **state)
{
    struct fixture *f = *state;
    char log[128];
    path_of(f, "headgate.db-wal", log);
    write_and_die(f, 5);
    assert_int_equal(unlink(log), 0);
    fixture_open(f);
    assert_true(went_back(f));
}

static void assert_record_is_rewritten(struct fixture *f, const char *text)
{
    char path[128], copy[128];
    path_of(f, "newest-change", path);
    path_of(f, "copy.db", copy);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    fixture_open(f);
    assert_false(went_back(f));
    fixture_close(f);
    copy_file(f->path, copy);
    fixture_open(f);
    check(f, change(f, text));
    fixture_close(f);
    copy_file(copy, f->path);
    fixture_open(f);
    assert_true(went_back(f));
    fixture_close(f);
    remove_record(f);
}

static void record_that_is_not_readable_is_rewritten(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    fixture_close(f);
    assert_record_is_rewritten(f, "");
    assert_record_is_rewritten(f, "something else");
    assert_record_is_rewritten(f, "headgate-newest-change 1 -0000000000000000001\n");
    assert_record_is_rewritten(f, "headgate-newest-change 1 99999999999999999999\n");
    assert_record_is_rewritten(f, "headgate-newest-change 9 00000000000000000001\n");
}

static void record_that_is_a_link_is_refused(void **state)
{
    struct fixture *f = *state;
    struct store_config config = fixture_config(f);
    char path[128];
    path_of(f, "newest-change", path);
    fixture_open(f);
    fixture_close(f);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/nowhere", path), 0);
    assert_false(store_open(&config, &f->store, &f->error));
    assert_non_null(strstr(f->error.message, "/newest-change cannot be read"));
}

/* Entries expire, so that an old record says nothing. */
static void record_older_than_the_audit_is_ignored(void **state)
{
    struct fixture *f = *state;
    char copy[128];
    path_of(f, "copy.db", copy);
    fixture_open(f);
    fixture_close(f);
    copy_file(f->path, copy);
    fixture_open(f);
    check(f, change(f, "mine"));
    fixture_close(f);
    copy_file(copy, f->path);
    fixture_now_ms += AUDIT_LIFE_MS - 1;
    fixture_open(f);
    assert_true(went_back(f));
    fixture_now_ms += 1;
    assert_false(went_back(f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_dir(older_copy_is_noticed_until_a_newer_change),
        test_with_dir(tools_changes_count_too),
        test_with_dir(missing_database_is_not_made_anew),
        test_with_dir(mark_of_an_older_version_is_removed),
        test_with_dir(database_missing_beside_a_mark_is_not_made_anew),
        test_with_dir(killed_process_leaves_a_record_that_fits),
        test_with_dir(damaged_wal_is_noticed),
        test_with_dir(lost_wal_is_noticed),
        test_with_dir(record_that_is_not_readable_is_rewritten),
        test_with_dir(record_that_is_a_link_is_refused),
        test_with_dir(record_older_than_the_audit_is_ignored),
    };
    fixture_in_memory = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
