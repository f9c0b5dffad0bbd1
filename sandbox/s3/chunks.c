/* SIZE in hex, line end, bytes, line end; a chunk of 0 bytes; then trailers. */
#include "sandbox/s3/chunks.h"

#include <string.h>

enum { SIZE_DIGITS_MAX = 8 };

static bool cut_line(struct str *rest, struct str *ret_line)
{
    if (!str_cut(*rest, '\n', ret_line, rest) || !str_ends(*ret_line, STR("\r")))
        return false;
    ret_line->len--;
    return true;
}

/* Without what may follow in ";NAME=VALUE". */
static bool read_size(struct str line, size_t *ret_size)
{
    struct str extension;
    size_t size = 0;
    (void)str_cut(line, ';', &line, &extension);
    if (line.len == 0 || line.len > SIZE_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < line.len; i++) {
        int digit = ascii_hex_digit(line.data[i]);
        if (digit < 0)
            return false;
        size = size << 4 | (size_t)digit;
    }
    *ret_size = size;
    return true;
}

static bool read_trailer(struct str rest, struct s3_chunks *chunks)
{
    struct str line;
    chunks->trailer_name = STR("");
    if (!cut_line(&rest, &line))
        return rest.len == 0;
    if (line.len == 0)
        return true;
    if (!str_cut(line, ':', &chunks->trailer_name, &chunks->trailer_value))
        return false;
    chunks->trailer_value = str_trim(chunks->trailer_value);
    return true;
}

bool s3_chunks_decode(struct str coded, struct arena *arena, struct s3_chunks *ret_chunks)
{
    char *body = arena_alloc(arena, coded.len + 1);
    size_t len = 0, size;
    struct str line, rest = coded;
    for (;;) {
        if (!cut_line(&rest, &line) || !read_size(line, &size))
            return false;
        if (size == 0)
            break;
        if (rest.len < size + 2 || memcmp(rest.data + size, "\r\n", 2) != 0)
            return false;
        memcpy(body + len, rest.data, size);
        len += size;
        rest = (struct str){rest.data + size + 2, rest.len - size - 2};
    }
    ret_chunks->body = (struct str){body, len};
    return read_trailer(rest, ret_chunks);
}
