/* The keys that wrap every data key. The operator owns them: a file (made at the first start, mode
 * 0600, in the data directory or where an option says), or a command that prints the same text:
 *
 *     headgate-keyring 1
 *     key 1f0c7a52e88d03b9 BASE64-OF-32-BYTES primary
 *     key 9b24d6610ce1f57a BASE64-OF-32-BYTES
 *
 * A key's id is the first 8 bytes, in hex, of HMAC-SHA-256 with the key over "headgate-keyring-id",
 * so that a damaged line is found before it is used. Exactly one key is the primary: it wraps what
 * is new; the others open what is old. Blank lines, and lines that start with '#', are left out. */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "vault/secret.h"

#include <stdbool.h>

enum {
    KEYRING_KEYS_MAX = 32,
    KEYRING_KEY_SIZE = 32,            /* bytes, AES-256 */
    KEYRING_ID_SIZE = 16,             /* hex characters */
    KEYRING_TEXT_MAX = 16 * 1024 - 1, /* bytes of a file or of a command's output */
    KEYRING_COMMAND_MS = 10 * 1000,   /* for a command to end */
};

struct keyring; /* keys by id; one of them, the primary, wraps what is new */

/* A command is run by /bin/sh -c; it sees PATH, HOME and our standard error, and nothing else. */
struct keyring_source {
    const char *path; /* NULL when a command is given */
    const char *command;
};

/* Opens what exists. Every error says what to do.
 * - ERR_NOT_FOUND: no such file; it may be made with keyring_create.
 * - ERR_ACCESS_DENIED: a file that others may read or write (with the chmod to run) or own.
 * - ERR_INTERNAL: anything else: unreadable, damaged, a command that failed or took too long.
 * A symbolic link is followed (mounted secrets are made of them): what is checked is the file that
 * was opened. */
_must_use_ bool keyring_open(const struct keyring_source *source, struct keyring **ret_keyring,
                             struct error *error);

/* Makes a file with one new key. Durable (file and directory synced), and whole or not at all.
 * ERR_CONFLICT when the path exists. */
_must_use_ bool keyring_create(const char *path, struct error *error);

void keyring_free(struct keyring *keyring); /* NULL is fine */
struct str keyring_primary_id(const struct keyring *keyring);

/* For seal: the key of an id, NULL when the ring has none. Valid while the ring is. */
const struct secret *keyring_find(const struct keyring *keyring, struct str id);

static inline void keyring_free_at(struct keyring **keyring)
{
    keyring_free(*keyring);
}
#define _cleanup_keyring_ _cleanup_(keyring_free_at)
