/* headgate key rotate: a new key for everything that is sealed, while servers run. Each step is
 * durable before the next begins, and what is found decides which step comes next, so that the
 * command can be ended at any point and run again:
 *
 *   1. the store says which key is in use, so that no mark in a file changes it;
 *   2. the keyring has a new key, marked as the primary (added here to a file; with a command, the
 *      operator has added it);
 *   3. every running server has the key;
 *   4. the store says that the new key is in use;
 *   5. every running server seals with it;
 *   6. each value that is sealed with another key is sealed again. */
#include "api/key_renewal.h"
#include "cli/key.h"
#include "cli/key_nodes.h"
#include "cli/key_progress.h"
#include "cli/management.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/fd.h"
#include "vault/secret.h"

#include <stdio.h>

enum { PASSES_MAX = 10 };

static const struct option rotate_table[] = {
    {.name = "wait",
     .kind = OPTION_NUMBER,
     .argument = "SECONDS",
     .fallback = "60",
     .least = 0,
     .most = 86400,
     .heading = "Rotation",
     .help = "Time to wait for servers that do not have the new key yet, such as on machines to "
             "which the keyring must be copied"},
    DATA_LOOK_OPTIONS,
    {0},
};

struct rotation {
    struct data_dir data;
    const char *file; /* NULL: the keyring comes from a command */
    int64_t wait_ms;
    char id[KEYRING_ID_SIZE + 1]; /* of the key that is going to be in use */
    struct progress_bar progress;
    size_t renewed, unreadable, left;
};

static struct str in_use(const struct rotation *rotation)
{
    return keyring_primary_id(rotation->data.keys.keyring);
}

/* --- 1 and 2: which key --- */

/* Before the file gets a new marked key: a server that starts after that would otherwise seal with
 * it. */
static bool fix_key_in_use(struct rotation *rotation, struct key_state *ret_state,
                           struct error *error)
{
    return key_state_read(rotation->data.store, ret_state, error) &&
           (*ret_state->in_use || key_state_begin(rotation->data.store, in_use(rotation), error));
}

static void choose(struct rotation *rotation, struct str id)
{
    snprintf(rotation->id, sizeof(rotation->id), "%.*s", STR_ARG(id));
}

static bool make_key(struct rotation *rotation, struct error *error)
{
    if (!rotation->file)
        return fail(error, ERR_CONFLICT,
                    "The key that the keyring command marks as the primary, %.*s, is in use "
                    "already, and everything is sealed with it. Add a new key to what it prints: "
                    "headgate key new",
                    STR_ARG(in_use(rotation)));
    if (!keyring_add_key(rotation->file, rotation->id, error))
        return false;
    fault_point("key:added");
    printf("Added key %s to %s.\n", rotation->id, rotation->file);
    return true;
}

static bool count_left(struct rotation *rotation, struct error *error)
{
    struct arena arena = {0};
    struct key_counts counts;
    bool ok = key_counts_read(rotation->data.store, &arena, &counts, error);
    rotation->left = ok ? key_counts_but(&counts, str_from(rotation->id)) : 0;
    arena_done(&arena);
    return ok;
}

/* A mark on another key than the one in use is an earlier run's, or the operator's; else what an
 * earlier run has left comes first. */
static bool find_key(struct rotation *rotation, struct error *error)
{
    struct keyring *keyring = rotation->data.keys.keyring;
    struct key_state state;
    if (!fix_key_in_use(rotation, &state, error))
        return false;
    if (!str_eq(keyring_marked_id(keyring), in_use(rotation))) {
        choose(rotation, keyring_marked_id(keyring));
        printf("The keyring has the new key %s.\n", rotation->id);
        return true;
    }
    choose(rotation, in_use(rotation));
    if (!count_left(rotation, error))
        return false;
    if (!state.is_renewing && (rotation->file || rotation->left == 0))
        return make_key(rotation, error) && keyring_reload(keyring, error);
    printf("Continuing the rotation to key %s.\n", rotation->id);
    return true;
}

/* --- 3 to 5: putting it to use --- */

struct put_to_use {
    struct rotation *rotation;
    const struct audit_entry *entry;
};

static bool apply_use(struct db *db, void *argument, struct error *error)
{
    const struct put_to_use *use = argument;
    return management_keyring_known(db, str_from(use->rotation->id), error) &&
           audit_add(db, use->entry, error);
}

static bool put_to_use(void *argument, const struct audit_entry *entry, struct error *error)
{
    struct rotation *rotation = argument;
    struct put_to_use use = {rotation, entry};
    return key_state_use(rotation->data.store, in_use(rotation), str_from(rotation->id), apply_use,
                         &use, error);
}

static bool use_key(struct rotation *rotation, struct error *error)
{
    struct keyring *keyring = rotation->data.keys.keyring;
    struct arena arena = {0};
    if (str_eq(in_use(rotation), str_from(rotation->id)))
        return true;
    const struct management_action action = {
        .operation = "UseKeyringKey",
        .resource = str_from(rotation->id),
        .detail = arena_printf(&arena, "Before: %.*s", STR_ARG(in_use(rotation))),
        .change = put_to_use,
        .argument = rotation,
    };
    bool ok = management_run(rotation->data.store, &action, error);
    arena_done(&arena);
    if (!ok)
        return false;
    fault_point("key:used");
    return keyring_use(keyring, str_from(rotation->id)) ||
           fail(error, ERR_INTERNAL, "The keyring does not have key %s.", rotation->id);
}

