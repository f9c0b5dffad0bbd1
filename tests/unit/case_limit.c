/* The time limit is an alarm. The functions around a case, which cmocka calls in the cases' order,
 * set it and take it back. */
#include "cmocka_all.h"

#undef _cmocka_run_group_tests

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CASE_TIMEOUT_S = 100, /* the slowest case takes a fifth of it with the address sanitizer */
};

static const struct CMUnitTest *next_case;
static const struct CMUnitTest *running;

static void say(const char *text)
{
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

/* Only calls that are safe in a signal's handler. */
static void too_long(int signal)
{
    (void)signal;
    say("\nnot ok - ");
    say(running->name);
    say(": it took longer than the time limit of a case (case_limit.c)\n");
    abort();
}

static int begin(void **state)
{
    running = next_case++;
    alarm(CASE_TIMEOUT_S);
    return running->setup_func ? running->setup_func(state) : 0;
}

static int end(void **state)
{
    int status = running->teardown_func ? running->teardown_func(state) : 0;
    alarm(0);
    return status;
}

int case_limit_run(const char *group, const struct CMUnitTest *cases, size_t count,
                   CMFixtureFunction setup, CMFixtureFunction teardown)
{
    struct CMUnitTest *timed = calloc(count, sizeof(*timed));
    if (!timed)
        return 1;
    for (size_t i = 0; i < count; i++) {
        timed[i] = cases[i];
        timed[i].setup_func = begin;
        timed[i].teardown_func = end;
    }
    next_case = cases;
    signal(SIGALRM, too_long);
    int failed = _cmocka_run_group_tests(group, timed, count, setup, teardown);
    alarm(0);
    free(timed);
    return failed;
}
