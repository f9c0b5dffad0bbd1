/* What a call of a local connector costs: the start of its process, a call of a warm one, and calls
 * a second of several callers.
 *
 *     local-calls COMMAND [SECONDS]    one JSON object on standard output */
#include "base/clock.h"
#include "base/log.h"
#include "connector/custom/local_runner.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { CALLERS = 4, STARTS = 5, LIMIT_MS = 30 * 1000 };

#define ARN "arn:aws:lambda:us-east-1:123456789012:function:bench"

static struct local_runner *runner;
static int64_t until_us;

static void call(void)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct function_answer answer;
    struct function_call asked = {.arn = STR(ARN),
                                  .payload = STR("{\"a\": 1}"),
                                  .account = STR("123456789012"),
                                  .deadline_ms = clock_mono_ms() + LIMIT_MS};
    function_invoke(local_runner_base(runner), &asked, &arena, &answer);
    if (answer.outcome == FUNCTION_ANSWERED)
        return;
    fprintf(stderr, "local-calls: %.*s\n", STR_ARG(answer.message));
    exit(1);
}

static void start(struct supervisor *supervisor, const char *command)
{
    char text[LOCAL_COMMAND_MAX];
    const char *given = text;
    struct local_functions *functions;
    struct error error;
    struct local_runner_config config = {.supervisor = supervisor,
                                         .processes_max = LOCAL_PROCESSES,
                                         .function_max = CALLERS,
                                         .idle_ms = 1000 * LOCAL_IDLE_S,
                                         .memory_max = (size_t)LOCAL_MEMORY_MIB << 20};
    snprintf(text, sizeof(text), ARN "=%s", command);
    if (local_functions_read(&given, 1, NULL, &functions, &error) &&
        local_runner_new(&config, functions, &runner, &error))
        return;
    fprintf(stderr, "local-calls: %s\n", error.message);
    exit(1);
}

static void stop(void)
{
    local_runner_stop(runner);
    local_runner_free(runner);
}

static void *call_until_the_end(void *count)
{
    while (clock_mono_us() < until_us) {
        call();
        ++*(long *)count;
    }
    return NULL;
}

static double calls_a_second(int callers, double seconds)
{
    pthread_t threads[CALLERS];
    long counts[CALLERS] = {0}, sum = 0;
    until_us = clock_mono_us() + (int64_t)(seconds * 1e6);
    for (int i = 0; i < callers; i++)
        pthread_create(&threads[i], NULL, call_until_the_end, &counts[i]);
    for (int i = 0; i < callers; i++) {
        pthread_join(threads[i], NULL);
        sum += counts[i];
    }
    return (double)sum / seconds;
}

int main(int argc, char **argv)
{
    struct supervisor *supervisor;
    struct error error;
    double seconds = argc > 2 ? atof(argv[2]) : 2, cold_ms = 1e9;
    signal(SIGPIPE, SIG_IGN);
    log_init(LOG_ERROR, LOG_TEXT);
    if (argc < 2 || !supervisor_start(&(struct supervisor_config){0}, &supervisor, &error))
        return 2;
    for (int i = 0; i < STARTS; i++) {
        if (i > 0)
            stop();
        start(supervisor, argv[1]);
        int64_t begin_us = clock_mono_us();
        call();
        double took_ms = (double)(clock_mono_us() - begin_us) / 1000;
        cold_ms = took_ms < cold_ms ? took_ms : cold_ms;
    }
    double one = calls_a_second(1, seconds);
    calls_a_second(CALLERS, seconds / 2); /* starts the other processes */
    double many = calls_a_second(CALLERS, seconds);
    printf("{\"cold_ms\": %.1f, \"warm_us\": %.0f, \"calls_per_s\": %.0f, \"callers\": %d}\n",
           cold_ms, 1e6 / one, many, CALLERS);
    stop();
    supervisor_stop(supervisor);
    return 0;
}
