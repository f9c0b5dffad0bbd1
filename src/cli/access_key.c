/* headgate access-key: the access keys that clients sign requests with. */
#include "cli/access_keys_made.h"
#include "cli/command.h"
#include "cli/data_command.h"
#include "cli/node.h"
#include "store/access_keys.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct option create_table[] = {
    {.name = "account",
     .argument = "N",
     .required = true,
     .heading = "Access key",
     .check = check_account,
     .help = "AWS account that the key belongs to, 12 digits"},
    {.name = "out",
     .argument = "FILE",
     .help = "Write the key to a new file in AWS's credentials format, and print only its id"},
    {.name = "access-key-id",
     .argument = "ID",
     .help = "Use this id instead of a generated one; needs --secret-access-key"},
    {.name = "secret-access-key",
     .argument = "SECRET",
     .secret = true,
     .help = "Use this secret instead of a generated one; needs --access-key-id"},
    DATA_MAKE_OPTIONS,
    {0},
};

/* Other users can see a process's arguments, this one only until it was read. */
static void wipe_argument(const char *text)
{
    if (text)
        explicit_bzero((char *)text, strlen(text));
}

/* The file first: a stored key whose secret was written nowhere would be of no use. */
static bool keep(const struct made_key *key, const struct data_dir *data, const char *account,
                 const char *out, struct error *error)
{
    if (out && !made_key_write(key, out, error))
        return false;
    if (made_key_store(key, data, account, error))
        return true;
    if (out)
        unlink(out);
    return false;
}

static bool check_create(const struct options *options, struct error *error)
{
    const char *id = options_text(options, "access-key-id");
    const char *secret = options_text(options, "secret-access-key");
    return made_key_check(id, secret, error) && data_options_check(options, error);
}

static int create(const struct options *options)
{
    struct data_dir data = {.path = NULL};
    struct made_key key = {.secret = NULL};
    struct error error = {0};
    secret_init();
    const char *secret = options_text(options, "secret-access-key");
    const char *out = options_text(options, "out");
    bool given = secret != NULL;
    made_key_init(&key, options_text(options, "access-key-id"), secret);
    wipe_argument(secret);
    bool ok = data_dir_open(options, DATA_ATTACH, &data, &error) &&
              keep(&key, &data, options_text(options, "account"), out, &error);
    data_dir_close(&data);
    if (ok)
        printf("aws_access_key_id = %s\n", key.id);
    if (ok && !given && !out)
        printf("aws_secret_access_key = %.*s\n", STR_ARG(secret_reveal(key.secret)));
    made_key_done(&key);
    return ok ? EXIT_OK : command_failed(&error);
}

const struct command access_key_create_command = {
    .name = "access-key create",
    .summary = "Create an access key for an account",
    .about = "Prints the key once, or writes it to --out; Headgate stores the secret encrypted. "
             "Works before the server's first start and beside a running server.",
    .examples = "headgate access-key create --data headgate-data --account 123456789012\n"
                "headgate access-key create --data headgate-data --account 123456789012 \\\n"
                "    --out credentials",
    .options = create_table,
    .check = check_create,
    .run = create,
};

/* --- list --- */

static const struct option list_table[] = {
    DATA_LOOK_OPTIONS,
    {0},
};

static bool print_keys(const struct options *options, struct store_reader *reader,
                       struct arena *arena, struct error *error)
{
    struct access_key *keys;
    size_t count = 0;
    (void)options;
    if (!access_key_list(reader, arena, &keys, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        char when[CLOCK_TEXT_SIZE];
        clock_text(keys[i].created_at_ms, when);
        printf("%.*s  %-24.*s  %s\n", STR_ARG(keys[i].account), STR_ARG(keys[i].id), when);
    }
    return true;
}

static int list(const struct options *options)
{
    return data_show(options, print_keys);
}

const struct command access_key_list_command = {
    .name = "access-key list",
    .summary = "List access keys",
    .about = "Prints one line per key: account, id, time of creation. Secrets are not shown.",
    .examples = "headgate access-key list --data headgate-data",
    .options = list_table,
    .check = data_options_check,
    .run = list,
};

/* --- delete --- */

static const struct option delete_table[] = {
    {.name = "access-key-id",
     .argument = "ID",
     .required = true,
     .heading = "Access key",
     .help = "Id of the key to delete"},
    DATA_LOOK_OPTIONS,
    {0},
};

static bool apply_delete(struct db *db, void *argument, struct error *error)
{
    const char *id = argument;
    return access_key_delete(db, str_from(id), error);
}

static int delete_key(const struct options *options)
{
    return data_change(options, apply_delete, options_text(options, "access-key-id"));
}

const struct command access_key_delete_command = {
    .name = "access-key delete",
    .summary = "Delete an access key",
    .about = "A running server refuses the key within a second.",
    .examples = "headgate access-key delete --data headgate-data --access-key-id ID",
    .options = delete_table,
    .check = data_options_check,
    .run = delete_key,
};
