/* Rows about management actions. What the audit last knew of schema and keyring is in `meta`, so
 * that a change is recorded once, whichever command makes it. Restores are lines of a file beside
 * the database until then:
 *
 *     TIME-MS <tab> USER <tab> FILE <tab> OUTCOME
 *
 * one when it begins and one when it ends. */
#include "cli/management.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/user.h"
#include "store/db/migrations.h"
#include "store/meta.h"
#include "store/restored.h"
#include "wire/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WHO_SIZE = 2 * USER_NAME_SIZE + 16,
    NOTES_MAX = 16 * 1024, /* bytes of the file that are read */
    NOTE_FIELDS = 4,
};

#define NOTES_NAME "restores"
#define NOTE_BEGUN "begun"
#define KEYRING_STATE "audited-keyring" /* in meta */

/* The user of the process, and the one behind sudo, as sudo says. */
static struct str who(char out[WHO_SIZE])
{
    char name[USER_NAME_SIZE];
    const char *behind = getenv("SUDO_USER");
    user_name(getuid(), name);
    if (behind && strspn(behind, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "_-.") == strlen(behind))
        snprintf(out, WHO_SIZE, "%s (sudo %.*s)", name, USER_NAME_SIZE - 1, behind);
    else
        snprintf(out, WHO_SIZE, "%s", name);
    return str_from(out);
}

/* --- an action --- */

struct managed {
    const struct management_action *action;
    struct audit_entry entry;
};

static bool apply_managed(struct db *db, void *argument, struct error *error)
{
    struct managed *managed = argument;
    return managed->action->apply(db, managed->action->argument, error) &&
           audit_add(db, &managed->entry, error);
}

bool management_apply_entry(struct db *db, void *argument, struct error *error)
{
    return audit_add(db, argument, error);
}

static void record_failure(struct store *store, struct audit_entry *entry,
                           const struct error *failure)
{
    struct error error = {0};
    entry->outcome = str_from(error_kind(failure->code)->exception);
    entry->detail = str_from(failure->message);
    if (!store_apply(store, management_apply_entry, entry, false, &error))
        log_error("An audit entry could not be written: %s", error.message);
}

bool management_run(struct store *store, const struct management_action *action,
                    struct error *error)
{
    char user[WHO_SIZE];
    struct managed managed = {
        .action = action,
        .entry = {.at_ms = clock_wall_ms(),
                  .account = action->account.data ? action->account : STR(""),
                  .os_user = who(user),
                  .operation = str_from(action->operation),
                  .resource = action->resource,
                  .outcome = STR("ok"),
                  .detail = action->detail},
    };
    bool ok = action->change ? action->change(action->argument, &managed.entry, error)
                             : store_apply(store, apply_managed, &managed, action->scrub, error);
    if (ok)
        return true;
    record_failure(store, &managed.entry, error);
    return false;
}

/* --- what changed since the last look --- */

struct known_state {
    const char *name; /* in meta */
    struct str is;
};

static bool apply_state(struct db *db, void *argument, struct error *error)
{
    const struct known_state *state = argument;
    return meta_put(db, str_from(state->name), state->is, error);
}

static bool read_state(struct store *store, struct arena *arena, const char *name,
                       struct str *ret_was, struct error *error)
{
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = meta_get(reader, arena, str_from(name), ret_was, error);
    store_reader_put(store, reader);
    return ok;
}

/* `first`: the operation where nothing was known; NULL: none. */
static bool catch_up_with(struct store *store, struct known_state *state, const char *first,
                          const char *operation, struct arena *arena, struct error *error)
{
    struct str was;
    if (!read_state(store, arena, state->name, &was, error))
        return false;
    if (was.data && str_eq(was, state->is))
        return true;
    if (!was.data && !first)
        return store_apply(store, apply_state, state, false, error);
    const struct management_action action = {
        .operation = was.data ? operation : first,
        .resource = state->is,
        .detail = was.data ? arena_printf(arena, "Before: %.*s", STR_ARG(was)) : STR_NULL,
        .apply = apply_state,
        .argument = state,
    };
    return management_run(store, &action, error);
}

/* Whether a version that did not chain rows has written some. */
static bool has_old_rows(struct store *store, struct arena *arena, bool *ret_any,
                         struct error *error)
{
    const struct audit_filter all = {.after_position = -1};
    struct store_reader *reader;
    struct audit_row *rows;
    size_t count = 0;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = audit_list(reader, arena, &all, 1, &rows, &count, error);
    store_reader_put(store, reader);
    *ret_any = count > 0 && !rows[0].mac.data;
    return ok;
}

static bool catch_up(const struct data_dir *data, struct arena *arena, struct error *error)
{
    struct known_state schema = {"audited-schema",
                                 arena_printf(arena, "schema %lld", (long long)schema_version())};
    struct known_state keyring = {KEYRING_STATE, keyring_primary_id(data->keys.keyring)};
    bool is_old;
    return has_old_rows(data->store, arena, &is_old, error) &&
           catch_up_with(data->store, &keyring, data->keys.keyring_created ? "CreateKeyring" : NULL,
                         "ChangeKeyring", arena, error) &&
           catch_up_with(data->store, &schema, is_old ? "UpgradeDatabase" : "CreateDatabase",
                         "UpgradeDatabase", arena, error);
}

