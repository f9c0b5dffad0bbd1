/* headgate flow run, wait, cancel and runs: runs of a flow, over the server's API with an access
 * key. So the policies of access keys, the limits, the log and the audit are those of the
 * operations themselves. */
#include "cli/command.h"
#include "cli/flow_request.h"
#include "cli/run_manifest.h"
#include "cli/run_print.h"
#include "cli/values.h"

#include "base/clock.h"
#include "base/int64.h"
#include "base/random.h"

#include <stdio.h>
#include <string.h>

enum {
    POLL_FIRST_MS = 100, /* then twice as long each time */
    POLL_MAX_MS = 2000,
    RUNS_MAX = 1000, /* that the server keeps of a flow */
    TRIES = 3,       /* until the server's first answer; later ones are limited by --timeout */
};

#define JSON_OPTION(what)                                                                          \
    {                                                                                              \
        .name = "json", .kind = OPTION_FLAG, .heading = "Output", .help = what                     \
    }
#define RUN_OPTION(what)                                                                           \
    {                                                                                              \
        .name = "run", .argument = "ID", .help = what                                              \
    }
#define TIMEOUT_OPTION                                                                             \
    {                                                                                              \
        .name = "timeout", .kind = OPTION_NUMBER, .argument = "SECONDS", .fallback = "172800",     \
        .least = 0, .most = 172800, .help = "How long to wait for the run's end"                   \
    }

/* --- waiting --- */

/* The wait before the next request. */
static int64_t rest_ms(int64_t *poll_ms)
{
    int64_t now_ms = *poll_ms;
    *poll_ms = i64_min(2 * now_ms, POLL_MAX_MS);
    return now_ms;
}

/* A server that is restarted, or throttles, answers later. */
static bool may_pass(const struct flow_request *request)
{
    return request->error.code == ERR_UNAVAILABLE;
}

static int exit_code_of(const struct value *record)
{
    bool ok = str_eq(value_text(record, "executionStatus"), STR("Successful"));
    return ok ? EXIT_OK : EXIT_FAILED;
}

static void print_one(struct flow_request *request, const struct value *record)
{
    if (options_flag(request->options, "json"))
        run_print_json(&request->arena, record);
    else
        run_print(&request->arena, record);
}

/* `run`: STR_NULL for the newest; not in the request's arena. `answered`: whether the server has
 * answered this command before; if it never did, its address may be wrong. */
static int wait_for(struct flow_request *request, struct str run, bool answered)
{
    int64_t until_ms = clock_mono_ms() + options_number(request->options, "timeout") * 1000;
    int64_t poll_ms = POLL_FIRST_MS;
    const struct value *record;
    for (int tries = 1;; tries++) {
        arena_reset(&request->arena);
        bool ok = flow_request_record(request, run, &record);
        int64_t left_ms = until_ms - clock_mono_ms();
        answered |= ok;
        if (!ok && (!may_pass(request) || left_ms <= 0 || (!answered && tries >= TRIES)))
            return flow_request_failed(request);
        if (ok && (run_has_ended(record) || left_ms <= 0))
            break;
        clock_nap_us(i64_min(rest_ms(&poll_ms), left_ms) * 1000);
    }
    print_one(request, record);
    return run_has_ended(record) ? exit_code_of(record) : EXIT_UNDECIDED;
}

typedef int use_fn(struct flow_request *request);

static int with_request(const struct options *options, use_fn *use)
{
    struct flow_request request;
    int code =
        flow_request_begin(&request, options) ? use(&request) : flow_request_failed(&request);
    flow_request_done(&request);
    return code;
}

/* --- run --- */

static const struct option run_table[] = {
    FLOW_NAME_OPTION,
    {.name = "from",
     .argument = "TIME",
     .help = "Take what changed from this time on, such as 2026-01-31T00:00:00Z, whatever the "
             "flow's schedule has taken"},
    {.name = "to",
     .argument = "TIME",
     .help = "With --from: and before this time, which has passed; without it until now"},
    {.name = "detach", .kind = OPTION_FLAG, .help = "Print the run's id and do not wait"},
    TIMEOUT_OPTION,
    JSON_OPTION("Print the run as the API's ExecutionRecord"),
    SERVER_OPTIONS,
    {0},
};

/* "FROM/TO", as the server reads it. An empty text: the command names no window. */
static bool read_window(struct flow_request *request, struct str *ret_text)
{
    const char *from = options_text(request->options, "from");
    const char *to = options_text(request->options, "to");
    *ret_text = STR("");
    if (to && !from)
        return fail(&request->error, ERR_VALIDATION, "--to needs --from: where the window begins.");
    if (from)
        *ret_text = arena_printf(&request->arena, "%s/%s", from, to ? to : "");
    return true;
}

static struct str given_run(const struct flow_request *request)
{
    return str_from(options_text(request->options, "run"));
}

/* All attempts have the same client token: the flow is started once, and each gets the same answer.
 */
