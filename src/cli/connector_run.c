/* headgate connector run and invoke: requests one by one. */
#include "cli/command.h"
#include "cli/connector_options.h"
#include "cli/connector_recording.h"
#include "cli/connector_talk.h"

#include "cli/suggest.h"
#include "wire/json_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool check_function(const char *text, struct error *expected);

static const struct option run_options[] = {CONNECTOR_HOST_OPTIONS, {0}};

static const struct option invoke_options[] = {
    {.name = "function",
     .argument = "NAME",
     .heading = "Call",
     .check = check_function,
     .help = "Function to call, such as ListEntities; its request is made of the options below"},
    {.name = "payload",
     .argument = "JSON",
     .help = "Instead of --function: the whole request, or @FILE"},
    CONNECTOR_HOST_OPTIONS,
    CONNECTOR_REQUEST_OPTIONS,
    {0},
};

/* -1: there is none of this name. */
static int function_of(const char *text)
{
    for (int i = 0; i < CONTRACT_FUNCTIONS; i++) {
        if (strcmp(text, contract_function_name((enum contract_function)i)) == 0)
            return i;
    }
    return -1;
}

static bool check_function(const char *text, struct error *expected)
{
    char hint[SUGGESTION_TEXT_SIZE];
    struct suggestion suggestion = {.word = str_from(text)};
    for (int i = 0; i < CONTRACT_FUNCTIONS; i++)
        suggestion_offer(&suggestion, contract_function_name((enum contract_function)i));
    return function_of(text) >= 0 ||
           fail(expected, ERR_VALIDATION, "a function of the contract, such as ListEntities.%s",
                suggestion_text(&suggestion, "", hint));
}

/* One line, without secrets. True when it was answered at all. */
static bool print_answer(const struct connector_host *host, const struct value *secret,
                         struct arena *arena)
{
    struct buf json = buf_in(arena, RECORDING_LINE_MAX);
    value_encode(&json, recording_answer(connector_host_last(host), secret, arena));
    buf_add_char(&json, '\n');
    fwrite(json.data, 1, json.len, stdout);
    fflush(stdout);
    return connector_host_last(host)->answer.outcome == FUNCTION_ANSWERED;
}

static bool send(struct connector_host *host, struct str payload, const struct value *secret,
                 struct arena *arena)
{
    struct function_answer answer;
    struct function_call call = connector_host_call_new(host, payload, FUNCTION_DATA_TIME_MS);
    function_invoke(connector_host_runner(host), &call, arena, &answer);
    return print_answer(host, secret, arena);
}

/* --- run --- */

static void answer_lines(struct connector_host *host, const struct value *secret)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    while ((len = getline(&line, &capacity, stdin)) > 0) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct str payload = {line, (size_t)len};
        struct value *parsed;
        while (payload.len > 0 && strchr("\r\n ", payload.data[payload.len - 1]))
            payload.len--;
        if (payload.len == 0)
            continue;
        if (payload.len <= FUNCTION_PAYLOAD_MAX && json_parse(payload, &arena, &parsed))
            send(host, payload, secret, &arena);
        else
            fprintf(stderr, "headgate: a line that is not JSON of at most 6 MB was not sent.\n");
    }
    free(line);
}

static int run_run(const struct options *options)
{
    struct arena arena = {0};
    struct error error = {0};
    const struct value *secret;
    struct connector_host *host = NULL;
    connector_prepare_process();
    bool ok = connector_options_start(options, &arena, &secret, &host, &error);
    if (ok)
        answer_lines(host, secret);
    connector_host_stop(host);
    arena_done(&arena);
    return ok ? EXIT_OK : command_failed(&error);
}

/* --- invoke --- */

static bool check_invoke(const struct options *options, struct error *error)
{
    if (!options_text(options, "function") == !options_text(options, "payload"))
        return fail(error, ERR_VALIDATION, "give either --function or --payload.");
    return connector_options_check(options, error);
}

/* Calls the function, and prints the answer and then its faults. */
static bool ask(const struct options *options, struct connector_host *host,
                const struct value *secret, struct arena *arena, bool *ret_good,
                struct error *error)
{
    enum contract_function function =
        (enum contract_function)function_of(options_text(options, "function"));
    struct connector_talk talk;
    struct talk_answer answer;
    if (!connector_talk_new(options, host, secret != NULL, arena, &talk, error))
        return false;
    const char *lacks = connector_talk_lacks(&talk, function);
    if (lacks)
        return fail(error, ERR_VALIDATION, "%s was not called: %s.",
                    contract_function_name(function), lacks);
    connector_talk_ask(&talk, function, STR_NULL, &answer);
    print_answer(host, secret, arena);
    *ret_good = answer.contract.kind == VERDICT_ACCEPTED && answer.faults.len == 0;
    if (answer.faults.len > 0)
        fprintf(stderr, "headgate: %.*s\n", STR_ARG(recording_text(answer.faults, secret, arena)));
    return true;
}

static bool invoke(const struct options *options, struct arena *arena, bool *ret_good,
                   struct error *error)
{
    const struct value *secret, *payload;
    struct connector_host *host = NULL;
    struct str text;
    bool ok = connector_option_text(options, "payload", arena, &text, error) &&
              connector_option_json(options, "payload", VALUE_STRUCTURE, arena, &payload, error) &&
              connector_options_start(options, arena, &secret, &host, error);
    if (ok && payload)
        *ret_good = send(host, text, secret, arena);
    else if (ok)
        ok = ask(options, host, secret, arena, ret_good, error);
    connector_host_stop(host);
    return ok;
}

static int run_invoke(const struct options *options)
{
    struct arena arena = {0};
    struct error error = {0};
    bool good = false;
    connector_prepare_process();
    bool ok = invoke(options, &arena, &good, &error);
    arena_done(&arena);
    if (!ok)
        return command_failed(&error);
    return good ? EXIT_OK : EXIT_FAILED;
}

const struct command connector_run_command = {
    .name = "connector run",
    .summary = "Run a custom connector, and answer requests from standard input",
    .about = "Starts the command and keeps it: each line of standard input is a request, each line "
             "of standard output its answer, without the secret's values. The connector's own "
             "output goes to standard error. Ends with its input.",
    .examples = "echo '{\"type\": \"DescribeConnectorConfigurationRequest\"}' |\n"
                "    headgate connector run --command './connector'",
    .options = run_options,
    .check = connector_options_check,
    .run = run_run,
};

const struct command connector_invoke_command = {
    .name = "connector invoke",
    .summary = "Call one function of a custom connector",
    .about = "Starts the command, sends one request and prints the answer as JSON, without the "
             "secret's values. Exits with 1 if the connector failed, or if its answer does not "
             "keep to the contract: standard error says how.",
    .examples = "headgate connector invoke --command './connector' --function DescribeEntity \\\n"
                "    --entity Account --api-version v1 --secret-file secret.json",
    .options = invoke_options,
    .check = check_invoke,
    .run = run_invoke,
};
