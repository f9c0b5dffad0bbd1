/* Notices that a database file went back in time: it was restored from an older copy, or lost the
 * end of its write-ahead log.
 *
 * The time of the newest audit entry is recorded beside the database, in DIR/newest-change, by the
 * checkpointer's thread: at most once in a round (200 ms), and when the store closes. Commits do
 * not pay for it. The record never is ahead of what was durable; after a crash or a power failure
 * it may be a round behind, and then notices less. A database whose newest entry is older than the
 * record went back. That is a warning, in the log at the start and from `headgate check`, until a
 * newer change moves the record on: an intended restore needs no other step. Refresh tokens that
 * were stored before the start are in doubt then (store/restored.h).
 *
 * The record is ignored when it is older than audit entries are kept, since then the entry that it
 * names may have expired. */
#include "base/alloc.h"
#include "store/audit.h"
#include "store/core/internal.h"
#include "store/restored.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECORD_NAME "newest-change"
#define LEGACY_NAME "mark" /* of versions that counted commits */
#define RECORD_HEAD "headgate-newest-change 1 "
enum {
    HEAD_SIZE = sizeof(RECORD_HEAD) - 1,
    DIGITS = 20,
    RECORD_SIZE = HEAD_SIZE + DIGITS + 1, /* with a newline */
    TIME_SIZE = 32,
};

/* A path beside the database, on the heap. */
static char *path_beside(const struct store *store, const char *name)
{
    size_t dir_size = (size_t)(strrchr(store->path, '/') - store->path) + 1;
    char *path = xmalloc(dir_size + strlen(name) + 1);
    memcpy(path, store->path, dir_size);
    memcpy(path + dir_size, name, strlen(name) + 1);
    return path;
}

/* 0 for anything else than a record, such as what a power failure left. */
static int64_t parse(const char *text)
{
    if (strncmp(text, RECORD_HEAD, HEAD_SIZE) != 0 ||
        strspn(text + HEAD_SIZE, "0123456789") != DIGITS || text[RECORD_SIZE - 1] != '\n')
        return 0;
    errno = 0;
    int64_t recorded_ms = strtoll(text + HEAD_SIZE, NULL, 10);
    return errno == 0 ? recorded_ms : 0;
}

/* No file reads as 0. */
static bool read_record(const struct store *store, int64_t *ret_ms, struct error *error)
{
    char text[RECORD_SIZE + 1] = "";
    char *path = path_beside(store, RECORD_NAME);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool ok = fd >= 0 ? pread(fd, text, RECORD_SIZE, 0) >= 0 : errno == ENOENT;
    if (!ok)
        fail(error, ERR_UNAVAILABLE, "%s cannot be read: %s.", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(path);
    *ret_ms = parse(text);
    return ok;
}

/* A failure leaves the record behind, which notices less and does no harm. */
static void write_record(const struct store *store, int64_t newest_ms)
{
    char text[RECORD_SIZE + 1];
    char *path = path_beside(store, RECORD_NAME);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    snprintf(text, sizeof(text), RECORD_HEAD "%020lld\n", (long long)newest_ms);
    if (fd >= 0) {
        (void)!pwrite(fd, text, RECORD_SIZE, 0);
        close(fd);
    }
    free(path);
}

static bool read_newest(struct db *db, int64_t *ret_ms, struct error *error)
{
    bool row;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_NEWEST);
    if (!stmt_step(&stmt, &row, error))
        return false;
    *ret_ms = column_i64(&stmt, 0);
    return true;
}

bool rollback_check(const struct store *store, struct db *db, bool *ret_went_back, int64_t *ret_ms,
                    struct error *error)
{
    int64_t recorded_ms, newest_ms;
    if (!read_record(store, &recorded_ms, error) || !read_newest(db, &newest_ms, error))
        return false;
    *ret_went_back = newest_ms < recorded_ms && recorded_ms > store->now_ms() - AUDIT_LIFE_MS;
    *ret_ms = recorded_ms;
    return true;
}

void rollback_describe(int64_t recorded_ms, char *text, size_t size)
{
    char when[TIME_SIZE] = "";
    time_t seconds = (time_t)(recorded_ms / 1000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts))
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &parts);
    snprintf(text, size,
             "The database is older than it was: its newest changes, up to %s, are missing. It was "
             "restored from an older copy, or lost the end of its write-ahead log. If the restore "
             "was intended, revoke again what was deleted since.",
             when);
}

bool rollback_check_start(struct store *store, struct error *error)
{
    bool went_back;
    int64_t recorded_ms;
    if (!rollback_check(store, store->writer, &went_back, &recorded_ms, error))
        return false;
    if (went_back) {
        char text[ERROR_MESSAGE_MAX];
        rollback_describe(recorded_ms, text, sizeof(text));
        store_notice(NOTICE_WENT_BACK, text);
        /* Once: the warning stays until there is a newer change, and tokens that are got
         * meanwhile are not in doubt. */
        if (!restored_note_once(store->writer, recorded_ms, store->now_ms(), error))
            return false;
    }
    char *legacy = path_beside(store, LEGACY_NAME);
    unlink(legacy);
    free(legacy);
    store->recorded_ms = recorded_ms;
    rollback_record(store, store->writer);
    return true;
}

void rollback_record(struct store *store, struct db *db)
{
    int64_t newest_ms = 0;
    struct error ignored;
    if (!read_newest(db, &newest_ms, &ignored) || newest_ms < store->recorded_ms ||
        (newest_ms == store->recorded_ms && newest_ms > 0))
        return;
    write_record(store, newest_ms);
    store->recorded_ms = newest_ms;
}

bool rollback_check_missing(const struct store *store, struct error *error)
{
    static const char *const names[] = {RECORD_NAME, LEGACY_NAME};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof(names) / sizeof(*names); i++) {
        char *path = path_beside(store, names[i]);
        if (access(path, F_OK) == 0)
            ok = fail(error, ERR_UNAVAILABLE,
                      "The database %s is missing, and %s shows that there was one. Restore it "
                      "from a backup with headgate restore. To start with an empty database, "
                      "delete %s.",
                      store->path, path, path);
        free(path);
    }
    return ok;
}
