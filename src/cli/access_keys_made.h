/* Access keys as the command line makes them, and the file that the first one goes to. */
#pragma once

#include "base/error.h"
#include "cli/data_dir.h"
#include "store/access_keys.h"
#include "vault/secret.h"

struct made_key {
    char id[ACCESS_KEY_ID_SIZE];
    struct secret *secret; /* made_key_done frees it */
};

/* Whether a pair can be used as it is given: both or neither, and well-formed. */
_must_use_ bool made_key_check(const char *id, const char *secret, struct error *error);

/* A new pair in AWS's form when both are NULL, else the given ones, which made_key_check has seen.
 */
void made_key_init(struct made_key *key, const char *id, const char *secret);
void made_key_done(struct made_key *key);

/* Stores it, encrypted, for an account of 12 digits, with limits (api/access_limits.h) or
 * STR_NULL. */
_must_use_ bool made_key_store(const struct made_key *key, const struct data_dir *data,
                               const char *account, struct str limits, struct error *error);

/* Writes it to a new file in the form of AWS's credentials file, durably; mode 0600. */
_must_use_ bool made_key_write(const struct made_key *key, const char *path, struct error *error);

/* At a server's first start: creates an access key if there is none, and writes it to
 * DIR/credentials, mode 0600. It is printed nowhere. */
_must_use_ bool first_key_make(const struct data_dir *data, const char *account,
                               struct error *error);
void first_key_path(const struct data_dir *data, char out[DATA_PATH_SIZE]);
