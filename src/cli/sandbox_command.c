/* headgate sandbox: the stand-in vendors on their own. */
#include "cli/command.h"
#include "cli/node.h"

#include "base/buf.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <string.h>

enum { LIST_MAX = 4 * 1024 * 1024 };

static const struct option options_table[] = {
    {.name = "http",
     .argument = "HOST:PORT",
     .fallback = "127.0.0.1:8621",
     .help = "address for plain HTTP; port 0 lets the system pick"},
    {.name = "tls-port",
     .kind = OPTION_NUMBER,
     .argument = "PORT",
     .fallback = "8622",
     .least = 0,
     .most = 65535,
     .help = "port for HTTPS on the same host"},
    {.name = "database-port",
     .kind = OPTION_NUMBER,
     .argument = "PORT",
     .fallback = "8623",
     .least = 0,
     .most = 65535,
     .help = "port of the database on the same host, which speaks PostgreSQL's protocol"},
    {.name = "ca-dir",
     .argument = "DIR",
     .fallback = "headgate-sandbox",
     .help = "where the CA is kept; clients trust DIR/ca.pem"},
    {.name = "list",
     .kind = OPTION_FLAG,
     .help = "print what credentials there are and how they end"},
    {.name = "json", .kind = OPTION_FLAG, .help = "with --list: ready-to-send configurations"},
    {.name = "connector", .argument = "TYPE", .help = "with --json and --outcome: only this one"},
    {.name = "outcome", .argument = "NAME", .help = "such as accepted or rejected"},
    {0},
};

/* One configuration out of the whole list. */
static bool pick(struct buf *list, const char *type, const char *outcome, struct error *error)
{
    struct arena arena = {0};
    struct value *all;
    const struct value *picked = NULL;
    if (json_parse(buf_str(list), &arena, &all))
        picked = value_get(value_get(all, type), outcome);
    buf_clear(list);
    if (picked)
        value_encode(list, picked);
    arena_done(&arena);
    return picked ||
           fail(error, ERR_VALIDATION,
                "There is no outcome %s for %s. See headgate sandbox --list.", outcome, type);
}

static bool fill_list(const struct options *options, struct buf *list, struct error *error)
{
    const char *type = options_text(options, "connector");
    const char *outcome = options_text(options, "outcome");
    if (!type != !outcome || (type && !options_flag(options, "json")))
        return fail(error, ERR_VALIDATION, "--connector and --outcome go together, with --json.");
    if (!options_flag(options, "json")) {
        sandbox_list_text(list);
        return true;
    }
    sandbox_list_json(list);
    return !type || pick(list, type, outcome, error);
}

static int print_list(const struct options *options)
{
    struct buf list = buf_on_heap(LIST_MAX);
    struct error error = {0};
    bool ok = fill_list(options, &list, &error);
    struct str text = buf_str(&list);
    if (ok) {
        fwrite(text.data, 1, text.len, stdout);
        if (options_flag(options, "json"))
            putchar('\n');
    }
    buf_done(&list);
    if (!ok)
        return command_failed(&error);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static int run_sandbox(const struct options *options)
{
    char host[256];
    struct sandbox *sandbox;
    struct error error = {0};
    struct sandbox_config config = {
        .host = host,
        .tls_port = (int)options_number(options, "tls-port"),
        .database_port = (int)options_number(options, "database-port"),
        .ca_dir = options_text(options, "ca-dir"),
    };
    node_prepare_process();
    if (options_flag(options, "list"))
        return print_list(options);
    if (!parse_listen(options_text(options, "http"), host, sizeof(host), &config.http_port,
                      &error) ||
        !sandbox_start(&config, &sandbox, &error))
        return command_failed(&error);
    printf("ready http://%s:%d https://%s:%d, database at port %d, CA in %s/ca.pem\n", host,
           sandbox_http_port(sandbox), host, sandbox_tls_port(sandbox),
           sandbox_database_port(sandbox), config.ca_dir);
    fflush(stdout);
    node_wait_for_end();
    sandbox_stop(sandbox);
    return EXIT_OK;
}

const struct command sandbox_command = {
    .name = "sandbox",
    .summary = "every vendor in one process, for trying and testing",
    .about = "Stand-ins for the vendors, faithful to their protocols, routed by host name and "
             "path.\n--list tells the special credentials and what each shows; with --json it "
             "prints\n{connectorType: {outcome: connectorProfileConfig}}, ready to send. headgate "
             "serve --sandbox\nneeds none of this: it brings its own.",
    .options = options_table,
    .run = run_sandbox,
};
