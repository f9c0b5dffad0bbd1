/* A call whose body is streamed: the ring buffers between the client's thread, which talks to
 * libcurl, and the caller's thread, which runs source and sink.
 *
 * The client's thread never waits: libcurl pauses receiving when the next bytes do not
 * fit, and to pause sending when there is nothing to send. The caller's thread does one task at a
 * time (give the head, push bytes, pull bytes) and waits when there is none. When it has made room,
 * or has pulled bytes, it wakes the client's thread, which lets libcurl go on. */
#include "net/client/internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- rings; under the stream's lock --- */

static void ring_init(struct ring *ring)
{
    ring->data = xmalloc(CLIENT_RING_SIZE);
}

static void ring_done(struct ring *ring)
{
    if (ring->data)
        explicit_bzero(ring->data, CLIENT_RING_SIZE);
    free(ring->data);
}

/* The free bytes in one piece; there may be more at the ring's start. */
static char *ring_room(struct ring *ring, size_t *ret_size)
{
    size_t end = (ring->start + ring->len) % CLIENT_RING_SIZE;
    *ret_size = end < ring->start || ring->len == CLIENT_RING_SIZE ? CLIENT_RING_SIZE - ring->len
                                                                   : CLIENT_RING_SIZE - end;
    return ring->data + end;
}

static struct str ring_bytes(const struct ring *ring)
{
    size_t to_end = CLIENT_RING_SIZE - ring->start;
    return (struct str){ring->data + ring->start, ring->len < to_end ? ring->len : to_end};
}

static void ring_drop(struct ring *ring, size_t size)
{
    assert(size <= ring->len);
    ring->start = (ring->start + size) % CLIENT_RING_SIZE;
    ring->len -= size;
}

static void ring_add(struct ring *ring, struct str bytes)
{
    assert(bytes.len <= CLIENT_RING_SIZE - ring->len);
    while (bytes.len > 0) {
        size_t size;
        char *room = ring_room(ring, &size);
        size = size < bytes.len ? size : bytes.len;
        memcpy(room, bytes.data, size);
        ring->len += size;
        bytes.data += size, bytes.len -= size;
    }
}

static size_t ring_remove(struct ring *ring, char *out, size_t size)
{
    size_t taken = 0;
    while (taken < size && ring->len > 0) {
        struct str piece = ring_bytes(ring);
        piece.len = piece.len < size - taken ? piece.len : size - taken;
        memcpy(out + taken, piece.data, piece.len);
        ring_drop(ring, piece.len);
        taken += piece.len;
    }
    return taken;
}

/* --- on the client's thread --- */

static void unlock_and_tell(struct stream *stream, bool tells)
{
    struct slot_wait *waiting = tells ? stream->waiting : NULL;
    if (waiting)
        stream->waiting = NULL;
    pthread_mutex_unlock(&stream->lock);
    if (waiting)
        slot_wait_end(waiting);
}

void stream_head(struct stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    stream->head_is_there = true;
    unlock_and_tell(stream, true);
}

size_t stream_receive(struct stream *stream, struct str bytes)
{
    pthread_mutex_lock(&stream->lock);
    bool fits = bytes.len <= CLIENT_RING_SIZE - stream->received.len;
    stream->receiving_paused = !fits;
    if (fits)
        ring_add(&stream->received, bytes);
    unlock_and_tell(stream, fits);
    return fits ? bytes.len : CURL_WRITEFUNC_PAUSE;
}

size_t stream_send(struct stream *stream, char *out, size_t size)
{
    pthread_mutex_lock(&stream->lock);
    size_t given = ring_remove(&stream->pulled, out, size);
    stream->sending_paused = given == 0 && !stream->source_ended;
    bool paused = stream->sending_paused;
    unlock_and_tell(stream, given > 0);
    return paused ? CURL_READFUNC_PAUSE : given;
}

void stream_end(struct stream *stream, bool succeeded)
{
    pthread_mutex_lock(&stream->lock);
    stream->ended = true;
    stream->failed = !succeeded;
    unlock_and_tell(stream, true);
}

