/* headgate serve: the API server. */
#include "cli/command.h"
#include "cli/examples.h"
#include "cli/harden.h"
#include "cli/local_connectors.h"
#include "cli/manager.h"
#include "cli/node.h"
#include "cli/node_options.h"
#include "cli/outbound.h"

#include "base/log.h"
#include "escrow/courier.h"

#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct option options_table[] = {
    NODE_OPTIONS,
    {.name = "local-connector",
     .kind = OPTION_TEXTS,
     .argument = "ARN=COMMAND",
     .heading = "Local connectors",
     .check = local_function_check,
     .help = "Run a custom connector's Lambda function as a process of this machine, by this shell "
             "command; may be repeated"},
    {.name = "local-connectors",
     .argument = "DIR",
     .help = "Directory of files with lines ARN=COMMAND, each followed by lines NAME=value for its "
             "environment; SIGHUP reads them again"},
    NUMBER_OPTION("local-connector-processes", "N", "32", 1, 1024,
                  "Maximum processes of all local connectors; an account has at most as many as it "
                  "leaves free"),
    NUMBER_OPTION("local-connector-calls", "N", "8", 1, 1024,
                  "Maximum calls at once, and so processes, of each of them for one account"),
    NUMBER_OPTION("local-connector-idle", "SECONDS", "300", 1, 86400,
                  "Time after which an idle process of a local connector ends"),
    NUMBER_OPTION("local-connector-memory", "MIB", "512", 0, 1048576,
                  "Maximum private memory of each of their processes (RLIMIT_DATA); 0: unlimited"),
    {.name = "log-level",
     .heading = "Log and hardening",
     .argument = "LEVEL",
     .fallback = "info",
     .check = check_level,
     .help = "Least severe level to log: debug, info, warn or error"},
    {.name = "log-format",
     .argument = "FORMAT",
     .fallback = "text",
     .check = check_format,
     .help = "Format of the log on standard error: text or json (one object per line)"},
    {.name = "hardening",
     .argument = "MODE",
     .fallback = "on",
     .check = check_hardening,
     .help = "Give up what the server does not need (seccomp, Landlock): on, as far as the kernel "
             "permits it; required, or the server does not start; off"},
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
    return node_options_check(options, error) && local_connectors_check(options, error) &&
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

/* A group may be the way in which a key reaches the server's user, so it is left out. */
static void warn_of_key_readers(const char *key)
{
    struct stat status;
    if (stat(key, &status) == 0 && status.st_mode & S_IRWXO)
        log_warn("The TLS key %s may be read or changed by others: run \"chmod o= %s\".", key, key);
}

static bool check_tls(const struct options *options, struct error *error)
{
    const char *cert = options_text(options, "tls-cert"), *key = options_text(options, "tls-key");
    if (!cert)
        return true;
    if (!server_check_tls(cert, key, error))
        return false;
    warn_of_key_readers(key);
    return true;
}

/* False when the server must not start so. */
static bool without(enum hardening hardening, const char *what, const struct error *reason,
                    struct error *error)
{
    if (hardening == HARDENING_REQUIRED)
        return fail(error, ERR_INTERNAL, "--hardening required: %s", reason->message);
    log_warn("The server runs without %s: %s", what, reason->message);
    return true;
}

/* The directory, or the one that it is going to be created in. */
static const char *nearest(const char *path, char out[DATA_PATH_SIZE])
{
    if (access(path, F_OK) == 0)
        return path;
    snprintf(out, DATA_PATH_SIZE, "%s", path);
    return dirname(out);
}

/* A keyring that is to be created elsewhere needs its directory, too. A keyring command does what
 * its author wants, and would inherit the restriction. */
static bool restrict_writes(const struct options *options, enum hardening hardening,
                            struct error *error)
{
    const char *keyring = options_text(options, "keyring");
    char data_parent[DATA_PATH_SIZE], keyring_parent[DATA_PATH_SIZE];
    const char *directories[2] = {nearest(options_text(options, "data"), data_parent)};
    size_t count = 1;
    struct error reason;
    if (hardening == HARDENING_OFF || options_text(options, "keyring-command"))
        return true;
    if (keyring && access(keyring, F_OK) != 0)
        directories[count++] = nearest(keyring, keyring_parent);
    return harden_writes(directories, count, &reason) ||
           without(hardening, "a restriction of the files that it may write", &reason, error);
}

