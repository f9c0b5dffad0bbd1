/* A keyring's file: refused when other users can read it, written as a whole or not at all. */
#include "vault/keyring_text.h"

#include "base/encode.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/random.h"
#include "base/user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_SUFFIX ".new-"

enum { OTHERS = S_IRWXG | S_IRWXO };

static bool check_owner(int fd, const char *path, struct error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return fail(error, ERR_INTERNAL, "The keyring %s cannot be examined: %m.", path);
    if (!S_ISREG(status.st_mode))
        return fail(error, ERR_INTERNAL, "The keyring %s is not a file.", path);
    if (status.st_mode & OTHERS)
        return fail(error, ERR_ACCESS_DENIED,
                    "The keyring %s may be read or changed by others: run \"chmod 600 %s\".", path,
                    path);
    if (status.st_uid == geteuid() || status.st_uid == 0)
        return true;
    /* Not chown: the file is right, and the server's user must go on reading it. */
    char owner[USER_NAME_SIZE];
    user_name(status.st_uid, owner);
    return fail(error, ERR_ACCESS_DENIED,
                "The keyring %s belongs to user %s. Run this command as that user: sudo -u '%s' "
                "headgate …",
                path, owner, owner);
}

static bool read_whole(int fd, const char *path, char *text, size_t *ret_size, struct error *error)
{
    size_t size = 0;
    for (;;) {
        ssize_t got = read(fd, text + size, KEYRING_TEXT_MAX + 1 - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(error, ERR_INTERNAL, "The keyring %s cannot be read: %m.", path);
        size += (size_t)got;
        if (got == 0 || size > KEYRING_TEXT_MAX)
            break;
    }
    if (size > KEYRING_TEXT_MAX)
        return fail(error, ERR_INTERNAL, "%s is too large to be a keyring (%d bytes at most).",
                    path, KEYRING_TEXT_MAX);
    *ret_size = size;
    return true;
}

bool keyring_read_file(const char *path, char *text, size_t *ret_size, struct error *error)
{
    /* O_NONBLOCK: a pipe in the file's place must not stop the start; it is refused below. */
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return fail(error, ERR_NOT_FOUND, "There is no keyring at %s: restore it from its backup.",
                    path);
    if (fd < 0)
        return fail(error, ERR_INTERNAL, "The keyring %s cannot be opened: %m.", path);
    return check_owner(fd, path, error) && read_whole(fd, path, text, ret_size, error);
}

static bool write_whole(int fd, struct str text)
{
    while (text.len > 0) {
        ssize_t put = write(fd, text.data, text.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        text.data += put;
        text.len -= (size_t)put;
    }
    return fsync(fd) == 0;
}

static bool sync_directory_of(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int len = slash ? (int)(slash - path) : 0;
    snprintf(directory, sizeof(directory), "%.*s%s", len, path,
             !slash          ? "."
             : slash == path ? "/"
                             : "");
    _cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

typedef bool publish_fn(const char *temporary, const char *path, struct error *error);

/* link(2), other than rename(2), never replaces a keyring that another start has just made. */
static bool publish_new(const char *temporary, const char *path, struct error *error)
{
    if (link(temporary, path) != 0)
        return errno == EEXIST
                   ? fail(error, ERR_CONFLICT, "There is a keyring at %s already.", path)
                   : fail(error, ERR_INTERNAL, "The keyring %s cannot be made: %m.", path);
    fault_point("keyring-linked");
    return true;
}

static bool publish_over(const char *temporary, const char *path, struct error *error)
{
    if (rename(temporary, path) != 0)
        return fail(error, ERR_INTERNAL, "The keyring %s cannot be replaced: %m.", path);
    fault_point("key:replaced");
    return true;
}

static void unlink_at(const char **path)
{
    if (*path)
        unlink(*path);
}

/* Writes a temporary file beside `path`, and gives it that name by `publish`. */
static bool write_beside(const char *path, struct str text, publish_fn *publish,
                         struct error *error)
{
    char name[PATH_MAX], suffix[17];
    unsigned char random[8];
    random_bytes(random, sizeof(random));
    encode_hex(random, sizeof(random), suffix);
    int len = snprintf(name, sizeof(name), "%s" NEW_SUFFIX "%s", path, suffix);
    if (len < 0 || (size_t)len >= sizeof(name))
        return fail(error, ERR_INTERNAL, "The keyring's path is too long.");

    _cleanup_close_ int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(error, ERR_INTERNAL, "The keyring %s cannot be made: %m.", path);
    {
        _cleanup_(unlink_at) const char *temporary = name;
        if (fchmod(fd, 0600) != 0 || !write_whole(fd, text))
            return fail(error, ERR_INTERNAL, "The keyring %s cannot be written: %m.", path);
        fault_point("keyring-written");
        if (!publish(temporary, path, error))
            return false;
    }
    if (!sync_directory_of(path))
        return fail(error, ERR_INTERNAL, "The directory of the keyring %s cannot be synced: %m.",
                    path);
    return true;
}

/* What a command that was killed has left: it holds all keys, also those that are retired later.
 * Commands change a keyring under its lock, so no other one is writing. `path` is resolved. */
static void remove_leftovers(const char *path)
{
    char directory[PATH_MAX];
    const char *name = strrchr(path, '/') + 1;
    size_t len = strlen(name);
    struct dirent *entry;
    snprintf(directory, sizeof(directory), "%.*s", (int)(name - path), path);
    DIR *entries = opendir(directory);
    while (entries && (entry = readdir(entries))) {
        if (strncmp(entry->d_name, name, len) == 0 &&
            strncmp(entry->d_name + len, NEW_SUFFIX, strlen(NEW_SUFFIX)) == 0)
            unlinkat(dirfd(entries), entry->d_name, 0);
    }
    if (entries)
        closedir(entries);
}

bool keyring_write_file(const char *path, struct str text, struct error *error)
{
    return write_beside(path, text, publish_new, error);
}

bool keyring_replace_file(const char *path, struct str text, struct error *error)
{
    char real[PATH_MAX];
    if (!realpath(path, real))
        return fail(error, ERR_INTERNAL, "The keyring %s cannot be found: %m.", path);
    remove_leftovers(real);
    return write_beside(real, text, publish_over, error);
}
