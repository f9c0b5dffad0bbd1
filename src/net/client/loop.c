/* The thread that owns every outbound connection: libcurl's multi handle, told by a libuv loop
 * which sockets are ready and what time it is. */
#include "net/client/internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <assert.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

const char client_given_up[] = "@: call aborted because its caller is to end";

/* A transfer that is not begun, since time is up or the client stops, ends as it was posted. */
static void transfer_move(struct transfer *transfer, enum transfer_state to)
{
    enum transfer_state from = transfer->state;
    assert(to == from + 1 || (from == TRANSFER_POSTED && to == TRANSFER_ENDED));
    assert(to != TRANSFER_ACTIVE || transfer->easy);
    (void)from;
    transfer->state = to;
}

/* libcurl's limit is one of all connections, ours one of those that lie unused. It is looked at
 * when a transfer ends, which is counted still, as are others that end in the same step: so it may
 * be passed by these. */
static void count_active(struct client *client, size_t count)
{
    client->active_count = count;
    libcurl.multi_setopt(client->multi, CURLMOPT_MAXCONNECTS,
                         (long)(CLIENT_CONNECTIONS_KEPT - 1 + count));
}

static void add_active(struct client *client, struct transfer *transfer)
{
    transfer_move(transfer, TRANSFER_ACTIVE);
    count_active(client, client->active_count + 1);
    list_append(&client->active, &transfer->link);
    if (transfer->stream)
        list_append(&client->streams, &transfer->stream_link);
}

static void remove_active(struct client *client, struct transfer *transfer)
{
    assert(client->active_count > 0 && transfer->state == TRANSFER_ACTIVE);
    count_active(client, client->active_count - 1);
    list_remove(&client->active, &transfer->link);
    if (transfer->stream)
        list_remove(&client->streams, &transfer->stream_link);
}

/* The transfer is its caller's again after this. */
static void give_back(struct transfer *transfer, CURLcode code)
{
    transfer_move(transfer, TRANSFER_ENDED);
    transfer->code = code;
    if (transfer->stream)
        stream_end(transfer->stream, code == CURLE_OK);
    else
        slot_wait_end(&transfer->done);
}

/* To find an unused connection libcurl looks at all that the host has, those in use among them: in
 * a burst that would be a look for each call at each call. So it only looks when there can be one.
 */
static void begin(struct client *client, struct transfer *transfer)
{
    long fresh = client->resting == 0 || transfer->request->fresh;
    int64_t left_ms = transfer->request->deadline_ms - clock_mono_ms();
    if (left_ms <= 0) {
        give_back(transfer, CURLE_OPERATION_TIMEDOUT);
        return;
    }
    long limit_ms = left_ms > LONG_MAX ? LONG_MAX : (long)left_ms;
    if (libcurl.easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, limit_ms) != CURLE_OK ||
        libcurl.easy_setopt(transfer->easy, CURLOPT_SHARE, client->share) != CURLE_OK ||
        libcurl.easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, fresh) != CURLE_OK ||
        libcurl.multi_add_handle(client->multi, transfer->easy) != CURLM_OK) {
        libcurl.easy_setopt(transfer->easy, CURLOPT_SHARE, NULL);
        transfer->own_outcome = CLIENT_BROKEN;
        transfer->own_words = "was not called: libcurl does not take another transfer";
        give_back(transfer, CURLE_FAILED_INIT);
        return;
    }
    add_active(client, transfer);
}

void client_loop_end(struct client *client, struct transfer *transfer, CURLcode code)
{
    remove_active(client, transfer);
    assert(client->keeping >= transfer->keeps);
    client->keeping -= transfer->keeps;
    libcurl.multi_remove_handle(client->multi, transfer->easy);
    client_socket_let_go(transfer);
    libcurl.easy_setopt(transfer->easy, CURLOPT_SHARE, NULL);
    give_back(transfer, code);
}

static void collect_ended(struct client *client)
{
    CURLMsg *message;
    int left;
    while ((message = libcurl.multi_info_read(client->multi, &left))) {
        struct transfer *transfer = NULL;
        CURLcode code = message->data.result; /* the message goes with the handle */
        libcurl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        client_loop_end(client, transfer, code);
    }
}

void client_loop_drive(struct client *client, curl_socket_t fd, int events)
{
    int running;
    libcurl.multi_socket_action(client->multi, fd, events, &running);
    collect_ended(client);
}

/* --- what libuv tells curl, and curl asks of libuv, of the time --- */

