/* Exports of whole hours of an analytics service's API: a ZIP with a compressed file of JSON lines
 * for each hour that has records, by the time that the route names as its order. */
#include "sandbox/records/dialect.h"

#include "base/libarchive.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <zlib.h>

enum {
    HOUR_MS = 60 * 60 * 1000,
    RANGE_HOURS_MAX = 365 * 24,
    FILES_MAX = 10 * 1000,
    FILE_MODE = 0644,
    GZIP_BITS = 16 + MAX_WBITS,
    GZIP_MEMORY = 8,
    ARCHIVE_HEAD = 512, /* bytes of a file's entries in the archive, at most */
};

struct hour_file {
    int64_t hour; /* since 1970 */
    struct buf text;
};

struct hour_files {
    struct hour_file *rows;
    size_t count;
    size_t bytes; /* of the texts */
};

static void refuse(struct records_exchange *exchange, int status, const char *why)
{
    exchange->out->status = status;
    exchange->out->body = str_from(why);
}

/* "20240131T05" */
static bool read_hour(struct str text, int64_t *ret_hour)
{
    struct tm tm = {0};
    struct arena arena = {.kind = ARENA_PLAIN};
    const char *end = text.data ? strptime(arena_cstr(&arena, text), "%Y%m%dT%H", &tm) : NULL;
    bool good = end && *end == '\0' && text.len == sizeof("20240131T05") - 1;
    *ret_hour = good ? (int64_t)timegm(&tm) * 1000 / HOUR_MS : 0;
    arena_done(&arena);
    return good;
}

/* --- files --- */

static struct hour_file *file_of(struct hour_files *files, int64_t hour)
{
    for (size_t i = files->count; i > 0; i--) {
        if (files->rows[i - 1].hour == hour)
            return &files->rows[i - 1];
    }
    if (files->count == FILES_MAX)
        return NULL;
    files->rows[files->count] =
        (struct hour_file){.hour = hour, .text = buf_on_heap(RECORDS_BODY_MAX)};
    return &files->rows[files->count++];
}

static void collect(struct records_exchange *exchange, const struct sample_entity *entity,
                    int64_t first, int64_t last, struct hour_files *files)
{
    const struct sample_field *order = sample_field_find(entity, exchange->reply->order);
    struct arena scratch = {.kind = ARENA_PLAIN};
    size_t rows = sample_row_count(entity);
    for (size_t row = 0; row < rows; row++) {
        int64_t hour = sample_cell(entity, order, row, &scratch).number / HOUR_MS;
        struct hour_file *file = hour < first || hour > last ? NULL : file_of(files, hour);
        if (file) {
            buf_add_char(&file->text, '{');
            sample_print_fields(&file->text, entity, NULL, 0, row, &scratch);
            buf_add_cstr(&file->text, "}\n");
        }
        arena_reset(&scratch);
    }
    arena_done(&scratch);
    for (size_t i = 0; i < files->count; i++)
        files->bytes += files->rows[i].text.len;
}

/* --- the archive --- */

static struct str compress_text(struct str text, struct arena *arena)
{
    z_stream stream = {0};
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_BITS, GZIP_MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return STR_NULL;
    size_t room = deflateBound(&stream, text.len);
    char *out = arena_alloc(arena, room);
    stream.next_in = (unsigned char *)(uintptr_t)text.data;
    stream.avail_in = (unsigned)text.len;
    stream.next_out = (unsigned char *)out;
    stream.avail_out = (unsigned)room;
    bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    struct str made = {out, room - stream.avail_out};
    deflateEnd(&stream);
    return whole ? made : STR_NULL;
}

static bool add_file(struct archive *archive, const struct hour_file *file, struct arena *arena)
{
    time_t seconds = (time_t)(file->hour * (HOUR_MS / 1000));
    struct str text = compress_text(buf_str(&file->text), arena);
    struct archive_entry *entry = libarchive.entry_new();
    struct tm tm;
    gmtime_r(&seconds, &tm);
    libarchive.entry_set_pathname(entry, arena_printf(arena, "100/100_%04d-%02d-%02d_%d#0.json.gz",
                                                      tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                                                      tm.tm_hour)
                                             .data);
    libarchive.entry_set_size(entry, (la_int64_t)text.len);
    libarchive.entry_set_filetype(entry, S_IFREG);
    libarchive.entry_set_perm(entry, FILE_MODE);
    bool good = text.data && libarchive.write_header(archive, entry) == ARCHIVE_OK &&
                libarchive.write_data(archive, text.data, text.len) == (la_ssize_t)text.len;
    libarchive.entry_free(entry);
    return good;
}

static bool make_archive(const struct hour_files *files, struct arena *arena, struct str *ret_zip)
{
    size_t used = 0, room = 2 * files->bytes + (files->count + 2) * ARCHIVE_HEAD;
    char *out = arena_alloc(arena, room);
    struct archive *archive = libarchive.write_new();
    bool good = libarchive.write_set_format_zip(archive) == ARCHIVE_OK &&
                libarchive.write_open_memory(archive, out, room, &used) == ARCHIVE_OK;
    for (size_t i = 0; i < files->count && good; i++)
        good = add_file(archive, &files->rows[i], arena);
    good = good && libarchive.write_close(archive) == ARCHIVE_OK;
    libarchive.write_free(archive);
    *ret_zip = (struct str){out, used};
    return good;
}

static void answer(struct records_exchange *exchange, const struct hour_files *files)
{
    struct str zip;
    if (files->count == 0)
        refuse(exchange, 404, "Raw data files were not found.");
    else if (!libarchive_load() || !make_archive(files, exchange->arena, &zip))
        refuse(exchange, 500, "The sandbox cannot make an archive: it needs libarchive13.");
    else
        exchange->out->body = zip;
}

void hours_answer(struct records_exchange *exchange)
{
    const struct sample_entity *entity = records_entity(exchange, 0);
    struct hour_files files = {0};
    int64_t first, last;
    exchange->out->status = 200;
    if (!entity || !read_hour(records_parameter(exchange, "start"), &first) ||
        !read_hour(records_parameter(exchange, "end"), &last) || last < first ||
        last - first >= RANGE_HOURS_MAX) {
        refuse(exchange, 400,
               "start and end must be hours, such as 20240131T05, a year apart at "
               "most");
        return;
    }
    files.rows = arena_array(exchange->arena, struct hour_file, FILES_MAX);
    collect(exchange, entity, first, last, &files);
    answer(exchange, &files);
    for (size_t i = 0; i < files.count; i++)
        buf_done(&files.rows[i].text);
}
