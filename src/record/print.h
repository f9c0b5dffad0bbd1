/* Values as text, as CSV and columns of strings have them. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "record/batch.h"

#include <stddef.h>
#include <stdint.h>

enum { RECORD_PRINT_MAX = 48 }; /* bytes of a number, a word, a date or a timestamp */

/* The text of a value:
 *
 * - text, nested: itself. An integer: its digits. A decimal: as it came.
 *
 * - boolean: true, false.
 *
 * - timestamp: 2026-03-01T08:12:03.000Z, with six digits when three are too few, and without Z when
 *   it had no zone. RFC 3339 for the years 0 to 9999; others have a sign or more digits.
 *
 * - date: 2026-03-01, the same.
 *
 * - bytes: base64 (RFC 4648 section 4).
 *
 * - null: STR_NULL.
 *
 * Texts are slices of the cell's, of `space`, or of the arena, which only bytes need. */
struct str record_print(const struct record_cell *cell, char space[RECORD_PRINT_MAX],
                        struct arena *arena);

/* Writes the digits and returns how many bytes; at most 20. */
size_t record_print_integer(int64_t number, char *out);
