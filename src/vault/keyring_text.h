/* Where a keyring's text comes from, and how one is written. For keyring.c and keyring_edit.c. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "vault/keyring.h"

#include <stdbool.h>
#include <stddef.h>

/* The text is put at `text`, room for KEYRING_TEXT_MAX + 1 bytes (from secret_alloc). */
_must_use_ bool keyring_read_file(const char *path, char *text, size_t *ret_size,
                                  struct error *error);
_must_use_ bool keyring_read_command(const char *command, int limit_ms, char *text,
                                     size_t *ret_size, struct error *error);

/* The same through the helper process, if there is one (keyring_helper.h). */
bool keyring_helper_is_there(void);
_must_use_ bool keyring_helper_read(char *text, size_t *ret_size, struct error *error);

/* Puts `text` into a new file as keyring_create promises. */
_must_use_ bool keyring_write_file(const char *path, struct str text, struct error *error);
/* Puts `text` in the place of a file, or of the file that a symbolic link points to. Durable. */
_must_use_ bool keyring_replace_file(const char *path, struct str text, struct error *error);
