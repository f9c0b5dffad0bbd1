/* headgate oauth-app: the client id and secret of the operator's own OAuth apps. */
#include "cli/command.h"
#include "cli/data_command.h"
#include "cli/data_dir.h"

#include "base/clock.h"
#include "connector/connector.h"
#include "profile/oauth_app_store.h"
#include "store/meta.h"
#include "vault/seal.h"

#include <stdio.h>
#include <string.h>

enum { CLIENT_TEXT_MAX = 512 }; /* bytes, as the API's ClientId and ClientSecret */

static const struct option set_table[] = {
    DATA_OPTIONS,
    {.name = "connector",
     .argument = "TYPE",
     .required = true,
     .help = "a ConnectorType of the API"},
    {.name = "client-id", .argument = "ID", .required = true, .help = "as the vendor gave it"},
    {0},
};

/* A secret on the command line would be in the shell's history and in every process list. */
static bool read_secret(char secret[CLIENT_TEXT_MAX + 2], struct error *error)
{
    fprintf(stderr, "client secret (one line on standard input): ");
    if (!fgets(secret, CLIENT_TEXT_MAX + 2, stdin))
        return fail(error, ERR_VALIDATION, "There was no client secret on standard input.");
    secret[strcspn(secret, "\r\n")] = '\0';
    size_t len = strlen(secret);
    if (len == 0 || len > CLIENT_TEXT_MAX)
        return fail(error, ERR_VALIDATION, "A client secret has 1 to %d characters.",
                    CLIENT_TEXT_MAX);
    return true;
}

static bool apply_put(struct db *db, void *argument, struct error *error)
{
    return oauth_app_put(db, argument, error);
}

static bool put_app(const struct data_dir *data, struct oauth_app_row *row, struct str secret,
                    struct error *error)
{
    struct arena arena = {0};
    struct seal_binding binding = oauth_app_binding(row->connector_type);
    bool ok =
        seal_close(data->keys.keyring, &binding, secret, &arena, &row->sealed_secret, error) &&
        store_apply(data->store, apply_put, row, true, error);
    arena_done(&arena);
    return ok;
}

static int set(const struct options *options)
{
    struct data_dir data = {.path = NULL};
    struct error error = {0};
    char secret[CLIENT_TEXT_MAX + 2];
    struct oauth_app_row row = {
        .connector_type = str_from(options_text(options, "connector")),
        .client_id = str_from(options_text(options, "client-id")),
        .updated_at_ms = clock_wall_ms(),
    };
    secret_init();
    if (!connector_by_type(row.connector_type)) {
        fail(&error, ERR_VALIDATION, "There is no connector type %.*s.",
             STR_ARG(row.connector_type));
        return command_failed(&error);
    }
    bool ok = read_secret(secret, &error) && data_dir_open(options, DATA_ATTACH, &data, &error) &&
              put_app(&data, &row, str_from(secret), &error);
    explicit_bzero(secret, sizeof(secret));
    data_dir_close(&data);
    return ok ? EXIT_OK : command_failed(&error);
}

const struct command oauth_app_set_command = {
    .name = "oauth-app set",
    .summary = "the OAuth app to use for a connector",
    .about = "Keeps the client id and, sealed, the client secret of your own OAuth app for a "
             "connector. The secret is read from standard input.",
    .options = set_table,
    .run = set,
};

/* --- list --- */

static const struct option list_table[] = {
    DATA_OPTIONS,
    {0},
};

static bool print_apps(const struct options *options, struct store_reader *reader,
                       struct arena *arena, struct error *error)
{
    struct oauth_app_row *apps;
    size_t count = 0;
    (void)options;
    if (!oauth_app_list(reader, arena, &apps, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        printf("%-20.*s %.*s\n", STR_ARG(apps[i].connector_type), STR_ARG(apps[i].client_id));
    return true;
}

static int list(const struct options *options)
{
    return data_show(options, print_apps);
}

const struct command oauth_app_list_command = {
    .name = "oauth-app list",
    .summary = "the OAuth apps that are set",
    .about = "A line an app: connector type and client id. No secret.",
    .options = list_table,
    .run = list,
};

/* --- delete --- */

static const struct option delete_table[] = {
    DATA_OPTIONS,
    {.name = "connector", .argument = "TYPE", .required = true, .help = "whose app to forget"},
    {0},
};

static bool apply_delete(struct db *db, void *argument, struct error *error)
{
    const char *type = argument;
    return oauth_app_delete(db, str_from(type), error);
}

static int delete_app(const struct options *options)
{
    return data_change(options, apply_delete, options_text(options, "connector"));
}

const struct command oauth_app_delete_command = {
    .name = "oauth-app delete",
    .summary = "forget a connector's OAuth app",
    .about = "Profiles keep their tokens; they can no longer be refreshed with that app.",
    .options = delete_table,
    .run = delete_app,
};
