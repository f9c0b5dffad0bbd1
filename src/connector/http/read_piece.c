/* A piece of a CSV file: whole rows of it become a page with a header of its own. */
#include "connector/http/read_piece.h"

#include <string.h>

struct row {
    size_t end;           /* behind its line break */
    struct str of_column; /* its field, as it stands there */
    bool is_whole;        /* its line break was seen */
};

/* Copies the row that begins at `at`: unquoted fields that are `null` become empty. Only a field
 * that begins with a quote is quoted, as the decoder (record/csv_scan.c) has it. */
static struct row copy_row(const struct read_piece *piece, size_t at, char *out, size_t *len)
{
    struct str csv = piece->csv, null = piece->null;
    struct row row = {.of_column = STR_NULL};
    size_t column = 0;
    while (at < csv.len && !row.is_whole) {
        size_t start = at;
        bool quoted = false;
        for (; at < csv.len && (quoted || (csv.data[at] != ',' && csv.data[at] != '\n')); at++) {
            if (csv.data[at] == '"' && (at == start || csv.data[start] == '"'))
                quoted = !quoted;
        }
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

static struct str cut_front(struct str text, size_t len)
{
    return (struct str){text.data + len, text.len - len};
}

/* Whether a time is in this second of UTC. One of another zone, or without a zone, is not said to
 * be. */
static bool is_in_second(struct str time, struct str second)
{
    static const struct str zones[] = {STR("Z"), STR("+0000"), STR("+00:00")};
    bool is_in = false;
    if (!second.data || !str_starts(time, second))
        return false;
    struct str rest = cut_front(time, second.len);
    if (str_starts(rest, STR("."))) {
        do
            rest = cut_front(rest, 1);
        while (rest.len > 0 && ascii_is_digit(rest.data[0]));
    }
    for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++)
        is_in = is_in || str_eq(rest, zones[i]);
    return is_in;
}

static bool is_dropped(const struct read_piece *piece, struct str value)
{
    if (value.len >= 2 && str_starts(value, STR("\"")) && str_ends(value, STR("\"")))
        value = (struct str){value.data + 1, value.len - 2};
    return is_in_second(value, piece->before) || is_in_second(value, piece->behind);
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
        if (is_first || (row.of_column.data && is_dropped(piece, row.of_column)))
            len = before;
        at = row.end;
    }
    *ret_page = (struct str){out, len};
    *ret_taken = at;
    return at > 0 || piece->csv.len == 0 ? PIECE_TAKEN : PIECE_WITHOUT_ROW;
}
