/* Databases as folders, and tables as files, below one folder. Names are small letters, digits,
 * '_', '-' and '.'. Used by one thread at a time. */
#pragma once

#include "base/arena.h"
#include "wire/value.h"

enum { TABLE_FILE_MAX = 16 * 1024 * 1024 }; /* bytes of a table with its partitions */

/* In small letters, as Glue keeps names; STR_NULL: no file can have this name. In the arena. */
struct str glue_name(struct str name, struct arena *arena);

bool database_exists(const char *dir, struct str database);
/* The folders above are made as well. 0, or errno. */
int database_make(const char *dir, struct str database);

/* What a file has, in the arena; NULL: there is no such table. */
struct value *table_read(const char *dir, struct str database, struct str table,
                         struct arena *arena);
/* Visible only when it is whole. 0, or errno; EFBIG: more than TABLE_FILE_MAX. */
int table_write(const char *dir, struct str database, struct str table, const struct value *value,
                struct arena *arena);
int table_remove(const char *dir, struct str database, struct str table);

/* Names in bytewise order, in the arena: of databases, or of a database's tables. */
size_t names_list(const char *dir, struct str database, struct arena *arena,
                  struct str **ret_names);
