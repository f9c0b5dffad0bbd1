/* JSON in: pages of records become batches.
 *
 * A page is one of
 *
 * - JSON lines: one object a line (white space between its tokens may hold further line breaks).
 *   What is wrong with a record is a record error; reading continues at the next line.
 *
 * - an array of objects, when its first byte is '['.
 *
 * - a document with such an array at a path, as REST APIs answer. What stands around the array is
 *   kept (json_in_rest), for the address of the next page and the like.
 *
 * In an array, a record that is JSON but cannot be taken (it has a member twice, or is past a
 * limit) is a record error; what is not JSON ends the page, since it is not known where the next
 * record begins. So does a record past RECORD_BYTES_MAX or JSON_STRUCTURE_DEPTH_MAX.
 *
 * Values (RFC 8259, strictly; UTF-8 with or without a byte order mark, and nothing else):
 *
 * - string: text, unescaped; a lone surrogate is a record error.
 *
 * - number without point and exponent: integer; past int64_t, or "-0": decimal of scale 0.
 *
 * - other number: decimal, exactly as it came.
 *
 * - true, false: boolean.
 *
 * - null, and a member that is not there: null.
 *
 * - object, array: nested, its text as it came.
 *
 * A column's name that comes twice in a record is a record error, since RFC 8259 section 4 leaves
 * open which value counts. Members that are not wanted are checked for syntax alone, not for their
 * names. */
#pragma once

#include "record/decoder.h"

#include <stdbool.h>

enum { JSON_REST_MAX = 1024 * 1024 }; /* bytes around the list of records */

struct json_in_options {
    struct record_columns columns;
    /* JSON pointer (RFC 6901, without ~ escapes and list indexes) to the array: "/records". NULL:
     * the page is JSON lines or an array. */
    const char *path;
    /* A record is not taken apart: its text is the nested value of the only column,
     * RECORD_WHOLE_COLUMN; `columns` is not used. For the task Passthrough. */
    bool whole;
};

/* On the heap. */
struct record_decoder *json_in_new(const struct json_in_options *options);

/* After a page with a path, which was read to its end: the page with an empty array in the place of
 * its records, which is valid JSON. *ret_found: there was an array at the path; else the page had
 * no records. The text lives until the next page starts. */
struct str json_in_rest(struct record_decoder *decoder, bool *ret_found);
