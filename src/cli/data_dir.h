/* The data directory and the keys that belong to it, as every command opens them. */
#pragma once

#include "api/service_keys.h"
#include "base/error.h"
#include "cli/options.h"
#include "store/core/store.h"
#include "vault/secret.h"

enum { DATA_DIR_MAX = 4000, DATA_PATH_SIZE = DATA_DIR_MAX + 64 };

/* What data_dir_open reads: a part of most commands' tables. */
#define DATA_OPTIONS                                                                               \
    {.name = "data",                                                                               \
     .argument = "DIR",                                                                            \
     .fallback = "headgate-data",                                                                  \
     .help = "where everything is kept; made if missing"},                                         \
        {.name = "store",                                                                          \
         .argument = "URL",                                                                        \
         .help = "keep it in PostgreSQL instead, which many nodes may share: postgresql://…; "   \
                 "password from there, PGPASSWORD or ~/.pgpass"},                                  \
        {.name = "store-connections",                                                              \
         .kind = OPTION_NUMBER,                                                                    \
         .argument = "N",                                                                          \
         .fallback = "16",                                                                         \
         .least = 1,                                                                               \
         .most = 1000,                                                                             \
         .help = "most connections to it that read; three more write, lock, find"},                \
        {.name = "keyring",                                                                        \
         .argument = "FILE",                                                                       \
         .help = "keys that seal the credentials; DIR/keyring unless given"},                      \
    {                                                                                              \
        .name = "keyring-command", .argument = "COMMAND",                                          \
        .help = "prints the keyring instead (from a KMS or a secret store)"                        \
    }

enum data_use {
    DATA_SERVE,  /* owns the directory: one server at a time */
    DATA_ATTACH, /* a command beside it, or before it */
    DATA_LOOK,   /* a command that has nothing to do where nothing is yet */
};

struct data_dir {
    const char *path;
    struct secret *password; /* of --store; NULL: none, or it is not given apart */
    struct store *store;
    struct service_keys keys;
};

/* An environment variable's value, wiped where it lies, so that neither a child nor /proc shows it.
 * NULL when it is not set. */
struct secret *take_variable(const char *name);

/* Makes the directory (0700) and, at first use, keyring and database. Done with data_dir_close,
 * also after a failure. */
bool data_dir_open(const struct options *options, enum data_use use, struct data_dir *ret_data,
                   struct error *error);
void data_dir_close(struct data_dir *data);
