/* headgate access-key: the access keys that clients sign requests with. */
#include "api/access_key_set.h"
#include "cli/access_keys_made.h"
#include "cli/command.h"
#include "cli/data_command.h"
#include "cli/examples.h"
#include "cli/key_limits.h"
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
    KEY_LIMIT_OPTIONS,
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
                 struct str limits, const char *out, struct error *error)
{
    if (out && !made_key_write(key, out, error))
        return false;
    if (made_key_store(key, data, account, limits, error))
        return true;
    if (out)
        unlink(out);
    return false;
}

static bool check_create(const struct options *options, struct error *error)
{
    const char *id = options_text(options, "access-key-id");
    const char *secret = options_text(options, "secret-access-key");
    struct arena arena = {0};
    struct str limits;
    bool ok = made_key_check(id, secret, error) && data_options_check(options, error) &&
              key_limits_read(options, options_text(options, "account"), &arena, &limits, error);
    arena_done(&arena);
    return ok;
}

static int create(const struct options *options)
{
    struct data_dir data = {.path = NULL};
    struct made_key key = {.secret = NULL};
    struct error error = {0};
    struct arena arena = {0};
    struct str limits;
    secret_init();
    const char *secret = options_text(options, "secret-access-key");
    const char *account = options_text(options, "account");
    const char *out = options_text(options, "out");
    bool given = secret != NULL;
    made_key_init(&key, options_text(options, "access-key-id"), secret);
    wipe_argument(secret);
    bool ok = key_limits_read(options, account, &arena, &limits, &error) &&
              data_dir_open(options, DATA_ATTACH, &data, &error);
    if (ok)
        management_catch_up(&data);
    ok = ok && keep(&key, &data, account, limits, out, &error);
    data_dir_close(&data);
    if (ok)
        printf("aws_access_key_id = %s\n", key.id);
    if (ok && !given && !out)
        printf("aws_secret_access_key = %.*s\n", STR_ARG(secret_reveal(key.secret)));
    made_key_done(&key);
    arena_done(&arena);
    return ok ? EXIT_OK : command_failed(&error);
}

const struct command access_key_create_command = {
    .name = "access-key create",
    .summary = "Create an access key for an account",
    .about = "Prints the key once, or writes it to --out; Headgate stores the secret encrypted. "
             "Works before the server's first start and beside a running server.",
    .examples = "headgate access-key create --data headgate-data --account 123456789012\n"
                "headgate access-key create --data headgate-data --account 123456789012 \\\n"
                "    --out credentials\n\n"
                "# For a pipeline that tests one team's profiles, for 30 days\n"
                "headgate access-key create --data headgate-data --account 123456789012 \\\n"
                "    --connectors " EXAMPLE_TYPE " --names 'team-a-*' --sandbox-only --expires 30d",
    .options = create_table,
    .check = check_create,
    .run = create,
};

/* --- list --- */

static const struct option list_table[] = {
    {.name = "json",
     .kind = OPTION_FLAG,
     .heading = "Output",
     .help = "Print JSON lines, with each key's policy"},
    DATA_LOOK_OPTIONS,
    {0},
};

static const char *time_or(int64_t ms, const char *otherwise, char out[CLOCK_TEXT_SIZE])
{
    if (ms == 0)
        return otherwise;
    clock_text(ms, out);
    return out;
}

static void print_line(const struct access_key *key, const struct key_limits_shown *limits)
{
    char created[CLOCK_TEXT_SIZE], expires[CLOCK_TEXT_SIZE], used[CLOCK_TEXT_SIZE];
    printf("%.*s  %-24.*s  %-20s  %-20s  %-20s  %s\n", STR_ARG(key->account), STR_ARG(key->id),
           time_or(key->created_at_ms, "", created),
           time_or(limits->expires_at_ms, "does not expire", expires),
           time_or(key->last_used_ms, "not used yet", used),
           limits->policy.len > 0 ? "limited" : "everything");
}

static void print_json(const struct access_key *key, const struct key_limits_shown *limits)
{
    char created[CLOCK_TEXT_SIZE], expires[CLOCK_TEXT_SIZE], used[CLOCK_TEXT_SIZE];
    printf("{\"account\":\"%.*s\",\"accessKeyId\":\"%.*s\",\"createdAt\":\"%s\"",
           STR_ARG(key->account), STR_ARG(key->id), time_or(key->created_at_ms, "", created));
    if (limits->expires_at_ms != 0)
        printf(",\"expiresAt\":\"%s\"", time_or(limits->expires_at_ms, "", expires));
    if (key->last_used_ms != 0)
        printf(",\"lastUsedAt\":\"%s\"", time_or(key->last_used_ms, "", used));
    if (limits->policy.len > 0)
        printf(",\"policy\":%.*s", STR_ARG(limits->policy));
    printf("}\n");
}

static bool print_keys(const struct options *options, struct store_reader *reader,
                       struct arena *arena, struct error *error)
{
    struct access_key *keys;
    size_t count = 0;
    if (!access_key_list(reader, arena, &keys, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct key_limits_shown limits;
        key_limits_show(&keys[i], arena, &limits);
        if (options_flag(options, "json"))
            print_json(&keys[i], &limits);
        else
            print_line(&keys[i], &limits);
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
    .about = "Prints one line per key: account, id, time of creation, end, last use (to an hour), "
             "and whether a policy limits it. Secrets are not shown.",
    .examples = "headgate access-key list --data headgate-data\n"
                "headgate access-key list --data headgate-data --json",
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

struct key_removal {
    struct data_dir *data;
    struct str id;
};

static bool remove_key(void *argument, const struct audit_entry *entry, struct error *error)
{
    const struct key_removal *removal = argument;
    return access_key_remove(removal->data->store, removal->data->keys.keyring, removal->id, entry,
                             error);
}

/* The account is looked up for the audit. */
static bool find_account(const struct key_removal *removal, struct arena *arena,
                         struct str *ret_account, struct error *error)
{
    struct store_reader *reader;
    struct access_key key = {0};
    bool found = false;
    if (!store_reader_take(removal->data->store, &reader, error))
        return false;
    bool ok = access_key_find(reader, arena, removal->id, &key, &found, error);
    store_reader_put(removal->data->store, reader);
    *ret_account = found ? key.account : STR("");
    return ok;
}

static bool remove_and_record(struct data_dir *data, struct str id, struct error *error)
{
    struct arena arena = {0};
    struct key_removal removal = {data, id};
    struct management_action action = {
        .operation = "DeleteAccessKey",
        .resource = id,
        .change = remove_key,
        .argument = &removal,
    };
    management_catch_up(data);
    bool ok = find_account(&removal, &arena, &action.account, error) &&
              management_run(data->store, &action, error);
    arena_done(&arena);
    return ok;
}

static int delete_key(const struct options *options)
{
    struct data_dir data;
    struct error error = {0};
    secret_init();
    bool ok = data_dir_open(options, DATA_LOOK, &data, &error) &&
              remove_and_record(&data, str_from(options_text(options, "access-key-id")), &error) &&
              data_dir_admit_keys(&data, &error);
    data_dir_close(&data);
    return ok ? EXIT_OK : command_failed(&error);
}

const struct command access_key_delete_command = {
    .name = "access-key delete",
    .summary = "Delete an access key",
    .about = "A running server refuses the key within a second. The secrets of all other keys are "
             "encrypted again, so that a deleted key stays deleted also when its row is put back "
             "into the database.",
    .examples = "headgate access-key delete --data headgate-data --access-key-id ID",
    .options = delete_table,
    .check = data_options_check,
    .run = delete_key,
};
