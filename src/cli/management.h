/* Management actions, which commands and the server's start carry out: each has a row in the audit
 * with the user of the machine who asked for it. */
#pragma once

#include "cli/data_dir.h"
#include "store/audit.h"

/* Carries out an action; adds `entry` to the audit in the same transaction. */
typedef bool management_fn(void *argument, const struct audit_entry *entry, struct error *error);

struct management_action {
    const char *operation; /* "DeleteAccessKey" */
    struct str account;    /* empty: it belongs to none */
    struct str resource;   /* what it is about */
    struct str detail;
    store_apply_fn *apply; /* what is done in the transaction */
    management_fn *change; /* or what has a transaction of its own */
    void *argument;        /* of either */
    bool scrub;            /* of `apply`, as in struct store_write */
};

/* Carries it out; its row is in the same transaction. A failure has a row, too. */
_must_use_ bool management_run(struct store *store, const struct management_action *action,
                               struct error *error);

/* Adds rows about what happened where the audit could not be written, and about what changed since
 * the last look: restores, upgrades of the database's schema, the keyring. For commands that change
 * something, and the server's start. What fails is logged, and done the next time. */
void management_catch_up(const struct data_dir *data);
/* The same for a server that starts, after --audit-required was heeded. ERR_UNAVAILABLE, or as
 * store_apply fails: a restore was noted that cannot be taken over. Tokens must not be renewed
 * then, since those of before it would not be known to be in doubt. */
_must_use_ bool management_start(const struct options *options, const struct data_dir *data,
                                 struct error *error);

/* A store_apply_fn that adds the row, a struct audit_entry, and nothing else. */
_must_use_ bool management_apply_entry(struct db *db, void *argument, struct error *error);

/* In the transaction of an action that changes the key in use: the change has its row. */
_must_use_ bool management_keyring_known(struct db *db, struct str id, struct error *error);

/* Notes a restore beside the database, which cannot be written to without its keyring: before the
 * copy that it begins, and what came of it. Of a restore without an outcome its tokens are in
 * doubt. */
_must_use_ bool management_note_begin(const char *dir, const char *from, struct error *error);
_must_use_ bool management_note_restore(const char *dir, const char *from,
                                        const struct error *outcome, struct error *error);
