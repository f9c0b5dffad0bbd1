/* gzip in (RFC 1952): compressed pages and objects, in pieces, with flat memory. Several members
 * one after another are one text, as section 2.2 has it. net/client/coding.h is for the coding of a
 * response, in which the client decodes, and wipes what it decoded: this is for objects that are
 * compressed themselves, up to a length that the caller sets. */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gzip_in;

/* `most`: how many bytes may come out in all, so that a small page cannot become an endless one. */
struct gzip_in *gzip_in_new(uint64_t most);
void gzip_in_free(struct gzip_in *gzip); /* NULL: nothing */

/* Another page begins. */
void gzip_in_restart(struct gzip_in *gzip);

/* Inflates from the beginning of *bytes, which becomes what is left of them, to `out`. Call it
 * again while bytes are left, or it filled `out`: more may be held back.
 * - ERR_VALIDATION: it is not gzip, or damaged.
 * - ERR_TOO_LARGE: more than `most` bytes would come out. */
_must_use_ bool gzip_in_inflate(struct gzip_in *gzip, struct str *bytes, char *out, size_t room,
                                size_t *ret_len, struct error *error);

/* After the last bytes. ERR_VALIDATION: the text ends too early. */
_must_use_ bool gzip_in_finish(struct gzip_in *gzip, struct error *error);
