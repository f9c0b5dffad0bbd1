/* headgate access-key: who may call. */
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
    DATA_OPTIONS,
    {.name = "account", .argument = "N", .required = true, .help = "12 digits"},
    {.name = "access-key-id", .argument = "ID", .help = "with --secret-access-key: this pair"},
    {.name = "secret-access-key", .argument = "S", .help = "instead of a new one"},
    {.name = "out",
     .argument = "FILE",
     .help = "write the pair to a new file in AWS's credentials form, print only the id"},
    {0},
};

/* Other users see a process's arguments; this one only as long as it took to read. */
static void wipe_argument(const char *text)
{
    if (text)
        explicit_bzero((char *)text, strlen(text));
}

/* The file first: a key that counts and that nobody has would be of no use. */
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

static int create(const struct options *options)
{
    struct data_dir data = {.path = NULL};
    struct made_key key = {.secret = NULL};
    struct error error = {0};
    secret_init();
    const char *secret = options_text(options, "secret-access-key");
    const char *out = options_text(options, "out");
    bool given = secret != NULL;
    bool ok = made_key_init(&key, options_text(options, "access-key-id"), secret, &error);
    wipe_argument(secret);
    ok = ok && data_dir_open(options, DATA_ATTACH, &data, &error) &&
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
    .summary = "a new access key for an account",
    .about = "Makes an access key, also before the server's first start and beside a running "
             "server. The\nsecret is shown here, once, or written to --out; the server keeps it "
             "sealed.",
    .options = create_table,
    .run = create,
};

/* --- list --- */

static const struct option list_table[] = {
    DATA_OPTIONS,
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
    .summary = "the access keys there are",
    .about = "A line a key: account, id, when it was made. No secret.",
    .options = list_table,
    .run = list,
};

/* --- delete --- */

static const struct option delete_table[] = {
    DATA_OPTIONS,
    {.name = "access-key-id", .argument = "ID", .required = true, .help = "the one to delete"},
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
    .summary = "take an access key away",
    .about = "A running server stops taking the key within a second.",
    .options = delete_table,
    .run = delete_key,
};
