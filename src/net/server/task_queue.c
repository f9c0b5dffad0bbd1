/* Answers that come later: from another thread, or after a delay. */
#include "net/server/internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <stdlib.h>

static void insert_delayed(struct server_loop *loop, struct task *task)
{
    struct task **place = &loop->delayed;
    while (*place && (*place)->due_ms <= task->due_ms)
        place = &(*place)->next;
    task->next = *place;
    *place = task;
    deadlines_note_due(loop, task->due_ms);
}

/* The wake-up is sent under the mutex: whoever drains the queue takes the mutex after that, so a
 * loop cannot end between an entry and its wake-up. */
static void post(struct server_loop *loop, struct task *task)
{
    pthread_mutex_lock(&loop->mutex);
    bool first = !loop->posted;
    task->next = loop->posted;
    loop->posted = task;
    if (first)
        uv_async_send(&loop->wake);
    pthread_mutex_unlock(&loop->mutex);
}

void http_post(struct http_exchange *exchange, int64_t delay_ms, void (*answer)(void *argument),
               void *argument)
{
    struct server_loop *loop = exchange->loop;
    struct task *task = xmalloc(sizeof(*task));
    *task = (struct task){.answer = answer, .argument = argument};
    if (delay_ms <= 0) {
        post(loop, task);
        return;
    }
    task->due_ms = loop_now_ms(loop) + (loop->cut ? 0 : delay_ms);
    insert_delayed(loop, task);
}

static void append(struct task_queue *queue, struct task *task)
{
    task->next = NULL;
    if (queue->first)
        queue->last->next = task;
    else
        queue->first = task;
    queue->last = task;
}

static struct task *take_first(struct task_queue *queue)
{
    struct task *task = queue->first;
    if (task)
        queue->first = task->next;
    return task;
}

static void run(struct task *task)
{
    void (*answer)(void *argument) = task->answer;
    void *argument = task->argument;
    free(task);
    answer(argument);
}

/* A part of what waits, once between two looks at the sockets. */
static void run_some(uv_idle_t *more)
{
    struct server_loop *loop = more->data;
    int64_t until_us = clock_mono_us() + TURN_US;
    struct task *next;
    while ((next = take_first(&loop->answers)) || (next = take_first(&loop->deferred))) {
        run(next);
        if (clock_mono_us() >= until_us)
            break;
    }
    if (!loop->answers.first && !loop->deferred.first)
        uv_idle_stop(more);
}

void http_defer(struct http_exchange *exchange, void (*go_on)(void *argument), void *argument)
{
    struct task *task = xmalloc(sizeof(*task));
    *task = (struct task){.answer = go_on, .argument = argument};
    append(&exchange->loop->deferred, task);
    uv_idle_start(&exchange->loop->more, run_some);
}

void task_queue_drain(struct server_loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    struct task *newest = loop->posted;
    loop->posted = NULL;
    pthread_mutex_unlock(&loop->mutex);

    struct task *oldest = NULL;
    while (newest) {
        struct task *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct task *next = oldest->next;
        append(&loop->answers, oldest);
        oldest = next;
    }
    if (loop->answers.first)
        uv_idle_start(&loop->more, run_some);
}

void task_queue_run_due(struct server_loop *loop, bool all)
{
    int64_t now_ms = loop_now_ms(loop);
    struct task *due = loop->delayed;
    struct task **end = &loop->delayed;
    while (*end && (all || (*end)->due_ms <= now_ms))
        end = &(*end)->next;
    if (end == &loop->delayed)
        return;
    struct task *rest = *end;
    *end = NULL;
    loop->delayed = rest;
    while (due) {
        struct task *next = due->next;
        run(due);
        due = next;
    }
}
