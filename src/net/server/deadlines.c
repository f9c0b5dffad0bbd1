/* Time limits of connections. Each kind has one length, so a new limit goes to the end of its list
 * and costs two pointers; one timer a loop wakes up for the earliest. */
#include "net/server/internal.h"

static int64_t limit_ms(const struct server_config *config, enum deadline kind)
{
    switch (kind) {
    case DEADLINE_FIRST:
        return config->first_timeout_ms;
    case DEADLINE_IDLE:
        return config->idle_timeout_ms;
    case DEADLINE_HEAD:
        return config->head_timeout_ms;
    case DEADLINE_BODY:
        return config->body_timeout_ms;
    case DEADLINE_WRITE:
        return config->write_timeout_ms;
    case DEADLINE_LINGER:
    case DEADLINE_NONE:
    case DEADLINE_KINDS:
        break;
    }
    return LINGER_TIMEOUT_MS;
}

void deadline_set(struct http_connection *connection, enum deadline kind)
{
    struct server_loop *loop = connection->loop;
    if (connection->deadline != DEADLINE_NONE)
        list_remove(&loop->deadlines[connection->deadline], &connection->deadline_link);
    connection->deadline = kind;
    if (kind == DEADLINE_NONE)
        return;
    connection->deadline_ms = loop_now_ms(loop) + limit_ms(&loop->server->config, kind);
    list_append(&loop->deadlines[kind], &connection->deadline_link);
    deadlines_note_due(loop, connection->deadline_ms);
}

static struct http_connection *earliest(const struct server_loop *loop, enum deadline kind)
{
    return list_first(&loop->deadlines[kind], struct http_connection, deadline_link);
}

static void expire(struct server_loop *loop, enum deadline kind)
{
    struct http_connection *connection;
    int64_t now_ms = loop_now_ms(loop);
    while ((connection = earliest(loop, kind)) && connection->deadline_ms <= now_ms) {
        deadline_set(connection, DEADLINE_NONE);
        connection_expired(connection, kind);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct server_loop *loop = timer->data;
    loop->timer_due_ms = 0;
    for (int kind = DEADLINE_NONE + 1; kind < DEADLINE_KINDS; kind++)
        expire(loop, (enum deadline)kind);
    task_queue_run_due(loop, false);
    for (int kind = DEADLINE_NONE + 1; kind < DEADLINE_KINDS; kind++) {
        struct http_connection *connection = earliest(loop, (enum deadline)kind);
        if (connection)
            deadlines_note_due(loop, connection->deadline_ms);
    }
    struct task *task = list_first(&loop->delayed, struct task, link);
    if (task)
        deadlines_note_due(loop, task->due_ms);
}

/* The timer is never put off: when a limit was lifted, it fires for nothing once and then waits for
 * the limit that is earliest by then. */
void deadlines_note_due(struct server_loop *loop, int64_t due_ms)
{
    bool in_time = loop->timer_due_ms != 0 && loop->timer_due_ms <= due_ms;
    if (in_time || loop->ending)
        return;
    int64_t wait_ms = due_ms - loop_now_ms(loop);
    loop->timer_due_ms = due_ms;
    uv_timer_start(&loop->timer, on_timer, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}
