/* headgate audit verify and headgate audit accept. */
#include "store/audit_verify.h"
#include "cli/command.h"
#include "cli/data_command.h"
#include "cli/data_dir.h"
#include "cli/management.h"

#include "base/clock.h"

#include <stdio.h>

/* --- verify --- */

static const struct option options_table[] = {DATA_LOOK_OPTIONS, {0}};

static void print_problem(const char *sentence)
{
    printf("%s\n", sentence);
}

static void print_summary(const struct audit_check *check)
{
    char since[CLOCK_TEXT_SIZE];
    clock_text(check->since_ms, since);
    if (check->unchained > 0)
        printf("%zu audit entries are not covered: they were written before the chain began.\n",
               check->unchained);
    if (check->since_ms == 0)
        printf("There is no audit chain yet: it begins with the first change.\n");
    else
        printf("Verified %zu audit entries in %zu chain%s, complete since %s: ", check->rows,
               check->chains, check->chains == 1 ? "" : "s", since);
    if (check->since_ms != 0 && check->problems == 0)
        printf("no problems found.\n");
    else if (check->problems > 0)
        printf("%zu problem%s found.\n", check->problems, check->problems == 1 ? "" : "s");
}

static int verify(const struct options *options)
{
    struct data_dir data;
    struct error error = {0};
    struct audit_check check = {.tell = print_problem};
    struct store_reader *reader = NULL;
    secret_init();
    bool ok = data_dir_open(options, DATA_LOOK, &data, &error) &&
              store_reader_take(data.store, &reader, &error) &&
              audit_verify(data.store, reader, &check, &error);
    if (reader)
        store_reader_put(data.store, reader);
    data_dir_close(&data);
    if (!ok)
        return command_failed(&error);
    print_summary(&check);
    return check.problems == 0 ? EXIT_OK : EXIT_FAILED;
}

const struct command audit_verify_command = {
    .name = "audit verify",
    .summary = "Verify that no audit entry was changed or removed",
    .about =
        "Checks the chain that the audit's entries form: each has a MAC, under a key that only "
        "the keyring gives, over its content and the entry before it. Reports entries that "
        "were changed, moved, added or removed, also the newest ones, and exits with 1 if "
        "there are any. It cannot see that the whole database was replaced by an older copy: "
        "keep the output of \"headgate audit --json --follow\" elsewhere for that. Changes "
        "nothing; works beside a running server.",
    .examples = "headgate audit verify --data headgate-data",
    .options = options_table,
    .check = data_options_check,
    .run = verify,
};

/* --- accept --- */

static bool apply_nothing(struct db *db, void *argument, struct error *error)
{
    (void)argument;
    return audit_begin_anew(db, error);
}

static bool accept_audit(const struct data_dir *data, struct error *error)
{
    const struct management_action action = {.operation = "AcceptAudit", .apply = apply_nothing};
    return management_run(data->store, &action, error);
}

static int accept_as_it_is(const struct options *options)
{
    struct data_dir data;
    struct error error = {0};
    secret_init();
    bool ok = data_dir_open(options, DATA_LOOK, &data, &error) && accept_audit(&data, &error);
    data_dir_close(&data);
    if (!ok)
        return command_failed(&error);
    printf(
        "The audit's chain begins anew. Entries that were there before are not covered by it.\n");
    return EXIT_OK;
}

const struct command audit_accept_command = {
    .name = "audit accept",
    .summary = "Begin the audit's chain anew after damage",
    .about = "After \"headgate audit verify\" found problems, and you know their cause: the chain "
             "begins anew behind the entries that are there. They stay, and are not covered by it. "
             "The audit records who did this. Until then a server whose chain is damaged refuses "
             "changes, unless it runs with --audit-required no.",
    .examples = "headgate audit accept --data headgate-data",
    .options = options_table,
    .check = data_options_check,
    .run = accept_as_it_is,
};
