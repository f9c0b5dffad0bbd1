/* One file an object. A write goes to a temporary file in the same folder and is renamed, so that a
 * reader sees the old object or the new one. */
#include "sandbox/s3/files.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/fd.h"
#include "base/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FOLDER_MODE = 0700,
    FILE_MODE = 0600,
    META_MAX = 1024, /* bytes */
    RANDOM_LEN = 16,
    SETTLED_S = 2, /* more than any file system's step of the time of a change */
};

static const char meta_folder[] = ".meta";

static bool make_folders(const char *path)
{
    char text[4096];
    size_t len = strlen(path);
    if (len >= sizeof(text))
        return false;
    memcpy(text, path, len + 1);
    for (size_t i = 1; i < len; i++) {
        if (text[i] != '/')
            continue;
        text[i] = '\0';
        (void)mkdir(text, FOLDER_MODE); /* the last one says whether it worked */
        text[i] = '/';
    }
    return mkdir(text, FOLDER_MODE) == 0 || errno == EEXIST;
}

bool files_open(struct files *files, const char *bucket)
{
    if (files->root >= 0)
        return true;
    if (!make_folders(files->dir))
        return false;
    files->root = open(files->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->root < 0)
        return false;
    int made = bucket_make(files, str_from(bucket));
    return (mkdirat(files->root, meta_folder, FOLDER_MODE) == 0 || errno == EEXIST) &&
           (made == 0 || made == EEXIST);
}

void files_close(struct files *files)
{
    close_fd(&files->root);
}

/* --- buckets --- */

static bool is_folder(int root, const char *path)
{
    struct stat facts;
    return fstatat(root, path, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(facts.st_mode);
}

static bool is_file(int root, const char *path)
{
    struct stat facts;
    return fstatat(root, path, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(facts.st_mode);
}

static const char *bucket_path(struct str bucket, char out[KEY_PATH_MAX])
{
    snprintf(out, KEY_PATH_MAX, "%.*s", STR_ARG(bucket));
    return out;
}

bool bucket_exists(const struct files *files, struct str bucket)
{
    char path[KEY_PATH_MAX];
    return s3_bucket_is_valid(bucket) && is_folder(files->root, bucket_path(bucket, path));
}

int bucket_make(const struct files *files, struct str bucket)
{
    char path[KEY_PATH_MAX];
    return mkdirat(files->root, bucket_path(bucket, path), FOLDER_MODE) == 0 ? 0 : errno;
}

int bucket_remove(const struct files *files, struct str bucket)
{
    char path[KEY_PATH_MAX];
    return unlinkat(files->root, bucket_path(bucket, path), AT_REMOVEDIR) == 0 ? 0 : errno;
}

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

static DIR *open_folder(int root, const char *path)
{
    int fd = fd_open_at(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder && fd >= 0)
        close(fd);
    return folder;
}

void bucket_each(const struct files *files, void (*each)(void *context, struct str name),
                 void *context)
{
    _cleanup_(close_folder) DIR *folder = open_folder(files->root, ".");
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
        if (bucket_exists(files, str_from(entry->d_name)))
            each(context, str_from(entry->d_name));
    }
}

void remove_folder(int root, const char *path)
{
    _cleanup_(close_folder) DIR *folder = open_folder(root, path);
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(folder), entry->d_name, 0); /* the folder's removal tells */
    }
    (void)unlinkat(root, path, AT_REMOVEDIR);
}

/* --- paths --- */

/* "BUCKET/…" or ".meta/BUCKET/…". */
static void add_path(struct buf *out, bool meta, struct str bucket, struct str key)
{
    if (meta)
        buf_printf(out, "%s/", meta_folder);
    buf_add(out, bucket);
    buf_add_char(out, '/');
    key_add_path(out, key);
}

/* The file that a key has now: at its own path, or marked where a folder has that. */
static bool find_file(const struct files *files, bool meta, struct str bucket, struct str key,
                      struct buf *out)
{
    add_path(out, meta, bucket, key);
    if (out->overflow || is_file(files->root, out->data))
        return !out->overflow;
    buf_add_cstr(out, KEY_FILE_MARK);
    return !out->overflow && is_file(files->root, out->data);
}

/* Makes the folders above a path. A file where a folder must be steps aside. */
static bool make_parents(int root, struct buf *path)
{
    for (size_t i = 1; i < path->len; i++) {
        if (path->data[i] != '/')
            continue;
        path->data[i] = '\0';
        bool made = mkdirat(root, path->data, FOLDER_MODE) == 0 || is_folder(root, path->data);
        if (!made && is_file(root, path->data)) {
            char aside[KEY_PATH_MAX];
            snprintf(aside, sizeof(aside), "%s%s", path->data, KEY_FILE_MARK);
            made = renameat(root, path->data, root, aside) == 0 &&
                   mkdirat(root, path->data, FOLDER_MODE) == 0;
        }
        path->data[i] = '/';
        if (!made)
            return false;
    }
    return true;
}

