/* The one table from error codes to what a caller sees. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

struct error_kind {
    const char *exception; /* x-amzn-ErrorType */
    int status;            /* HTTP */
    const char *text;      /* when nothing better is known */
};

const struct error_kind *error_kind(enum err code);
enum err error_from_exception(struct str exception);                /* ERR_NONE when unknown */
void error_encode_body(struct buf *out, const struct error *error); /* {"message": …} */
