/* Times and days as texts: RFC 3339, and what ISO 8601 allows besides. One reader for all that
 * write times: vendors, clients, operators, records. Every character is checked; strptime takes
 * blanks, signs and the 31st of February, too. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* What is taken besides "2026-01-31T23:59:59Z", "…:59.25Z" and "…:59+02:00". Flags. */
enum {
    TIME_TEXT_DAY = 1,     /* "2026-01-31": its midnight in UTC */
    TIME_TEXT_NO_ZONE = 2, /* neither "Z" nor an offset behind the clock: UTC */
    /* "t" or a blank in front of the clock, a clock without seconds, a comma in front of a
     * fraction, "z", and offsets such as "+0200" and "+02". */
    TIME_TEXT_ISO_8601 = 4,
};

enum { TIME_TEXT_SECOND_US = 1000 * 1000 };
#define TIME_TEXT_DAY_US (86400LL * TIME_TEXT_SECOND_US)

/* From 0000-01-01T00:00:00Z to 9999-12-31T23:59:59.999999Z: times that have a text in UTC. */
#define TIME_TEXT_FIRST_US (-719528 * TIME_TEXT_DAY_US)
#define TIME_TEXT_LAST_US (2932897 * TIME_TEXT_DAY_US - 1)

struct time_text {
    /* Microseconds since 1970 in UTC. The text's year is one of 0000 to 9999 in the Gregorian
     * calendar; an offset or a leap second, which is the next minute's first, may lead up to a day
     * out of them. */
    int64_t us;
    bool has_clock, has_zone;
    bool is_leap_second; /* ":60" */
    bool is_cut;         /* digits of a fraction behind the sixth are left out, and not all are 0 */
};

/* False: it is none, or in a form that `takes` does not have. */
bool time_text_read(struct str text, unsigned takes, struct time_text *ret_time);
