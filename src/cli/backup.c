/* headgate backup and headgate restore: copies of the database, out and in. */
#include "cli/command.h"

#include "store/sqlite/backup.h"

#include <stdio.h>

#define DIRECTORY_OPTION                                                                           \
    {                                                                                              \
        .name = "data", .argument = "DIR", .fallback = "headgate-data",                            \
        .help = "where everything is kept"                                                         \
    }

static const struct option backup_table[] = {
    DIRECTORY_OPTION,
    {.name = "to", .argument = "FILE", .required = true, .help = "a new file"},
    {0},
};

static int backup(const struct options *options)
{
    struct error error = {0};
    if (!backup_make(options_text(options, "data"), options_text(options, "to"), &error))
        return command_failed(&error);
    printf("The database is in %s. The keyring is not: keep it apart.\n",
           options_text(options, "to"));
    return EXIT_OK;
}

const struct command backup_command = {
    .name = "backup",
    .summary = "a copy of the database, also beside a running server",
    .about =
        "Writes the database as it is at this moment into a new file; every page is checked on "
        "the way.\nThe keyring is not in it. For a database in PostgreSQL use its own tools.",
    .options = backup_table,
    .run = backup,
};

static const struct option restore_table[] = {
    DIRECTORY_OPTION,
    {.name = "from", .argument = "FILE", .required = true, .help = "the copy"},
    {0},
};

static int restore(const struct options *options)
{
    struct error error = {0};
    if (!backup_restore(options_text(options, "data"), options_text(options, "from"), &error))
        return command_failed(&error);
    printf("%s is the database of %s now. Look at it: headgate check --data %s\n",
           options_text(options, "from"), options_text(options, "data"),
           options_text(options, "data"));
    return EXIT_OK;
}

const struct command restore_command = {
    .name = "restore",
    .summary = "takes a copy of the database in",
    .about = "Puts a copy, made by headgate backup or by SQLite's own means, into a directory that "
             "has no\ndatabase, while no server runs on it. The copy stays. What was changed after "
             "it was made is lost.",
    .options = restore_table,
    .run = restore,
};
