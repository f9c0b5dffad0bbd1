/* The data directory and the keys that belong to it, as every command opens them. */
#pragma once

#include "api/service_keys.h"
#include "base/error.h"
#include "cli/options.h"
#include "cli/values.h"
#include "store/core/store.h"
#include "vault/secret.h"

enum { DATA_DIR_MAX = 4000, DATA_PATH_SIZE = DATA_DIR_MAX + 64 };

#define DATA_DIRECTORY_OPTION(text)                                                                \
    {                                                                                              \
        .name = "data", .argument = "DIR", .fallback = "headgate-data", .heading = "Data",         \
        .help = (text)                                                                             \
    }

/* What data_dir_open reads, for commands that create the directory and the keyring if missing, and
 * for those that only look. */
#define DATA_MAKE_OPTIONS                                                                          \
    STORE_OPTIONS("Data directory; created if missing",                                            \
                  "Encryption keyring file; created at the first start [DIR/keyring]")
#define DATA_LOOK_OPTIONS STORE_OPTIONS("Data directory", "Encryption keyring file [DIR/keyring]")

#define STORE_OPTIONS(data_text, keyring_text)                                                     \
    DATA_DIRECTORY_OPTION(data_text),                                                              \
        {.name = "store",                                                                          \
         .argument = "URL",                                                                        \
         .check = check_store,                                                                     \
         .secret = true,                                                                           \
         .help = "Use a PostgreSQL database instead of SQLite in DIR; several nodes may share "    \
                 "it: postgresql://user@host:5432/database. The password may also come from "      \
                 "PGPASSWORD or ~/.pgpass"},                                                       \
        {.name = "store-connections",                                                              \
         .kind = OPTION_NUMBER,                                                                    \
         .argument = "N",                                                                          \
         .fallback = "16",                                                                         \
         .least = 1,                                                                               \
         .most = 1000,                                                                             \
         .help = "With --store: maximum connections for reads (3 more are used for writing, "      \
                 "locking and lookups)"},                                                          \
        {.name = "keyring", .argument = "FILE", .help = (keyring_text)},                           \
    {                                                                                              \
        .name = "keyring-command", .argument = "COMMAND",                                          \
        .help = "Command that prints the keyring, instead of --keyring (from a KMS or a secret "   \
                "store)"                                                                           \
    }

enum data_use {
    DATA_SERVE,  /* owns the directory: one server at a time */
    DATA_ATTACH, /* a command beside the server, or before its first start */
    DATA_LOOK,   /* a command that has nothing to do where no data is yet */
    DATA_CHECK,  /* likewise; reports what else makes opening fail */
};

struct data_dir {
    const char *path;
    struct secret *password; /* of --store; NULL: none, or it is not given apart */
    struct store *store;
    struct service_keys keys;
    struct generation_floor *key_generations;
};

/* An environment variable's value, wiped where it lies, so that neither a child nor /proc shows it.
 * NULL when it is not set. */
struct secret *take_variable(const char *name);

/* Rules across the options above, as a command's `check`. */
_must_use_ bool data_options_check(const struct options *options, struct error *error);

/* Creates the directory (0700) and, at first use, keyring and database; a keyring that was created
 * is reported with the advice to back it up: in the log with DATA_SERVE, else on standard error.
 * A database of an earlier version is brought up to date first. One that was put back to an older
 * state, as far as this node can tell (api/generation_floor.h), is refused, but for DATA_CHECK.
 * Done with data_dir_close, also after a failure. */
_must_use_ bool data_dir_open(const struct options *options, enum data_use use,
                              struct data_dir *ret_data, struct error *error);
/* Compares the generation of the access keys with the one that this node has seen; records it. */
_must_use_ bool data_dir_admit_keys(struct data_dir *data, struct error *error);
void data_dir_close(struct data_dir *data);