static bool switch_servers(struct rotation *rotation, struct error *error)
{
    struct str id = str_from(rotation->id);
    size_t nodes;
    bool is_new = !str_eq(in_use(rotation), id);
    if (is_new &&
        !key_nodes_wait(&rotation->data, KEY_IS_KNOWN, id, rotation->wait_ms, &nodes, error))
        return false;
    if (!use_key(rotation, error) ||
        !key_nodes_wait(&rotation->data, KEY_IS_IN_USE, id, rotation->wait_ms, &nodes, error))
        return false;
    if (nodes == 0)
        printf("No server is running. New values are sealed with key %s.\n", rotation->id);
    else
        printf("%zu server%s seal%s new values with key %s.\n", nodes, nodes == 1 ? "" : "s",
               nodes == 1 ? "s" : "", rotation->id);
    fflush(stdout);
    return true;
}

/* --- 6: sealing again --- */

struct pass {
    struct renewal renewal; /* first, so that `tell` finds the pass */
    struct rotation *rotation;
};

static void tell(struct renewal *renewal)
{
    struct rotation *rotation = ((struct pass *)renewal)->rotation;
    progress_set(&rotation->progress, rotation->renewed + renewal->done);
}

static bool one_pass(struct rotation *rotation, struct error *error)
{
    struct pass pass = {
        .renewal = {.store = rotation->data.store,
                    .keyring = rotation->data.keys.keyring,
                    .tell = tell},
        .rotation = rotation,
    };
    bool ok = key_renew_all(&pass.renewal, error);
    arena_done(&pass.renewal.arena);
    rotation->renewed += pass.renewal.done - pass.renewal.unreadable;
    rotation->unreadable = pass.renewal.unreadable;
    return ok && count_left(rotation, error);
}

/* A server may seal with the old key until it changes to the new one. A pass can miss such values;
 * the next pass finds them. */
static bool renew(struct rotation *rotation, struct error *error)
{
    bool ok = count_left(rotation, error);
    progress_begin(&rotation->progress, "values sealed again", rotation->left);
    for (int i = 0; ok && i < PASSES_MAX && rotation->left > rotation->unreadable; i++)
        ok = one_pass(rotation, error);
    progress_end(&rotation->progress);
    return ok;
}

static bool end_rotation(void *argument, const struct audit_entry *entry, struct error *error)
{
    struct rotation *rotation = argument;
    struct audit_entry copy = *entry;
    return key_state_end(rotation->data.store, str_from(rotation->id), management_apply_entry,
                         &copy, error);
}

static bool record(struct rotation *rotation, struct error *error)
{
    struct arena arena = {0};
    const struct management_action action = {
        .operation = "RotateKeyring",
        .resource = str_from(rotation->id),
        .detail = arena_printf(&arena, "Values sealed again: %zu, left: %zu", rotation->renewed,
                               rotation->left),
        .change = end_rotation,
        .argument = rotation,
    };
    bool ok = management_run(rotation->data.store, &action, error);
    arena_done(&arena);
    return ok;
}

/* A node sealed values with an older key after the last pass. The rotation stays open, and the next
 * run of the command continues it. */
static bool is_late(const struct rotation *rotation)
{
    return rotation->left > rotation->unreadable;
}

static void print_end(const struct rotation *rotation)
{
    double seconds = (double)(clock_mono_ms() - rotation->progress.begun_ms) / 1000;
    printf("Sealed %zu values again in %.1f s.\n", rotation->renewed, seconds);
    if (is_late(rotation))
        printf("%zu values were sealed with older keys meanwhile: run this command again.\n",
               rotation->left);
    else if (rotation->left > 0)
        printf("%zu values are still sealed with older keys, because they cannot be opened: run "
               "headgate check.\n",
               rotation->left);
    if (rotation->file)
        printf("Back up %s now: what is stored can only be read with its new key.\n",
               rotation->file);
    printf("The older keys open backups that were made before. headgate key list shows them, "
           "headgate key retire removes one.\n");
}

static bool rotate_all(struct rotation *rotation, struct error *error)
{
    return find_key(rotation, error) && switch_servers(rotation, error) && renew(rotation, error) &&
           (is_late(rotation) || record(rotation, error));
}

static int rotate(const struct options *options)
{
    struct rotation rotation = {.wait_ms = 1000 * options_number(options, "wait")};
    struct error error = {0};
    char path[DATA_PATH_SIZE];
    _cleanup_close_ int lock = -1;
    secret_init();
    rotation.file = key_file(options, path);
    bool ok = data_dir_open(options, DATA_LOOK, &rotation.data, &error) &&
              (!rotation.file || keyring_lock(rotation.file, &lock, &error)) &&
              keyring_reload(rotation.data.keys.keyring, &error);
    if (ok)
        management_catch_up(&rotation.data);
    ok = ok && rotate_all(&rotation, &error);
    if (ok)
        print_end(&rotation);
    data_dir_close(&rotation.data);
    if (!ok)
        return command_failed(&error);
    return rotation.left == 0 ? EXIT_OK : EXIT_FAILED;
}

const struct command key_rotate_command = {
    .name = "key rotate",
    .summary = "Seal everything with a new key, while servers run",
    .about =
        "Adds a new key to the keyring's file, waits until every running server has it, makes it "
        "the key for new values, and seals every stored value again with it. No call fails "
        "meanwhile. If it is interrupted, run it again: it continues.\n"
        "With several nodes that have copies of the keyring, copy the file to them while the "
        "command waits. With --keyring-command add the key yourself (headgate key new), then run "
        "this.\n"
        "Back up the keyring afterwards. Old keys stay in it until headgate key retire removes "
        "them.",
    .examples = "headgate key rotate --data headgate-data",
    .options = rotate_table,
    .check = data_options_check,
    .run = rotate,
};
