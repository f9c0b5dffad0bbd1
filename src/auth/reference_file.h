/* Files that references name. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum { REFERENCE_FILE_MAX = 64 * 1024 }; /* bytes */

/* The text of a regular file beneath a directory, in the arena, without the line's end at its end.
 * `path` is relative to `directory`. Symbolic links are followed as far as they stay beneath it
 * (openat2, RESOLVE_BENEATH), as mounted secrets of Kubernetes need. Read anew at each call, so
 * what replaced the file is seen. The messages are clauses. ERR_VALIDATION: there is no such file,
 * it is no regular file, too large, or may not be read; ERR_UNAVAILABLE: the system fails. */
_must_use_ bool reference_file_read(struct str directory, struct str path, struct arena *arena,
                                    struct str *ret_text, struct error *error);
