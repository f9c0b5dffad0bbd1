/* headgate key: the keys of the keyring, and taking an old one out of use. */
#include "cli/key.h"

#include "api/session_token.h"
#include "base/clock.h"
#include "base/fd.h"
#include "cli/key_nodes.h"
#include "cli/management.h"
#include "escrow/slots.h"
#include "store/sealed.h"
#include "vault/secret.h"

#include <stdio.h>
#include <string.h>

/* --- what is sealed with which key --- */

bool key_counts_read(struct store *store, struct arena *arena, struct key_counts *ret_counts,
                     struct error *error)
{
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = sealed_counts(reader, arena, &ret_counts->rows, &ret_counts->count, error);
    store_reader_put(store, reader);
    return ok;
}

size_t key_counts_of(const struct key_counts *counts, struct str id)
{
    size_t sum = 0;
    for (size_t i = 0; i < counts->count; i++)
        sum += str_eq(counts->rows[i].key_id, id) ? (size_t)counts->rows[i].count : 0;
    return sum;
}

size_t key_counts_but(const struct key_counts *counts, struct str id)
{
    size_t sum = 0;
    for (size_t i = 0; i < counts->count; i++)
        sum += str_eq(counts->rows[i].key_id, id) ? 0 : (size_t)counts->rows[i].count;
    return sum;
}

const char *key_file(const struct options *options, char out[DATA_PATH_SIZE])
{
    if (options_text(options, "keyring-command"))
        return NULL;
    if (options_text(options, "keyring"))
        return options_text(options, "keyring");
    snprintf(out, DATA_PATH_SIZE, "%s/keyring", options_text(options, "data"));
    return out;
}

/* --- list --- */

static const struct option list_table[] = {DATA_LOOK_OPTIONS, {0}};

static void print_counts(const struct key_counts *counts, struct str id)
{
    const char *before = "";
    if (key_counts_of(counts, id) == 0)
        printf("nothing");
    for (size_t i = 0; i < counts->count; i++) {
        const struct sealed_count *row = &counts->rows[i];
        if (!str_eq(row->key_id, id))
            continue;
        printf("%s%lld %.*s", before, (long long)row->count, STR_ARG(row->kind));
        before = ", ";
    }
    printf("\n");
}

static void print_keys(const struct keyring *keyring, const struct key_counts *counts,
                       struct arena *arena)
{
    struct str id, rest = keyring_ids(keyring, arena), in_use = keyring_primary_id(keyring);
    struct str marked = keyring_marked_id(keyring);
    for (bool more = true; more;) {
        more = str_cut(rest, ',', &id, &rest);
        if (!more)
            id = rest;
        printf("%-17.*s %-9s ", STR_ARG(id),
               str_eq(id, in_use)   ? "in use"
               : str_eq(id, marked) ? "new"
                                    : "old");
        print_counts(counts, id);
    }
}

/* Whose key the keyring does not have. */
static void print_missing(const struct keyring *keyring, const struct key_counts *counts)
{
    for (size_t i = 0; i < counts->count; i++) {
        struct str id = counts->rows[i].key_id;
        bool is_first = true;
        for (size_t j = 0; j < i; j++)
            is_first = is_first && !str_eq(counts->rows[j].key_id, id);
        if (!is_first || keyring_find(keyring, id))
            continue;
        printf("%-17.*s %-9s ", STR_ARG(id), "missing");
        print_counts(counts, id);
    }
}

static int list(const struct options *options)
{
    struct data_dir data;
    struct error error = {0};
    struct arena arena = {0};
    struct key_counts counts;
    secret_init();
    bool ok = data_dir_open(options, DATA_LOOK, &data, &error) &&
              key_counts_read(data.store, &arena, &counts, &error);
    if (ok) {
        printf("%-17s %-9s %s\n", "KEY", "STATE", "SEALED WITH IT");
        print_keys(data.keys.keyring, &counts, &arena);
        print_missing(data.keys.keyring, &counts);
    }
    arena_done(&arena);
    data_dir_close(&data);
    return ok ? EXIT_OK : command_failed(&error);
}