/* False: the caller has aborted the call. */
static bool let_go_on(struct stream *stream, CURL *easy, CURLcode *ret_code)
{
    pthread_mutex_lock(&stream->lock);
    bool aborted = stream->aborted, resumes = stream->resumes;
    stream->resumes = false;
    pthread_mutex_unlock(&stream->lock);
    *ret_code = aborted   ? CURLE_ABORTED_BY_CALLBACK
                : resumes ? libcurl.easy_pause(easy, CURLPAUSE_CONT)
                          : CURLE_OK;
    return *ret_code == CURLE_OK;
}

void streams_go_on(struct client *client)
{
    struct transfer *transfer = list_first(&client->streams, struct transfer, stream_link), *next;
    for (; transfer; transfer = next) {
        CURLcode code;
        next = list_item(transfer->stream_link.next, struct transfer, stream_link);
        if (!let_go_on(transfer->stream, transfer->easy, &code))
            client_loop_end(client, transfer, code);
    }
}

/* --- on the caller's thread --- */

enum stream_task {
    TASK_WAIT,
    TASK_HEAD, /* give status and headers to the sink */
    TASK_PUSH, /* give bytes to the sink */
    TASK_PULL, /* take bytes from the source */
    TASK_END,
};

/* Under the lock. */
static enum stream_task next_task(const struct stream *stream, const struct client_request *request)
{
    if (stream->ended && (stream->failed || stream->aborted))
        return TASK_END;
    if (stream->aborted)
        return TASK_WAIT;
    if (request->sink && stream->head_is_there && !stream->head_given)
        return TASK_HEAD;
    if (stream->received.len > 0)
        return TASK_PUSH;
    if (stream->ended)
        return TASK_END;
    bool pulls = stream->pulled.data && !stream->source_ended;
    return pulls && stream->pulled.len < CLIENT_RING_SIZE ? TASK_PULL : TASK_WAIT;
}

/* Takes the wait back. False: it is about to end. */
static bool withdraw(struct stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    bool is_ours = stream->waiting == &stream->wait;
    if (is_ours)
        stream->waiting = NULL;
    pthread_mutex_unlock(&stream->lock);
    return is_ours;
}

/* False: the time for a look at the watch has come first. */
static bool wait_for_task(struct stream *stream, const struct client_watch *watch)
{
    bool ended = watch && slot_wait_for(&stream->wait, CLIENT_WATCH_MS);
    bool is_time = watch && !ended && withdraw(stream);
    if (!ended && !is_time)
        slot_wait(&stream->wait);
    slot_wait_done(&stream->wait);
    return !is_time;
}

static void abort_call(struct transfer *transfer)
{
    struct stream *stream = transfer->stream;
    pthread_mutex_lock(&stream->lock);
    stream->aborted = true;
    pthread_mutex_unlock(&stream->lock);
    client_loop_wake(transfer->client);
}

static void look_at_watch(struct transfer *transfer, const struct client_watch *watch)
{
    if (watch->goes_on(watch->context))
        return;
    delivery_fail(&transfer->stream->delivery, CLIENT_ABORTED, client_given_up);
    abort_call(transfer);
}

static enum stream_task await_task(struct transfer *transfer)
{
    struct stream *stream = transfer->stream;
    const struct client_request *request = transfer->request;
    for (;;) {
        pthread_mutex_lock(&stream->lock);
        enum stream_task task = next_task(stream, request);
        bool aborted = stream->aborted;
        if (task != TASK_WAIT) {
            pthread_mutex_unlock(&stream->lock);
            return task;
        }
        slot_wait_init(&stream->wait);
        stream->waiting = &stream->wait;
        pthread_mutex_unlock(&stream->lock);
        if (!wait_for_task(stream, aborted ? NULL : request->watch))
            look_at_watch(transfer, request->watch);
    }
}

