/* Copies of a data directory's database, made while a server runs or put into a directory without
 * one. The file is whole or not there. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* `to` must not exist. Every page that is read is checked. ERR_UNAVAILABLE with what to do. */
bool backup_make(const char *dir, const char *to, struct error *error);

/* Takes a copy by whomever (also by plain SQLite) in as the directory's database. The directory is
 * used by no server and has no database; what its mark said of an earlier one is forgotten. */
bool backup_restore(const char *dir, const char *from, struct error *error);
