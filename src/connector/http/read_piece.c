/* A piece of a CSV file: whole rows of it become a page with a header of its own. */
#include "connector/http/read_piece.h"

#include <string.h>

struct row {
    size_t end;           /* behind its line break */
    struct str of_column; /* its field, without quotes */
    bool is_whole;        /* its line break was seen */
};

/* Copies the row that begins at `at`: unquoted fields that are `null` become empty. */
static struct row copy_row(const struct read_piece *piece, size_t at, char *out, size_t *len)
{
    struct str csv = piece->csv, null = piece->null;
    struct row row = {.of_column = STR_NULL};
    size_t column = 0;
    while (at < csv.len && !row.is_whole) {
        size_t start = at;
        bool quoted = false;
        for (; at < csv.len && (quoted || (csv.data[at] != ',' && csv.data[at] != '\n')); at++)
            quoted ^= csv.data[at] == '"';
        struct str field = {csv.data + start, at - start}, value = field;
        if (at < csv.len && csv.data[at] == '\n' && str_ends(value, STR("\r")))
            value.len--;
        if (column++ == piece->column)
            row.of_column = value;
        if (null.data && str_eq(value, null)) {
            field.data += null.len;
            field.len -= null.len;
        }
        memcpy(out + *len, field.data, field.len);
        *len += field.len;
        if (at < csv.len) {
            row.is_whole = csv.data[at] == '\n';
            out[(*len)++] = csv.data[at++];
        }
    }
    row.end = at;
    return row;
}

/* By texts of one length, such as times of one form. */
static bool is_within(const struct read_piece *piece, struct str value)
{
    if (!piece->from.data || value.len != piece->from.len)
        return true;
    return str_compare(value, piece->from) >= 0 && str_compare(value, piece->to) < 0;
}

/* Names may be in quotes. */
static bool is_header(const struct read_piece *piece, struct str row)
{
    size_t at = 0;
    while (row.len > 0 && (row.data[row.len - 1] == '\n' || row.data[row.len - 1] == '\r'))
        row.len--;
    if (str_starts(row, STR("\xef\xbb\xbf")))
        row = (struct str){row.data + 3, row.len - 3};
    for (size_t i = 0; i < row.len; i++) {
        if (row.data[i] == '"')
            continue;
        if (at == piece->header.len || piece->header.data[at++] != row.data[i])
            return false;
    }
    return at == piece->header.len;
}

enum read_piece_end read_piece_take(const struct read_piece *piece, struct arena *arena,
                                    struct str *ret_page, size_t *ret_taken)
{
    char *out = arena_take(arena, piece->header.len + piece->csv.len + 2);
    size_t len = piece->header.len, at = 0;
    memcpy(out, piece->header.data, len);
    out[len++] = '\n';
    for (bool is_first = piece->has_header; at < piece->csv.len; is_first = false) {
        size_t before = len;
        struct row row = copy_row(piece, at, out, &len);
        struct str text = {piece->csv.data + at, row.end - at};
        if (!row.is_whole && !piece->is_last) {
            len = before;
            break;
        }
        if (is_first && !is_header(piece, text))
            return PIECE_OTHER_COLUMNS;
        if (is_first || !is_within(piece, row.of_column))
            len = before;
        at = row.end;
    }
    *ret_page = (struct str){out, len};
    *ret_taken = at;
    return at > 0 || piece->csv.len == 0 ? PIECE_TAKEN : PIECE_WITHOUT_ROW;
}
