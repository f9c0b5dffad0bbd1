/* TIME LEVEL [request ID] sentence. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum log_level least_level = LOG_INFO;

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

void log_init(enum log_level least)
{
    least_level = least;
}

static size_t put_prefix(char *line, size_t size, enum log_level level, struct str request)
{
    struct timespec now;
    struct tm utc;
    char when[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
    int len =
        snprintf(line, size, "%s.%03ldZ %s ", when, now.tv_nsec / 1000000, level_names[level]);
    if (request.len > 0)
        len += snprintf(line + len, size - (size_t)len, "request %.64s ", request.data);
    return (size_t)len;
}

/* A line break inside a message would let a caller forge log lines. */
static void mask_controls(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            text[i] = '?';
    }
}

void log_write(enum log_level level, struct str request, const char *format, ...)
{
    char line[LOG_LINE_MAX];
    if (level < least_level)
        return;
    size_t len = put_prefix(line, sizeof(line), level, request);
    va_list args;
    va_start(args, format);
    int added = vsnprintf(line + len, sizeof(line) - len, format, args);
    va_end(args);
    if (added < 0)
        return;
    len += (size_t)added;
    if (len > sizeof(line) - 1)
        len = sizeof(line) - 1;
    mask_controls(line, len);
    line[len] = '\n';
    ssize_t written = write(STDERR_FILENO, line, len + 1);
    (void)written; /* there is nowhere left to complain to */
}