static void on_timer(uv_timer_t *timer)
{
    client_loop_drive(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long timeout_ms, void *user)
{
    struct client *client = user;
    (void)multi;
    if (timeout_ms < 0)
        return uv_timer_stop(&client->timer);
    uv_update_time(&client->loop);
    return uv_timer_start(&client->timer, on_timer, (uint64_t)timeout_ms, 0) == 0 ? 0 : -1;
}

/* --- what callers ask of the thread --- */

static struct list take_posted(struct client *client, bool *ret_stopping)
{
    struct list posted = {0};
    pthread_mutex_lock(&client->lock);
    list_move(&posted, &client->posted);
    *ret_stopping = client->stopping;
    pthread_mutex_unlock(&client->lock);
    return posted;
}

static struct transfer *first_of(struct list *transfers)
{
    return list_first(transfers, struct transfer, link);
}

/* Ends what runs and closes everything, after which the loop has nothing to wait for. */
static void shut_down(struct client *client)
{
    for (struct transfer *transfer; (transfer = first_of(&client->active));) {
        transfer->stopped = true;
        client_loop_end(client, transfer, CURLE_ABORTED_BY_CALLBACK);
    }
    libcurl.multi_cleanup(client->multi);
    client_sockets_end(client);
    while (atomic_load(&client->waking) > 0) /* a caller is about to use `wake`; none begins to */
        sched_yield();
    uv_close((uv_handle_t *)&client->timer, NULL);
    uv_close((uv_handle_t *)&client->wake, NULL);
}

/* Of those that are in the multi handle: one that has ended meanwhile is its caller's. */
static void end_given_up(struct client *client)
{
    struct transfer *transfer = first_of(&client->active), *next;
    if (atomic_exchange(&client->given_up, 0) == 0)
        return;
    for (; transfer; transfer = next) {
        next = list_item(transfer->link.next, struct transfer, link);
        if (!atomic_load(&transfer->given_up))
            continue;
        transfer->own_outcome = CLIENT_ABORTED;
        transfer->own_words = client_given_up;
        client_loop_end(client, transfer, CURLE_ABORTED_BY_CALLBACK);
    }
}

static void on_wake(uv_async_t *wake)
{
    struct client *client = wake->data;
    bool stopping;
    struct list posted = take_posted(client, &stopping);
    for (struct transfer *transfer; (transfer = first_of(&posted));) {
        list_remove(&posted, &transfer->link);
        transfer->stopped = stopping;
        if (stopping)
            give_back(transfer, CURLE_ABORTED_BY_CALLBACK);
        else
            begin(client, transfer);
    }
    if (stopping) {
        shut_down(client);
        return;
    }
    end_given_up(client);
    streams_go_on(client);
    client_loop_drive(client, CURL_SOCKET_TIMEOUT, 0);
}

static void *loop_main(void *argument)
{
    struct client *client = argument;
    pthread_setname_np(pthread_self(), "client");
    uv_run(&client->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* Signals are other threads' business; and with SIGPIPE blocked here, a vendor that closes early
 * is an error of write(2), not our end. curl's helper threads inherit that. */
static bool start_thread(struct client *client)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&client->thread, NULL, loop_main, client);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0;
}

static void configure(struct client *client)
{
    libcurl.multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, client_socket_watch);
    libcurl.multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    libcurl.multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    libcurl.multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    libcurl.share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

static void close_loop(struct client *client)
{
    uv_close((uv_handle_t *)&client->timer, NULL);
    uv_close((uv_handle_t *)&client->wake, NULL);
    uv_run(&client->loop, UV_RUN_DEFAULT);
    uv_loop_close(&client->loop);
}

/* Under the lock. */
static bool start(struct client *client)
{
    if (!libcurl_load() || uv_loop_init(&client->loop) != 0)
        return false;
    if (uv_async_init(&client->loop, &client->wake, on_wake) != 0) {
        uv_loop_close(&client->loop);
        return false;
    }
    uv_timer_init(&client->loop, &client->timer);
    client->timer.data = client->wake.data = client;
    client->multi = libcurl.multi_init();
    client->share = libcurl.share_init();
    if (client->multi && client->share) {
        configure(client);
        if (start_thread(client))
            return true;
    }
    libcurl.multi_cleanup(client->multi);
    libcurl.share_cleanup(client->share);
    client->share = NULL;
    close_loop(client);
    return false;
}

void client_loop_stop(struct client *client)
{
    pthread_mutex_lock(&client->lock);
    client->stopping = true;
    bool was_running = client->running;
    client->running = false; /* a late caller fails because the client stops */
    if (was_running)         /* sent under the lock: once the thread knows, it closes `wake` */
        uv_async_send(&client->wake);
    pthread_mutex_unlock(&client->lock);
    if (was_running) {
        pthread_join(client->thread, NULL);
        uv_loop_close(&client->loop);
    }
}

/* False when the client is stopping, or its thread cannot be started. */
static bool post(struct client *client, struct transfer *transfer)
{
    pthread_mutex_lock(&client->lock);
    if (!client->running && !client->stopping)
        client->running = start(client);
    bool taken = client->running && !client->stopping;
    bool wakes = taken && !client->posted.first;
    if (taken) {
        transfer_move(transfer, TRANSFER_POSTED);
        list_append(&client->posted, &transfer->link);
    }
    atomic_fetch_add(&client->waking, wakes);
    pthread_mutex_unlock(&client->lock);
    if (wakes) { /* without the lock, which the thread takes first of all */
        uv_async_send(&client->wake);
        atomic_fetch_sub(&client->waking, 1);
    }
    return taken;
}

void client_loop_wake(struct client *client)
{
    pthread_mutex_lock(&client->lock);
    bool running = client->running;
    atomic_fetch_add(&client->waking, running);
    pthread_mutex_unlock(&client->lock);
    if (!running) /* it is stopping, which ends every transfer */
        return;
    uv_async_send(&client->wake);
    atomic_fetch_sub(&client->waking, 1);
}

static void give_up(struct client *client, struct transfer *transfer)
{
    atomic_store(&transfer->given_up, true);
    atomic_fetch_add(&client->given_up, 1);
    client_loop_wake(client);
}

/* A transfer that was given up is waited for: it is the loop's until that has ended it. */
static void await_end(struct client *client, struct transfer *transfer)
{
    const struct client_watch *watch = transfer->request->watch;
    bool goes_on = watch != NULL;
    while (goes_on && !slot_wait_for(&transfer->done, CLIENT_WATCH_MS)) {
        goes_on = watch->goes_on(watch->context);
        if (!goes_on)
            give_up(client, transfer);
    }
    if (!goes_on)
        slot_wait(&transfer->done);
}

void client_loop_run(struct client *client, struct transfer *transfer)
{
    if (!post(client, transfer))
        transfer->stopped = true;
    else if (transfer->stream)
        stream_run(transfer);
    else
        await_end(client, transfer);
}
