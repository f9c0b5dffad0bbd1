/* headgate oauth-app: client id and secret of the operator's own OAuth apps. */
#include "cli/command.h"
#include "cli/data_command.h"
#include "cli/data_dir.h"
#include "cli/examples.h"
#include "cli/values.h"

#include "base/clock.h"
#include "connector/http/http_connector.h"
#include "profile/oauth_app_store.h"
#include "store/meta.h"
#include "vault/seal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { CLIENT_TEXT_MAX = 512 }; /* bytes, as the API's ClientId and ClientSecret */

/* Whether the operator's app is ever used: a connector may have no OAuth, or its profiles bring
 * their own client. */
static bool uses_app(const struct connector *connector)
{
    for (size_t i = 0; i < connector->http->auth.count; i++) {
        const struct connector_oauth2 *oauth2 = connector->http->auth.rows[i].oauth2;
        if (oauth2 && oauth2->client == CLIENT_APP)
            return true;
    }
    return false;
}

static bool check_oauth_connector(const char *text, struct error *expected)
{
    if (!check_connector(text, expected))
        return false;
    return uses_app(connector_by_type(str_from(text))) ||
           fail(expected, ERR_VALIDATION,
                "a connector that signs in with an OAuth app of the operator, which %s does not",
                text);
}

static const struct option set_table[] = {
    {.name = "connector",
     .argument = "TYPE",
     .required = true,
     .heading = "OAuth app",
     .check = check_oauth_connector,
     .help = "Connector type, such as " EXAMPLE_TYPE},
    {.name = "client-id",
     .argument = "ID",
     .required = true,
     .help = "Client id that the vendor gave the app"},
    DATA_MAKE_OPTIONS,
    {0},
};

/* The terminal's settings from before its echo was turned off. */
static struct termios terminal;

/* Ends the process by the signal, with the terminal as it was. Only async-signal-safe calls. */
static void restore_and_end(int number)
{
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
    signal(number, SIG_DFL);
    raise(number);
}

/* Reads a line from the terminal without echo, as a password is read. */
static bool read_hidden(char *secret, int size)
{
    if (tcgetattr(STDIN_FILENO, &terminal) != 0)
        return false;
    struct termios hidden = terminal;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    hidden.c_lflag |= ECHONL;
    signal(SIGINT, restore_and_end);
    signal(SIGTERM, restore_and_end);
    signal(SIGHUP, restore_and_end);
    bool ok = tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
    if (ok) {
        fprintf(stderr, "Client secret (not shown): ");
        ok = fgets(secret, size, stdin) != NULL;
    }
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal);
    return ok;
}

/* A secret on the command line would be in the shell's history and in every process list. */
static bool read_secret(char secret[CLIENT_TEXT_MAX + 2], struct error *error)
{
    setvbuf(stdin, NULL, _IONBF, 0); /* no copy in the library's buffer */
    bool ok = isatty(STDIN_FILENO) ? read_hidden(secret, CLIENT_TEXT_MAX + 2)
                                   : fgets(secret, CLIENT_TEXT_MAX + 2, stdin) != NULL;
    if (!ok)
        return fail(error, ERR_INTERNAL, "There was no client secret on standard input.");
    secret[strcspn(secret, "\r\n")] = '\0';
    size_t len = strlen(secret);
    if (len == 0 || len > CLIENT_TEXT_MAX)
        return fail(error, ERR_INTERNAL, "A client secret has 1 to %d bytes.", CLIENT_TEXT_MAX);
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
    struct seal_binding binding = oauth_app_binding(row->connector_type, row->client_id);
    const struct management_action action = {
        .operation = "SetOAuthApp",
        .resource = row->connector_type,
        .detail = arena_printf(&arena, "Client id %.*s", STR_ARG(row->client_id)),
        .apply = apply_put,
        .argument = row,
        .scrub = true,
    };
    bool ok =
        seal_close(data->keys.keyring, &binding, secret, &arena, &row->sealed_secret, error) &&
        management_run(data->store, &action, error);
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
    bool ok = read_secret(secret, &error) && data_dir_open(options, DATA_ATTACH, &data, &error);
    if (ok)
        management_catch_up(&data);
    ok = ok && put_app(&data, &row, str_from(secret), &error);
    explicit_bzero(secret, sizeof(secret));
    data_dir_close(&data);
    return ok ? EXIT_OK : command_failed(&error);
}

const struct command oauth_app_set_command = {
    .name = "oauth-app set",
    .summary = "Set the OAuth app to use for a connector",
    .about = "Stores the client id and, encrypted, the client secret of your own OAuth app at a "
             "vendor. The secret is read from standard input: one line from a pipe, or typed "
             "without being shown.",
    .examples = "headgate oauth-app set --data headgate-data --connector " EXAMPLE_TYPE " \\\n"
                "    --client-id ID\n"
                "headgate oauth-app set --data headgate-data --connector " EXAMPLE_TYPE " \\\n"
                "    --client-id ID < client-secret.txt",
    .options = set_table,
    .check = data_options_check,
    .run = set,
};

/* --- list --- */

static const struct option list_table[] = {
    DATA_LOOK_OPTIONS,
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
    .summary = "List OAuth apps",
    .about = "Prints one line per app: connector type and client id. Secrets are not shown.",
    .examples = "headgate oauth-app list --data headgate-data",
    .options = list_table,
    .check = data_options_check,
    .run = list,
};

/* --- delete --- */

static const struct option delete_table[] = {
    {.name = "connector",
     .argument = "TYPE",
     .required = true,
     .heading = "OAuth app",
     .check = check_connector,
     .help = "Connector type whose app to delete"},
    DATA_LOOK_OPTIONS,
    {0},
};

static bool apply_delete(struct db *db, void *argument, struct error *error)
{
    const char *type = argument;
    return oauth_app_delete(db, str_from(type), error);
}

static bool plan_delete(const struct options *options, struct store_reader *reader,
                        struct arena *arena, struct management_action *ret_action,
                        struct error *error)
{
    const char *type = options_text(options, "connector");
    (void)reader, (void)arena, (void)error;
    ret_action->operation = "DeleteOAuthApp";
    ret_action->resource = str_from(type);
    ret_action->apply = apply_delete;
    ret_action->argument = (char *)type;
    return true;
}

static int delete_app(const struct options *options)
{
    return data_change(options, plan_delete);
}

const struct command oauth_app_delete_command = {
    .name = "oauth-app delete",
    .summary = "Delete a connector's OAuth app",
    .about = "Profiles keep their tokens, which can no longer be refreshed with that app.",
    .examples = "headgate oauth-app delete --data headgate-data --connector " EXAMPLE_TYPE,
    .options = delete_table,
    .check = data_options_check,
    .run = delete_app,
};
