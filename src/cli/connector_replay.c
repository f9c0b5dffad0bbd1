/* headgate connector replay: recorded requests once more, and where the answers differ. */
#include "cli/command.h"
#include "cli/connector_options.h"
#include "cli/connector_recording.h"
#include "cli/json_difference.h"

#include "wire/json_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options_table[] = {
    {.name = "from",
     .argument = "FILE",
     .required = true,
     .heading = "Recording",
     .help = "File that \"connector record\" has written"},
    {.name = "ignore",
     .kind = OPTION_LIST,
     .argument = "POINTERS",
     .help = "Parts of answers that may differ, as JSON pointers, such as /records"},
    CONNECTOR_HOST_OPTIONS,
    {0},
};

struct replay {
    struct connector_host *host;
    const struct value *secret, *ignored;
    int same, different;
};

static int64_t time_of(struct str type)
{
    for (int i = 0; i < CONTRACT_FUNCTIONS; i++) {
        struct str name = str_from(contract_function_name((enum contract_function)i));
        if (str_starts(type, name))
            return contract_time_ms((enum contract_function)i);
    }
    return FUNCTION_DATA_TIME_MS;
}

static bool replay_line(struct replay *replay, struct str line, struct error *error)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct value *before, *parsed = NULL;
    struct str request;
    struct function_answer answer;
    if (!recording_read(line, replay->secret, &arena, &request, &before, error))
        return false;
    struct str type =
        json_parse(request, &arena, &parsed) ? value_text(parsed, "type") : STR("request");
    struct function_call call = connector_host_call_new(replay->host, request, time_of(type));
    function_invoke(connector_host_runner(replay->host), &call, &arena, &answer);
    const struct value *now =
        recording_answer(connector_host_last(replay->host), replay->secret, &arena);
    struct str difference = json_difference(before, now, replay->ignored, &arena);
    if (difference.data)
        replay->different++;
    else
        replay->same++;
    printf("%-45.*s%s%.*s\n", STR_ARG(type), difference.data ? "different  " : "same",
           STR_ARG(difference));
    fflush(stdout);
    return true;
}

static bool replay_all(struct replay *replay, const char *path, struct error *error)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    bool ok = true;
    if (!file)
        return fail(error, ERR_VALIDATION, "--from: cannot open %.200s: %s.", path,
                    strerror(errno));
    for (int number = 1; ok && (len = getline(&line, &capacity, file)) > 0; number++) {
        struct error what = {0};
        ok = replay_line(replay, (struct str){line, (size_t)len}, &what) ||
             fail(error, ERR_VALIDATION, "%.200s:%d: %s.", path, number, what.message);
    }
    free(line);
    fclose(file);
    return ok;
}

static int run_replay(const struct options *options)
{
    struct arena arena = {0};
    struct error error = {0};
    struct replay replay = {.ignored = connector_option_list(options, "ignore", &arena)};
    connector_prepare_process();
    bool ok = connector_options_start(options, &arena, &replay.secret, &replay.host, &error) &&
              replay_all(&replay, options_text(options, "from"), &error);
    connector_host_stop(replay.host);
    arena_done(&arena);
    if (!ok)
        return command_failed(&error);
    printf("%d the same, %d different\n", replay.same, replay.different);
    return replay.different == 0 ? EXIT_OK : EXIT_FAILED;
}

const struct command connector_replay_command = {
    .name = "connector replay",
    .summary = "Send a custom connector recorded requests, and compare its answers",
    .about = "Sends the requests of a recording in their order and compares each answer with the "
             "recorded one: the order of members does not count, and null is absent. Exits with 1 "
             "if any differs. Give the secret again: its values are not in the recording.",
    .examples = "headgate connector replay --from traffic.jsonl --command './connector' \\\n"
                "    --ignore /cacheControl,/entityDefinition/customProperties",
    .options = options_table,
    .check = connector_options_check,
    .run = run_replay,
};
