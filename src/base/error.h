/* What went wrong: one code and one sentence, set once, where it happened. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"

#include <stdbool.h>

/* What can be told to a caller. wire/errors.c maps each to its exception name and HTTP status. */
enum err {
    ERR_NONE = 0,
    ERR_VALIDATION,
    ERR_SERIALIZATION,
    ERR_CONFLICT,
    ERR_NOT_FOUND,
    ERR_QUOTA,
    ERR_CONNECTOR_AUTHENTICATION,
    ERR_CONNECTOR_SERVER,
    ERR_ACCESS_DENIED,
    ERR_THROTTLING,
    ERR_UNSUPPORTED_OPERATION,
    ERR_INTERNAL,
    ERR_UNAVAILABLE, /* stopping, or the store cannot be written */
    ERR_NOT_IMPLEMENTED,
    ERR_UNKNOWN_OPERATION,
    ERR_TOO_LARGE,
    ERR_UNSUPPORTED_MEDIA,
    ERR_UNRECOGNIZED_CLIENT,
    ERR_INVALID_SIGNATURE,
    ERR_MISSING_AUTHENTICATION,
    ERR_INCOMPLETE_SIGNATURE,
    ERR_COUNT,

    /* Signals from one part of the server to another, which decides upon them. They are never an
     * answer: one that leaks is answered as ERR_INTERNAL, without its message (wire/errors.h). */
    ERR_LOST_RACE = 100, /* another thread or node has written first */
    ERR_RETRY,           /* nothing was done; what was asked for must be done in another way */
    ERR_SIGNALS_END,
};

enum { ERROR_MESSAGE_MAX = 2048 }; /* bytes, as the API's ErrorMessage shape */

struct error {
    enum err code;
    char message[ERROR_MESSAGE_MAX + 1];
};

/* Sets the error and returns false, so that a function fails in one line:
 *     return fail(error, ERR_CONFLICT, "ConnectorProfile with name %s already exists.", name);
 * A message past the limit is cut at a character's start. `error` may be NULL. */
_printf_(3, 4) bool fail(struct error *error, enum err code, const char *format, ...);

/* A copy in the arena, for an error that is reported later. */
const struct error *error_keep(struct arena *arena, const struct error *error);
