/* ZIP archives that are in memory: their files one after the other, in the archive's order. The
 * directory at the archive's end is not read, so that memory does not grow with the number of
 * files. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct zip_in;

/* Whether the bytes begin like an archive, one without files included. */
bool zip_in_begins(struct str bytes);

/* `bytes` outlive it. ERR_UNAVAILABLE: libarchive is not there. */
_must_use_ bool zip_in_new(struct str bytes, struct zip_in **ret_zip, struct error *error);
void zip_in_free(struct zip_in *zip); /* NULL is fine */

/* The next file; folders are passed over. *ret_more false: there is none. ERR_VALIDATION, also
 * below: the archive is damaged. */
_must_use_ bool zip_in_next(struct zip_in *zip, bool *ret_more, struct error *error);
/* What follows of the file at hand, at most `room` bytes; *ret_len 0: it has ended. */
_must_use_ bool zip_in_read(struct zip_in *zip, char *out, size_t room, size_t *ret_len,
                            struct error *error);
