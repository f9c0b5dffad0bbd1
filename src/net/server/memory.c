/* Memory that a loop keeps for the next request: small buffers and exchanges. What goes back is
 * wiped, since requests and answers carry credentials. */
#include "net/server/internal.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* A free buffer holds its own link. */
struct kept_piece {
    struct kept_piece *next;
};

static char *buffer_take(struct server_loop *loop, size_t size)
{
    struct kept_piece *kept = loop->kept_pieces;
    if (size != PIECE_SIZE)
        atomic_fetch_add(&loop->server->large_bytes, size);
    if (size != PIECE_SIZE || !kept)
        return xmalloc(size);
    loop->kept_pieces = kept->next;
    loop->kept_piece_count--;
    return (char *)kept;
}

static void buffer_give(struct server_loop *loop, char *data, size_t size)
{
    if (size != PIECE_SIZE)
        atomic_fetch_sub(&loop->server->large_bytes, size);
    if (size != PIECE_SIZE || loop->kept_piece_count == PIECES_KEPT_MAX) {
        free(data);
        return;
    }
    struct kept_piece *kept = (void *)data;
    kept->next = loop->kept_pieces;
    loop->kept_pieces = kept;
    loop->kept_piece_count++;
}

void piece_reserve(struct server_loop *loop, struct piece *piece, size_t extra)
{
    if (piece->cap - piece->len >= extra)
        return;
    size_t cap = piece->cap ? piece->cap * 2 : PIECE_SIZE;
    while (cap - piece->len < extra)
        cap *= 2;
    struct piece grown = {.data = buffer_take(loop, cap), .len = piece->len, .cap = cap};
    if (piece->len > 0)
        memcpy(grown.data, piece->data, piece->len);
    piece_release(loop, piece);
    *piece = grown;
}

void piece_add(struct server_loop *loop, struct piece *piece, struct str bytes)
{
    piece_reserve(loop, piece, bytes.len);
    if (bytes.len > 0)
        memcpy(piece->data + piece->len, bytes.data, bytes.len);
    piece->len += bytes.len;
}

void piece_release(struct server_loop *loop, struct piece *piece)
{
    if (piece->cap == 0)
        return;
    explicit_bzero(piece->data, piece->len);
    buffer_give(loop, piece->data, piece->cap);
    *piece = (struct piece){0};
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

void exchange_release(struct exchange *exchange)
{
    struct server_loop *loop = exchange->public.loop;
    piece_release(loop, &exchange->raw);
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
        struct kept_piece *next = loop->kept_pieces->next;
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