static bool send_start(struct flow_request *request, const struct http_header *header,
                       struct api_answer *ret_answer)
{
    int64_t poll_ms = POLL_FIRST_MS;
    char token[UUID_SIZE];
    random_uuid(token);
    for (int tries = 1;; tries++) {
        struct value *body = value_structure(&request->arena);
        value_put_text(&request->arena, body, "clientToken", str_from(token));
        if (flow_request_call_with(request, "/start-flow", body, header, header->value.len > 0,
                                   ret_answer))
            return true;
        if (!may_pass(request) || tries == TRIES)
            return false;
        clock_nap_us(rest_ms(&poll_ms) * 1000);
    }
}

/* `header`: one without a value is not sent. */
static int start_with(struct flow_request *request, const struct http_header *header)
{
    struct api_answer answer;
    char id[UUID_SIZE];
    if (!send_start(request, header, &answer))
        return flow_request_failed(request);
    struct str run = value_text(answer.json, "executionId");
    if (!run.data) {
        printf("Flow %.*s is active.\n", STR_ARG(request->name));
        return EXIT_OK;
    }
    if (options_flag(request->options, "detach")) {
        printf("%.*s\n", STR_ARG(run));
        return EXIT_OK;
    }
    snprintf(id, sizeof(id), "%.*s", STR_ARG(run));
    return wait_for(request, str_from(id), true);
}

static int start(struct flow_request *request)
{
    struct http_header header = {STR("X-Headgate-Window"), STR("")};
    return read_window(request, &header.value) ? start_with(request, &header)
                                               : flow_request_failed(request);
}

static int run(const struct options *options)
{
    return with_request(options, start);
}

const struct command flow_run_command = {
    .name = "flow run",
    .summary = "Run a flow, and wait for its end",
    .about =
        "Sends the server StartFlow with an access key. A flow on demand gets a run, whose state, "
        "counts and reason of failure are printed once it has ended; interrupting "
        "this command does not stop the run. A flow with a schedule, or for events, becomes "
        "active.\n"
        "With --from any flow that can be read incrementally gets one run over that window, also "
        "one whose schedule is active: the schedule's own windows stay as they are. Times without "
        "a zone are in UTC, and whole seconds count.\n"
        "Exits with 0 if the run was successful, 1 if it was not or the request is refused, 2 for "
        "an invalid option, 3 if the run has not ended within --timeout, or the server could not "
        "be reached. A server that is restarted meanwhile is asked again until --timeout.",
    .examples = "headgate flow run accounts --credentials headgate-data/credentials\n"
                "headgate flow run accounts --detach\n"
                "headgate flow run nightly --from 2026-01-31T00:00:00Z --to 2026-02-01T00:00:00Z",
    .options = run_table,
    .run = run,
};

/* --- replay --- */

static const struct option replay_table[] = {
    FLOW_NAME_OPTION,
    RUN_OPTION("Id of the run (executionId) whose failed records are written; without it the "
               "newest"),
    {.name = "detach", .kind = OPTION_FLAG, .help = "Print the new run's id and do not wait"},
    TIMEOUT_OPTION,
    JSON_OPTION("Print the run as the API's ExecutionRecord"),
    SERVER_OPTIONS,
    {0},
};

static int start_replay(struct flow_request *request)
{
    struct http_header header = {STR("X-Headgate-Replay"), given_run(request)};
    const struct value *newest;
    if (!header.value.data) {
        if (!flow_request_record(request, STR_NULL, &newest))
            return flow_request_failed(request);
        header.value = value_text(newest, "executionId");
    }
    return start_with(request, &header);
}

static int replay(const struct options *options)
{
    return with_request(options, start_replay);
}

const struct command flow_replay_command = {
    .name = "flow replay",
    .summary = "Write the records that a run's destination did not take, once more",
    .about =
        "Sends the server StartFlow with X-Headgate-Replay and an access key. The flow gets a run "
        "whose source is the error bucket of the earlier run (errorHandlingConfig): it writes its "
        "records to the destination as that is now, after a fix of the vendor's data, of a "
        "permission or of the flow's destination. Records are sent as the earlier run's tasks made "
        "them. Insertions whose outcome is unknown are left out.\n"
        "Exits as \"flow run\" does.",
    .examples = "headgate flow replay leads --credentials headgate-data/credentials\n"
                "headgate flow replay leads --run 0199c0de-0000-7000-8000-000000000000",
    .options = replay_table,
    .run = replay,
};

/* --- wait --- */

static const struct option wait_table[] = {
    FLOW_NAME_OPTION, RUN_OPTION("Id of the run (executionId); without it the newest"),
    TIMEOUT_OPTION,   JSON_OPTION("Print the run as the API's ExecutionRecord"),
    SERVER_OPTIONS,   {0},
};

static int wait_given(struct flow_request *request)
{
    return wait_for(request, given_run(request), false);
}

static int wait_run(const struct options *options)
{
    return with_request(options, wait_given);
}

