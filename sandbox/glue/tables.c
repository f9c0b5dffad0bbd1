/* Plain paths: who has the folder is who runs the sandbox. */
#include "sandbox/glue/tables.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "sandbox/read_file.h"
#include "wire/json_value.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    PATH_SIZE = 4096,
    NAME_MAX_BYTES = 200,
    NODES_MAX = 1024 * 1024,
    NAMES_MAX = 10 * 1000,
    FOLDER_MODE = 0700,
    FILE_MODE = 0600,
};

static const struct str suffix = STR(".json");

struct str glue_name(struct str name, struct arena *arena)
{
    struct str lower = arena_lower(arena, name);
    for (size_t i = 0; i < lower.len; i++) {
        char c = lower.data[i];
        if (!ascii_is_lower_alnum(c) && c != '_' && !(i > 0 && (c == '-' || c == '.')))
            return STR_NULL;
    }
    return lower.len > 0 && lower.len <= NAME_MAX_BYTES ? lower : STR_NULL;
}

/* --- databases --- */

bool database_exists(const char *dir, struct str database)
{
    char path[PATH_SIZE];
    struct stat facts;
    snprintf(path, sizeof(path), "%s/%.*s", dir, STR_ARG(database));
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

int database_make(const char *dir, struct str database)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%s/%.*s", dir, STR_ARG(database));
    if (mkdir(dir, FOLDER_MODE) != 0 && errno != EEXIST)
        return errno;
    return mkdir(path, FOLDER_MODE) == 0 ? 0 : errno;
}

/* --- tables --- */

static const char *path_of(const char *dir, struct str database, struct str table,
                           char out[PATH_SIZE])
{
    snprintf(out, PATH_SIZE, "%s/%.*s/%.*s%.*s", dir, STR_ARG(database), STR_ARG(table),
             STR_ARG(suffix));
    return out;
}

struct value *table_read(const char *dir, struct str database, struct str table,
                         struct arena *arena)
{
    char path[PATH_SIZE];
    struct value *value = NULL;
    struct buf text = buf_in(arena, TABLE_FILE_MAX);
    _cleanup_close_ int fd = open(path_of(dir, database, table, path), O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && file_read_rest(fd, &text) &&
              json_parse_own(buf_str(&text), NODES_MAX, arena, &value) == JSON_READ;
    return ok ? value : NULL;
}

static int write_file(const char *path, struct str text)
{
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return errno;
    while (text.len > 0) {
        ssize_t count = write(fd, text.data, text.len);
        if (count < 0 && errno != EINTR)
            return errno;
        if (count > 0)
            text = (struct str){text.data + count, text.len - (size_t)count};
    }
    return 0;
}

int table_write(const char *dir, struct str database, struct str table, const struct value *value,
                struct arena *arena)
{
    char path[PATH_SIZE], temporary[PATH_SIZE + 1];
    struct buf text = buf_in(arena, TABLE_FILE_MAX);
    value_encode(&text, value);
    if (text.overflow)
        return EFBIG;
    path_of(dir, database, table, path);
    snprintf(temporary, sizeof(temporary), "%s~", path);
    int fault = write_file(temporary, buf_str(&text));
    if (fault == 0 && rename(temporary, path) != 0)
        fault = errno;
    if (fault != 0)
        unlink(temporary);
    return fault;
}

int table_remove(const char *dir, struct str database, struct str table)
{
    char path[PATH_SIZE];
    return unlink(path_of(dir, database, table, path)) == 0 ? 0 : errno;
}

/* --- lists --- */

static int compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* The name that an entry stands for; STR_NULL: none. */
static struct str name_of(const char *entry, bool of_tables, struct arena *arena)
{
    struct str name = str_from(entry);
    if (of_tables && !str_ends(name, suffix))
        return STR_NULL;
    if (of_tables)
        name.len -= suffix.len;
    struct str lower = glue_name(name, arena);
    return lower.data && str_eq(lower, name) ? lower : STR_NULL;
}

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

size_t names_list(const char *dir, struct str database, struct arena *arena, struct str **ret_names)
{
    char path[PATH_SIZE];
    size_t count = 0;
    struct str *names = arena_array(arena, struct str, NAMES_MAX);
    snprintf(path, sizeof(path), "%s/%.*s", dir, STR_ARG(database.data ? database : STR("")));
    _cleanup_(close_folder) DIR *folder = opendir(path);
    for (struct dirent *entry; folder && count < NAMES_MAX && (entry = readdir(folder));) {
        struct str name = name_of(entry->d_name, database.data != NULL, arena);
        if (name.data)
            names[count++] = name;
    }
    qsort(names, count, sizeof(*names), compare);
    *ret_names = names;
    return count;
}
