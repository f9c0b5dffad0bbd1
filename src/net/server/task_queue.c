/* Answers that come later: from another thread, or after a delay. */
#include "net/server/internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <stdlib.h>

static void insert_delayed(struct server_loop *loop, struct later *later)
{
    struct later **place = &loop->delayed;
    while (*place && (*place)->due_ms <= later->due_ms)
        place = &(*place)->next;
    later->next = *place;
    *place = later;
    deadlines_note_due(loop, later->due_ms);
}

/* The wake-up is sent under the mutex: whoever drains the queue takes the mutex after that, so a
 * loop cannot end between an entry and its wake-up. */
static void post(struct server_loop *loop, struct later *later)
{
    pthread_mutex_lock(&loop->mutex);
    bool first = !loop->posted;
    later->next = loop->posted;
    loop->posted = later;
    if (first)
        uv_async_send(&loop->wake);
    pthread_mutex_unlock(&loop->mutex);
}

void http_later(struct http_exchange *exchange, int64_t delay_ms, void (*answer)(void *argument),
                void *argument)
{
    struct server_loop *loop = exchange->loop;
    struct later *later = xmalloc(sizeof(*later));
    *later = (struct later){.answer = answer, .argument = argument};
    if (delay_ms <= 0) {
        post(loop, later);
        return;
    }
    later->due_ms = loop_now_ms(loop) + (loop->cut ? 0 : delay_ms);
    insert_delayed(loop, later);
}

static void append(struct later_queue *queue, struct later *later)
{
    later->next = NULL;
    if (queue->first)
        queue->last->next = later;
    else
        queue->first = later;
    queue->last = later;
}

static struct later *take_first(struct later_queue *queue)
{
    struct later *later = queue->first;
    if (later)
        queue->first = later->next;
    return later;
}

static void run(struct later *later)
{
    void (*answer)(void *argument) = later->answer;
    void *argument = later->argument;
    free(later);
    answer(argument);
}

/* A part of what waits, once between two looks at the sockets. */
static void run_some(uv_idle_t *more)
{
    struct server_loop *loop = more->data;
    int64_t until_us = clock_mono_us() + TURN_US;
    struct later *next;
    while ((next = take_first(&loop->answers)) || (next = take_first(&loop->soon))) {
        run(next);
        if (clock_mono_us() >= until_us)
            break;
    }
    if (!loop->answers.first && !loop->soon.first)
        uv_idle_stop(more);
}

void http_soon(struct http_exchange *exchange, void (*go_on)(void *argument), void *argument)
{
    struct later *later = xmalloc(sizeof(*later));
    *later = (struct later){.answer = go_on, .argument = argument};
    append(&exchange->loop->soon, later);
    uv_idle_start(&exchange->loop->more, run_some);
}

void later_drain(struct server_loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    struct later *newest = loop->posted;
    loop->posted = NULL;
    pthread_mutex_unlock(&loop->mutex);

    struct later *oldest = NULL;
    while (newest) {
        struct later *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct later *next = oldest->next;
        append(&loop->answers, oldest);
        oldest = next;
    }
    if (loop->answers.first)
        uv_idle_start(&loop->more, run_some);
}

void later_run_due(struct server_loop *loop, bool all)
{
    int64_t now_ms = loop_now_ms(loop);
    struct later *due = loop->delayed;
    struct later **end = &loop->delayed;
    while (*end && (all || (*end)->due_ms <= now_ms))
        end = &(*end)->next;
    if (end == &loop->delayed)
        return;
    struct later *rest = *end;
    *end = NULL;
    loop->delayed = rest;
    while (due) {
        struct later *next = due->next;
        run(due);
        due = next;
    }
}
