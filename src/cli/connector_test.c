/* headgate connector test and record: the eight requests of the contract, one after the other, each
 * with what the answers before it gave. */
#include "cli/command.h"
#include "cli/connector_options.h"
#include "cli/connector_recording.h"
#include "cli/connector_talk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGES_MAX = 1000, NOTE_MAX = 512 };

/* What decides which requests are sent, and in which process. */
#define TRIAL_OPTIONS                                                                              \
    CONNECTOR_HOST_OPTIONS, CONNECTOR_REQUEST_OPTIONS,                                             \
    {                                                                                              \
        .name = "pages", .kind = OPTION_NUMBER, .argument = "N", .fallback = "10", .least = 1,     \
        .most = PAGES_MAX, .help = "Pages to follow of ListEntities and QueryData"                 \
    }

static const struct option test_options[] = {TRIAL_OPTIONS, {0}};

static const struct option record_options[] = {
    {.name = "to",
     .argument = "FILE",
     .required = true,
     .heading = "Recording",
     .help = "File to write, one JSON object a line; it must not exist"},
    TRIAL_OPTIONS,
    {0},
};

struct trial {
    struct connector_talk talk;
    const struct value *secret;
    long pages_max;
    FILE *recording; /* NULL: none */
    struct error recording_error;
    int passed, failed, not_sent;
};

/* What a function's answers, of one page or of many, come to. */
struct trial_result {
    struct talk_answer last;
    size_t pages, items;
    int64_t took_ms;
    bool failed;
    struct str why; /* it failed; or a remark: STR_NULL */
};

/* --- pages --- */

/* A connector whose pages never end would keep a flow running forever. */
static bool is_repeated(struct value *tokens, struct str token, struct arena *arena)
{
    for (size_t i = 0; i < tokens->count; i++) {
        if (str_eq(tokens->items[i]->text, token))
            return true;
    }
    value_append(arena, tokens, value_string(arena, token));
    return false;
}

static struct str failure(const struct trial *trial, const struct talk_answer *answer)
{
    struct arena *arena = trial->talk.arena;
    if (answer->faults.len > 0)
        return answer->faults;
    struct str errors = STR("");
    const struct value *by_field = value_get(answer->contract.body, "errorsByInputField");
    if (by_field && by_field->kind == VALUE_STRUCTURE && by_field->count > 0) {
        struct buf json = buf_in(arena, NOTE_MAX);
        value_encode(&json, by_field);
        errors = buf_str(&json);
    }
    if (errors.len > 0 && !value_get(answer->contract.body, "errorDetails"))
        return errors;
    return arena_printf(arena, "%.*s%s%.*s", STR_ARG(answer->contract.message),
                        errors.len > 0 ? " " : "", STR_ARG(errors));
}

static void ask_pages(struct trial *trial, enum contract_function function,
                      struct trial_result *result)
{
    struct arena *arena = trial->talk.arena;
    struct value *tokens = value_list(arena);
    struct str token = STR_NULL;
    do {
        connector_talk_ask(&trial->talk, function, token, &result->last);
        result->took_ms += result->last.took_ms;
        result->pages++;
        result->items += result->last.page.count;
        if (result->last.contract.kind != VERDICT_ACCEPTED || result->last.faults.len > 0) {
            result->failed = true;
            result->why = failure(trial, &result->last);
            return;
        }
        token = result->last.page.next_token;
        if (token.data && is_repeated(tokens, token, arena)) {
            result->failed = true;
            result->why = arena_printf(arena,
                                       "/nextToken: page %zu has the token of a page before "
                                       "it, so that the pages never end",
                                       result->pages);
            return;
        }
    } while (token.data && result->pages < (size_t)trial->pages_max);
    if (token.data)
        result->why =
            arena_printf(arena, "there are more pages than %ld, see --pages", trial->pages_max);
}

/* --- what is printed --- */

static void note(struct buf *out, const char *text)
{
    buf_printf(out, "%s%s", out->len > 0 ? "; " : "", text);
}

static struct str notes_of(const struct trial *trial, enum contract_function function,
                           const struct trial_result *result)
{
    static const char *const things[CONTRACT_FUNCTIONS] = {
        [CONTRACT_LIST_ENTITIES] = "entities",
        [CONTRACT_QUERY_DATA] = "records",
        [CONTRACT_RETRIEVE_DATA] = "records",
        [CONTRACT_WRITE_DATA] = "results",
    };
    struct arena *arena = trial->talk.arena;
    struct buf out = buf_in(arena, NOTE_MAX);
    const struct value *body = result->last.contract.body;
    if (function == CONTRACT_DESCRIBE_CONFIGURATION)
        buf_printf(&out, "%.*s %.*s", STR_ARG(value_text(body, "connectorName")),
                   STR_ARG(value_text(body, "connectorVersion")));
    if (function == CONTRACT_DESCRIBE_ENTITY)
        buf_printf(&out, "%.*s", STR_ARG(trial->talk.records.entity));
    if (things[function])
        buf_printf(&out, "%s: %zu", things[function], result->items);
    if (result->pages > 1)
        buf_printf(&out, " on %zu pages", result->pages);
    if (result->last.page.cache_s >= 0 && result->last.page.cache_s < CONTRACT_CACHE_LEAST_S)
        buf_printf(&out, "; a cache time of %lld s counts as %d s",
                   (long long)result->last.page.cache_s, CONTRACT_CACHE_LEAST_S);
    else if (result->last.page.cache_s >= 0)
        buf_printf(&out, "; cached for %lld s", (long long)result->last.page.cache_s);
    if (result->why.data)
        note(&out, arena_cstr(arena, result->why));
    return buf_str(&out);
}

