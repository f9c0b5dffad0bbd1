/* The keys of a bucket, found by walking its folders. Folders whose keys cannot be wanted are left
 * out; the rest is sorted, since a folder's order is not that of the keys ("a-b" is before "a/b").
 */
#include "sandbox/s3/files.h"

#include "base/encode.h"
#include "base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = S3_KEY_MAX + 1 };

struct key_walk {
    int root;
    struct arena *arena;
    struct str prefix, after;
    struct buf path; /* of the folder, with '/' at the end */
    struct buf key;  /* what the folders stand for */
    struct str *keys;
    size_t count, room;
    bool too_many;
};

static bool may_begin(struct str key, struct str prefix)
{
    size_t common = key.len < prefix.len ? key.len : prefix.len;
    return str_eq((struct str){key.data, common}, (struct str){prefix.data, common});
}

/* Whether a key that begins with these bytes may be wanted. */
static bool may_hold(const struct key_walk *walk, struct str begin)
{
    return may_begin(begin, walk->prefix) &&
           (may_begin(begin, walk->after) || str_compare(begin, walk->after) > 0);
}

static void take_key(struct key_walk *walk, struct str key)
{
    if (!str_starts(key, walk->prefix) || str_compare(key, walk->after) <= 0 ||
        !s3_key_is_valid(key))
        return;
    if (walk->count == KEYS_LISTED_MAX) {
        walk->too_many = true;
        return;
    }
    if (walk->count == walk->room) {
        size_t room = walk->room ? 2 * walk->room : 256;
        struct str *keys = arena_array(walk->arena, struct str, room);
        if (walk->count > 0)
            memcpy(keys, walk->keys, walk->count * sizeof(*keys));
        walk->keys = keys;
        walk->room = room;
    }
    walk->keys[walk->count++] = arena_copy(walk->arena, key);
}

/* 'd' for a folder, 'f' for a file, NUL for anything else. Not all file systems tell in the folder
 * itself. */
static char kind_of(int folder, const struct dirent *entry)
{
    struct stat facts;
    if (entry->d_type == DT_REG || entry->d_type == DT_DIR)
        return entry->d_type == DT_DIR ? 'd' : 'f';
    if (entry->d_type != DT_UNKNOWN ||
        fstatat(folder, entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return '\0';
    if (S_ISDIR(facts.st_mode))
        return 'd';
    return S_ISREG(facts.st_mode) ? 'f' : '\0';
}

/* Each name with its kind before it and NUL behind it. Read whole before going deeper, so that one
 * descriptor is open at a time. */
static struct str read_names(struct key_walk *walk, struct buf *names)
{
    int fd = fd_open_at(walk->root, walk->path.data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
        char kind = kind_of(dirfd(folder), entry);
        if (!kind || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        buf_add_char(names, kind);
        buf_add(names, (struct str){entry->d_name, strlen(entry->d_name) + 1});
    }
    if (folder)
        closedir(folder);
    else if (fd >= 0)
        close(fd);
    return buf_str(names);
}

static void walk_folder(struct key_walk *walk, int depth);

static void visit(struct key_walk *walk, struct str name, bool is_folder, int depth)
{
    size_t path_len = walk->path.len, key_len = walk->key.len;
    if (!key_add_name(&walk->key, name, is_folder) || walk->key.overflow) {
        walk->key.overflow = false;
        walk->key.len = key_len;
        return;
    }
    if (is_folder && may_hold(walk, buf_str(&walk->key))) {
        buf_add(&walk->path, name);
        buf_add_char(&walk->path, '/');
        if (!walk->path.overflow)
            walk_folder(walk, depth + 1);
    } else if (!is_folder) {
        take_key(walk, buf_str(&walk->key));
    }
    walk->path.overflow = false;
    walk->path.len = path_len;
    walk->path.data[path_len] = '\0';
    walk->key.len = key_len;
}

static void walk_folder(struct key_walk *walk, int depth)
{
    enum { NAMES_MAX = 64 * 1024 * 1024 };
    if (depth > DEPTH_MAX || walk->too_many)
        return;
    struct buf names = buf_on_heap(NAMES_MAX);
    struct str rest = read_names(walk, &names), name;
    while (str_cut(rest, '\0', &name, &rest) && !walk->too_many)
        visit(walk, (struct str){name.data + 1, name.len - 1}, name.data[0] == 'd', depth);
    walk->too_many = walk->too_many || names.overflow;
    buf_done(&names);
}

static int compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* A key has two files for a moment, or since an end in that moment: where it stepped aside, and at
 * its own path again. */
static void sort_keys(struct key_walk *walk)
{
    size_t count = 1;
    qsort(walk->keys, walk->count, sizeof(*walk->keys), compare);
    for (size_t i = 1; i < walk->count; i++) {
        if (!str_eq(walk->keys[i], walk->keys[count - 1]))
            walk->keys[count++] = walk->keys[i];
    }
    walk->count = count;
}

bool object_keys(const struct files *files, struct str bucket, struct str prefix, struct str after,
                 struct arena *arena, struct str **ret_keys, size_t *ret_count)
{
    struct key_walk walk = {
        .root = files->root,
        .arena = arena,
        .prefix = prefix.data ? prefix : STR(""),
        .after = after.data ? after : STR(""),
        .path = buf_on_heap(KEY_PATH_MAX),
        .key = buf_on_heap(KEY_PATH_MAX),
    };
    buf_add(&walk.path, bucket);
    buf_add_char(&walk.path, '/');
    buf_add(&walk.key, STR(""));
    walk_folder(&walk, 0);
    if (walk.count > 1)
        sort_keys(&walk);
    buf_done(&walk.path);
    buf_done(&walk.key);
    *ret_keys = walk.keys;
    *ret_count = walk.count;
    return !walk.too_many;
}
