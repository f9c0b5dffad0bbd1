/* Files that options name, read whole. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/* `name`: the option's, for messages. "-" is standard input. ERR_VALIDATION when the file cannot be
 * read or has more than `size_max` bytes. The copy outside of the arena is wiped. */
_must_use_ bool option_file_read(const char *name, const char *path, size_t size_max,
                                 struct arena *arena, struct str *ret_text, struct error *error);
