/* Directory, database, keyring: in this order, each with its own sentence when it fails. */
#include "cli/data_dir.h"

#include "api/access_key_set.h"
#include "api/generation_floor.h"
#include "base/log.h"
#include "profile/upgrade.h"
#include "store/audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_directory(const char *path, struct error *error)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    return fail(error, ERR_INTERNAL, "The data directory %s cannot be created: %s.", path,
                strerror(errno));
}

/* A mistyped directory should not become an empty one that looks right. */
static bool check_exists(const char *path, struct error *error)
{
    char database[DATA_PATH_SIZE];
    snprintf(database, sizeof(database), "%s/headgate.db", path);
    return access(database, F_OK) == 0 ||
           fail(error, ERR_NOT_FOUND,
                "There is no Headgate data in %s. Name its directory with --data, or its "
                "PostgreSQL database with --store.",
                path);
}

static void report_keyring(const char *path, enum data_use use)
{
    static const char advice[] = "Back it up, separately from the database: without it stored "
                                 "credentials cannot be decrypted.";
    if (use == DATA_SERVE)
        log_warn("Created the keyring %s. %s", path, advice);
    else
        fprintf(stderr, "headgate: Created the keyring %s. %s\n", path, advice);
}

static bool open_keys(struct data_dir *data, const struct options *options, enum data_use use,
                      struct error *error)
{
    char default_path[DATA_PATH_SIZE];
    struct keyring_source source = {
        .path = options_text(options, "keyring"),
        .command = options_text(options, "keyring-command"),
    };
    snprintf(default_path, sizeof(default_path), "%s/keyring", data->path);
    if (!source.path && !source.command)
        source.path = default_path;
    if (!service_keys_open(data->store, &source, &data->keys, error))
        return false;
    store_use_audit_key(data->store, data->keys.service_secret);
    if (data->keys.keyring_created)
        report_keyring(source.path, use);
    return true;
}

struct secret *take_variable(const char *name)
{
    char *text = getenv(name);
    if (!text || !*text)
        return NULL;
    struct secret *secret = secret_new(str_from(text));
    explicit_bzero(text, strlen(text));
    return secret;
}

bool data_options_check(const struct options *options, struct error *error)
{
    if (options_text(options, "keyring") && options_text(options, "keyring-command"))
        return fail(error, ERR_VALIDATION, "--keyring and --keyring-command exclude each other.");
    return strlen(options_text(options, "data")) <= DATA_DIR_MAX ||
           fail(error, ERR_VALIDATION, "--data is longer than %d bytes.", DATA_DIR_MAX);
}

/* A connection URL may hold a password. It lies where the process's arguments, environment or
 * file were read to, and is not needed there any more. */
static void wipe(const char *url)
{
    if (url)
        explicit_bzero((char *)url, strlen(url));
}

/* A database of an earlier version is sealed again before anything else reads it. One that this
 * node has seen upgraded is never upgraded a second time: what is in it now was put there by
 * something else than the server. */
static bool upgrade(struct data_dir *data, struct error *error)
{
    const struct keyring *keyring = data->keys.keyring;
    if (!data->keys.database_is_old)
        return true;
    if (generation_floor_get(data->key_generations) > 0)
        return fail(error, ERR_UNAVAILABLE,
                    "The database is in the form of an older version, although this node has seen "
                    "it upgraded: it was put back to an older state. If you restored it on "
                    "purpose, delete access-key-generation in %s and start again.",
                    data->path);
    return profile_upgrade(data->store, keyring, error) &&
           access_key_set_upgrade(data->store, keyring, error) &&
           service_keys_upgrade(data->store, &data->keys, error);
}

bool data_dir_admit_keys(struct data_dir *data, struct error *error)
{
    struct access_key_state state;
    return access_key_state_read(data->store, data->keys.keyring, &state, error) &&
           generation_floor_admit(data->key_generations, state.generation, error);
}

static bool is_look(enum data_use use)
{
    return use == DATA_LOOK || use == DATA_CHECK;
}

static bool open_store(struct data_dir *data, const struct store_config *config, enum data_use use,
                       struct error *error)
{
    return use == DATA_SERVE ? store_open(config, &data->store, error)
                             : store_attach(config, &data->store, error);
}

static bool open_local(struct data_dir *data, const struct store_config *config, enum data_use use,
                       struct error *error)
{
    bool there = is_look(use) ? check_exists(data->path, error) : make_directory(data->path, error);
    return there && open_store(data, config, use, error);
}

/* The directory only holds the keyring and the first access key, so it is created after the
 * database has answered: a wrong --store leaves nothing behind. */
static bool open_remote(struct data_dir *data, struct store_config *config, enum data_use use,
                        struct error *error)
{
    config->password = data->password = take_variable("PGPASSWORD");
    return open_store(data, config, use, error) &&
           (is_look(use) || make_directory(data->path, error));
}

bool data_dir_open(const struct options *options, enum data_use use, struct data_dir *ret_data,
                   struct error *error)
{
    *ret_data = (struct data_dir){.path = options_text(options, "data")};
    struct store_config config = {
        .data_dir = ret_data->path,
        .url = options_text(options, "store"),
        .connections = (int)options_number(options, "store-connections"),
    };
    bool opened = config.url ? open_remote(ret_data, &config, use, error)
                             : open_local(ret_data, &config, use, error);
    wipe(config.url);
    return opened && open_keys(ret_data, options, use, error) &&
           generation_floor_new(ret_data->path, &ret_data->key_generations, error) &&
           upgrade(ret_data, error) && (use == DATA_CHECK || data_dir_admit_keys(ret_data, error));
}

void data_dir_close(struct data_dir *data)
{
    service_keys_done(&data->keys);
    generation_floor_free(data->key_generations);
    if (data->store)
        store_close(data->store);
    secret_free(data->password);
    data->password = NULL;
    data->key_generations = NULL;
    data->store = NULL;
}
