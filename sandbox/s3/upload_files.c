/* Reading uploads back from their folders. */
#include "sandbox/s3/upload_files.h"

#include "base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Letters and digits: the id is a folder's name. */
static bool id_is_valid(struct str id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (!ascii_is_alnum(id.data[i]))
            return false;
    }
    return id.len == UPLOAD_ID_LEN;
}

static bool read_key(int root, struct upload *upload, struct arena *arena)
{
    char path[UPLOAD_PATH_SIZE + 8], text[UPLOAD_KEY_FILE_MAX];
    snprintf(path, sizeof(path), "%s/key", upload->path);
    _cleanup_close_ int fd = fd_open_at(root, path, O_RDONLY, 0);
    ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (count <= 0 || !str_cut(arena_copy(arena, (struct str){text, (size_t)count}), '\n',
                               &upload->type, &upload->key))
        return false;
    return s3_key_is_valid(upload->key);
}

static bool read_part(int folder, const char *name, struct part_file *ret_part)
{
    struct stat facts;
    struct str number, etag;
    unsigned long long value;
    if (!str_cut(str_from(name), '.', &number, &etag) || number.len != UPLOAD_NUMBER_LEN ||
        !str_to_u64(number, S3_PART_NUMBER_MAX, &value) || etag.len != 2 * S3_MD5_SIZE ||
        fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    *ret_part = (struct part_file){
        .number = (int)value, .size = (uint64_t)facts.st_size, .changed = facts.st_mtim};
    snprintf(ret_part->name, sizeof(ret_part->name), "%.*s.%.*s", STR_ARG(number), STR_ARG(etag));
    snprintf(ret_part->etag, sizeof(ret_part->etag), "%.*s", STR_ARG(etag));
    return true;
}

static int compare_parts(const void *a, const void *b)
{
    const struct part_file *left = a, *right = b;
    return left->number - right->number;
}

void upload_read_parts(int root, struct upload *upload, struct arena *arena)
{
    _cleanup_(close_folder) DIR *folder = open_folder(root, upload->path);
    upload->parts = arena_array(arena, struct part_file, S3_PART_NUMBER_MAX);
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
        if (upload->count < S3_PART_NUMBER_MAX &&
            read_part(dirfd(folder), entry->d_name, &upload->parts[upload->count]))
            upload->count++;
    }
    qsort(upload->parts, upload->count, sizeof(*upload->parts), compare_parts);
}

void upload_place(struct upload *upload, struct str bucket, struct str id)
{
    *upload = (struct upload){.id = id};
    snprintf(upload->path, sizeof(upload->path), ".uploads/%.*s/%.*s", STR_ARG(bucket),
             STR_ARG(id));
}

void upload_remove(int root, const struct upload *upload)
{
    char key[UPLOAD_PATH_SIZE + 8];
    snprintf(key, sizeof(key), "%s/key", upload->path);
    (void)unlinkat(root, key, 0); /* from here on it is no upload, whatever is left of it */
    remove_folder(root, upload->path);
}

/* Those of one bucket. */
static void clean_bucket(void *context, struct str bucket)
{
    int root = *(const int *)context;
    char path[UPLOAD_PATH_SIZE], key[UPLOAD_PATH_SIZE + 8];
    snprintf(path, sizeof(path), ".uploads/%.*s", STR_ARG(bucket));
    _cleanup_(close_folder) DIR *folder = open_folder(root, path);
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
        struct upload upload;
        if (!id_is_valid(str_from(entry->d_name)))
            continue;
        upload_place(&upload, bucket, str_from(entry->d_name));
        snprintf(key, sizeof(key), "%s/key", upload.path);
        if (faccessat(root, key, F_OK, 0) != 0)
            remove_folder(root, upload.path);
    }
}

void uploads_clean(const struct files *files)
{
    int root = files->root;
    bucket_each(files, clean_bucket, &root);
}

/* The upload that the request names, for the key that it names. */
bool upload_find(struct s3_exchange *exchange, struct upload *ret_upload)
{
    struct str id = s3_parameter(exchange, "uploadId");
    if (id_is_valid(id)) {
        upload_place(ret_upload, exchange->bucket, id);
        if (read_key(exchange->files->root, ret_upload, exchange->arena) &&
            str_eq(ret_upload->key, exchange->key))
            return true;
    }
    return s3_refuse(exchange, 404, "NoSuchUpload",
                     "The specified upload does not exist. The upload ID may be invalid, or the "
                     "upload may have been aborted or completed.");
}

static int compare_uploads(const void *a, const void *b)
{
    const struct upload *left = a, *right = b;
    int order = str_compare(left->key, right->key);
    return order != 0 ? order : str_compare(left->id, right->id);
}

size_t upload_read_all(struct s3_exchange *exchange, struct upload *uploads)
{
    char path[UPLOAD_PATH_SIZE];
    size_t count = 0;
    snprintf(path, sizeof(path), ".uploads/%.*s", STR_ARG(exchange->bucket));
    _cleanup_(close_folder) DIR *folder = open_folder(exchange->files->root, path);
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
        struct str id = str_from(entry->d_name);
        if (count == UPLOADS_LISTED_MAX || !id_is_valid(id))
            continue;
        upload_place(&uploads[count], exchange->bucket, arena_copy(exchange->arena, id));
        if (read_key(exchange->files->root, &uploads[count], exchange->arena))
            count++;
    }
    qsort(uploads, count, sizeof(*uploads), compare_uploads);
    return count;
}
