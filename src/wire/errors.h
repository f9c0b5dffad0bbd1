/* The one table from error codes to what a caller sees, and the codes that only such a table can
 * tell apart: what went wrong with a signature, a request's form, or a connector. */
#pragma once

#include "base/error.h"
#include "base/str.h"

/* They go on where base/error.h's kinds end; those below ERR_COUNT can be an answer. */
enum {
    ERR_CONNECTOR_AUTHENTICATION = ERR_OWN, /* the connector did not accept the credentials */
    ERR_CONNECTOR_SERVER,                   /* its endpoint answered with an error, or not at all */
    ERR_UNSUPPORTED_OPERATION,              /* it does not apply to this resource */
    ERR_SERIALIZATION,                      /* a request that cannot be read */
    ERR_UNKNOWN_OPERATION,
    ERR_UNSUPPORTED_MEDIA,
    ERR_UNRECOGNIZED_CLIENT,
    ERR_INVALID_SIGNATURE,
    ERR_MISSING_AUTHENTICATION,
    ERR_INCOMPLETE_SIGNATURE,
    ERR_EXPIRED_TOKEN,
    ERR_COUNT,
};
_Static_assert((int)ERR_COUNT <= (int)ERR_LOST_RACE, "no answer has the code of a signal");

struct error_kind {
    const char *exception; /* x-amzn-ErrorType */
    int status;            /* HTTP */
    const char *text;      /* when nothing better is known */
};

/* Of a signal between parts of the server, that of ERR_INTERNAL: it should have been handled. */
const struct error_kind *error_kind(int code);
/* The message for the caller: the error's own, or its kind's where there is none, where it is no
 * UTF-8, and for signals. */
struct str error_message(const struct error *error);
