/* A database that went back: restored from an older copy, without the end of its log, or gone. The
 * start says so and waits for a decision; nothing that was acknowledged disappears in silence. */
#include "store_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

static void assert_refused(struct fixture *f, const char *reason)
{
    struct store_config config = fixture_config(f);
    struct store *store = NULL;
    assert_false(store_open(&config, &store, &f->error));
    assert_int_equal(f->error.code, ERR_UNAVAILABLE);
    if (!strstr(f->error.message, reason) || !strstr(f->error.message, "/mark"))
        fail_msg("%s", f->error.message);
    assert_false(store_attach(&config, &store, &f->error));
    assert_non_null(strstr(f->error.message, reason));
}

static void older_copy_is_refused_until_it_is_wanted(void **state)
{
    struct fixture *f = *state;
    char copy[128];
    path_of(f, "copy.db", copy);
    fixture_open(f);
    check(f, insert_profile(f, "old"));
    fixture_close(f);
    copy_file(f->path, copy);
    fixture_open(f); /* the same one may be put back */
    fixture_close(f);
    copy_file(copy, f->path);
    fixture_open(f);
    check(f, insert_profile(f, "new"));
    check(f, delete_profile(f, "old", true));
    fixture_close(f);
    copy_file(copy, f->path);
    assert_refused(f, "is older than it was: its last 2 commits are missing");
    assert_refused(f, "is older"); /* trying again changes nothing */
    remove_mark(f);
    fixture_open(f);
    assert_true(profile_exists(f, "old"));
    assert_false(profile_exists(f, "new"));
    check(f, insert_profile(f, "newer"));
    fixture_close(f);
    copy_file(copy, f->path);
    assert_refused(f, "its last commit is missing");
}

static void tools_commits_count_too(void **state)
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
    check(&tool, insert_profile(&tool, "by-tool"));
    check(f, insert_profile(f, "by-server"));
    check(&tool, insert_profile(&tool, "by-tool-again"));
    store_close(tool.store);
    fixture_close(f);
    copy_file(copy, f->path);
    assert_refused(f, "its last 3 commits are missing");
}

static void missing_database_is_not_made_anew(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    check(f, insert_profile(f, "mine"));
    fixture_close(f);
    assert_int_equal(unlink(f->path), 0);
    assert_refused(f, "is missing; it had");
    assert_int_equal(access(f->path, F_OK), -1);
    remove_mark(f);
    fixture_open(f);
    assert_false(profile_exists(f, "mine"));
}

/* Leaves a log as a killed process does. */
static void write_and_die(struct fixture *f, int count)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store_config config = fixture_config(f);
        bool ok = store_open(&config, &f->store, &f->error);
        for (int i = 0; i < count && ok; i++) {
            char name[16];
            snprintf(name, sizeof(name), "mine-%d", i);
            ok = insert_profile(f, name);
        }
        _exit(ok ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void killed_process_leaves_a_mark_that_fits(void **state)
{
    struct fixture *f = *state;
    write_and_die(f, 5);
    fixture_open(f);
    assert_true(profile_exists(f, "mine-4"));
}

/* SQLite takes the first frame that does not fit for the log's end. */
static void damaged_log_is_told(void **state)
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
    assert_refused(f, "or lost its log");
}

static void lost_log_is_told(void **state)
{
    struct fixture *f = *state;
    char log[128];
    path_of(f, "headgate.db-wal", log);
    write_and_die(f, 5);
    assert_int_equal(unlink(log), 0);
    assert_refused(f, "its last 5 commits are missing");
}

static void assert_mark_is_mended(struct fixture *f, const char *text)
{
    char path[128], copy[128];
    path_of(f, "mark", path);
    path_of(f, "copy.db", copy);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    fixture_open(f);
    fixture_close(f);
    copy_file(f->path, copy);
    fixture_open(f);
    check(f, insert_profile(f, text));
    fixture_close(f);
    copy_file(copy, f->path);
    assert_refused(f, "its last commit is missing");
    remove_mark(f);
}

static void mark_that_says_nothing_is_written_anew(void **state)
{
    struct fixture *f = *state;
    assert_mark_is_mended(f, "");
    assert_mark_is_mended(f, "something else");
    assert_mark_is_mended(f, "headgate-mark 1 -0000000000000000001\n");
    assert_mark_is_mended(f, "headgate-mark 9 99999999999999999999\n");
}

static void mark_that_is_a_link_is_refused(void **state)
{
    struct fixture *f = *state;
    struct store_config config = fixture_config(f);
    char path[128];
    path_of(f, "mark", path);
    assert_int_equal(symlink("/nowhere", path), 0);
    assert_false(store_open(&config, &f->store, &f->error));
    assert_non_null(strstr(f->error.message, "/mark cannot be used"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_dir(older_copy_is_refused_until_it_is_wanted),
        test_with_dir(tools_commits_count_too),
        test_with_dir(missing_database_is_not_made_anew),
        test_with_dir(killed_process_leaves_a_mark_that_fits),
        test_with_dir(damaged_log_is_told),
        test_with_dir(lost_log_is_told),
        test_with_dir(mark_that_says_nothing_is_written_anew),
        test_with_dir(mark_that_is_a_link_is_refused),
    };
    fixture_in_memory = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
