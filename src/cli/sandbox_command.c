/* headgate sandbox: the mock vendors on their own, and their test credentials. */
#include "cli/command.h"
#include "cli/examples.h"
#include "cli/node.h"
#include "cli/suggest.h"
#include "cli/values.h"

#include "base/buf.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <string.h>

enum { LIST_MAX = 4 * 1024 * 1024 };

static const struct option options_table[] = {
    {.name = "list",
     .kind = OPTION_FLAG,
     .heading = "Test credentials",
     .help = "List the outcomes that can be provoked, and exit"},
    {.name = "records",
     .kind = OPTION_FLAG,
     .help = "Print every record that the mock vendor has of an entity as a line of JSON, and "
             "exit; needs --connector and --entity"},
    {.name = "connector",
     .argument = "TYPE",
     .check = check_connector,
     .help = "With --list: only this connector, with the values to send"},
    {.name = "entity",
     .argument = "NAME",
     .help = "With --records: of this entity, as the connector names it"},
    {.name = "host",
     .argument = "HOST",
     .help = "With --records: with what clients wrote to the account at this host [the only "
             "account that was written to]"},
    {.name = "outcome",
     .argument = "NAME",
     .help = "With --connector: only this outcome, such as accepted or rejected"},
    {.name = "json",
     .kind = OPTION_FLAG,
     .help = "With --list: print connectorProfileConfig objects, ready to send"},
    {.name = "http",
     .argument = "HOST:PORT",
     .fallback = "127.0.0.1:8621",
     .heading = "Mock servers",
     .check = check_listen,
     .help = "Address for plain HTTP; port 0 for any free port"},
    {.name = "tls-port",
     .kind = OPTION_NUMBER,
     .argument = "PORT",
     .fallback = "8622",
     .least = 0,
     .most = 65535,
     .help = "Port for HTTPS on the same host"},
    {.name = "database-port",
     .kind = OPTION_NUMBER,
     .argument = "PORT",
     .fallback = "8623",
     .least = 0,
     .most = 65535,
     .help = "Port for the PostgreSQL protocol on the same host"},
    {.name = "ca-dir",
     .argument = "DIR",
     .fallback = "headgate-sandbox",
     .help = "Directory of the mock servers' certificate authority, created if missing; clients "
             "must trust DIR/ca.pem"},
    {.name = "s3-dir",
     .argument = "DIR",
     .help = "Directory in which the S3 stand-in keeps objects as plain files, DIR/BUCKET/KEY "
             "[CA-DIR/s3]"},
    {.name = "glue-dir",
     .argument = "DIR",
     .help = "Directory in which the stand-in of AWS Glue keeps tables as files, "
             "DIR/DATABASE/TABLE.json [CA-DIR/glue]"},
    {.name = "records-dir",
     .argument = "DIR",
     .help = "Directory in which records are kept that clients write, DIR/TYPE/HOST.jsonl; with "
             "--records read from there [CA-DIR/records]"},
    {0},
};

static bool check_options(const struct options *options, struct error *error)
{
    const char *type = options_text(options, "connector");
    const char *outcome = options_text(options, "outcome");
    const char *entity = options_text(options, "entity");
    bool list = options_flag(options, "list"), records = options_flag(options, "records");
    if (list && records)
        return fail(error, ERR_VALIDATION, "--list and --records exclude each other.");
    if (records && (!type || !entity))
        return fail(error, ERR_VALIDATION, "--records needs --connector and --entity.");
    if (!records && entity)
        return fail(error, ERR_VALIDATION, "--entity needs --records.");
    if (!records && options_text(options, "host"))
        return fail(error, ERR_VALIDATION, "--host needs --records.");
    if (!list && (outcome || options_flag(options, "json")))
        return fail(error, ERR_VALIDATION, "--outcome and --json need --list.");
    if (!list && !records && type)
        return fail(error, ERR_VALIDATION, "--connector needs --list or --records.");
    return !outcome || type || fail(error, ERR_VALIDATION, "--outcome needs --connector.");
}

/* --- the list --- */

static bool check_outcome(const struct value *outcomes, const char *type, const char *outcome,
                          struct arena *arena, struct error *error)
{
    char hint[SUGGESTION_TEXT_SIZE];
    struct suggestion suggestion = {.word = str_from(outcome)};
    if (value_get(outcomes, outcome))
        return true;
    for (size_t i = 0; i < outcomes->count; i++)
        suggestion_offer(&suggestion, arena_cstr(arena, outcomes->names[i]));
    return fail(error, ERR_VALIDATION,
                "%s has no outcome \"%.100s\".%s See: headgate sandbox --list --connector %s", type,
                outcome, suggestion_text(&suggestion, "", hint), type);
}

