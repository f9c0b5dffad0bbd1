/* Objects are read from the folder of the S3 stand-in, where they are plain files. */
#include "sandbox/records/loaded.h"

#include "base/alloc.h"
#include "base/fd.h"
#include "sandbox/read_file.h"
#include "sandbox/s3/files.h"
#include "wire/json_value.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, NAME_MAX_BYTES = 200, FOLDER_MODE = 0700, FILE_MODE = 0600 };

static const char loads_file[] = "loads";

struct loaded {
    const char *dir, *s3_dir;
    pthread_mutex_t lock;
};

struct loaded *loaded_new(const char *records_dir, const char *s3_dir)
{
    struct loaded *loaded = xcalloc(1, sizeof(*loaded));
    loaded->dir = records_dir;
    loaded->s3_dir = s3_dir;
    pthread_mutex_init(&loaded->lock, NULL);
    return loaded;
}

void loaded_free(struct loaded *loaded)
{
    if (!loaded)
        return;
    pthread_mutex_destroy(&loaded->lock);
    free(loaded);
}

/* --- objects --- */

static bool split_url(struct str url, struct str *ret_bucket, struct str *ret_key)
{
    static const struct str scheme = STR("s3://");
    if (!str_starts(url, scheme))
        return false;
    url = (struct str){url.data + scheme.len, url.len - scheme.len};
    return str_cut(url, '/', ret_bucket, ret_key) && s3_bucket_is_valid(*ret_bucket) &&
           ret_key->len > 0 && ret_key->len <= S3_KEY_MAX;
}

static bool read_object(const struct loaded *loaded, struct str url, struct buf *out)
{
    struct files files = {.root = -1, .dir = loaded->s3_dir};
    struct str bucket, key;
    if (!loaded->s3_dir || !split_url(url, &bucket, &key))
        return false;
    int root = open(loaded->s3_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    files.root = root;
    _cleanup_close_ int fd = root < 0 ? -1 : object_open(&files, bucket, key);
    if (root >= 0)
        close(root);
    return fd >= 0 && file_read_rest(fd, out);
}

bool loaded_object(struct loaded *loaded, struct str url, struct arena *arena, struct str *ret_text)
{
    struct buf text = buf_on_heap(LOADED_OBJECT_MAX);
    bool found = loaded && read_object(loaded, url, &text);
    if (found)
        *ret_text = arena_copy(arena, buf_str(&text));
    buf_done(&text);
    return found;
}

/* --- files --- */

/* What is no letter or digit of a table's name becomes a file name so. */
const char *loaded_path(const char *records_dir, struct str vendor, struct str table,
                        struct arena *arena)
{
    struct buf name = buf_in(arena, 3 * NAME_MAX_BYTES);
    if (!records_dir || table.len > NAME_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i < table.len; i++) {
        char c = table.data[i];
        if (ascii_is_alnum(c) || c == '_' || (c == '.' && i > 0))
            buf_add_char(&name, c);
        else
            buf_printf(&name, "%%%02X", (unsigned char)c);
    }
    return arena_printf(arena, "%s/%.*s/%.*s.jsonl", records_dir, STR_ARG(vendor),
                        STR_ARG(buf_str(&name)))
        .data;
}

static bool make_folder(const struct loaded *loaded, struct str vendor, char path[PATH_SIZE])
{
    bool fits = snprintf(path, PATH_SIZE, "%s/%.*s", loaded->dir, STR_ARG(vendor)) < PATH_SIZE;
    return fits && (mkdir(loaded->dir, FOLDER_MODE) == 0 || errno == EEXIST) &&
           (mkdir(path, FOLDER_MODE) == 0 || errno == EEXIST);
}

static bool append(const char *path, struct str text)
{
    _cleanup_close_ int fd =
        open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    while (fd >= 0 && text.len > 0) {
        ssize_t count = write(fd, text.data, text.len);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        text = (struct str){text.data + count, text.len - (size_t)count};
    }
    return fd >= 0;
}

/* A line of "loads": the table, a blank, the load's name. */
static bool find_load(const struct loaded *loaded, struct str vendor, struct str table,
                      struct str name, bool whole)
{
    struct arena arena = {.kind = ARENA_PLAIN};
    struct buf text = buf_on_heap(LOADED_OBJECT_MAX);
    struct str lines, line, of, other;
    bool found = false;
    if (!loaded->dir)
        return false;
    const char *path =
        arena_printf(&arena, "%s/%.*s/%s", loaded->dir, STR_ARG(vendor), loads_file).data;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && file_read_rest(fd, &text)) {
        lines = buf_str(&text);
        while (!found && str_cut(lines, '\n', &line, &lines) && str_cut(line, ' ', &of, &other))
            found = whole ? str_eq(of, table) && str_eq(other, name) : str_contains(other, name);
    }
    buf_done(&text);
    arena_done(&arena);
    return found;
}

