/* Memory that a loop keeps for the next request: small buffers and exchanges. What goes back is
 * wiped, since requests and answers carry credentials. */
#include "net/server/internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A free buffer holds its own link. */
struct kept_buffer {
    struct kept_buffer *next;
};

static void count_large(struct server *server, size_t size)
{
    atomic_fetch_add(&server->large_bytes, size);
    memory_limit_add(server->memory, size);
}

static void count_large_released(struct server *server, size_t size)
{
    atomic_fetch_sub(&server->large_bytes, size);
    memory_limit_remove(server->memory, size);
}

static char *buffer_take(struct server_loop *loop, size_t size, bool is_reserved)
{
    struct kept_buffer *kept = loop->kept_pieces;
    if (size != BUFFER_SIZE && !is_reserved)
        count_large(loop->server, size);
    if (size != BUFFER_SIZE || !kept)
        return xmalloc(size);
    assert(loop->kept_piece_count > 0);
    loop->kept_pieces = kept->next;
    loop->kept_piece_count--;
    return (char *)kept;
}

static void buffer_give(struct server_loop *loop, char *data, size_t size, bool is_reserved)
{
    if (size != BUFFER_SIZE && !is_reserved)
        count_large_released(loop->server, size);
    if (size != BUFFER_SIZE || loop->kept_piece_count == BUFFERS_KEPT_MAX) {
        free(data);
        return;
    }
    struct kept_buffer *kept = (void *)data;
    kept->next = loop->kept_pieces;
    loop->kept_pieces = kept;
    loop->kept_piece_count++;
}

void buffer_reserve(struct server_loop *loop, struct buffer *buffer, size_t extra)
{
    if (buffer->cap - buffer->len >= extra)
        return;
    size_t cap = buffer->cap ? buffer->cap * 2 : BUFFER_SIZE;
    while (cap - buffer->len < extra)
        cap *= 2;
    struct buffer grown = {.data = buffer_take(loop, cap, buffer->is_reserved),
                           .len = buffer->len,
                           .cap = cap,
                           .is_reserved = buffer->is_reserved};
    if (buffer->len > 0)
        memcpy(grown.data, buffer->data, buffer->len);
    buffer_release(loop, buffer);
    *buffer = grown;
}

void buffer_add(struct server_loop *loop, struct buffer *buffer, struct str bytes)
{
    buffer_reserve(loop, buffer, bytes.len);
    assert(bytes.len <= buffer->cap - buffer->len);
    if (bytes.len > 0)
        memcpy(buffer->data + buffer->len, bytes.data, bytes.len);
    buffer->len += bytes.len;
}

void buffer_release(struct server_loop *loop, struct buffer *buffer)
{
    if (buffer->cap == 0)
        return;
    assert(buffer->len <= buffer->cap);
    explicit_bzero(buffer->data, buffer->len);
    buffer_give(loop, buffer->data, buffer->cap, buffer->is_reserved);
    *buffer = (struct buffer){0};
}

struct exchange *exchange_take(struct server_loop *loop)
{
    struct exchange *exchange = loop->kept_exchanges;
    if (exchange) {
        loop->kept_exchanges = exchange->next;
        loop->kept_exchange_count--;
    } else {
        exchange = xcalloc(1, sizeof(*exchange));
    }
    exchange->next = NULL;
    exchange->public.loop = loop;
    loop->exchange_count++;
    return exchange;
}

void http_release_body(struct http_exchange *exchange)
{
    struct exchange *mine = (struct exchange *)exchange;
    exchange->body = STR_NULL;
    if (mine->raw.cap > BUFFER_SIZE)
        buffer_release(exchange->loop, &mine->raw);
}

void exchange_release(struct exchange *exchange)
{
    struct server_loop *loop = exchange->public.loop;
    buffer_release(loop, &exchange->raw);
    exchange->connection = NULL;
    exchange->public.body = STR_NULL;
    exchange->public.tls_server_name = STR_NULL;
    exchange->public.user = NULL;
    loop->exchange_count--;
    if (exchange->public.arena.used > ARENA_KEPT_MAX)
        arena_done(&exchange->public.arena);
    if (loop->kept_exchange_count < EXCHANGES_KEPT_MAX) {
        arena_reset(&exchange->public.arena);
        exchange->next = loop->kept_exchanges;
        loop->kept_exchanges = exchange;
        loop->kept_exchange_count++;
    } else {
        arena_done(&exchange->public.arena);
        free(exchange);
    }
    loop_end_if_done(loop);
}

void pools_free(struct server_loop *loop)
{
    while (loop->kept_pieces) {
        struct kept_buffer *next = loop->kept_pieces->next;
        free(loop->kept_pieces);
        loop->kept_pieces = next;
    }
    while (loop->kept_exchanges) {
        struct exchange *next = loop->kept_exchanges->next;
        arena_done(&loop->kept_exchanges->public.arena);
        free(loop->kept_exchanges);
        loop->kept_exchanges = next;
    }
}
