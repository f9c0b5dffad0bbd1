/* The log: one line an event on standard error. Library code fails; only who handles an error logs.
 * Nothing that came from a caller's credentials may be an argument here. */
#pragma once

#include "base/cleanup.h"
#include "base/str.h"

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* The same content in both. */
enum log_format {
    LOG_TEXT, /* TIME LEVEL [request ID] sentence */
    LOG_JSON, /* {"time": …, "level": …, "request": …, "message": …}; no "request" outside of one */
};

bool log_level_from(const char *name, enum log_level *ret_level);    /* "debug" to "error" */
bool log_format_from(const char *name, enum log_format *ret_format); /* "text", "json" */
/* Lines below `least` are dropped. LOG_INFO and LOG_TEXT without a call. */
void log_init(enum log_level least, enum log_format format);

bool log_is_on(enum log_level level); /* whether lines of that level are written */

/* `request` is the request's id, or STR_NULL outside of one. Control characters, and bytes that are
 * no UTF-8, become '?'; a sentence is cut at LOG_TEXT_MAX bytes; lines of
 * threads do not mix, and one that is not read in time is lost (log_output.h). */
enum { LOG_TEXT_MAX = 2048 };
_printf_(3, 4) void log_write(enum log_level level, struct str request, const char *format, ...);

#define log_info(...) log_write(LOG_INFO, STR_NULL, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, STR_NULL, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, STR_NULL, __VA_ARGS__)