/* One connector's part of the whole list, or one outcome's. */
static bool pick(struct buf *list, const char *type, const char *outcome, struct arena *arena,
                 struct error *error)
{
    struct value *all;
    if (!json_parse(buf_str(list), arena, &all))
        return fail(error, ERR_INTERNAL, "The list of test credentials cannot be read.");
    const struct value *picked = value_get(all, type);
    if (!picked)
        return fail(error, ERR_VALIDATION, "The sandbox has no test credentials for %s.", type);
    if (outcome && !check_outcome(picked, type, outcome, arena, error))
        return false;
    buf_clear(list);
    value_encode(list, outcome ? value_get(picked, outcome) : picked);
    return true;
}

static bool fill_list(const struct options *options, struct buf *list, struct arena *arena,
                      struct error *error)
{
    const char *type = options_text(options, "connector");
    const char *outcome = options_text(options, "outcome");
    if (!type && !options_flag(options, "json")) {
        sandbox_list_text(list);
        buf_printf(list, "\nThe values to send: headgate sandbox --list --connector TYPE\n");
        return true;
    }
    sandbox_list_json(list);
    if (type && !pick(list, type, outcome, arena, error))
        return false;
    if (!options_flag(options, "json")) {
        buf_clear(list);
        sandbox_list_values(str_from(type), str_from(outcome), list);
    } else {
        buf_add_char(list, '\n');
    }
    return true;
}

static int print_list(const struct options *options)
{
    struct buf list = buf_on_heap(LIST_MAX);
    struct arena arena = {0};
    struct error error = {0};
    bool ok = fill_list(options, &list, &arena, &error);
    struct str text = buf_str(&list);
    if (ok)
        fwrite(text.data, 1, text.len, stdout);
    buf_done(&list);
    arena_done(&arena);
    if (!ok)
        return command_failed(&error);
    return EXIT_OK;
}

/* The option's folder, or the usual one beside the certificate authority. */
static const char *dir_of(const struct options *options, const char *name, const char *usual,
                          char out[DATA_PATH_SIZE])
{
    const char *given = options_text(options, name);
    snprintf(out, DATA_PATH_SIZE, "%s%s", given ? given : options_text(options, "ca-dir"),
             given ? "" : usual);
    return out;
}

static int print_records(const struct options *options)
{
    struct error error = {0};
    char records_dir[DATA_PATH_SIZE];
    const struct sandbox_records asked = {
        .connector_type = str_from(options_text(options, "connector")),
        .entity = str_from(options_text(options, "entity")),
        .records_dir = dir_of(options, "records-dir", "/records", records_dir),
        .host = str_from(options_text(options, "host")),
    };
    if (!sandbox_print_records(&asked, stdout, &error))
        return command_failed(&error);
    return EXIT_OK;
}

/* --- the servers --- */

static int run_sandbox(const struct options *options)
{
    char host[LISTEN_HOST_SIZE], objects[DATA_PATH_SIZE], records[DATA_PATH_SIZE];
    char tables[DATA_PATH_SIZE];
    struct sandbox *sandbox;
    struct error error = {0};
    struct sandbox_config config = {
        .host = host,
        .tls_port = (int)options_number(options, "tls-port"),
        .database_port = (int)options_number(options, "database-port"),
        .ca_dir = options_text(options, "ca-dir"),
        .s3_dir = dir_of(options, "s3-dir", "/s3", objects),
        .glue_dir = dir_of(options, "glue-dir", "/glue", tables),
        .records_dir = dir_of(options, "records-dir", "/records", records),
    };
    node_prepare_process();
    if (options_flag(options, "list"))
        return print_list(options);
    if (options_flag(options, "records"))
        return print_records(options);
    parse_listen(options_text(options, "http"), host, &config.http_port);
    if (!sandbox_start(&config, &sandbox, &error))
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
    .summary = "List the mock vendors' test credentials, print their records, or run them",
    .about =
        "Mock servers that emulate the vendors' protocols. \"headgate serve --sandbox\" has them "
        "built in; this command lists the credentials that they know, or runs them alone, "
        "for other programs.",
    .examples = "# Every connector and outcome\n"
                "headgate sandbox --list\n\n"
                "# One connector's outcomes, with the values to send\n"
                "headgate sandbox --list --connector " EXAMPLE_TYPE "\n\n"
                "# A connectorProfileConfig for the AWS CLI or an SDK\n"
                "headgate sandbox --list --json --connector " EXAMPLE_TYPE " --outcome accepted\n\n"
                "# What a mock vendor has, to compare with what a flow delivered\n"
                "headgate sandbox --records --connector " EXAMPLE_TYPE " --entity Account\n\n"
                "# The mock servers alone\n"
                "headgate sandbox --http 127.0.0.1:8621 --ca-dir headgate-sandbox",
    .options = options_table,
    .check = check_options,
    .run = run_sandbox,
};