/* Where a file for the key goes: its own path, or the marked one where a folder has that. */
static bool place_file(int root, struct buf *path)
{
    if (path->overflow || !make_parents(root, path))
        return false;
    if (is_folder(root, path->data))
        buf_add_cstr(path, KEY_FILE_MARK);
    return !path->overflow;
}

static void name_temporary(const struct buf *path, struct buf *out)
{
    char random[RANDOM_LEN + 1];
    size_t folder = path->len;
    while (folder > 0 && path->data[folder - 1] != '/')
        folder--;
    random_text(RANDOM_ID_LETTERS, random, RANDOM_LEN);
    buf_add(out, (struct str){path->data, folder});
    buf_printf(out, "%s%s", KEY_TEMPORARY, random);
}

/* Renames a temporary file to its place. A file that stepped aside for a folder which has gone
 * since would be a second one of the same key, so it is removed. */
static bool move_file(int root, const struct buf *temporary, const struct buf *path)
{
    char aside[KEY_PATH_MAX];
    if (renameat(root, temporary->data, root, path->data) != 0)
        return false;
    if (!str_ends(buf_str(path), STR(KEY_FILE_MARK))) {
        snprintf(aside, sizeof(aside), "%s%s", path->data, KEY_FILE_MARK);
        (void)unlinkat(root, aside, 0); /* there is none as a rule */
    }
    return true;
}

/* Folders that became empty, up to the bucket's own. */
static void remove_empty_parents(int root, struct buf *path, size_t keep)
{
    for (size_t i = path->len; i-- > keep;) {
        if (path->data[i] != '/')
            continue;
        path->data[i] = '\0';
        if (unlinkat(root, path->data, AT_REMOVEDIR) != 0)
            return;
    }
}

/* --- bytes --- */

bool read_all(int fd, uint64_t offset, char *out, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t count = pread(fd, out + done, size - done, (off_t)(offset + done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        done += (size_t)count;
    }
    return true;
}

bool write_all(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t count = write(fd, bytes.data, bytes.len);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes = (struct str){bytes.data + count, bytes.len - (size_t)count};
    }
    return true;
}

/* --- what is beside a file --- */

/* "SIZE SECONDS NANOSECONDS ", which tell whether the rest is about this very file. */
static void add_stamp(struct buf *out, const struct stat *file)
{
    buf_printf(out, "%jd %jd %ld ", (intmax_t)file->st_size, (intmax_t)file->st_mtim.tv_sec,
               file->st_mtim.tv_nsec);
}

/* The stamp, then "ETAG TYPE". */
static bool write_meta(const struct files *files, struct str bucket, struct str key,
                       const struct stat *facts, const char *etag, struct str type)
{
    _cleanup_(buf_done) struct buf path = buf_on_heap(KEY_PATH_MAX);
    _cleanup_(buf_done) struct buf temporary = buf_on_heap(KEY_PATH_MAX);
    _cleanup_(buf_done) struct buf text = buf_on_heap(META_MAX);
    add_path(&path, true, bucket, key);
    if (!place_file(files->root, &path))
        return false;
    name_temporary(&path, &temporary);
    add_stamp(&text, facts);
    buf_printf(&text, "%s %.*s", etag, STR_ARG(type));
    _cleanup_close_ int fd =
        fd_open_at(files->root, temporary.data, O_WRONLY | O_CREAT | O_EXCL, FILE_MODE);
    if (fd < 0)
        return false;
    if (write_all(fd, buf_str(&text)) && move_file(files->root, &temporary, &path))
        return true;
    (void)unlinkat(files->root, temporary.data, 0);
    return false;
}

static bool read_meta(const struct files *files, struct str bucket, struct str key,
                      const struct stat *file, struct arena *arena, struct file_facts *facts)
{
    _cleanup_(buf_done) struct buf path = buf_on_heap(KEY_PATH_MAX);
    _cleanup_(buf_done) struct buf stamp = buf_on_heap(META_MAX);
    char text[META_MAX];
    struct str rest, etag;
    if (!find_file(files, true, bucket, key, &path))
        return false;
    _cleanup_close_ int fd = fd_open_at(files->root, path.data, O_RDONLY | O_NOFOLLOW, 0);
    ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof(text));
    add_stamp(&stamp, file);
    if (count <= 0 || !str_starts((struct str){text, (size_t)count}, buf_str(&stamp)))
        return false;
    rest = (struct str){text + stamp.len, (size_t)count - stamp.len};
    if (!str_cut(rest, ' ', &etag, &rest) || etag.len >= sizeof(facts->etag))
        return false;
    memcpy(facts->etag, etag.data, etag.len);
    facts->etag[etag.len] = '\0';
    facts->type = arena_copy(arena, rest);
    return true;
}

