/* Answers that come later: from another thread, or after a delay. */
#include "net/server/internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <stdlib.h>

static void insert_delayed(struct server_loop *loop, struct task *task)
{
    struct task *before = list_first(&loop->delayed, struct task, link);
    while (before && before->due_ms <= task->due_ms)
        before = list_item(before->link.next, struct task, link);
    list_insert(&loop->delayed, before ? &before->link : NULL, &task->link);
    deadlines_note_due(loop, task->due_ms);
}

/* The wake-up is sent under the mutex: task_queue_drain takes the mutex after that, so a loop
 * cannot end between an entry and its wake-up. */
static void post(struct server_loop *loop, struct task *task)
{
    pthread_mutex_lock(&loop->mutex);
    bool first = !loop->posted.first;
    list_append(&loop->posted, &task->link);
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

static struct task *take_first(struct list *queue)
{
    return list_item(list_take_first(queue), struct task, link);
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
    list_append(&exchange->loop->deferred, &task->link);
    uv_idle_start(&exchange->loop->more, run_some);
}

void task_queue_drain(struct server_loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    list_move(&loop->answers, &loop->posted);
    pthread_mutex_unlock(&loop->mutex);
    if (loop->answers.first)
        uv_idle_start(&loop->more, run_some);
}

/* Tasks that are added meanwhile wait for the next time. */
void task_queue_run_due(struct server_loop *loop, bool all)
{
    int64_t now_ms = loop_now_ms(loop);
    struct list due = {0};
    struct task *task;
    while ((task = list_first(&loop->delayed, struct task, link)) &&
           (all || task->due_ms <= now_ms)) {
        list_remove(&loop->delayed, &task->link);
        list_append(&due, &task->link);
    }
    while ((task = take_first(&due)))
        run(task);
}