const struct command flow_wait_command = {
    .name = "flow wait",
    .summary = "Wait for the end of a run of a flow",
    .about = "Asks the server with an access key until the run has ended, and prints its state, "
             "counts and reason of failure.\n"
             "Exits with 0 if the run was successful, 1 if it was not or there is none, 2 for an "
             "invalid option, 3 if the run has not ended within --timeout, or the server could not "
             "be reached. A server that is restarted meanwhile is asked again until --timeout.",
    .examples = "headgate flow wait accounts --timeout 60\n"
                "headgate flow wait accounts --run 0199c0de-0000-7000-8000-000000000000 --json",
    .options = wait_table,
    .run = wait_run,
};

/* --- cancel --- */

static const struct option cancel_table[] = {
    FLOW_NAME_OPTION,
    RUN_OPTION("Id of the run (executionId); without it the one that is in progress"),
    SERVER_OPTIONS,
    {0},
};

static int cancel(struct flow_request *request)
{
    struct arena *arena = &request->arena;
    struct value *body = value_structure(arena), *ids = value_list(arena);
    struct api_answer answer;
    struct str id = given_run(request);
    if (id.data) {
        value_append(arena, ids, value_string(arena, id));
        value_put(arena, body, "executionIds", ids);
    }
    if (!flow_request_call(request, "/cancel-flow-executions", body, &answer))
        return flow_request_failed(request);
    const struct value *invalid = value_get(answer.json, "invalidExecutions");
    if (!invalid || invalid->count == 0)
        return EXIT_OK;
    fail(&request->error, ERR_NOT_FOUND, "Flow %.*s has no run %.*s in progress.",
         STR_ARG(request->name), STR_ARG(id));
    return flow_request_failed(request);
}

static int cancel_run(const struct options *options)
{
    return with_request(options, cancel);
}

const struct command flow_cancel_command = {
    .name = "flow cancel",
    .summary = "End a run of a flow before it is done",
    .about =
        "Sends the server CancelFlowExecutions with an access key. What the run has written "
        "stays. \"flow wait\" waits until it has ended.\n"
        "Exits with 0 if the run is being canceled, or none is in progress; 1 if --run is not "
        "in progress or the request is refused, 2 for an invalid option, 3 if the server could "
        "not be reached.",
    .examples = "headgate flow cancel accounts --credentials headgate-data/credentials",
    .options = cancel_table,
    .run = cancel_run,
};

/* --- runs --- */

static const struct option runs_table[] = {
    FLOW_NAME_OPTION,
    {.name = "limit",
     .kind = OPTION_NUMBER,
     .argument = "N",
     .fallback = "20",
     .least = 1,
     .most = RUNS_MAX,
     .help = "How many, the newest first"},
    {.name = "manifest",
     .kind = OPTION_FLAG,
     .help = "Of one run: what it read, the objects that it wrote, with their hashes, and what it "
             "left out and why"},
    RUN_OPTION("With --manifest: id of the run (executionId); without it the newest"),
    JSON_OPTION("Print the API's ExecutionRecords as JSON lines; with --manifest one JSON object, "
                "and further objects of S3 a line each"),
    SERVER_OPTIONS,
    {0},
};

struct run_listing {
    const struct value **records;
    size_t count, limit;
};

static void collect(void *context, const struct value *records)
{
    struct run_listing *listing = context;
    for (size_t i = 0; i < records->count && listing->count < listing->limit; i++)
        listing->records[listing->count++] = records->items[i];
}

static int list(struct flow_request *request)
{
    if (options_flag(request->options, "manifest"))
        return run_manifest_show(request, given_run(request),
                                 options_flag(request->options, "json"));
    struct run_listing listing = {.limit = (size_t)options_number(request->options, "limit")};
    listing.records = arena_array(&request->arena, const struct value *, listing.limit);
    if (!flow_request_records(request, listing.limit, collect, &listing))
        return flow_request_failed(request);
    for (size_t i = 0; i < listing.count && options_flag(request->options, "json"); i++)
        run_print_json(&request->arena, listing.records[i]);
    if (!options_flag(request->options, "json"))
        runs_print(&request->arena, listing.records, listing.count);
    return EXIT_OK;
}

static int list_runs(const struct options *options)
{
    return with_request(options, list);
}

const struct command flow_runs_command = {
    .name = "flow runs",
    .summary = "List the runs of a flow: state, records, bytes, and why one failed",
    .about = "Asks the server with an access key (DescribeFlowExecutionRecords). Times are in UTC; "
             "READ and WRITTEN are bytes. The server keeps the last 1,000 runs of a flow.\n"
             "With --manifest, of one run: how many pages it read, what it left out and why, and "
             "the objects that it wrote, with their bytes, records and SHA-256.",
    .examples = "headgate flow runs accounts --credentials headgate-data/credentials\n"
                "headgate flow runs accounts --limit 1 --json\n"
                "headgate flow runs accounts --manifest",
    .options = runs_table,
    .run = list_runs,
};