static void give_head(struct transfer *transfer)
{
    struct stream *stream = transfer->stream;
    const struct client_sink *sink = transfer->request->sink;
    struct client_response head = {0};
    transfer_copy_head(transfer, &head);
    stream->head_given = true;
    delivery_init(&stream->delivery, transfer->request, sink, head.headers, head.header_count);
    if (sink->head && !sink->head(sink->context, &head)) {
        delivery_fail(&stream->delivery, CLIENT_ABORTED,
                      "@: call aborted because the response was not wanted");
        abort_call(transfer);
    }
}

static void push(struct transfer *transfer)
{
    struct stream *stream = transfer->stream;
    pthread_mutex_lock(&stream->lock);
    struct str bytes = ring_bytes(&stream->received);
    pthread_mutex_unlock(&stream->lock);
    if (!delivery_take(&stream->delivery, bytes)) {
        abort_call(transfer);
        return;
    }
    pthread_mutex_lock(&stream->lock);
    ring_drop(&stream->received, bytes.len);
    bool wakes = stream->receiving_paused && stream->received.len <= CLIENT_RING_SIZE / 2;
    if (wakes) {
        stream->receiving_paused = false;
        stream->resumes = true;
    }
    pthread_mutex_unlock(&stream->lock);
    if (wakes)
        client_loop_wake(transfer->client);
}

static void fail_source(struct transfer *transfer, const char *words)
{
    delivery_fail(&transfer->stream->delivery, CLIENT_ABORTED, words);
    abort_call(transfer);
}

/* The ring is filled beyond what was removed meanwhile, without the lock: only this thread adds. */
static void pull(struct transfer *transfer)
{
    struct stream *stream = transfer->stream;
    const struct client_source *source = transfer->request->source;
    int64_t left = source->length - stream->pulled_bytes;
    size_t room;
    pthread_mutex_lock(&stream->lock);
    char *out = ring_room(&stream->pulled, &room);
    pthread_mutex_unlock(&stream->lock);
    if (source->length >= 0 && (int64_t)room > left)
        room = (size_t)left;
    ssize_t got = room > 0 ? source->pull(source->context, out, room) : 0;
    assert(got <= (ssize_t)room);
    if (got < 0) {
        fail_source(transfer, "@: call aborted because the request's body could not be read");
        return;
    }
    if (got == 0 && left > 0) {
        fail_source(transfer, "@: call aborted because the request's body ended early");
        return;
    }
    stream->pulled_bytes += got;
    pthread_mutex_lock(&stream->lock);
    stream->pulled.len += (size_t)got;
    stream->source_ended = got == 0;
    bool wakes = stream->sending_paused;
    if (wakes) {
        stream->sending_paused = false;
        stream->resumes = true;
    }
    pthread_mutex_unlock(&stream->lock);
    if (wakes)
        client_loop_wake(transfer->client);
}

void stream_init(struct stream *stream, const struct client_request *request)
{
    *stream = (struct stream){0};
    pthread_mutex_init(&stream->lock, NULL);
    if (request->sink)
        ring_init(&stream->received);
    if (request->source && request->source->length != 0)
        ring_init(&stream->pulled);
}

void stream_done(struct stream *stream)
{
    delivery_done(&stream->delivery);
    ring_done(&stream->received);
    ring_done(&stream->pulled);
    arena_done(&stream->arena);
    pthread_mutex_destroy(&stream->lock);
}

void stream_run(struct transfer *transfer)
{
    struct stream *stream = transfer->stream;
    for (;;) {
        switch (await_task(transfer)) {
        case TASK_HEAD:
            give_head(transfer);
            break;
        case TASK_PUSH:
            push(transfer);
            break;
        case TASK_PULL:
            pull(transfer);
            break;
        default:
            if (!stream->failed)
                delivery_finish(&stream->delivery);
            if (stream->delivery.outcome != CLIENT_OK) {
                transfer->own_outcome = stream->delivery.outcome;
                transfer->own_words = stream->delivery.words;
            }
            return;
        }
    }
}
