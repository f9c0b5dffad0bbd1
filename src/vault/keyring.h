/* The keys that wrap every data key. The operator owns them: a file (made at the first start, mode
 * 0600, in the data directory or where an option says), or a command that prints the same text:
 *
 *     headgate-keyring 1
 *     key 1f0c7a52e88d03b9 BASE64-OF-32-BYTES primary
 *     key 9b24d6610ce1f57a BASE64-OF-32-BYTES
 *
 * A key's id is the first 8 bytes, in hex, of HMAC-SHA-256 with the key over "headgate-keyring-id",
 * so that a damaged line is found before it is used. Exactly one key is marked as the primary: it
 * seals new values unless another one was chosen (keyring_use). Each older key still opens the
 * values that it sealed. Blank lines, and lines that start with '#', are ignored.
 *
 * A keyring in memory can be read again (keyring_reload) and told which key to use while other
 * threads use it: keys are only ever added in memory, so that what keyring_find returned stays
 * valid; one that the source no longer has is not found any more. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "vault/secret.h"

#include <stdbool.h>

enum {
    KEYRING_KEYS_MAX = 32,            /* of a source */
    KEYRING_SEEN_MAX = 256,           /* that one process has read, with those that are gone */
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

/* Reads the source again: from now on its keys are found, and no others. The key in use stays the
 * same while the source has it; else the marked one takes its place. On failure nothing changes;
 * ERR_UNAVAILABLE when the process has read KEYRING_SEEN_MAX keys and must be started again. */
_must_use_ bool keyring_reload(struct keyring *keyring, struct error *error);
/* Reloads a file that is not the one that was read last, by inode, size and time of change. False:
 * nothing was read, because it is the same, there is none, or it cannot be read. */
bool keyring_reload_changed(struct keyring *keyring);

/* Whether the source is a file. */
bool keyring_has_file(const struct keyring *keyring);

/* The key that wraps what is new, and its id. */
const struct secret *keyring_primary(const struct keyring *keyring, struct str *ret_id);
struct str keyring_primary_id(const struct keyring *keyring);
/* The key that the source marks as the primary. */
struct str keyring_marked_id(const struct keyring *keyring);
/* Makes a key of the ring the one that wraps what is new. False: there is no such key. */
bool keyring_use(struct keyring *keyring, struct str id);
/* The ids, each behind a comma but the first; the text lives in the arena. */
struct str keyring_ids(const struct keyring *keyring, struct arena *arena);

/* For seal: the key of an id, NULL when the ring has none. Valid while the ring is. A file that was
 * changed since it was read is read again first, so that a value which another process sealed with
 * a new key can be opened. */
const struct secret *keyring_find(const struct keyring *keyring, struct str id);

/* --- changing a keyring's file (keyring_edit.c) --- */

/* A new key's line, "key ID BASE64 primary", for an operator whose keyring is not a file of ours.
 * `out` comes from secret_alloc. */
enum { KEYRING_LINE_SIZE = 96 };
void keyring_new_line(char out[KEYRING_LINE_SIZE], char ret_id[KEYRING_ID_SIZE + 1]);

/* Adds a new key, marked as the primary, as the first line. The file is replaced as a whole: it is
 * durable when this returns, and after a crash it is the old one or the new one. A symbolic link
 * stays, and the file that it points to is replaced. One process at a time (keyring_lock). */
_must_use_ bool keyring_add_key(const char *path, char ret_id[KEYRING_ID_SIZE + 1],
                                struct error *error);
/* Removes a key's line in the same way. ERR_CONFLICT for the marked key; ERR_NOT_FOUND. */
_must_use_ bool keyring_remove_key(const char *path, struct str id, struct error *error);

/* Keeps other processes from changing the file until the descriptor is closed. ERR_CONFLICT when
 * another process holds the lock, a file PATH.lock beside the keyring. Where none can be made, the
 * keyring cannot be changed either, and *ret_fd is -1. */
_must_use_ bool keyring_lock(const char *path, int *ret_fd, struct error *error);

static inline void keyring_free_at(struct keyring **keyring)
{
    keyring_free(*keyring);
}
#define _cleanup_keyring_ _cleanup_(keyring_free_at)
