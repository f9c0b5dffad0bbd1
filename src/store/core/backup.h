/* Copies of a data directory's database, atomically: made also while a server runs, or restored
 * into a directory that has no database. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* `to` must not exist. Every page's checksum is verified. ERR_UNAVAILABLE with what to do. */
_must_use_ bool backup_make(const char *dir, const char *to, struct error *error);

/* Restores a copy, which any SQLite program may have made, as the directory's database. The
 * directory must not be in use by a server and must have no database. What rollback_check.c
 * recorded of an earlier database is removed. ERR_CONFLICT when there is a database, ERR_NOT_FOUND
 * when there is no copy. */
_must_use_ bool backup_restore(const char *dir, const char *from, struct error *error);
