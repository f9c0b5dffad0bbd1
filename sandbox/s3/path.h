/* Keys of objects as paths of plain files, for people to read: "date=2024/a.csv" is the file a.csv
 * in the folder date=2024. Each key has one path, and no path leads out of its bucket's folder:
 *
 *     control characters and '%'         %XX
 *     segments "." and ".."              %2E and %2E%2E
 *     an empty segment ("a//b")          %e
 *     a segment longer than a file name  pieces, folders whose names end in %-
 *     an object that is a folder too     its name with %f behind it ("a" beside "a/b")
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "wire/s3_name.h"

#include <stdbool.h>

enum {
    KEY_PATH_MAX = 4000, /* bytes of a path, with its bucket */
    KEY_PIECE_MAX = 200, /* bytes of a name; file systems take 255 */
};

#define KEY_FILE_MARK "%f"
#define KEY_PIECE_MARK "%-"
#define KEY_TEMPORARY "%t"

/* The key's path below its bucket's folder. */
void key_add_path(struct buf *out, struct str key);

/* Adds what a file's or folder's name stands for to a key; a folder's '/' as well. False, and
 * nothing is added: it stands for no part of a key. */
bool key_add_name(struct buf *key, struct str name, bool is_folder);
