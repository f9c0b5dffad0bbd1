/* What is there after the process was killed, and after the disk refused a write. */
#include "store_fixture.h"

#include "store/core/internal.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

/* --- a disk that fails when a test says so: SQLite's own file functions, but two --- */

enum disk_failure { DISK_WORKS, DISK_IS_FULL, DISK_DOES_NOT_SYNC, FILE_IS_NOT_WRITTEN };

static _Atomic enum disk_failure disk;
static sqlite3_vfs *system_vfs;
static sqlite3_vfs failing_vfs;
static const sqlite3_io_methods *system_log, *system_file; /* they lock differently */
static sqlite3_io_methods failing_log, failing_file;

static int log_write_fails(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
    return disk == DISK_IS_FULL ? SQLITE_FULL : system_log->xWrite(file, data, size, at);
}

static int log_sync_fails(sqlite3_file *file, int flags)
{
    return disk == DISK_DOES_NOT_SYNC ? SQLITE_IOERR_FSYNC : system_log->xSync(file, flags);
}

static int file_write_fails(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
    return disk == FILE_IS_NOT_WRITTEN ? SQLITE_IOERR_WRITE
                                       : system_file->xWrite(file, data, size, at);
}

static pthread_mutex_t open_mutex = PTHREAD_MUTEX_INITIALIZER;

static void install_log(sqlite3_file *file)
{
    if (!system_log) {
        system_log = file->pMethods;
        failing_log = *system_log;
        failing_log.xWrite = log_write_fails;
        failing_log.xSync = log_sync_fails;
    }
    file->pMethods = &failing_log;
}

static void install_file(sqlite3_file *file)
{
    if (!system_file) {
        system_file = file->pMethods;
        failing_file = *system_file;
        failing_file.xWrite = file_write_fails;
    }
    file->pMethods = &failing_file;
}

static int failing_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                        int *ret_flags)
{
    (void)vfs;
    int rc = system_vfs->xOpen(system_vfs, name, file, flags, ret_flags);
    if (rc != SQLITE_OK)
        return rc;
    pthread_mutex_lock(&open_mutex);
    if (flags & SQLITE_OPEN_WAL)
        install_log(file);
    if (flags & SQLITE_OPEN_MAIN_DB)
        install_file(file);
    pthread_mutex_unlock(&open_mutex);
    return SQLITE_OK;
}

/* Before the store's first connection: what is the default then lies below the store. */
static int install_disk(void **state)
{
    (void)state;
    system_vfs = sqlite3_vfs_find(NULL);
    failing_vfs = *system_vfs;
    failing_vfs.zName = "failing";
    failing_vfs.xOpen = failing_open;
    failing_vfs.pNext = NULL;
    return sqlite3_vfs_register(&failing_vfs, 1);
}

static void assert_sound(const struct fixture *f)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static int64_t log_size(const struct fixture *f)
{
    char path[128];
    struct stat info;
    snprintf(path, sizeof(path), "%s-wal", f->path);
    return stat(path, &info) == 0 ? info.st_size : -1;
}

/* Bounded; what is waited for must come. */
static void wait_for_empty_log(const struct fixture *f)
{
    for (int i = 0; i < 2000 && log_size(f) != 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000000}, NULL);
    assert_int_equal(log_size(f), 0);
}

static void write_fails_and_later_works(struct fixture *f, enum disk_failure failure,
                                        const char *sentence)
{
    check(f, insert_profile(f, "before"));
    disk = failure;
    assert_false(insert_profile(f, "lost"));
    assert_int_equal(f->error.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(f->error.message, sentence));
    assert_false(profile_exists(f, "lost"));
    assert_true(profile_exists(f, "before"));
    assert_false(insert_profile(f, "lost"));
    disk = DISK_WORKS;
    check(f, insert_profile(f, "after"));
    assert_true(profile_exists(f, "after"));
    check(f, insert_profile(f, "lost")); /* it is not half there */
    check(f, delete_profile(f, "lost", false));
    fixture_close(f);
    assert_sound(f);
    fixture_open(f);
    assert_true(profile_exists(f, "before"));
    assert_true(profile_exists(f, "after"));
    assert_false(profile_exists(f, "lost"));
}

static void full_disk_fails_writes_until_there_is_room(void **state)
{
    write_fails_and_later_works(*state, DISK_IS_FULL, "its disk is full");
}

/* More than the page cache holds: the disk is found full in the middle of the write. */
static bool apply_large(struct db *db, void *argument, struct error *error)
{
    static const char sealed[64 * 1024] = "x";
    (void)argument;
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof(name), "large-%d", i);
        struct profile profile = sample_profile(name);
        profile.sealed_credentials = (struct str){sealed, sizeof(sealed)};
        if (!profile_insert(db, &profile, 0, error))
            return false;
    }
    return true;
}

static void disk_that_fills_up_amid_a_write_fails_it_whole(void **state)
{
    struct fixture *f = *state;
    disk = DISK_IS_FULL;
    assert_false(store_apply(f->store, apply_large, NULL, false, &f->error));
    assert_int_equal(f->error.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(f->error.message, "its disk is full"));
    assert_false(profile_exists(f, "large-0"));
    disk = DISK_WORKS;
    check(f, store_apply(f->store, apply_large, NULL, false, &f->error));
    assert_true(profile_exists(f, "large-0"));
    assert_true(profile_exists(f, "large-39"));
    fixture_close(f);
    assert_sound(f);
}

