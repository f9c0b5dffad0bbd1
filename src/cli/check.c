/* headgate check: whether everything that is kept is whole. */
#include "cli/command.h"
#include "cli/data_dir.h"

#include "cli/inspect.h"
#include "vault/secret.h"
#include "wire/shape.h"

#include <stdio.h>

static const struct option options_table[] = {DATA_OPTIONS, {0}};

static void print_problem(const char *text)
{
    printf("%s\n", text);
}

static int check(const struct options *options)
{
    struct data_dir data;
    struct error error = {0};
    struct store_check check = {.tell = print_problem};
    secret_init();
    shapes_init(); /* what was sealed is read into memory that is wiped */
    bool ok = data_dir_open(options, DATA_LOOK, &data, &error);
    check.keyring = data.keys.keyring;
    ok = ok && inspect(&check, data.store, &error);
    data_dir_close(&data);
    if (!ok)
        return command_failed(&error);
    printf("Looked at %zu profiles, %zu exchanges, %zu access keys, %zu OAuth apps: ",
           check.profiles, check.exchanges, check.access_keys, check.oauth_apps);
    if (check.problems == 0)
        printf("all whole.\n");
    else
        printf("%zu problems.\n", check.problems);
    return check.problems == 0 ? EXIT_OK : EXIT_FAILED;
}

const struct command check_command = {
    .name = "check",
    .summary = "whether everything that is kept is whole",
    .about = "Reads every page of the database, opens every sealed value and compares each profile "
             "with the\nlast change that the audit knows. A line a problem; exit code 1 when there "
             "is one. Changes\nnothing, and works beside a running server.",
    .options = options_table,
    .run = check,
};