/* --- objects --- */

int object_open(const struct files *files, struct str bucket, struct str key)
{
    _cleanup_(buf_done) struct buf path = buf_on_heap(KEY_PATH_MAX);
    return find_file(files, false, bucket, key, &path)
               ? fd_open_at(files->root, path.data, O_RDONLY | O_NOFOLLOW, 0)
               : -1;
}

/* A file that a person put there: its ETag is computed, and kept. One that changed a moment ago may
 * change again within one step of its time stamp, and is not kept yet. */
static void compute_etag(const struct files *files, struct str bucket, struct str key, int fd,
                         const struct stat *file, struct file_facts *facts)
{
    struct stat after;
    facts->type = STR("binary/octet-stream"); /* as S3 says of what came without a type */
    file_etag(fd, facts->size, facts->etag);
    bool same = fstat(fd, &after) == 0 && after.st_size == file->st_size &&
                after.st_mtim.tv_sec == file->st_mtim.tv_sec &&
                after.st_mtim.tv_nsec == file->st_mtim.tv_nsec;
    bool settled = clock_wall_ms() / 1000 - file->st_mtim.tv_sec > SETTLED_S;
    if (facts->etag[0] && same && settled)
        (void)write_meta(files, bucket, key, file, facts->etag, facts->type); /* else next time */
}

bool object_facts(const struct files *files, struct str bucket, struct str key, struct arena *arena,
                  struct file_facts *ret_facts)
{
    struct stat file;
    _cleanup_close_ int fd = object_open(files, bucket, key);
    if (fd < 0 || fstat(fd, &file) != 0)
        return false;
    *ret_facts = (struct file_facts){.size = (uint64_t)file.st_size, .changed = file.st_mtim};
    if (!read_meta(files, bucket, key, &file, arena, ret_facts))
        compute_etag(files, bucket, key, fd, &file, ret_facts);
    return true;
}

bool draft_begin(const struct files *files, struct str bucket, struct str key,
                 struct draft *ret_draft)
{
    *ret_draft = (struct draft){
        .files = files,
        .bucket = bucket,
        .key = key,
        .path = buf_on_heap(KEY_PATH_MAX),
        .temporary = buf_on_heap(KEY_PATH_MAX),
        .fd = -1,
    };
    add_path(&ret_draft->path, false, bucket, key);
    if (!place_file(files->root, &ret_draft->path))
        return false;
    name_temporary(&ret_draft->path, &ret_draft->temporary);
    if (ret_draft->temporary.overflow)
        return false;
    ret_draft->fd =
        fd_open_at(files->root, ret_draft->temporary.data, O_RDWR | O_CREAT | O_EXCL, FILE_MODE);
    return ret_draft->fd >= 0;
}

bool draft_write(struct draft *draft, struct str bytes)
{
    return write_all(draft->fd, bytes);
}

bool draft_finish(struct draft *draft, const char *etag, struct str type)
{
    struct stat facts;
    int root = draft->files->root;
    if (fstat(draft->fd, &facts) != 0 ||
        !write_meta(draft->files, draft->bucket, draft->key, &facts, etag, type) ||
        !move_file(root, &draft->temporary, &draft->path))
        return false;
    close_fd(&draft->fd);
    return true;
}

void draft_done(struct draft *draft)
{
    if (draft->fd >= 0) {
        (void)unlinkat(draft->files->root, draft->temporary.data, 0);
        remove_empty_parents(draft->files->root, &draft->path, draft->bucket.len + 1);
    }
    close_fd(&draft->fd);
    buf_done(&draft->path);
    buf_done(&draft->temporary);
}

/* Also a marked file that the key has left behind when its folder went. */
static bool remove_file(const struct files *files, bool meta, struct str bucket, struct str key)
{
    _cleanup_(buf_done) struct buf path = buf_on_heap(KEY_PATH_MAX);
    size_t keep = bucket.len + 1 + (meta ? sizeof(meta_folder) : 0);
    while (find_file(files, meta, bucket, key, &path)) {
        if (unlinkat(files->root, path.data, 0) != 0)
            return errno == ENOENT;
        remove_empty_parents(files->root, &path, keep);
        buf_clear(&path);
    }
    return true;
}

bool object_remove(const struct files *files, struct str bucket, struct str key)
{
    return remove_file(files, false, bucket, key) && remove_file(files, true, bucket, key);
}
