/* Checks of the data directory: its owner and mode, its lock (one server at a time), and the
 * database file's type and mode. The lock is flock on DIR/lock, which the kernel releases when the
 * process ends. */
#include "store/core/internal.h"

#include "base/fd.h"
#include "base/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DATA_DIR_MAX = 3072 }; /* bytes of its path, so that names in it fit into PATH_MAX */

static bool fail_owner(const char *dir, uid_t id, struct error *error)
{
    char owner[USER_NAME_SIZE];
    user_name(id, owner);
    return fail(error, ERR_UNAVAILABLE,
                "The data directory %s belongs to user %s. Run this command as that user: sudo -u "
                "'%s' headgate …",
                dir, owner, owner);
}

bool datadir_check(const char *dir, struct error *error)
{
    struct stat info;
    if (strlen(dir) > DATA_DIR_MAX)
        return fail(error, ERR_UNAVAILABLE, "The data directory's path is longer than %d bytes.",
                    DATA_DIR_MAX);
    if (stat(dir, &info) < 0)
        return fail(error, ERR_UNAVAILABLE, "The data directory %s cannot be used: %s.", dir,
                    strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return fail(error, ERR_UNAVAILABLE, "%s is not a directory.", dir);
    if (info.st_uid != geteuid() && geteuid() != 0)
        return fail_owner(dir, info.st_uid, error);
    if (info.st_mode & (S_IWGRP | S_IWOTH))
        return fail(error, ERR_UNAVAILABLE,
                    "Others may write into the data directory %s. Run: chmod go-w %s", dir, dir);
    return true;
}

static void read_holder(int fd, char *text, size_t size)
{
    ssize_t len = pread(fd, text, size - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    text[strspn(text, "0123456789")] = '\0';
}

static bool fail_locked(const char *dir, int fd, struct error *error)
{
    char holder[24];
    read_holder(fd, holder, sizeof(holder));
    return fail(error, ERR_UNAVAILABLE,
                "Another headgate%s%s%s uses the data directory %s. Stop it, or name another "
                "directory.",
                *holder ? " (process " : "", holder, *holder ? ")" : "", dir);
}

static void write_holder(int fd)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) < 0)
        return; /* the number is only for the message above */
}

bool datadir_lock(const char *dir, int *ret_fd, struct error *error)
{
    char path[DATA_DIR_MAX + sizeof("/lock")];
    snprintf(path, sizeof(path), "%s/lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(error, ERR_UNAVAILABLE, "%s cannot be opened: %s.", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        fail_locked(dir, fd, error);
        close(fd);
        return false;
    }
    write_holder(fd);
    *ret_fd = fd;
    return true;
}

bool datadir_is_locked(const char *dir)
{
    char path[DATA_DIR_MAX + sizeof("/lock")];
    snprintf(path, sizeof(path), "%s/lock", dir);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}

bool datadir_find_file(const char *path, bool *ret_found, struct error *error)
{
    struct stat info;
    *ret_found = lstat(path, &info) == 0;
    if (!*ret_found)
        return errno == ENOENT ||
               fail(error, ERR_UNAVAILABLE, "%s cannot be used: %s.", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return fail(error, ERR_UNAVAILABLE, "%s is not a regular file.", path);
    if (info.st_mode & (S_IRWXG | S_IRWXO))
        return fail(error, ERR_UNAVAILABLE, "Others may open %s. Run: chmod 600 %s", path, path);
    return true;
}