static bool restrict_calls(enum hardening hardening, struct error *error)
{
    struct error reason;
    return hardening == HARDENING_OFF || harden_calls(&reason) ||
           without(hardening, "a filter for system calls", &reason, error);
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

/* What the server itself wipes once it is in use would stay readable in the arguments and the
 * environment of a process that was forked before: in each of them it is wiped at once. */
static const struct options *own_options;
static struct reference_rules *own_references;

static void forget_secrets(void)
{
    static const char *const names[] = {"PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"};
    const char *url = options_text(own_options, "store");
    if (url)
        explicit_bzero((char *)url, strlen(url));
    reference_rules_wipe_variables(own_references);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *value = getenv(names[i]);
        if (value)
            explicit_bzero(value, strlen(value));
    }
}

/* --- the process that renews tokens --- */

struct courier_setting {
    const struct options *options;
    enum hardening hardening;
    struct outbound outbound;
};

static bool make_courier_client(void *context, struct client **ret_client, struct error *error)
{
    struct courier_setting *setting = context;
    bool started = outbound_start(setting->options, NULL, &setting->outbound, error);
    *ret_client = setting->outbound.client;
    return started;
}

/* It writes no file but through the descriptor that it was given. The server has said in its log
 * what the kernel does not permit. */
static bool lock_courier_down(void *context, struct error *error)
{
    const struct courier_setting *setting = context;
    if (setting->hardening == HARDENING_OFF)
        return true;
    bool locked = harden_writes(NULL, 0, error);
    return (harden_calls(error) && locked) || setting->hardening == HARDENING_ON;
}

/* Mock vendors end with the server: what they answered is of no use after that. */
static bool start_courier(struct courier_setting *setting, struct courier **ret_courier,
                          struct error *error)
{
    const struct courier_config config = {make_courier_client, lock_courier_down, setting};
    return options_flag(setting->options, "sandbox") || courier_start(&config, ret_courier, error);
}

static int start_and_run(const struct options *options, enum log_format format)
{
    struct node node;
    struct error error = {0};
    int code = EXIT_OK;
    enum hardening hardening = HARDENING_ON;
    struct node_processes processes = {0};
    static struct courier_setting courier; /* also of the courier's process */
    own_options = options;
    if (!node_reference_rules(options, &own_references, &error))
        return start_failed(format, &error);
    pthread_atfork(NULL, NULL, forget_secrets);
    hardening_from(options_text(options, "hardening"), &hardening);
    courier = (struct courier_setting){options, hardening, {0}};
    if (!local_connectors_prepare(options, hardening, &processes.local, &error) ||
        !restrict_writes(options, hardening, &error) ||
        !start_courier(&courier, &processes.courier, &error)) {
        local_connectors_done(&processes.local);
        return start_failed(format, &error);
    }
    if (node_start(&node, options, options_text(options, "listen"),
                   options_flag(options, "sandbox"), &processes, &error) &&
        restrict_calls(hardening, &error))
        run_until_signal(&node);
    else
        code = start_failed(format, &error);
    if (!node_stop(&node))
        log_warn("Shutdown timeout (--stop-timeout) reached: in-flight requests were aborted.");
    reference_rules_free(own_references);
    own_references = NULL;
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
             "logs to standard error. SIGHUP reloads the TLS certificate, the keyring and the "
             "list of local connectors.\n"
             "The first start creates the keyring (DIR/keyring: back it up, without it stored "
             "credentials cannot be decrypted) and an access key (DIR/credentials).\n"
             "Options that take a list (\",...\") take values separated by commas, and may be "
             "repeated; the same holds for their variables and in the configuration file.",
    .examples = "# On this machine, with mock vendors\n"
                "headgate serve --data headgate-data --listen 127.0.0.1:8620 --sandbox\n\n"
                "# With TLS, and health checks on a second port\n"
                "headgate serve --data /var/lib/headgate --listen :8620 \\\n"
                "    --tls-cert /etc/headgate/cert.pem --tls-key /etc/headgate/key.pem \\\n"
                "    --admin-listen 127.0.0.1:8629\n\n"
                "# Another region of a vendor, and a route into your own network\n"
                "headgate serve --endpoint " EXAMPLE_ENDPOINT " \\\n"
                "    --private-route " EXAMPLE_HOST "=10.1.2.3:443\n\n"
                "# Check a configuration file without starting\n"
                "headgate serve --config /etc/headgate/headgate.conf --check-config",
    .options = options_table,
    .check = check_options,
    .run = serve,
};
