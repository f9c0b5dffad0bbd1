/* Times as vendors write them. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Writes a time by a form such as "%Y-%m-%dT%H:%M:%SZ": year, month, day, hours, minutes and
 * seconds of UTC, %L milliseconds in three digits, %Q milliseconds and %s seconds since the epoch.
 * A
 * '#' in front is not written: the time is a JSON number. */
void sample_time_print(struct buf *out, struct str form, int64_t ms);
bool sample_time_form_is_fit(struct str form);

/* "2024-01-31": days since the epoch. */
bool sample_day_parse(struct str text, int64_t *ret_days);
/* "2024-01-31T12:00:00", with or without a fraction; then 'Z' or an offset ("+01:00", "+0100").
 * Without one it is UTC where `bare` allows that. Gives milliseconds since the epoch. */
bool sample_time_parse(struct str text, bool bare, int64_t *ret_ms);
