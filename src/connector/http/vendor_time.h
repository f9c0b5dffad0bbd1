/* Times in vendors' answers. */
#pragma once

#include "base/str.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stdint.h>

enum vendor_time_form {
    TIME_TEXT, /* "2020-11-12T08:15:30.001Z", or with an offset such as +02:00 (RFC 3339) */
    TIME_S,    /* seconds since 1970, a number */
    TIME_MS,   /* milliseconds since 1970, a number */
};

/* Milliseconds since 1970. False: it is of another type, is no time, or does not fit. */
bool vendor_time_read(const struct value *value, enum vendor_time_form form, int64_t *ret_ms);

/* The same of an RFC 3339 text; what a fraction has behind the third digit is cut off. */
bool vendor_time_parse(struct str text, int64_t *ret_ms);
