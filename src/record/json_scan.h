/* Strict reading of JSON values out of a window of a longer text (RFC 8259). For json_in.c.
 *
 * Each function takes a position and gives the one behind what it read, or NULL: then `fault` and
 * `fault_at` say why. Nothing at or after `end` is read. */
#pragma once

#include "record/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A further `fault`: the window ended inside the value, so that more bytes are needed. */
enum { JSON_SCAN_CUT = RECORD_FAULTS };

enum { JSON_STRUCTURE_DEPTH_MAX = 1024 };

struct json_scan {
    const char *end;
    /* UTF-8 and the length of numbers are not checked, and values are nested up to
     * JSON_STRUCTURE_DEPTH_MAX instead of RECORD_DEPTH_MAX: what must be known to find the end of a
     * record that cannot be taken. */
    bool structure_only;
    bool multiline; /* white space had a line break; never set to false here */
    int fault;      /* enum record_fault, or JSON_SCAN_CUT */
    const char *fault_at;
};

/* NULL, always. */
const char *json_scan_fail(struct json_scan *scan, int fault, const char *at);

/* Behind the blanks, tabs and line breaks at `p`, which may be all up to `end`. */
const char *json_scan_blanks(struct json_scan *scan, const char *p);

/* At the next byte that is not blank, which the window must have. */
const char *json_scan_next(struct json_scan *scan, const char *p);

/* What a string has inside. */
struct json_string {
    const char *text; /* as it came, behind the opening quote */
    size_t len;       /* without the closing quote */
    bool escaped;     /* it has a backslash */
};

/* `p` is behind the opening quote; the result behind the closing one. Escapes are checked. */
const char *json_scan_string(struct json_scan *scan, const char *p, struct json_string *ret_string);

/* The text of an escaped string, which was read by json_scan_string. `out` has room for string->len
 * bytes; returns how many were written. */
size_t json_unescape(const struct json_string *string, char *out);

/* `p` is at '-' or a digit. The cell becomes an integer or a decimal. */
const char *json_scan_number(struct json_scan *scan, const char *p, struct record_cell *ret_cell);

/* `p` is at 't', 'f' or 'n'. The cell becomes a boolean or null. */
const char *json_scan_word(struct json_scan *scan, const char *p, struct record_cell *ret_cell);

/* `p` is behind the '{' of an object (`is_first`), or behind a member's value. At the quote of the
 * next name, or at the '}'. */
const char *json_scan_to_name(struct json_scan *scan, const char *p, bool is_first);

/* `p` is where a member's name begins. At the first byte of its value, behind colon and blanks. */
const char *json_scan_name(struct json_scan *scan, const char *p, struct json_string *ret_name);

/* Any value; `depth` objects and arrays are around it. */
const char *json_scan_value(struct json_scan *scan, const char *p, unsigned depth);