const struct command key_list_command = {
    .name = "key list",
    .summary = "List the keyring's keys and what is sealed with each",
    .about = "Prints one line per key: its id, its state (in use: new values are sealed with it; "
             "new: it is going to be in use; old: it only opens what is sealed with it; missing: "
             "the keyring does not have it), and how many values are sealed with it. The keys "
             "themselves are not shown.",
    .examples = "headgate key list --data headgate-data",
    .options = list_table,
    .check = data_options_check,
    .run = list,
};

/* --- new --- */

static const struct option new_table[] = {{0}};

static int print_new(const struct options *options)
{
    (void)options;
    char id[KEYRING_ID_SIZE + 1];
    secret_init();
    char *line = secret_alloc(KEYRING_LINE_SIZE);
    setvbuf(stdout, NULL, _IONBF, 0); /* no copy in the library's buffer */
    keyring_new_line(line, id);
    printf("%s\n", line);
    secret_dealloc(line, KEYRING_LINE_SIZE);
    return EXIT_OK;
}

const struct command key_new_command = {
    .name = "key new",
    .summary = "Print a new key for a keyring that is not a file",
    .about = "Prints a line for the text that --keyring-command prints: a new random key, marked "
             "as the primary. Put it into your secret store before the other keys, remove the word "
             "\"primary\" from the line that had it, then run headgate key rotate. A keyring in a "
             "file needs none of this: headgate key rotate makes its key.",
    .examples = "headgate key new",
    .options = new_table,
    .run = print_new,
};

/* --- retire --- */

enum {
    SETTLE_MS = 60 * 1000, /* by then a change that began before the key was put to use has ended */
};

static const struct option retire_table[] = {
    {.name = "id",
     .argument = "ID",
     .required = true,
     .heading = "Key",
     .help = "Id of the key, as headgate key list shows it"},
    {.name = "end-sessions",
     .kind = OPTION_FLAG,
     .help = "Retire it although temporary credentials that were made with it may still be valid: "
             "they stop working"},
    DATA_LOOK_OPTIONS,
    {0},
};

struct retirement {
    struct data_dir *data;
    const char *file; /* NULL: the keyring comes from a command */
    struct str id;
    bool ends_sessions;
};

static bool check_age(const struct retirement *retirement, const struct key_state *state,
                      struct error *error)
{
    int64_t age_ms = clock_wall_ms() - state->since_ms;
    int64_t needed_ms = retirement->ends_sessions ? SETTLE_MS : SESSION_LIFE_MAX_MS;
    if (!*state->in_use)
        return fail(error, ERR_CONFLICT,
                    "The keyring's keys were never rotated: run headgate key rotate first.");
    if (age_ms >= needed_ms)
        return true;
    if (retirement->ends_sessions)
        return fail(error, ERR_CONFLICT,
                    "Key %s has been in use for less than a minute, so that changes may still be "
                    "on their way which are sealed with an older key. Try again in a minute.",
                    state->in_use);
    return fail(error, ERR_CONFLICT,
                "Temporary credentials that were made with key %.*s may be valid for %lld more "
                "minutes. Retire it then, or end them with --end-sessions.",
                STR_ARG(retirement->id), (long long)((needed_ms - age_ms) / 60000 + 1));
}

static bool check_unused(const struct retirement *retirement, struct error *error)
{
    struct arena arena = {0};
    struct key_counts counts;
    bool ok = key_counts_read(retirement->data->store, &arena, &counts, error);
    size_t sealed = ok ? key_counts_of(&counts, retirement->id) : 0;
    arena_done(&arena);
    return ok && (sealed == 0 ||
                  fail(error, ERR_CONFLICT,
                       "%zu values are sealed with key %.*s: run headgate key rotate. If it cannot "
                       "seal them again, headgate check says why.",
                       sealed, STR_ARG(retirement->id)));
}

/* Answers that a killed server left, or that wait for AWS KMS, are sealed with the key of their
 * time. */
