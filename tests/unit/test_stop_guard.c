/* The hard end of a stop, each in a process of its own. */
#include "cmocka_all.h"

#include "cli/command.h"
#include "cli/stop_guard.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHORT_MS = 100, LONG_MS = 60 * 1000, LOG_SIZE = 1024 };

/* Its exit status, and what it wrote to standard error. */
static int end_of(void (*run)(void), char log[LOG_SIZE])
{
    int ends[2], status = 0;
    ssize_t count;
    size_t len = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        run();
        _exit(EXIT_OK);
    }
    close(ends[1]);
    while ((count = read(ends[0], log + len, LOG_SIZE - 1 - len)) > 0)
        len += (size_t)count;
    log[len] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void never_stop(void)
{
    stop_guard_begin(SHORT_MS);
    for (;;)
        pause();
}

static void stop_in_time(void)
{
    stop_guard_begin(LONG_MS);
    stop_guard_end();
}

static void a_thread_that_does_not_return_is_left_behind(void **state)
{
    (void)state;
    char log[LOG_SIZE];
    assert_int_equal(end_of(never_stop, log), EXIT_FAILED);
    assert_non_null(strstr(log, "error The server has not stopped 0 s after it was asked to: a "
                                "thread does not return. The process is ended; acknowledged "
                                "changes are stored."));
}

static void a_stop_in_time_is_left_alone(void **state)
{
    (void)state;
    char log[LOG_SIZE];
    assert_int_equal(end_of(stop_in_time, log), EXIT_OK);
    assert_string_equal(log, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_does_not_return_is_left_behind),
        cmocka_unit_test(a_stop_in_time_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