/* What the connector says may repeat the secret; this is read, and copied, by people. */
static void print_row(const struct trial *trial, const char *function, const char *outcome,
                      const char *time, struct str said)
{
    struct str text = recording_text(said, trial->secret, trial->talk.arena);
    printf("%-34s%-10s%10s%s%.*s\n", function, outcome, time, text.len > 0 ? "  " : "",
           STR_ARG(text));
    fflush(stdout);
}

static void try_function(struct trial *trial, enum contract_function function)
{
    const char *name = contract_function_name(function);
    const char *lacks = connector_talk_lacks(&trial->talk, function);
    struct trial_result result = {0};
    char time[32];
    if (lacks) {
        trial->not_sent++;
        print_row(trial, name, "not sent", "", str_from(lacks));
        return;
    }
    ask_pages(trial, function, &result);
    snprintf(time, sizeof(time), "%lld ms", (long long)result.took_ms);
    if (result.failed) {
        trial->failed++;
        print_row(trial, name, "failed", time, result.why);
    } else {
        trial->passed++;
        print_row(trial, name, "ok", time, notes_of(trial, function, &result));
    }
}

/* --- the commands --- */

static void on_call(void *context, const struct connector_host_call *call)
{
    struct trial *trial = context;
    struct error *error = &trial->recording_error;
    if (trial->recording && error->code == ERR_NONE)
        ignore_failure(/* try_all reports it */
                       recording_write(trial->recording, call, trial->secret, error));
}

static bool try_all(struct trial *trial, const struct options *options, struct arena *arena,
                    struct error *error)
{
    struct connector_host *host = NULL;
    trial->pages_max = options_number(options, "pages");
    if (!connector_options_start(options, arena, &trial->secret, &host, error))
        return false;
    connector_host_on_call(host, on_call, trial);
    bool ok = connector_talk_new(options, host, trial->secret != NULL, arena, &trial->talk, error);
    for (int function = 0; ok && function < CONTRACT_FUNCTIONS; function++)
        try_function(trial, (enum contract_function)function);
    connector_host_stop(host);
    if (ok && trial->recording_error.code != ERR_NONE) {
        *error = trial->recording_error;
        return false;
    }
    return ok;
}

static int run_trial(struct trial *trial, const struct options *options)
{
    struct arena arena = {0};
    struct error error = {0};
    connector_prepare_process();
    bool ok = try_all(trial, options, &arena, &error);
    arena_done(&arena);
    if (!ok)
        return command_failed(&error);
    printf("%d passed, %d failed, %d not sent\n", trial->passed, trial->failed, trial->not_sent);
    return trial->failed == 0 ? EXIT_OK : EXIT_FAILED;
}

static int run_test(const struct options *options)
{
    struct trial trial = {0};
    return run_trial(&trial, options);
}

static int run_record(const struct options *options)
{
    struct trial trial = {0};
    struct error error = {0};
    const char *path = options_text(options, "to");
    trial.recording = fopen(path, "wxe");
    if (!trial.recording) {
        fail(&error, ERR_VALIDATION, "--to: cannot create %.200s: %s.", path, strerror(errno));
        return command_failed(&error);
    }
    int code = run_trial(&trial, options);
    fclose(trial.recording);
    if (trial.passed + trial.failed + trial.not_sent == 0)
        unlink(path); /* nothing was tried: a corrected command may use the name */
    return code;
}

const struct command connector_test_command = {
    .name = "connector test",
    .summary = "Send a custom connector the eight requests, and check its answers",
    .about =
        "Starts the command and sends what AppFlow sends to a connector: "
        "DescribeConnectorConfiguration, ValidateConnectorRuntimeSettings, ValidateCredentials, "
        "ListEntities, DescribeEntity, QueryData, RetrieveData and WriteData. Each answer is "
        "checked against the contract: types, limits, error codes, time, that pages end, how long "
        "it may be cached. What a request needs and is not given comes from the answers before "
        "it.\n"
        "WriteData is sent with --operation and --records only, since it changes data. Exits with "
        "1 if a request failed. The connector's own output goes to standard error.",
    .examples =
        "headgate connector test --command 'python3 -m awslambdaric connector.handler' \\\n"
        "    --secret-file secret.json --settings '{\"instanceUrl\": \"https://acme.example\"}'",
    .options = test_options,
    .check = connector_options_check,
    .run = run_test,
};

const struct command connector_record_command = {
    .name = "connector record",
    .summary = "Test a custom connector, and keep its traffic without secrets",
    .about = "As \"connector test\", and writes each request and its answer as a line of JSON. "
             "Values of the secret are removed. \"connector replay\" sends the requests again.",
    .examples = "headgate connector record --to traffic.jsonl --command './connector'",
    .options = record_options,
    .check = connector_options_check,
    .run = run_record,
};
