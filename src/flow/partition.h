/* What a Partition task does: each record has a folder, which follows from the values of its keys,
 * such as "Country=DE/City=Ulm/" (AppFlow User Guide, "Partition and aggregation settings"). */
#pragma once

#include "base/arena.h"
#include "record/batch.h"

enum {
    PARTITION_KEYS_MAX = 10,
    PARTITION_FOLDER_MAX = 512, /* bytes; a key of S3 has 1,024 for all that it is made of */
};

/* NAME=VALUE/ for each key, in their order: the value's text (record/print.h), and "null" for null.
 * In names and values, '%', '/', '\', '=', '?' and control characters are %XX, which readers of
 * such folders undo; all else stays, such as blanks and letters past ASCII. So no value makes a
 * folder of its own, and different texts make different folders; only the text "null" is in null's.
 *
 * False: it would be longer than PARTITION_FOLDER_MAX. In the arena; a result that equals `before`
 * is `before`. */
bool partition_folder(const struct str *names, const struct record_cell *const *cells, size_t count,
                      struct str before, struct arena *arena, struct str *ret_folder);
