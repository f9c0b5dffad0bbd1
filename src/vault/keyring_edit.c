/* Changes of a keyring's file: read, changed line by line, written beside it and renamed over it.
 * Comments and the order of the lines stay. */
#include "vault/keyring.h"

#include "base/buf.h"
#include "base/fd.h"
#include "vault/keyring_text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const struct str MARK = STR(" primary");

bool keyring_lock(const char *path, int *ret_fd, struct error *error)
{
    char name[PATH_MAX];
    int len = snprintf(name, sizeof(name), "%s.lock", path);
    if (len < 0 || (size_t)len >= sizeof(name))
        return fail(error, ERR_INTERNAL, "The keyring's path is too long.");
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    *ret_fd = -1;
    if (fd < 0 && (errno == EROFS || errno == EACCES))
        return true; /* a mounted secret: its file cannot be changed either */
    if (fd < 0)
        return fail(error, ERR_INTERNAL, "%s cannot be opened: %m.", name);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return fail(error, ERR_CONFLICT,
                    "Another command changes the keyring %s at this moment. Run this one when it "
                    "has ended.",
                    path);
    }
    *ret_fd = fd;
    return true;
}

/* "key ID …" */
static bool has_id(struct str line, struct str id)
{
    struct str word, rest;
    return str_cut(line, ' ', &word, &rest) && str_eq(word, STR("key")) && str_starts(rest, id);
}

static bool is_marked(struct str line)
{
    return str_starts(line, STR("key ")) && line.len > MARK.len &&
           str_eq((struct str){line.data + line.len - MARK.len, MARK.len}, MARK);
}

static void add_line(struct buf *out, struct str line)
{
    buf_add(out, line);
    buf_add_char(out, '\n');
}

/* What becomes of the text; false: nothing is written. */
typedef bool edit_fn(struct str text, void *argument, struct buf *out, struct error *error);

static bool edit(const char *path, edit_fn *change, void *argument, struct error *error)
{
    struct arena arena = {0}; /* wiped when it is given back */
    struct buf out = buf_in(&arena, KEYRING_TEXT_MAX);
    char *text = secret_alloc(KEYRING_TEXT_MAX + 1);
    size_t size = 0;
    bool ok = keyring_read_file(path, text, &size, error) &&
              change((struct str){text, size}, argument, &out, error);
    if (ok && out.overflow)
        ok = fail(error, ERR_INTERNAL, "The keyring %s has more than %d bytes.", path,
                  KEYRING_TEXT_MAX);
    ok = ok && keyring_replace_file(path, buf_str(&out), error);
    secret_dealloc(text, KEYRING_TEXT_MAX + 1);
    arena_done(&arena);
    return ok;
}

static bool take_line(struct str *rest, struct str *ret_line)
{
    if (rest->len == 0)
        return false;
    if (!str_cut(*rest, '\n', ret_line, rest)) {
        *ret_line = *rest;
        rest->len = 0;
    }
    return true;
}

/* The new key's line comes behind the first line of the file. */
static bool add_key(struct str text, void *argument, struct buf *out, struct error *error)
{
    const char *fresh = argument;
    struct str rest = text, line;
    size_t keys = 1;
    for (bool first = true; take_line(&rest, &line); first = false) {
        keys += str_starts(line, STR("key "));
        if (is_marked(line))
            line.len -= MARK.len;
        add_line(out, line);
        if (first)
            add_line(out, str_from(fresh));
    }
    return keys <= KEYRING_KEYS_MAX ||
           fail(error, ERR_CONFLICT,
                "The keyring has %d keys, which is the most. Remove one that nothing is sealed "
                "with: headgate key retire --id ID",
                KEYRING_KEYS_MAX);
}

bool keyring_add_key(const char *path, char ret_id[KEYRING_ID_SIZE + 1], struct error *error)
{
    char line[KEYRING_LINE_SIZE];
    keyring_new_line(line, ret_id);
    bool ok = edit(path, add_key, line, error);
    explicit_bzero(line, sizeof(line));
    return ok;
}

static bool remove_key(struct str text, void *argument, struct buf *out, struct error *error)
{
    struct str id = *(const struct str *)argument, rest = text, line;
    bool found = false;
    while (take_line(&rest, &line)) {
        bool is_it = has_id(line, id);
        if (is_it && is_marked(line))
            return fail(error, ERR_CONFLICT, "Key %.*s is the keyring's primary key.", STR_ARG(id));
        found = found || is_it;
        if (!is_it)
            add_line(out, line);
    }
    return found || fail(error, ERR_NOT_FOUND, "The keyring has no key %.*s.", STR_ARG(id));
}

bool keyring_remove_key(const char *path, struct str id, struct error *error)
{
    return edit(path, remove_key, &id, error);
}
