/* Reads one field of CSV out of a window of a longer text. For csv_in.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum csv_end {
    CSV_FIELD,  /* a comma came behind the field */
    CSV_ROW,    /* a line break, or the end of the page */
    CSV_CUT,    /* the window ended: more bytes are needed */
    CSV_BROKEN, /* neither came behind the closing quote, or there is none in the page */
};

struct csv_field {
    const char *text; /* without the outer quotes */
    size_t len;
    bool doubled; /* it has doubled quotes, see csv_undouble */
};

struct csv_scan {
    const char *end;
    bool is_last;      /* the page ends where the window does */
    uint32_t high;     /* not 0: there were bytes beyond ASCII. Set to 0 before a field */
    uint64_t lines;    /* line breaks, those in quotes included; only counted up */
    const char *fault; /* after CSV_BROKEN: where */
};

/* `*p` is where the field begins, and becomes where the next field or row does. */
enum csv_end csv_scan_field(struct csv_scan *scan, const char **p, struct csv_field *ret_field);

/* Behind the line break at `p`; NULL: the window ends before it is known how long it is. */
const char *csv_line_break(struct csv_scan *scan, const char *p);

/* How many line breaks there are before `end`; CR LF is one. */
uint64_t csv_lines(const char *p, const char *end);

/* Writes the field with single quotes to `out`, which has room for field->len bytes. */
size_t csv_undouble(const struct csv_field *field, char *out);