static bool check_escrow(const struct retirement *retirement, struct error *error)
{
    char path[DATA_PATH_SIZE];
    size_t count;
    snprintf(path, sizeof(path), "%s/escrow", retirement->data->path);
    return escrow_file_count(path, retirement->id, &count, error) &&
           (count == 0 ||
            fail(error, ERR_CONFLICT,
                 "%zu vendors' answers in %s are sealed with key %.*s, and may be the only tokens "
                 "that work. A server over this data directory saves them; its log says what keeps "
                 "it from that.",
                 count, path, STR_ARG(retirement->id)));
}

static bool check_retirement(const struct retirement *retirement, struct error *error)
{
    const struct keyring *keyring = retirement->data->keys.keyring;
    struct str id = retirement->id;
    struct key_state state;
    size_t nodes;
    if (str_eq(keyring_primary_id(keyring), id) || str_eq(keyring_marked_id(keyring), id))
        return fail(error, ERR_CONFLICT, "Key %.*s is in use, or going to be.", STR_ARG(id));
    if (!keyring_find(keyring, id))
        return fail(error, ERR_NOT_FOUND, "The keyring has no key %.*s.", STR_ARG(id));
    return key_state_read(retirement->data->store, &state, error) &&
           check_age(retirement, &state, error) &&
           key_nodes_wait(retirement->data, KEY_IS_IN_USE, keyring_primary_id(keyring), 0, &nodes,
                          error) &&
           check_unused(retirement, error) && check_escrow(retirement, error);
}

static bool retire_key(void *argument, const struct audit_entry *entry, struct error *error)
{
    const struct retirement *retirement = argument;
    struct audit_entry copy = *entry;
    return check_retirement(retirement, error) &&
           (!retirement->file || keyring_remove_key(retirement->file, retirement->id, error)) &&
           store_apply(retirement->data->store, management_apply_entry, &copy, false, error);
}

static void print_retired(const struct retirement *retirement)
{
    if (retirement->file)
        printf("Key %.*s was removed from %s. If other nodes have copies of this file, remove its "
               "line there, too.\n",
               STR_ARG(retirement->id), retirement->file);
    else
        printf("Nothing is sealed with key %.*s: remove its line from what the keyring command "
               "prints.\n",
               STR_ARG(retirement->id));
    printf("Backups of the database that were made before its rotation can only be read with it: "
           "keep the keyring that belongs to them, or make a new backup.\n");
}

static int retire(const struct options *options)
{
    struct data_dir data = {.path = NULL};
    struct error error = {0};
    char path[DATA_PATH_SIZE];
    _cleanup_close_ int lock = -1;
    struct retirement retirement = {
        .data = &data,
        .file = key_file(options, path),
        .id = str_from(options_text(options, "id")),
        .ends_sessions = options_flag(options, "end-sessions"),
    };
    const struct management_action action = {.operation = "RetireKeyringKey",
                                             .resource = retirement.id,
                                             .change = retire_key,
                                             .argument = &retirement};
    secret_init();
    bool ok = data_dir_open(options, DATA_LOOK, &data, &error) &&
              (!retirement.file || keyring_lock(retirement.file, &lock, &error));
    if (ok)
        management_catch_up(&data);
    ok = ok && management_run(data.store, &action, &error);
    if (ok)
        print_retired(&retirement);
    data_dir_close(&data);
    return ok ? EXIT_OK : command_failed(&error);
}

const struct command key_retire_command = {
    .name = "key retire",
    .summary = "Remove a key that nothing is sealed with",
    .about = "Removes an old key from the keyring's file, when no stored value is sealed with it, "
             "every running server seals with the key in use, and no temporary credentials can be "
             "left that were made with it (36 hours after the rotation, or --end-sessions). A "
             "keyring that comes from a command is not changed: the command says whether the key "
             "may be removed. Vendors' answers in the escrow of this data directory count as "
             "values; a node that is down may have others in its own, so start it before.",
    .examples = "headgate key retire --data headgate-data --id ID",
    .options = retire_table,
    .check = data_options_check,
    .run = retire,
};
