/* headgate backup and headgate restore: copies of the database. */
#include "api/generation_floor.h"
#include "cli/command.h"
#include "cli/data_dir.h"
#include "cli/management.h"

#include "store/core/backup.h"

#include <stdio.h>

/* Only so that a call with the server's options, or its variables, gets a helpful answer. */
#define STORE_OPTION                                                                               \
    {                                                                                              \
        .name = "store", .argument = "URL", .secret = true,                                        \
        .help = "Not supported: back up a PostgreSQL database with pg_dump"                        \
    }

static bool check_embedded(const struct options *options, struct error *error)
{
    return !options_text(options, "store") ||
           fail(error, ERR_VALIDATION,
                "headgate backup and restore copy SQLite databases. For a database in PostgreSQL "
                "(--store) use pg_dump and pg_restore.");
}

static const struct option backup_table[] = {
    DATA_DIRECTORY_OPTION("Data directory"),
    {.name = "to", .argument = "FILE", .required = true, .help = "File to create"},
    STORE_OPTION,
    {0},
};

static int backup(const struct options *options)
{
    struct error error = {0};
    if (!backup_make(options_text(options, "data"), options_text(options, "to"), &error))
        return command_failed(&error);
    printf("Backup written to %s. It does not contain the keyring; back that up separately.\n",
           options_text(options, "to"));
    return EXIT_OK;
}

const struct command backup_command = {
    .name = "backup",
    .summary = "Copy the database to a file, also while the server runs",
    .about = "Writes a consistent copy of the database and checks every page on the way. The "
             "keyring is not part of it: back it up separately. For a database in PostgreSQL use "
             "pg_dump.",
    .examples = "headgate backup --data headgate-data --to headgate-backup.db",
    .options = backup_table,
    .check = check_embedded,
    .run = backup,
};

static const struct option restore_table[] = {
    DATA_DIRECTORY_OPTION("Data directory"),
    {.name = "from", .argument = "FILE", .required = true, .help = "Backup to restore"},
    STORE_OPTION,
    {0},
};

static int restore(const struct options *options)
{
    struct error error = {0};
    const char *dir = options_text(options, "data"), *from = options_text(options, "from");
    if (!management_note_begin(dir, from, &error))
        return command_failed(&error);
    bool ok = backup_restore(dir, from, &error);
    if (ok)
        generation_floor_forget(dir);
    struct error unnoted = {0};
    if (!management_note_restore(dir, from, ok ? NULL : &error, &unnoted) && ok)
        return command_failed(&unnoted);
    if (!ok)
        return command_failed(&error);
    printf("Restored %s into %s. Verify it with: headgate check --data %s\n",
           options_text(options, "from"), options_text(options, "data"),
           options_text(options, "data"));
    return EXIT_OK;
}

const struct command restore_command = {
    .name = "restore",
    .summary = "Restore the database from a backup",
    .about = "Copies a backup, made by headgate backup or sqlite3's .backup, into a data directory "
             "without a database, while no server runs on it. Changes made after the backup are "
             "lost. For a database in PostgreSQL use pg_restore.",
    .examples = "headgate restore --data headgate-data --from headgate-backup.db",
    .options = restore_table,
    .check = check_embedded,
    .run = restore,
};
