/* headgate check: the integrity of all stored data. */
#include "cli/command.h"
#include "cli/data_dir.h"

#include "cli/inspect.h"
#include "vault/secret.h"

#include <stdio.h>

static const struct option options_table[] = {DATA_LOOK_OPTIONS, {0}};

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
    bool ok = data_dir_open(options, DATA_CHECK, &data, &error);
    check.keyring = data.keys.keyring;
    check.service_secret = data.keys.service_secret;
    check.key_generations = data.key_generations;
    ok = ok && inspect(&check, data.store, &error);
    data_dir_close(&data);
    if (!ok)
        return command_failed(&error);
    printf("Checked %zu profiles, %zu previous credentials, %zu OAuth tokens, %zu token grants, "
           "%zu access keys, %zu OAuth apps, %zu connectors, %zu flows, %zu runs of flows, "
           "%zu schedules, %zu tags, %zu jobs for copies of secrets: ",
           check.profiles, check.previous, check.oauth_tokens, check.token_grants,
           check.access_keys, check.oauth_apps, check.connectors, check.flows, check.flow_runs,
           check.schedules, check.tags, check.secret_copies);
    if (check.problems == 0)
        printf("no problems found.\n");
    else
        printf("%zu problem%s found.\n", check.problems, check.problems == 1 ? "" : "s");
    return check.problems == 0 ? EXIT_OK : EXIT_FAILED;
}

const struct command check_command = {
    .name = "check",
    .summary = "Verify the integrity of all stored data",
    .about = "Reads every page of the database, decrypts every stored secret and compares each "
             "profile with its last change in the audit. Prints one line per problem, and exits "
             "with 1 if there is any. Changes nothing; works beside a running server.",
    .examples = "headgate check --data headgate-data",
    .options = options_table,
    .check = data_options_check,
    .run = check,
};
