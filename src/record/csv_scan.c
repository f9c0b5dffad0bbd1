/* Fields are searched in blocks for what ends them. */
#include "record/csv_scan.h"

#include "record/blocks.h"

#include <string.h>

/* The first comma or line break at or after `p`, or the window's end. */
static const char *plain_end(struct csv_scan *scan, const char *p)
{
    for (; scan->end - p >= BLOCK_BYTES; p += BLOCK_BYTES) {
        struct block block = block_load(p);
        uint32_t ends =
            block_equal(block, ',') | block_equal(block, '\n') | block_equal(block, '\r');
        if (ends != 0) {
            unsigned first = block_first(ends);
            scan->high |= block_not_ascii(block) & block_of_first(first);
            return p + first;
        }
        scan->high |= block_not_ascii(block);
    }
    for (; p < scan->end && *p != ',' && *p != '\n' && *p != '\r'; p++)
        scan->high |= (unsigned char)*p & 0x80;
    return p;
}

/* The first quote at or after `p`, or the window's end. *breaks collects whether there is a line
 * break before it. */
static const char *quote_at(struct csv_scan *scan, const char *p, uint32_t *breaks)
{
    for (; scan->end - p >= BLOCK_BYTES; p += BLOCK_BYTES) {
        struct block block = block_load(p);
        uint32_t quotes = block_equal(block, '"');
        uint32_t before = quotes ? block_of_first(block_first(quotes)) : UINT32_MAX;
        scan->high |= block_not_ascii(block) & before;
        *breaks |= (block_equal(block, '\n') | block_equal(block, '\r')) & before;
        if (quotes != 0)
            return p + block_first(quotes);
    }
    for (; p < scan->end && *p != '"'; p++) {
        scan->high |= (unsigned char)*p & 0x80;
        *breaks |= *p == '\n' || *p == '\r';
    }
    return p;
}

const char *csv_line_break(struct csv_scan *scan, const char *p)
{
    if (*p == '\r' && p + 1 == scan->end && !scan->is_last)
        return NULL;
    scan->lines++;
    return p + 1 + (*p == '\r' && p + 1 < scan->end && p[1] == '\n');
}

uint64_t csv_lines(const char *p, const char *end)
{
    uint64_t lines = 0;
    for (; p < end; p++)
        lines += *p == '\n' || (*p == '\r' && (p + 1 == end || p[1] != '\n'));
    return lines;
}

static enum csv_end field_ends(struct csv_scan *scan, const char **p)
{
    const char *at = *p;
    if (at == scan->end)
        return scan->is_last ? CSV_ROW : CSV_CUT;
    if (*at == ',') {
        *p = at + 1;
        return CSV_FIELD;
    }
    if (*at != '\n' && *at != '\r') {
        scan->fault = at;
        return CSV_BROKEN;
    }
    at = csv_line_break(scan, at);
    if (!at)
        return CSV_CUT;
    *p = at;
    return CSV_ROW;
}

static enum csv_end scan_quoted(struct csv_scan *scan, const char **p, struct csv_field *ret_field)
{
    const char *from = *p + 1, *at = from;
    uint32_t breaks = 0;
    for (;;) {
        at = quote_at(scan, at, &breaks);
        if (at == scan->end || (at + 1 == scan->end && !scan->is_last))
            break;
        if (at + 1 == scan->end || at[1] != '"') {
            *ret_field = (struct csv_field){from, (size_t)(at - from), ret_field->doubled};
            scan->lines += breaks ? csv_lines(from, at) : 0;
            *p = at + 1;
            return field_ends(scan, p);
        }
        ret_field->doubled = true;
        at += 2;
    }
    scan->fault = *p;
    return scan->is_last ? CSV_BROKEN : CSV_CUT;
}

enum csv_end csv_scan_field(struct csv_scan *scan, const char **p, struct csv_field *ret_field)
{
    *ret_field = (struct csv_field){.text = *p};
    if (*p < scan->end && **p == '"')
        return scan_quoted(scan, p, ret_field);
    *p = plain_end(scan, *p);
    ret_field->len = (size_t)(*p - ret_field->text);
    return field_ends(scan, p);
}

size_t csv_undouble(const struct csv_field *field, char *out)
{
    const char *p = field->text, *end = p + field->len;
    char *start = out;
    while (p < end) {
        const char *quote = memchr(p, '"', (size_t)(end - p));
        const char *behind = quote ? quote + 1 : end;
        memcpy(out, p, (size_t)(behind - p));
        out += behind - p;
        p = quote ? behind + 1 : end;
    }
    return (size_t)(out - start);
}
