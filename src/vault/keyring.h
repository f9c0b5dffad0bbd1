/* The keys that wrap every data key. The operator owns them: a file (made at the first start, mode
 * 0600, in the data directory or where he says), or a command that prints the same text. */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "vault/secret.h"

#include <stdbool.h>

enum {
    KEYRING_KEYS_MAX = 32,
    KEYRING_KEY_SIZE = 32, /* bytes, AES-256 */
    KEYRING_ID_SIZE = 16,  /* hex characters */
};

struct keyring; /* keys by id; one of them, the primary, wraps what is new */

struct keyring_source {
    const char *path;    /* NULL when a command is given */
    const char *command; /* run by /bin/sh with a clean environment; 10 s, 64 KiB at most */
};

/* Opens what exists. A file that others may read or write is refused with the chmod to run. */
bool keyring_open(const struct keyring_source *source, struct keyring **ret_keyring,
                  struct error *error);
/* Makes a file with one new key; fails if the path exists. Durable (file and directory synced). */
bool keyring_create(const char *path, struct error *error);
void keyring_free(struct keyring *keyring);
struct str keyring_primary_id(const struct keyring *keyring);
