/* The lines of gzip files in a ZIP archive, which is in memory: one text, file after file, each of
 * which ends with a line. It is given out in pieces of whole lines, with flat memory, and counts
 * the bytes that were given, so that another reader of the same archive can go on there. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zipped_lines;

/* `most`: bytes of the text, so that a small archive cannot become an endless one; `line_most`:
 * bytes of a piece, and so of a line. */
struct zipped_lines *zipped_lines_new(uint64_t most, size_t line_most);
void zipped_lines_free(struct zipped_lines *lines); /* NULL is fine */

/* From the archive's beginning; `zip` outlives the reading. Errors, also below:
 * - ERR_VALIDATION: it is damaged, or shorter than what is to be passed over.
 * - ERR_TOO_LARGE: it has more than `most`, or a line that is longer than a piece.
 * - ERR_UNAVAILABLE: libarchive is not there. */
_must_use_ bool zipped_lines_open(struct zipped_lines *lines, struct str zip, struct error *error);
/* Forgets the archive. */
void zipped_lines_close(struct zipped_lines *lines);

/* Bytes of the text that were given or passed over since it was opened. */
uint64_t zipped_lines_at(const struct zipped_lines *lines);

/* Passes over what an earlier reading has given. `scratch` has room for a piece. */
_must_use_ bool zipped_lines_pass(struct zipped_lines *lines, uint64_t bytes, char *scratch,
                                  struct error *error);

/* The next piece, at most `line_most` bytes. *ret_last: it is the last one, and may be empty. */
_must_use_ bool zipped_lines_take(struct zipped_lines *lines, char *out, size_t *ret_len,
                                  bool *ret_last, struct error *error);
