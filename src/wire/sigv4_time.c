/* Timestamps of signed requests. What does not read back as it was written is no timestamp, which
 * rules out the 31st of February and all half-right forms. */
#include "wire/sigv4_internal.h"

#include <string.h>
#include <time.h>

enum { HTTP_DATE_SIZE = 30 }; /* "Sun, 30 Aug 2015 12:36:00 GMT" and NUL */

static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* The number at a place of a text that is long enough; -1 for anything but digits. */
static int digits_at(const char *text, size_t at, size_t count)
{
    int number = 0;
    for (size_t i = at; i < at + count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

static struct tm read_iso(const char *text)
{
    return (struct tm){
        .tm_year = digits_at(text, 0, 4) - 1900,
        .tm_mon = digits_at(text, 4, 2) - 1,
        .tm_mday = digits_at(text, 6, 2),
        .tm_hour = digits_at(text, 9, 2),
        .tm_min = digits_at(text, 11, 2),
        .tm_sec = digits_at(text, 13, 2),
    };
}

static struct tm read_http(const char *text)
{
    const char *month = memmem(MONTHS, sizeof(MONTHS) - 1, text + 8, 3);
    return (struct tm){
        .tm_year = digits_at(text, 12, 4) - 1900,
        .tm_mon = month ? (int)(month - MONTHS) / 3 : 0,
        .tm_mday = digits_at(text, 5, 2),
        .tm_hour = digits_at(text, 17, 2),
        .tm_min = digits_at(text, 20, 2),
        .tm_sec = digits_at(text, 23, 2),
    };
}

static bool reads_back(struct str text, struct tm fields, bool http, int64_t *ret_ms)
{
    char again[HTTP_DATE_SIZE + 8];
    time_t seconds = timegm(&fields); /* also puts every field right */
    size_t len = http ? strftime(again, sizeof(again), "%a, %d %b %Y %H:%M:%S GMT", &fields)
                      : strftime(again, sizeof(again), "%Y%m%dT%H%M%SZ", &fields);
    if (!str_eq(text, (struct str){again, len}))
        return false;
    *ret_ms = (int64_t)seconds * 1000;
    return true;
}

bool sigv4_time_parse(struct str text, bool http, int64_t *ret_ms)
{
    if (text.len == SIGV4_TIMESTAMP_SIZE - 1)
        return reads_back(text, read_iso(text.data), false, ret_ms);
    if (http && text.len == HTTP_DATE_SIZE - 1)
        return reads_back(text, read_http(text.data), true, ret_ms);
    return false;
}

void sigv4_time_format(int64_t ms, char out[SIGV4_TIMESTAMP_SIZE])
{
    struct tm utc;
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &utc);
    if (strftime(out, SIGV4_TIMESTAMP_SIZE, "%Y%m%dT%H%M%SZ", &utc) == 0)
        out[0] = '\0'; /* past the year 9999 */
}
