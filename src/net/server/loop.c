/* One event loop and its thread, from set-up to its end: it ends after ORDER_STOP or
 * ORDER_CUT, when neither connections nor exchanges are left. */
#include "net/server/internal.h"

#include "base/alloc.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int64_t loop_now_ms(const struct server_loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}

void **server_loop_slot(struct server_loop *loop)
{
    return &loop->slot;
}

int server_loop_index(const struct server_loop *loop)
{
    return loop->index;
}

static void stop_accepting(struct server_loop *loop)
{
    if (!uv_is_closing((uv_handle_t *)&loop->listener))
        uv_close((uv_handle_t *)&loop->listener, NULL);
}

static void close_handles(struct server_loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    loop->closed = true;
    uv_close((uv_handle_t *)&loop->wake, NULL);
    pthread_mutex_unlock(&loop->mutex);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->drain, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->more, NULL);
    stop_accepting(loop);
}

static bool hands_over(const struct server_loop *loop)
{
    return loop->server->config.inherited_count > 0;
}

void loop_end_if_done(struct server_loop *loop)
{
    if (loop->stop_begun && hands_over(loop) && !loop->connections.first)
        loop->drained = true;
    if (loop->drained && !loop->connections.first && loop->exchange_count == 0 && !loop->ending) {
        loop->ending = true;
        close_handles(loop);
    }
}

/* Closing frees a connection later, so walking on is safe. */
static void on_drained(uv_timer_t *timer)
{
    struct server_loop *loop = timer->data;
    if (loop->drained)
        return;
    loop->drained = true;
    stop_accepting(loop);
    for (list_each(struct http_connection, each, &loop->connections, link))
        connection_advance(each);
    loop_end_if_done(loop);
}

static void settled(struct server_loop *loop, bool ended)
{
    struct server *server = loop->server;
    pthread_mutex_lock(&server->mutex);
    server->settled += !loop->settled;
    server->ended += ended;
    loop->settled = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->mutex);
}

/* Answers that wait for a delay come now, so that nothing is left to wait for but other threads. */
static void cut(struct server_loop *loop)
{
    loop->cut = true;
    on_drained(&loop->drain);
    for (list_each(struct http_connection, each, &loop->connections, link))
        connection_abort(each);
    task_queue_run_due(loop, true);
    settled(loop, false);
}

/* Connections that were not accepted yet end with a socket of our own, so they are accepted first;
 * an inherited socket keeps them for the next server. */
static void begin_stop(struct server_loop *loop)
{
    loop->stop_begun = true;
    if (hands_over(loop))
        stop_accepting(loop);
    uv_timer_start(&loop->drain, on_drained, hands_over(loop) ? STOP_HANDOVER_MS : STOP_DRAIN_MS,
                   0);
    loop_end_if_done(loop);
}

static void on_wake(uv_async_t *wake)
{
    struct server_loop *loop = wake->data;
    struct http_connection *evicted;
    task_queue_drain(loop);
    while ((evicted = admission_evicted(loop)))
        connection_close(evicted);
    pthread_mutex_lock(&loop->mutex);
    enum loop_order order = loop->order;
    pthread_mutex_unlock(&loop->mutex);
    if (loop->ending)
        return;
    if (order >= ORDER_STOP && !loop->stop_begun)
        begin_stop(loop);
    if (order >= ORDER_CUT && !loop->cut && !loop->ending)
        cut(loop);
}

void loop_wake(struct server_loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    if (!loop->closed)
        uv_async_send(&loop->wake);
    pthread_mutex_unlock(&loop->mutex);
}

void loop_give_order(struct server_loop *loop, enum loop_order order)
{
    pthread_mutex_lock(&loop->mutex);
    loop->order = order;
    if (!loop->closed)
        uv_async_send(&loop->wake);
    pthread_mutex_unlock(&loop->mutex);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0)
        connection_accept(listener->data);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct server_loop *loop = prepare->data;
    const struct server_config *config = &loop->server->config;
    config->on_iteration(config->handler_context, loop);
}

static void init_handles(struct server_loop *loop)
{
    uv_tcp_init(&loop->uv, &loop->listener);
    uv_async_init(&loop->uv, &loop->wake, on_wake);
    uv_timer_init(&loop->uv, &loop->timer);
    uv_timer_init(&loop->uv, &loop->drain);
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_idle_init(&loop->uv, &loop->more);
    loop->listener.data = loop;
    loop->wake.data = loop;
    loop->timer.data = loop;
    loop->drain.data = loop;
    loop->prepare.data = loop;
    loop->more.data = loop;
    if (loop->server->config.on_iteration)
        uv_prepare_start(&loop->prepare, on_prepare);
}

bool loop_new(struct server *server, int index, int listener, struct server_loop **ret_loop,
              struct error *error)
{
    struct server_loop *loop = xcalloc(1, sizeof(*loop));
    *loop = (struct server_loop){.server = server, .index = index};
    pthread_mutex_init(&loop->mutex, NULL);
    loop->scratch = xmalloc(SCRATCH_SIZE);
    int result = uv_loop_init(&loop->uv);
    if (result != 0) {
        close(listener);
        free(loop->scratch);
        free(loop);
        return fail(error, ERR_UNAVAILABLE, "No event loop: %s.", uv_strerror(result));
    }
    *ret_loop = loop;
    init_handles(loop);
    result = uv_tcp_open(&loop->listener, listener);
    if (result != 0)
        close(listener);
    else
        result = uv_listen((uv_stream_t *)&loop->listener, LISTEN_BACKLOG, on_connection);
    return result == 0 || fail(error, ERR_UNAVAILABLE, "Cannot listen on %s port %d: %s.",
                               server->config.host, server->port, uv_strerror(result));
}

static void *run(void *argument)
{
    struct server_loop *loop = argument;
    const struct server_config *config = &loop->server->config;
    pthread_setname_np(pthread_self(), "loop");
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    if (config->on_loop_end)
        config->on_loop_end(config->handler_context, loop);
    settled(loop, true);
    return NULL;
}

/* The thread takes no signals: they are the main thread's, and a write to a connection that was
 * reset must fail instead of ending the process. */
bool loop_start(struct server_loop *loop, struct error *error)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&loop->thread, NULL, run, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0)
        return fail(error, ERR_UNAVAILABLE, "No thread for the server: %s.", strerror(result));
    loop->started = true;
    return true;
}

void loop_free(struct server_loop *loop)
{
    if (!loop)
        return;
    if (loop->started) {
        pthread_join(loop->thread, NULL);
    } else {
        close_handles(loop);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
    uv_loop_close(&loop->uv);
    pools_free(loop);
    pthread_mutex_destroy(&loop->mutex);
    free(loop->scratch);
    free(loop);
}
