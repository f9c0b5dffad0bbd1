/* A thread that waits on a condition with a time limit. Where no thread can be started, since what
 * hangs may be thousands of them, the kernel's alarm ends the process, without a message. */
#include "cli/stop_guard.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/timed.h"
#include "cli/command.h"

#include <pthread.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock; /* guards `ended` */
    pthread_cond_t wake;
    bool ended;
    int64_t limit_ms, until_ms;
    bool has_thread;
    pthread_t thread;
} guard;

static void *watch(void *unused)
{
    bool in_time = true;
    (void)unused;
    pthread_mutex_lock(&guard.lock);
    while (!guard.ended && in_time)
        in_time = cond_wait_until(&guard.wake, &guard.lock, guard.until_ms);
    bool ended = guard.ended;
    pthread_mutex_unlock(&guard.lock);
    if (ended)
        return NULL;
    log_error("The server has not stopped %lld s after it was asked to: a thread does not return. "
              "The process is ended; acknowledged changes are stored.",
              (long long)guard.limit_ms / 1000);
    _exit(EXIT_FAILED);
}

void stop_guard_begin(int64_t limit_ms)
{
    guard.limit_ms = limit_ms;
    guard.until_ms = clock_mono_ms() + limit_ms;
    guard.ended = false;
    pthread_mutex_init(&guard.lock, NULL);
    cond_init_timed(&guard.wake);
    guard.has_thread = pthread_create(&guard.thread, NULL, watch, NULL) == 0;
    if (guard.has_thread)
        pthread_setname_np(guard.thread, "stop-guard");
    else
        alarm((unsigned)(limit_ms / 1000 + 1));
}

void stop_guard_end(void)
{
    pthread_mutex_lock(&guard.lock);
    guard.ended = true;
    pthread_cond_signal(&guard.wake);
    pthread_mutex_unlock(&guard.lock);
    alarm(0);
    if (guard.has_thread)
        pthread_join(guard.thread, NULL);
    pthread_mutex_destroy(&guard.lock);
    pthread_cond_destroy(&guard.wake);
}
