/* How far the database has come is also written beside it, into DIR/mark: a database that was put
 * back from an older copy, or that lost the end of its log, is found at the start.
 *
 * Each commit counts itself in the table `changes`; once it is durable the count goes into the
 * mark. So the mark is never ahead of the database, however the process or the machine ends, unless
 * the database went back. It is not synced with each commit: after a power failure it may be some
 * seconds behind, and finds less. */
#include "base/alloc.h"
#include "base/log.h"
#include "store/sqlite/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARK_HEAD "headgate-mark 1 "
enum {
    HEAD_SIZE = sizeof(MARK_HEAD) - 1,
    DIGITS = 20,
    MARK_SIZE = HEAD_SIZE + DIGITS + 1, /* with a newline */
};

static char *mark_path(const char *database)
{
    size_t dir_size = (size_t)(strrchr(database, '/') - database) + 1;
    char *path = xmalloc(dir_size + sizeof("mark"));
    memcpy(path, database, dir_size);
    memcpy(path + dir_size, "mark", sizeof("mark"));
    return path;
}

static bool fail_to_use(const char *path, struct error *error)
{
    return fail(error, ERR_UNAVAILABLE, "%s cannot be used: %s.", path, strerror(errno));
}

/* False for what somebody else has written, or nobody, when the power failed. */
static bool parse(const char *text, int64_t *ret_count)
{
    char *end;
    if (strncmp(text, MARK_HEAD, HEAD_SIZE) != 0 ||
        strspn(text + HEAD_SIZE, "0123456789") != DIGITS)
        return false;
    errno = 0;
    *ret_count = strtoll(text + HEAD_SIZE, &end, 10);
    return errno == 0 && *end == '\n';
}

static bool read_mark(int fd, const char *path, int64_t *ret_count, struct error *error)
{
    char text[MARK_SIZE + 1] = "";
    ssize_t size = pread(fd, text, MARK_SIZE, 0);
    if (size < 0)
        return fail_to_use(path, error);
    if (parse(text, ret_count))
        return true;
    *ret_count = 0;
    if (size > 0)
        log_warn("The commit counter file %s is not readable and is rewritten.", path);
    return true;
}

static void write_mark(int fd, int64_t count)
{
    char text[MARK_SIZE + 1];
    snprintf(text, sizeof(text), MARK_HEAD "%020lld\n", (long long)count);
    if (pwrite(fd, text, MARK_SIZE, 0) < MARK_SIZE)
        return; /* it stays behind, which finds less and harms nothing */
}

static bool fail_older(const struct sqlite_db *db, const char *mark, int64_t missing,
                       struct error *error)
{
    char commits[48] = "commit is";
    if (missing > 1)
        snprintf(commits, sizeof(commits), "%lld commits are", (long long)missing);
    return fail(
        error, ERR_UNAVAILABLE,
        "The database %s is older than it was: its last %s missing. It was "
        "restored from an older copy, or lost its log. Put the newer one back; or, to go on "
        "without what was changed since, delete %s and start again.",
        db->path, commits, mark);
}

static bool compare(struct sqlite_db *db, int fd, const char *path, struct error *error)
{
    int64_t marked = 0, count = 0;
    if (!read_mark(fd, path, &marked, error)) /* first: others may commit meanwhile */
        return false;
    if (!sqlite_read_count(db, &count, error))
        return false;
    if (count < marked)
        return fail_older(db, path, marked - count, error);
    if (count > marked)
        write_mark(fd, count);
    return true;
}

static bool open_mark(struct sqlite_db *db, const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail_to_use(path, error);
    if (!compare(db, fd, path, error)) {
        close(fd);
        return false;
    }
    db->mark_fd = fd;
    return true;
}

bool sqlite_keep_guard(struct db *base, struct error *error)
{
    struct sqlite_db *db = sqlite_of(base);
    if (db->mark_fd >= 0)
        return true;
    char *path = mark_path(db->path);
    bool ok = open_mark(db, path, error);
    free(path);
    return ok;
}

bool sqlite_check_absence(const char *database, struct error *error)
{
    char *path = mark_path(database);
    int64_t marked = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool ok =
        fd >= 0 ? read_mark(fd, path, &marked, error) : errno == ENOENT || fail_to_use(path, error);
    if (fd >= 0)
        close(fd);
    if (ok && marked > 0)
        ok = fail(error, ERR_UNAVAILABLE,
                  "The database %s is missing; it had %lld commits. Restore it from a backup. To "
                  "start with that backup, or with an empty one, delete %s.",
                  database, (long long)marked, path);
    free(path);
    return ok;
}

void sqlite_note_commit(struct sqlite_db *db, int64_t count)
{
    if (db->mark_fd >= 0)
        write_mark(db->mark_fd, count);
}

/* By path, since the connection that calls it writes none. */
void sqlite_sync_guard(const struct sqlite_db *db)
{
    char *path = mark_path(db->path);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        (void)fdatasync(fd);
        close(fd);
    }
    free(path);
}

void sqlite_drop_guard(struct sqlite_db *db)
{
    if (db->mark_fd < 0)
        return;
    (void)fdatasync(db->mark_fd);
    close(db->mark_fd);
    db->mark_fd = -1;
}
