/* Calls of the system as the C library defines them, and one that fails. */
#include "failing_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

static _Atomic int failing_kind = -1;
static _Atomic int error_number, calls_left;
static _Atomic bool goes_on, has_failed;

static void prepare(enum call_kind kind, int number, int n, bool and_all_after)
{
    failing_kind = -1;
    error_number = number;
    calls_left = n;
    goes_on = and_all_after;
    has_failed = false;
    failing_kind = (int)kind;
}

void calls_fail(enum call_kind kind, int number, int n)
{
    prepare(kind, number, n, false);
}

void calls_fail_from(enum call_kind kind, int number, int n)
{
    prepare(kind, number, n, true);
}

void calls_work(void)
{
    failing_kind = -1;
}

bool calls_failed(void)
{
    return has_failed;
}

bool calls_one_fails(enum call_kind kind)
{
    if (failing_kind != (int)kind)
        return false;
    int left = atomic_fetch_sub(&calls_left, 1);
    if (left > 1 || (left < 1 && !goes_on))
        return false;
    has_failed = true;
    errno = error_number;
    return true;
}

static size_t half(size_t size)
{
    return size > 1 ? size / 2 : size;
}

EXPORTED int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return calls_one_fails(CALL_OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

EXPORTED ssize_t read(int fd, void *data, size_t size)
{
    if (!calls_one_fails(CALL_READ))
        return syscall(SYS_read, fd, data, size);
    return error_number == CALL_HALF ? syscall(SYS_read, fd, data, half(size)) : -1;
}

EXPORTED ssize_t pread(int fd, void *data, size_t size, off_t at)
{
    if (!calls_one_fails(CALL_READ))
        return syscall(SYS_pread64, fd, data, size, at);
    return error_number == CALL_HALF ? syscall(SYS_pread64, fd, data, half(size), at) : -1;
}

EXPORTED ssize_t write(int fd, const void *data, size_t size)
{
    if (!calls_one_fails(CALL_WRITE))
        return syscall(SYS_write, fd, data, size);
    return error_number == CALL_HALF ? syscall(SYS_write, fd, data, half(size)) : -1;
}

EXPORTED ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    if (!calls_one_fails(CALL_WRITE))
        return syscall(SYS_pwrite64, fd, data, size, at);
    return error_number == CALL_HALF ? syscall(SYS_pwrite64, fd, data, half(size), at) : -1;
}

EXPORTED int fsync(int fd)
{
    (void)fd;
    return calls_one_fails(CALL_SYNC) ? -1 : 0;
}

EXPORTED int fdatasync(int fd)
{
    (void)fd;
    return calls_one_fails(CALL_SYNC) ? -1 : 0;
}

EXPORTED int rename(const char *from, const char *to)
{
    return calls_one_fails(CALL_LINK)
               ? -1
               : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORTED int link(const char *from, const char *to)
{
    return calls_one_fails(CALL_LINK) ? -1
                                      : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORTED int unlink(const char *path)
{
    return calls_one_fails(CALL_UNLINK) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

EXPORTED int ftruncate(int fd, off_t size)
{
    return calls_one_fails(CALL_TRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

EXPORTED int stat(const char *path, struct stat *info)
{
    return calls_one_fails(CALL_STAT) ? -1 : (int)syscall(SYS_newfstatat, AT_FDCWD, path, info, 0);
}

EXPORTED int lstat(const char *path, struct stat *info)
{
    return calls_one_fails(CALL_STAT)
               ? -1
               : (int)syscall(SYS_newfstatat, AT_FDCWD, path, info, AT_SYMLINK_NOFOLLOW);
}

EXPORTED int fstat(int fd, struct stat *info)
{
    return calls_one_fails(CALL_STAT) ? -1 : (int)syscall(SYS_fstat, fd, info);
}

EXPORTED int access(const char *path, int mode)
{
    return calls_one_fails(CALL_STAT) ? -1 : (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

EXPORTED int flock(int fd, int operation)
{
    return calls_one_fails(CALL_LOCK) ? -1 : (int)syscall(SYS_flock, fd, operation);
}

EXPORTED int fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    bool locks = command == F_SETLK && ((struct flock *)argument)->l_type != F_UNLCK;
    return locks && calls_one_fails(CALL_LOCK) ? -1
                                               : (int)syscall(SYS_fcntl, fd, command, argument);
}

EXPORTED int fchmod(int fd, mode_t mode)
{
    return calls_one_fails(CALL_MODE) ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

EXPORTED int mkdir(const char *path, mode_t mode)
{
    return calls_one_fails(CALL_MODE) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

/* --- SQLite's memory --- */

static sqlite3_mem_methods usual;

static void *take(int size)
{
    return calls_one_fails(CALL_SQLITE_MEMORY) ? NULL : usual.xMalloc(size);
}

static void *take_more(void *memory, int size)
{
    return calls_one_fails(CALL_SQLITE_MEMORY) ? NULL : usual.xRealloc(memory, size);
}

void calls_watch_sqlite_memory(void)
{
    sqlite3_mem_methods watched;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual);
    watched = usual;
    watched.xMalloc = take;
    watched.xRealloc = take_more;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &watched);
}
