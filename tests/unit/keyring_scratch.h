/* Keyring files for tests, in a directory of their own. */
#pragma once

#include "temporary.h"

#include "base/error.h"
#include "vault/keyring.h"

#include <stdbool.h>
#include <sys/types.h>

extern char scratch_directory[TEMPORARY_SIZE];

int scratch_begin(void **state); /* calls secret_init and makes the directory */
int scratch_end(void **state);   /* removes it */

const char *scratch_path(const char *name); /* valid until the next call */
void scratch_write(const char *path, const char *text, mode_t mode);
char *scratch_read(const char *path); /* at most 4 KiB; to be freed */

struct keyring *scratch_keyring(const char *name); /* a new one in a file of that name */
bool scratch_open(const char *path, struct keyring **ret_keyring, struct error *error);