/* --- a load --- */

/* Each line is a JSON object. */
static bool check_lines(struct str text, size_t *rows, struct loaded_fault *fault)
{
    struct arena arena = {.kind = ARENA_PLAIN};
    struct str line;
    bool good = true;
    fault->line = 0;
    while (good && text.len > 0) {
        struct value *value = NULL;
        if (!str_cut(text, '\n', &line, &text)) {
            line = text;
            text.len = 0;
        }
        fault->line++;
        arena_reset(&arena);
        good = json_parse(line, &arena, &value) && value->kind == VALUE_STRUCTURE;
        *rows += good;
    }
    arena_done(&arena);
    return good;
}

static enum loaded_end gather(const struct loaded *loaded, const struct loaded_objects *objects,
                              struct buf *records, size_t *rows, struct loaded_fault *fault)
{
    for (size_t i = 0; i < objects->count; i++) {
        size_t before = records->len;
        fault->object = i;
        if (!read_object(loaded, objects->urls[i], records))
            return LOADED_NO_OBJECT;
        rows[i] = 0;
        if (!check_lines((struct str){records->data + before, records->len - before}, &rows[i],
                         fault))
            return LOADED_NO_JSON;
        if (records->len > before && records->data[records->len - 1] != '\n')
            buf_add_char(records, '\n');
    }
    return LOADED;
}

static bool keep(const struct loaded *loaded, const struct loaded_objects *objects,
                 struct str records)
{
    struct arena arena = {.kind = ARENA_PLAIN};
    char folder[PATH_SIZE];
    if (!loaded->dir)
        return true;
    const char *table = loaded_path(loaded->dir, objects->vendor, objects->table, &arena);
    bool ok = table && make_folder(loaded, objects->vendor, folder) && append(table, records) &&
              append(arena_printf(&arena, "%s/%s", folder, loads_file).data,
                     arena_printf(&arena, "%.*s %.*s\n", STR_ARG(objects->table),
                                  STR_ARG(objects->name)));
    arena_done(&arena);
    return ok;
}

enum loaded_end loaded_take(struct loaded *loaded, const struct loaded_objects *objects,
                            size_t *ret_rows, struct loaded_fault *ret_fault)
{
    struct buf records = buf_on_heap(LOADED_OBJECT_MAX);
    enum loaded_end end = LOADED_BEFORE;
    *ret_fault = (struct loaded_fault){0};
    if (!loaded)
        return LOADED_NO_FILE;
    pthread_mutex_lock(&loaded->lock);
    if (!objects->is_once ||
        !find_load(loaded, objects->vendor, objects->table, objects->name, true)) {
        end = gather(loaded, objects, &records, ret_rows, ret_fault);
        if (end == LOADED && !keep(loaded, objects, buf_str(&records)))
            end = LOADED_NO_FILE;
    }
    pthread_mutex_unlock(&loaded->lock);
    buf_done(&records);
    return end;
}

bool loaded_has(struct loaded *loaded, struct str vendor, struct str text)
{
    if (!loaded)
        return false;
    pthread_mutex_lock(&loaded->lock);
    bool found = find_load(loaded, vendor, STR_NULL, text, false);
    pthread_mutex_unlock(&loaded->lock);
    return found;
}