static void failing_sync_fails_writes_until_it_works(void **state)
{
    write_fails_and_later_works(*state, DISK_DOES_NOT_SYNC, "failed to read or write");
}

/* The log holds the whole transaction when only its sync failed. It was reported as failed, so no
 * recovery may find it. */
static void failed_commit_is_not_found_later(void **state)
{
    struct fixture *f = *state;
    disk = DISK_DOES_NOT_SYNC;
    assert_false(insert_profile(f, "lost"));
    /* At once, not when it happens to be quiet; the checkpointer may have been quick. */
    assert_true(atomic_load(&f->store->empty_wal_wanted) || log_size(f) == 0);
    disk = DISK_WORKS;
    store_reader_rest(f->reader);
    wait_for_empty_log(f);
}

static void log_is_emptied_when_nothing_happens(void **state)
{
    struct fixture *f = *state;
    check(f, insert_profile(f, "mine"));
    assert_true(log_size(f) > 0);
    wait_for_empty_log(f);
    assert_true(profile_exists(f, "mine"));
}

static void checkpoint_that_fails_loses_nothing(void **state)
{
    struct fixture *f = *state;
    check(f, insert_profile(f, "gone"));
    check(f, insert_profile(f, "mine"));
    disk = FILE_IS_NOT_WRITTEN;
    check(f, delete_profile(f, "gone", true)); /* durable, but not yet wiped */
    assert_true(log_size(f) > 0);
    check(f, insert_profile(f, "other"));
    disk = DISK_WORKS;
    wait_for_empty_log(f);
    assert_true(profile_exists(f, "mine"));
    assert_true(profile_exists(f, "other"));
    assert_false(profile_exists(f, "gone"));
}

/* --- killed --- */

enum { CHILD_WRITERS = 4, ACKNOWLEDGED_MIN = 200 };

struct child_writer {
    struct fixture f;
    int pipe, number;
};

static void *write_until_killed(void *argument)
{
    struct child_writer *writer = argument;
    for (int i = 0;; i++) {
        char name[16] = "";
        snprintf(name, sizeof(name), "w%d-%d", writer->number, i);
        if (!insert_profile(&writer->f, name) ||
            write(writer->pipe, name, sizeof(name)) != sizeof(name))
            _exit(1);
    }
}

static void child_writes(struct fixture *f, int pipe)
{
    static struct child_writer writers[CHILD_WRITERS];
    struct store_config config = fixture_config(f);
    if (!store_open(&config, &f->store, &f->error))
        _exit(1);
    for (int i = 0; i < CHILD_WRITERS; i++) {
        pthread_t thread;
        writers[i] = (struct child_writer){{.store = f->store}, pipe, i};
        if (pthread_create(&thread, NULL, write_until_killed, &writers[i]) != 0)
            _exit(1);
    }
    for (;;)
        pause();
}

static void killed_process_loses_nothing_acknowledged(void **state)
{
    struct fixture *f = *state;
    static char names[100000][16];
    int ends[2], count = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        child_writes(f, ends[1]);
    close(ends[1]);
    while (count < 100000 && read(ends[0], names[count], 16) == 16) {
        if (++count == ACKNOWLEDGED_MIN)
            kill(child, SIGKILL); /* the rest of the pipe is acknowledged too */
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(ends[0]);
    assert_true(count >= ACKNOWLEDGED_MIN);
    fixture_open(f);
    for (int i = 0; i < count; i++)
        assert_true(profile_exists(f, names[i]));
    fixture_close(f);
    assert_sound(f);
}

#ifdef HEADGATE_FAULTS
static void kill_at(struct fixture *f, const char *fault)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store_config config = fixture_config(f);
        setenv("HEADGATE_FAULT", fault, 1);
        if (!store_open(&config, &f->store, &f->error))
            _exit(1);
        insert_profile(f, "mine");
        _exit(2);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void killed_before_the_commit_nothing_is_there(void **state)
{
    struct fixture *f = *state;
    kill_at(f, "store:before-commit");
    fixture_open(f);
    assert_false(profile_exists(f, "mine"));
    check(f, insert_profile(f, "mine"));
}

static void killed_after_the_commit_all_is_there(void **state)
{
    struct fixture *f = *state;
    kill_at(f, "store:after-commit");
    fixture_open(f);
    assert_true(profile_exists(f, "mine"));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(full_disk_fails_writes_until_there_is_room),
        test_with_store(disk_that_fills_up_amid_a_write_fails_it_whole),
        test_with_store(failing_sync_fails_writes_until_it_works),
        test_with_store(failed_commit_is_not_found_later),
        test_with_store(log_is_emptied_when_nothing_happens),
        test_with_store(checkpoint_that_fails_loses_nothing),
        test_with_dir(killed_process_loses_nothing_acknowledged),
#ifdef HEADGATE_FAULTS
        test_with_dir(killed_before_the_commit_nothing_is_there),
        test_with_dir(killed_after_the_commit_all_is_there),
#endif
    };
    return cmocka_run_group_tests(tests, install_disk, NULL);
}