bool management_keyring_known(struct db *db, struct str id, struct error *error)
{
    return meta_put(db, str_from(KEYRING_STATE), id, error);
}

/* --- restores --- */

static void notes_path(const char *dir, char out[DATA_PATH_SIZE])
{
    snprintf(out, DATA_PATH_SIZE, "%s/" NOTES_NAME, dir);
}

static int open_notes(const char *path, int flags)
{
    return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* In a field: no tab and no line end. */
static void clean(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ')
            *text = '?';
    }
}

static bool note(const char *dir, const char *from, const char *outcome, struct error *error)
{
    char path[DATA_PATH_SIZE], user[WHO_SIZE], file[DATA_PATH_SIZE];
    notes_path(dir, path);
    snprintf(file, sizeof(file), "%s", from);
    clean(file);
    int fd = open_notes(path, O_WRONLY | O_CREAT | O_APPEND);
    bool ok = fd >= 0 &&
              dprintf(fd, "%lld\t%s\t%s\t%s\n", (long long)clock_wall_ms(), who(user).data, file,
                      outcome) > 0 &&
              fsync(fd) == 0;
    if (!ok)
        fail(error, ERR_UNAVAILABLE,
             "The restore cannot be recorded for the audit: %s cannot be written: %s.", path,
             strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

bool management_note_begin(const char *dir, const char *from, struct error *error)
{
    return note(dir, from, NOTE_BEGUN, error);
}

bool management_note_restore(const char *dir, const char *from, const struct error *outcome,
                             struct error *error)
{
    return note(dir, from, outcome ? error_kind(outcome->code)->exception : "ok", error);
}

static bool apply_restored(struct db *db, void *argument, struct error *error)
{
    const int64_t *at_ms = argument;
    return restored_note(db, *at_ms, error);
}

static bool apply_restore(struct db *db, void *argument, struct error *error)
{
    const struct audit_entry *entry = argument;
    return management_apply_entry(db, argument, error) &&
           (!str_eq(entry->outcome, STR("ok")) || restored_note(db, entry->at_ms, error));
}

/* *begun_at_ms: of a restore whose outcome has not come yet; 0: there is none. */
static bool add_restore(struct store *store, struct str line, int64_t *begun_at_ms,
                        struct error *error)
{
    struct str fields[NOTE_FIELDS];
    for (int i = 0; i < NOTE_FIELDS - 1; i++) {
        if (!str_cut(line, '\t', &fields[i], &line))
            return true; /* of no use */
    }
    fields[NOTE_FIELDS - 1] = line;
    struct audit_entry entry = {
        .at_ms = strtoll(fields[0].data, NULL, 10),
        .account = STR(""),
        .os_user = fields[1],
        .operation = STR("RestoreDatabase"),
        .resource = fields[2],
        .outcome = fields[3],
    };
    bool is_begun = str_eq(entry.outcome, STR(NOTE_BEGUN));
    *begun_at_ms = is_begun ? entry.at_ms : 0;
    return is_begun || store_apply(store, apply_restore, &entry, false, error);
}

static bool add_restores(struct store *store, const char *path, struct error *error)
{
    char text[NOTES_MAX + 1];
    int64_t begun_at_ms = 0;
    int fd = open_notes(path, O_RDONLY);
    if (fd < 0)
        return errno == ENOENT ||
               fail(error, ERR_UNAVAILABLE, "%s cannot be read: %s.", path, strerror(errno));
    ssize_t len = read(fd, text, NOTES_MAX);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    struct str rest = str_from(text), line;
    while (str_cut(rest, '\n', &line, &rest)) {
        if (!add_restore(store, line, &begun_at_ms, error))
            return false;
    }
    if (begun_at_ms != 0 && !store_apply(store, apply_restored, &begun_at_ms, false, error))
        return false;
    if (unlink(path) != 0) /* they have their rows, and get them again at the next start */
        log_error("%s cannot be removed: %s.", path, strerror(errno));
    return true;
}

static void log_what_failed(const struct error *error)
{
    log_error("What happened before cannot be recorded in the audit: %s", error->message);
}

static void catch_up_or_log(const struct data_dir *data)
{
    struct arena arena = {0};
    struct error error = {0};
    if (!catch_up(data, &arena, &error))
        log_what_failed(&error);
    arena_done(&arena);
}

void management_catch_up(const struct data_dir *data)
{
    char path[DATA_PATH_SIZE];
    struct error error = {0};
    notes_path(data->path, path);
    if (!add_restores(data->store, path, &error))
        log_what_failed(&error);
    else
        catch_up_or_log(data);
}

bool management_start(const struct options *options, const struct data_dir *data,
                      struct error *error)
{
    char path[DATA_PATH_SIZE];
    bool required = strcmp(options_text(options, "audit-required"), "yes") == 0;
    store_set_audit_optional(data->store, !required);
    notes_path(data->path, path);
    if (!add_restores(data->store, path, error))
        return false;
    catch_up_or_log(data);
    return true;
}
