/* How a value is read, whatever kind it is stored as: a number may come as JSON's number or as a
 * CSV file's text. */
#pragma once

#include "record/batch.h"
#include "record/decimal.h"

/* Null, and an empty text, as an empty field of a CSV file is one. */
bool cell_is_missing(const struct record_cell *cell);

/* An integer, a decimal, or a text that is a number. */
bool cell_number(const struct record_cell *cell, struct decimal *ret_number);

/* A timestamp, a date (its midnight in UTC), a text in the form of RFC 3339 or ISO 8601
 * ("2026-01-31", "2026-01-31T23:59:59.5Z", "…+0200"; without a zone: UTC), one of OData version 2
 * ("/Date(1769903999500)/"), or an integer: milliseconds since the epoch. In microseconds since
 * the epoch. */
bool cell_time(const struct record_cell *cell, int64_t *ret_us);
/* The same of a text alone; digits alone are milliseconds since the epoch. */
bool time_read(struct str text, int64_t *ret_us);

/* A time, and what a conversion must know besides. */
struct cell_moment {
    int64_t us;
    bool has_zone; /* it is known: that of a date, and of a text that names none, is not */
    bool is_cut;   /* the text has digits that `us` has not, behind the sixth of a second's */
};
bool cell_moment(const struct record_cell *cell, struct cell_moment *ret_moment);

/* A boolean, or a text "true" or "false". */
bool cell_flag(const struct record_cell *cell, bool *ret_flag);

/* A cell with a text that lives as long as the batch's. */
struct record_cell cell_of_text(struct str text);
