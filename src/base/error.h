/* What went wrong: one code and one sentence, set once, where it happened. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"

#include <stdbool.h>

/* What kind of thing went wrong. A program numbers further kinds of its own from ERR_OWN on, so a
 * code is an int. */
enum err {
    ERR_NONE = 0,
    ERR_VALIDATION, /* something that was given is not valid */
    ERR_CONFLICT,   /* with what is there, or with another change */
    ERR_NOT_FOUND,
    ERR_QUOTA, /* there would be more of it than there may be */
    ERR_ACCESS_DENIED,
    ERR_THROTTLING,  /* too much at once: later it may succeed */
    ERR_INTERNAL,    /* a fault on this side */
    ERR_UNAVAILABLE, /* stopping, or something that is needed cannot be used at the moment */
    ERR_NOT_IMPLEMENTED,
    ERR_TOO_LARGE,
    ERR_OWN,

    /* Signals from one part of a program to another, which decides upon them; they are never an
     * answer to anyone outside. */
    ERR_LOST_RACE = 100, /* another thread or node has written first */
    ERR_RETRY,           /* nothing was done; what was asked for must be done in another way */
    ERR_SIGNALS_END,
};

enum { ERROR_MESSAGE_MAX = 2048 }; /* bytes, as the API's ErrorMessage shape */

struct error {
    int code; /* enum err, or one of the program's own kinds */
    char message[ERROR_MESSAGE_MAX + 1];
};

/* Sets the error and returns false, so that a function fails in one line:
 *     return fail(error, ERR_CONFLICT, "ConnectorProfile with name %s already exists.", name);
 * A message past the limit is cut at a character's start. `error` may be NULL. */
_printf_(3, 4) bool fail(struct error *error, int code, const char *format, ...);
#ifdef __clang_analyzer__ /* which sees one file at a time, and not that it never returns true */
#define fail(...) (fail(__VA_ARGS__), false)
#endif

/* A copy in the arena, for an error that is reported later. */
const struct error *error_keep(struct arena *arena, const struct error *error);
