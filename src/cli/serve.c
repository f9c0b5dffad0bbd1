/* headgate serve: the API server. */
#include "cli/command.h"
#include "cli/examples.h"
#include "cli/manager.h"
#include "cli/node.h"

#include "base/log.h"

#include <stdio.h>

static const struct option options_table[] = {
    NODE_OPTIONS,
    {.name = "log-level",
     .argument = "LEVEL",
     .fallback = "info",
     .check = check_level,
     .help = "Least severe level to log: debug, info, warn or error"},
    {.name = "log-format",
     .argument = "FORMAT",
     .fallback = "text",
     .check = check_format,
     .help = "Format of the log on standard error: text or json (one object per line)"},
    {.name = "sandbox",
     .kind = OPTION_FLAG,
     .help = "Send every call to a vendor to built-in mock servers"},
    {.name = "check-config",
     .kind = OPTION_FLAG,
     .help = "Check options, configuration file and TLS files, then exit; nothing is created or "
             "started"},
    {0},
};

static bool check_options(const struct options *options, struct error *error)
{
    return node_options_check(options, error) &&
           (options_flag(options, "sandbox") || node_variables_check(options, error));
}

/* A reader of JSON lines gets nothing else. */
static int start_failed(enum log_format format, const struct error *error)
{
    if (format == LOG_TEXT)
        return command_failed(error);
    log_error("%s", error->message);
    return error->code == ERR_VALIDATION ? EXIT_USAGE : EXIT_FAILED;
}

static bool check_tls(const struct options *options, struct error *error)
{
    const char *cert = options_text(options, "tls-cert"), *key = options_text(options, "tls-key");
    return !cert || server_check_tls(cert, key, error);
}

/* From "ready" to the signal to end. */
static void run_until_signal(struct node *node)
{
    bool remote = store_is_remote(node->data.store);
    log_info("Headgate %s is ready at %s, data in %s.", HEADGATE_VERSION, node->endpoint,
             remote ? "PostgreSQL" : node->data.path);
    printf("ready %s\n", node->endpoint);
    fflush(stdout);
    manager_notify("READY=1");
    node_wait(node);
}

static int start_and_run(const struct options *options, enum log_format format)
{
    struct node node;
    struct error error = {0};
    int code = EXIT_OK;
    if (node_start(&node, options, options_text(options, "listen"),
                   options_flag(options, "sandbox"), &error))
        run_until_signal(&node);
    else
        code = start_failed(format, &error);
    if (!node_stop(&node))
        log_warn("Shutdown timeout (--stop-timeout) reached: in-flight requests were aborted.");
    return code;
}

static int serve(const struct options *options)
{
    struct error error = {0};
    enum log_level level = LOG_INFO;
    enum log_format format = LOG_TEXT;
    log_level_from(options_text(options, "log-level"), &level);
    log_format_from(options_text(options, "log-format"), &format);
    log_init(level, format);
    node_prepare_process();
    if (!check_tls(options, &error))
        return start_failed(format, &error);
    if (options_flag(options, "check-config")) {
        printf("The configuration is valid.\n");
        return EXIT_OK;
    }
    return start_and_run(options, format);
}

const struct command serve_command = {
    .name = "serve",
    .summary = "Start the API server",
    .about = "Serves the API of Amazon AppFlow until SIGTERM or SIGINT, then finishes in-flight "
             "requests. Prints \"ready ENDPOINT\" on standard output when it accepts requests; "
             "logs to standard error. SIGHUP reloads the TLS certificate.\n"
             "The first start creates the keyring (DIR/keyring: back it up, without it stored "
             "credentials cannot be decrypted) and an access key (DIR/credentials).\n"
             "Options that take a list (\",...\") take values separated by commas, and may be "
             "repeated; the same holds for their variables and in the configuration file.",
    .examples = "# On this machine, with mock vendors\n"
                "headgate serve --data headgate-data --listen 127.0.0.1:8620 --sandbox\n\n"
                "# With TLS, and health checks on a second port\n"
                "headgate serve --data /var/lib/headgate --listen :8620 \\\n"
                "    --tls-cert /etc/headgate/cert.pem --tls-key /etc/headgate/key.pem \\\n"
                "    --operations 127.0.0.1:8629\n\n"
                "# Another region of a vendor, and a route into your own network\n"
                "headgate serve --endpoint " EXAMPLE_ENDPOINT " \\\n"
                "    --private-route " EXAMPLE_HOST "=10.1.2.3:443\n\n"
                "# Check a configuration file without starting\n"
                "headgate serve --config /etc/headgate/headgate.conf --check-config",
    .options = options_table,
    .check = check_options,
    .run = serve,
};
