/* The one table from error codes to what a caller sees. */
#pragma once

#include "base/error.h"
#include "base/str.h"

struct error_kind {
    const char *exception; /* x-amzn-ErrorType */
    int status;            /* HTTP */
    const char *text;      /* when nothing better is known */
};

/* Of a signal between parts of the server, ERR_INTERNAL's: it should have been handled. */
const struct error_kind *error_kind(enum err code);
/* The message for the caller: the error's own, or its kind's where there is none, where it is no
 * UTF-8, and for signals. */
struct str error_message(const struct error *error);
