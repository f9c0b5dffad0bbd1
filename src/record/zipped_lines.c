/* A file is read in chunks, which are inflated; what stands behind a piece's last line is carried
 * to the next one. */
#include "record/zipped_lines.h"

#include "base/alloc.h"
#include "record/byte_buffer.h"
#include "record/gzip_in.h"
#include "record/zip_in.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 * 1024, MEBIBYTE = 1024 * 1024 };

struct zipped_lines {
    uint64_t most;
    size_t line_most;
    struct zip_in *files; /* NULL: there is no archive */
    struct gzip_in *gzip;
    bool in_file;    /* one is being read */
    bool file_ended; /* its compressed bytes have come to their end */
    char last;       /* byte of its text */
    char chunk[CHUNK_BYTES];
    struct str left;          /* of the chunk */
    struct byte_buffer carry; /* text behind the last line that was given */
    uint64_t given;           /* bytes before the carry */
};

struct zipped_lines *zipped_lines_new(uint64_t most, size_t line_most)
{
    struct zipped_lines *lines = xcalloc(1, sizeof(*lines));
    lines->most = most;
    lines->line_most = line_most;
    lines->gzip = gzip_in_new(UINT64_MAX);
    return lines;
}

void zipped_lines_close(struct zipped_lines *lines)
{
    zip_in_free(lines->files);
    lines->files = NULL;
    lines->in_file = lines->file_ended = false;
    lines->left = STR_NULL;
    lines->carry.len = 0;
    lines->given = 0;
}

void zipped_lines_free(struct zipped_lines *lines)
{
    if (!lines)
        return;
    zipped_lines_close(lines);
    gzip_in_free(lines->gzip);
    byte_buffer_done(&lines->carry);
    free(lines);
}

bool zipped_lines_open(struct zipped_lines *lines, struct str zip, struct error *error)
{
    zipped_lines_close(lines);
    return zip_in_new(zip, &lines->files, error);
}

uint64_t zipped_lines_at(const struct zipped_lines *lines)
{
    return lines->given;
}

/* --- the text --- */

static bool next_file(struct zipped_lines *lines, struct error *error)
{
    gzip_in_restart(lines->gzip);
    lines->file_ended = false;
    lines->left = STR_NULL;
    lines->last = '\n';
    return zip_in_next(lines->files, &lines->in_file, error);
}

static bool fill_chunk(struct zipped_lines *lines, struct error *error)
{
    size_t len;
    if (lines->left.len > 0 || lines->file_ended)
        return true;
    if (!zip_in_read(lines->files, lines->chunk, sizeof(lines->chunk), &len, error))
        return false;
    lines->left = (struct str){lines->chunk, len};
    lines->file_ended = len == 0;
    return true;
}

/* Its text ends with a line. */
static bool end_file(struct zipped_lines *lines, char *out, size_t *ret_len, struct error *error)
{
    lines->in_file = false;
    *ret_len = lines->last != '\n';
    if (*ret_len > 0)
        out[0] = '\n';
    return gzip_in_finish(lines->gzip, error);
}

/* Some bytes of it; *ret_len 0: that was all. */
static bool read_text(struct zipped_lines *lines, char *out, size_t room, size_t *ret_len,
                      struct error *error)
{
    *ret_len = 0;
    while (*ret_len == 0) {
        if (!lines->in_file && !next_file(lines, error))
            return false;
        if (!lines->in_file)
            return true;
        if (!fill_chunk(lines, error) ||
            !gzip_in_inflate(lines->gzip, &lines->left, out, room, ret_len, error))
            return false;
        if (*ret_len > 0)
            lines->last = out[*ret_len - 1];
        else if (lines->file_ended && !end_file(lines, out, ret_len, error))
            return false;
    }
    return true;
}

/* As much as there is room for; less only where the text ends. */
static bool fill(struct zipped_lines *lines, char *out, size_t room, size_t *ret_len,
                 struct error *error)
{
    size_t len = 1;
    *ret_len = 0;
    while (len > 0 && *ret_len < room) {
        if (!read_text(lines, out + *ret_len, room - *ret_len, &len, error))
            return false;
        *ret_len += len;
    }
    return lines->given + lines->carry.len + *ret_len <= lines->most ||
           fail(error, ERR_TOO_LARGE, "The archive has more than %llu MiB of records.",
                (unsigned long long)(lines->most / MEBIBYTE));
}

/* --- pieces --- */

bool zipped_lines_pass(struct zipped_lines *lines, uint64_t bytes, char *scratch,
                       struct error *error)
{
    while (bytes > 0) {
        size_t len, room = bytes < lines->line_most ? (size_t)bytes : lines->line_most;
        if (!fill(lines, scratch, room, &len, error))
            return false;
        if (len < room)
            return fail(error, ERR_VALIDATION,
                        "The archive is shorter than it was when its first records were read.");
        lines->given += len;
        bytes -= len;
    }
    return true;
}

static size_t whole_lines(const char *text, size_t len)
{
    const char *end = len > 0 ? memrchr(text, '\n', len) : NULL;
    return end ? (size_t)(end - text) + 1 : 0;
}

bool zipped_lines_take(struct zipped_lines *lines, char *out, size_t *ret_len, bool *ret_last,
                       struct error *error)
{
    size_t len = lines->carry.len, more;
    if (len > 0)
        memcpy(out, lines->carry.data, len);
    if (!fill(lines, out + len, lines->line_most - len, &more, error))
        return false;
    len += more;
    *ret_last = len < lines->line_most;
    *ret_len = *ret_last ? len : whole_lines(out, len);
    if (*ret_len == 0 && !*ret_last)
        return fail(error, ERR_TOO_LARGE, "The archive has a record that is longer than %llu MiB.",
                    (unsigned long long)(lines->line_most / MEBIBYTE));
    lines->carry.len = 0;
    byte_buffer_add(&lines->carry, out + *ret_len, len - *ret_len);
    lines->given += *ret_len;
    return true;
}
