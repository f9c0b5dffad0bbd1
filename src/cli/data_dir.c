/* Directory, database, keyring: in this order, each with its own sentence when it fails. */
#include "cli/data_dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_directory(const char *path, struct error *error)
{
    if (strlen(path) > DATA_DIR_MAX)
        return fail(error, ERR_VALIDATION, "The path of --data is longer than %d bytes.",
                    DATA_DIR_MAX);
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    return fail(error, ERR_INTERNAL, "The directory %s cannot be made: %s.", path, strerror(errno));
}

/* A mistyped directory should not become an empty one that looks right. */
static bool check_exists(const char *path, struct error *error)
{
    char database[DATA_PATH_SIZE];
    snprintf(database, sizeof(database), "%s/headgate.db", path);
    return access(database, F_OK) == 0 ||
           fail(error, ERR_NOT_FOUND,
                "There is no Headgate data in %s. Name its directory with "
                "--data.",
                path);
}

static bool open_keys(struct data_dir *data, const struct options *options, struct error *error)
{
    char default_path[DATA_PATH_SIZE];
    struct keyring_source source = {
        .path = options_text(options, "keyring"),
        .command = options_text(options, "keyring-command"),
    };
    if (source.path && source.command)
        return fail(error, ERR_VALIDATION, "Give --keyring or --keyring-command, not both.");
    snprintf(default_path, sizeof(default_path), "%s/keyring", data->path);
    if (!source.path && !source.command)
        source.path = default_path;
    return service_keys_open(data->store, &source, &data->keys, error);
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

static bool check_directory(const struct data_dir *data, enum data_use use, bool remote,
                            struct error *error)
{
    if (use == DATA_LOOK)
        return remote || check_exists(data->path, error);
    return make_directory(data->path, error);
}

/* A connection URL may hold a password. It lies where the process's arguments, environment or
 * file were read to, and is not needed there any more. */
static void wipe(const char *url)
{
    if (url)
        explicit_bzero((char *)url, strlen(url));
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
    if (!check_directory(ret_data, use, config.url, error))
        return false;
    if (config.url)
        config.password = ret_data->password = take_variable("PGPASSWORD");
    bool opened = use == DATA_SERVE ? store_open(&config, &ret_data->store, error)
                                    : store_attach(&config, &ret_data->store, error);
    wipe(config.url);
    return opened && open_keys(ret_data, options, error);
}

void data_dir_close(struct data_dir *data)
{
    service_keys_done(&data->keys);
    if (data->store)
        store_close(data->store);
    secret_free(data->password);
    data->password = NULL;
    data->store = NULL;
}
