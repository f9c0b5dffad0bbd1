/* A sentence and what it belongs to, as one line in the form that was asked for. */
#include "base/log.h"

#include "base/encode.h"
#include "base/log_output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TIME_FORM "0000-00-00T00:00:00.000Z"

enum {
    TIME_SIZE = sizeof(TIME_FORM),
    REQUEST_MAX = 64,                   /* bytes of a request's id that are shown */
    LINE_SIZE = 2 * LOG_TEXT_MAX + 256, /* every byte of a sentence may need an escape */
};

static _Atomic enum log_level least_level = LOG_INFO;
static _Atomic enum log_format line_format = LOG_TEXT;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

bool log_level_from(const char *name, enum log_level *ret_level)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_format_from(const char *name, enum log_format *ret_format)
{
    *ret_format = strcmp(name, "json") == 0 ? LOG_JSON : LOG_TEXT;
    return *ret_format == LOG_JSON || strcmp(name, "text") == 0;
}

void log_init(enum log_level least, enum log_format format)
{
    least_level = least;
    line_format = format;
}

bool log_is_on(enum log_level level)
{
    return level >= least_level;
}

static void put_digits(char *out, int count, long number)
{
    for (; count > 0; number /= 10)
        out[--count] = (char)('0' + number % 10);
}

static void write_time(char text[TIME_SIZE])
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    memcpy(text, TIME_FORM, TIME_SIZE);
    put_digits(text, 4, utc.tm_year + 1900);
    put_digits(text + 5, 2, utc.tm_mon + 1);
    put_digits(text + 8, 2, utc.tm_mday);
    put_digits(text + 11, 2, utc.tm_hour);
    put_digits(text + 14, 2, utc.tm_min);
    put_digits(text + 17, 2, utc.tm_sec);
    put_digits(text + 20, 3, now.tv_nsec / 1000000);
}

/* A line break inside a sentence would let a caller forge log lines. */
static void mask_controls(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            text[i] = '?';
    }
}

/* A character that the end of the buffer cut in half goes; what else is no UTF-8 was none before.
 */
static size_t mend_utf8(char *text, size_t len, bool cut)
{
    enum { CHARACTER_MAX = 4 };
    size_t least = cut && len > CHARACTER_MAX ? len - CHARACTER_MAX : len;
    for (size_t end = len; end >= least && end > 0; end--) {
        if (utf8_is_valid((struct str){text, end}))
            return end;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] >= 0x80)
            text[i] = '?';
    }
    return len;
}

static size_t escape_json(char *out, struct str text)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            out[len++] = '\\';
        out[len++] = text.data[i];
    }
    return len;
}

static size_t write_text(char *line, const char *when, enum log_level level, struct str request,
                         struct str sentence)
{
    int len = snprintf(line, LINE_SIZE, "%s %s ", when, level_names[level]);
    if (request.len > 0)
        len += snprintf(line + len, LINE_SIZE - (size_t)len, "request %.*s ", STR_ARG(request));
    memcpy(line + len, sentence.data, sentence.len);
    return (size_t)len + sentence.len;
}

/* A request's id is of our own making and needs no escapes. */
static size_t write_json(char *line, const char *when, enum log_level level, struct str request,
                         struct str sentence)
{
    int head =
        snprintf(line, LINE_SIZE, "{\"time\":\"%s\",\"level\":\"%s\",", when, level_names[level]);
    if (request.len > 0)
        head += snprintf(line + head, LINE_SIZE - (size_t)head, "\"request\":\"%.*s\",",
                         STR_ARG(request));
    head += snprintf(line + head, LINE_SIZE - (size_t)head, "\"message\":\"");
    size_t len = (size_t)head + escape_json(line + head, sentence);
    memcpy(line + len, "\"}", 2);
    return len + 2;
}

void log_write(enum log_level level, struct str request, const char *format, ...)
{
    char text[LOG_TEXT_MAX + 1], when[TIME_SIZE], line[LINE_SIZE];
    va_list args;
    if (level < least_level)
        return;
    va_start(args, format);
    int wanted = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (wanted < 0)
        return;
    bool cut = wanted > LOG_TEXT_MAX;
    size_t len = cut ? LOG_TEXT_MAX : (size_t)wanted;
    mask_controls(text, len);
    struct str sentence = {text, mend_utf8(text, len, cut)};
    if (request.len > REQUEST_MAX)
        request.len = REQUEST_MAX;
    write_time(when);
    len = line_format == LOG_JSON ? write_json(line, when, level, request, sentence)
                                  : write_text(line, when, level, request, sentence);
    line[len] = '\n';
    if (log_output((struct str){line, len + 1}))
        log_write(LOG_WARN, STR_NULL, "Log lines were lost: standard error was not read in time.");
}
