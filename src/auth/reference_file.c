/* The kernel resolves the path beneath the directory, so that neither ".." nor a symbolic link, nor
 * one that is put there meanwhile, leads out of it. */
#include "auth/reference_file.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { OPEN_TRIES = 16 };

/* O_NONBLOCK: opening a FIFO must not wait for its writer. The kernel says EAGAIN when it could not
 * resolve the path because something was renamed or mounted meanwhile. */
static int open_beneath(int directory, const char *path)
{
    const struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    int file = -1, tries = 0;
    do
        file = (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
    while (file < 0 && (errno == EINTR || errno == EAGAIN) && ++tries < OPEN_TRIES);
    return file;
}

static bool fail_open(int number, struct error *error)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return fail(error, ERR_VALIDATION, "there is no such file");
    case EXDEV:
    case ELOOP:
        return fail(error, ERR_VALIDATION,
                    "a symbolic link in its path leads out of the directory that is allowed");
    case EACCES:
    case EPERM:
        return fail(error, ERR_VALIDATION, "the server's user may not read it");
    case ENOSYS:
        return fail(error, ERR_UNAVAILABLE,
                    "this kernel cannot open files beneath a directory (openat2, Linux 5.6)");
    default:
        return fail(error, ERR_UNAVAILABLE, "it cannot be opened: %s", strerror(number));
    }
}

static bool check_status(int file, struct error *error)
{
    struct stat status;
    if (fstat(file, &status) != 0)
        return fail(error, ERR_UNAVAILABLE, "it cannot be read: %s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return fail(error, ERR_VALIDATION, "it is no regular file");
    return status.st_size <= REFERENCE_FILE_MAX ||
           fail(error, ERR_VALIDATION, "the file has more than %d bytes", REFERENCE_FILE_MAX);
}

/* A file may grow while it is read. */
static bool read_all(int file, char *bytes, size_t size, size_t *ret_len, struct error *error)
{
    size_t len = 0;
    ssize_t got = 1;
    while (got != 0 && len < size) {
        got = read(file, bytes + len, size - len);
        if (got < 0 && errno != EINTR)
            return fail(error, ERR_UNAVAILABLE, "it cannot be read: %s", strerror(errno));
        len += got > 0 ? (size_t)got : 0;
    }
    *ret_len = len;
    return len <= REFERENCE_FILE_MAX ||
           fail(error, ERR_VALIDATION, "the file has more than %d bytes", REFERENCE_FILE_MAX);
}

static struct str without_line_end(struct str text)
{
    if (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    if (text.len > 0 && text.data[text.len - 1] == '\r')
        text.len--;
    return text;
}

bool reference_file_read(struct str directory, struct str path, struct arena *arena,
                         struct str *ret_text, struct error *error)
{
    _cleanup_close_ int place =
        open(arena_cstr(arena, directory), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (place < 0)
        return fail_open(errno, error);
    _cleanup_close_ int file = open_beneath(place, arena_cstr(arena, path));
    size_t len = 0;
    if (file < 0)
        return fail_open(errno, error);
    char *bytes = arena_take(arena, REFERENCE_FILE_MAX + 1);
    if (!check_status(file, error) || !read_all(file, bytes, REFERENCE_FILE_MAX + 1, &len, error))
        return false;
    *ret_text = without_line_end((struct str){bytes, len});
    return true;
}
