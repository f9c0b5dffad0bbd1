/* The files of changes: lines are appended, and read again at the start. A line that a crash cut is
 * cut off at the next write. */
#include "sandbox/records/written_store.h"

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "sandbox/read_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, HOST_MAX = 253, FOLDER_MODE = 0700, FILE_MODE = 0600 };

static const struct str suffix = STR(".jsonl");

/* A host may name a file. */
static bool host_is_fit(struct str host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];
        if (!ascii_is_alnum(c) && !(i > 0 && (c == '.' || c == '-')))
            return false;
    }
    return host.len > 0 && host.len <= HOST_MAX;
}

/* --- reading --- */

/* The lines that are whole, at most WRITTEN_ACCOUNT_BYTES. */
static bool read_file(int fd, struct buf *out)
{
    bool is_read = file_read_rest(fd, out);
    while (out->len > 0 && out->data[out->len - 1] != '\n')
        out->len--;
    return is_read;
}

/* Lines that cannot be read are those of another version: they are left out. */
static void put_lines(struct written_account *account, struct str lines)
{
    struct arena scratch = {.kind = ARENA_PLAIN};
    struct str line;
    struct written_change change;
    int64_t at_ms;
    size_t unread = 0;
    while (str_cut(lines, '\n', &line, &lines)) {
        bool is_read = written_line_read(line, account->set, &scratch, &change, &at_ms);
        size_t bytes = is_read ? written_bytes(account, &change) : 0;
        if (is_read && account->bytes + bytes <= WRITTEN_ACCOUNT_BYTES) {
            account->bytes += bytes;
            written_put(account, &change, at_ms);
        }
        unread += !is_read;
        arena_reset(&scratch);
    }
    arena_done(&scratch);
    if (unread > 0)
        log_warn("Of the records that were written to %.*s in the sandbox, %zu changes cannot be "
                 "read.",
                 STR_ARG(account->host), unread);
}

static bool load_account(struct written_store *store, struct str vendor, struct str host,
                         const char *path, const struct sample_set *set, struct error *error)
{
    _cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct buf lines = buf_on_heap(WRITTEN_ACCOUNT_BYTES);
    if (fd < 0 || !read_file(fd, &lines)) {
        buf_done(&lines);
        return fail(error, ERR_INTERNAL, "The sandbox's records in %s cannot be read.", path);
    }
    struct written_account *account = written_account_add(store, vendor, host, set);
    if (account) {
        account->file_bytes = lines.len;
        put_lines(account, buf_str(&lines));
    }
    buf_done(&lines);
    return account || fail(error, ERR_INTERNAL, "The sandbox's records have more than %d accounts.",
                           WRITTEN_ACCOUNTS_MAX);
}

bool written_load(struct written_store *store, struct str vendor, const struct sample_set *set,
                  struct error *error)
{
    char folder[PATH_SIZE], path[PATH_SIZE];
    const struct dirent *entry;
    bool ok = true;
    if (!store->dir ||
        snprintf(folder, sizeof(folder), "%s/%.*s", store->dir, STR_ARG(vendor)) >= PATH_SIZE)
        return true;
    DIR *dir = opendir(folder);
    while (dir && ok && (entry = readdir(dir))) {
        struct str name = str_from(entry->d_name);
        if (!str_ends(name, suffix))
            continue;
        name.len -= suffix.len;
        if (host_is_fit(name) &&
            snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) < PATH_SIZE)
            ok = load_account(store, vendor, name, path, set, error);
    }
    if (dir)
        closedir(dir);
    return ok;
}

/* --- writing --- */

static bool make_folders(char *path)
{
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        bool made = mkdir(path, FOLDER_MODE) == 0 || errno == EEXIST;
        *at = '/';
        if (!made)
            return false;
    }
    return true;
}

static bool append(const struct written_store *store, const struct written_account *account,
                   struct str lines)
{
    char path[PATH_SIZE];
    if (!store->dir)
        return true;
    if (snprintf(path, sizeof(path), "%s/%.*s/%.*s%.*s", store->dir, STR_ARG(account->vendor),
                 STR_ARG(account->host), STR_ARG(suffix)) >= PATH_SIZE ||
        !make_folders(path))
        return false;
    _cleanup_(close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    /* What is behind the lines that are known is a line that was cut. */
    if (fd < 0 || ftruncate(fd, (off_t)account->file_bytes) != 0 ||
        lseek(fd, 0, SEEK_END) != (off_t)account->file_bytes)
        return false;
    while (lines.len > 0) {
        ssize_t count = write(fd, lines.data, lines.len);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        lines = (struct str){lines.data + count, lines.len - (size_t)count};
    }
    return true;
}

static bool has_room(const struct written_account *account, const struct written_change *changes,
                     size_t count, size_t line_bytes)
{
    size_t bytes = account->bytes;
    for (size_t i = 0; i < count; i++) {
        bytes += written_bytes(account, &changes[i]);
        if (changes[i].row >= SAMPLE_ROWS_MAX)
            return false;
    }
    return bytes <= WRITTEN_ACCOUNT_BYTES &&
           account->file_bytes + line_bytes <= WRITTEN_ACCOUNT_BYTES;
}

static enum written_fault write_lines(struct written_store *store, struct written_account *account,
                                      const struct written_change *changes, size_t count,
                                      struct str lines, int64_t now_ms)
{
    if (!has_room(account, changes, count, lines.len))
        return WRITTEN_NO_ROOM;
    if (!append(store, account, lines))
        return WRITTEN_NO_FILE;
    account->file_bytes += lines.len;
    for (size_t i = 0; i < count; i++) {
        account->bytes += written_bytes(account, &changes[i]);
        written_put(account, &changes[i], now_ms);
    }
    return WRITTEN;
}

enum written_fault written_apply(struct written_store *store, struct str vendor, struct str host,
                                 const struct sample_set *set, const struct written_change *changes,
                                 size_t count, int64_t now_ms)
{
    if (count == 0)
        return WRITTEN;
    if (!store || !host_is_fit(host) || count > WRITTEN_CHANGES_MAX)
        return WRITTEN_NO_ROOM;
    struct written_account *account = written_account_find(store, vendor, host);
    if (!account)
        account = written_account_add(store, vendor, host, set);
    if (!account)
        return WRITTEN_NO_ROOM;
    struct buf lines = buf_on_heap(WRITTEN_ACCOUNT_BYTES);
    for (size_t i = 0; i < count; i++)
        written_line_print(&lines, &changes[i], now_ms);
    enum written_fault fault =
        lines.overflow ? WRITTEN_NO_ROOM
                       : write_lines(store, account, changes, count, buf_str(&lines), now_ms);
    buf_done(&lines);
    return fault;
}
