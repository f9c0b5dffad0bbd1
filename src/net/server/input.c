/* Input becomes requests: head, then body, then the handler has it. The bytes stay in the buffer
 * they were read into, which the exchange takes over. */
#include "net/server/internal.h"

#include <assert.h>
#include <string.h>

static void rebase(struct str *slice, uintptr_t old, const char *new)
{
    if (slice->data)
        slice->data = new + ((uintptr_t)slice->data - old);
}

/* The bytes of the head have moved from `old` to `new`. */
static void rebase_head(struct http_head *head, uintptr_t old, const char *new)
{
    rebase(&head->method, old, new);
    rebase(&head->target, old, new);
    for (size_t i = 0; i < head->header_count; i++) {
        rebase(&head->headers[i].name, old, new);
        rebase(&head->headers[i].value, old, new);
    }
}

void input_reserve(struct http_connection *connection, size_t extra)
{
    uintptr_t old = (uintptr_t)connection->in.data;
    buffer_reserve(connection->loop, &connection->in, extra);
    const char *new = connection->in.data;
    if (connection->state != CONNECTION_BODY || (uintptr_t) new == old)
        return;
    rebase_head(&connection->exchange->public.head, old, new);
}

static int refusal_status(enum http1_result result, bool of_body)
{
    switch (result) {
    case HTTP1_TOO_LONG:
        return of_body ? 413 : 431;
    case HTTP1_TARGET_TOO_LONG:
        return 414;
    case HTTP1_EXPECTATION:
        return 417;
    case HTTP1_VERSION:
        return 505;
    case HTTP1_BAD:
    case HTTP1_DONE:
    case HTTP1_MORE:
        break;
    }
    return 400;
}

static bool refuse(struct http_connection *connection, enum http1_result result, bool of_body,
                   const char *reason)
{
    connection_refuse(connection, refusal_status(result, of_body), reason);
    return false;
}

static bool step_head(struct http_connection *connection)
{
    struct buffer *in = &connection->in;
    struct exchange *exchange = exchange_take(connection->loop);
    struct http_head *head = &exchange->public.head;
    const char *reason = "";
    enum http1_result result = http1_parse_head(in->data, in->len, connection->head_seen, head,
                                                &connection->head_size, &reason);
    if (result == HTTP1_DONE && head->is_https && !connection->tls) {
        exchange_release(exchange);
        connection_refuse(connection, 421, "An https URL was asked for without TLS.");
        return false;
    }
    if (result == HTTP1_DONE && head->content_length > connection->loop->server->config.body_max) {
        result = HTTP1_TOO_LONG;
        exchange_release(exchange);
        return refuse(connection, result, true, "The request's body is too long.");
    }
    if (result == HTTP1_DONE) {
        connection->exchange = exchange;
        connection_move(connection, CONNECTION_BODY);
        connection->continued = false;
        connection->chunks = (struct http1_chunks){0};
        connection->decoded = 0;
        return true;
    }
    exchange_release(exchange);
    connection->head_seen = in->len;
    return result == HTTP1_MORE ? false : refuse(connection, result, false, reason);
}

/* The head of a large request gets memory of its own, so that http_release_body can free the rest.
 */
static void detach_head(struct exchange *exchange, size_t head_size)
{
    struct http_exchange *public = &exchange->public;
    struct str head = {exchange->raw.data, head_size};
    rebase_head(&public->head, (uintptr_t)head.data, arena_copy(&public->arena, head).data);
}

/* The request is complete; `used` bytes of the input are its own, the rest is the next one's. */
static bool hand_over(struct http_connection *connection, size_t body_size, size_t used)
{
    struct server *server = connection->loop->server;
    struct exchange *exchange = connection->exchange;
    assert(used <= connection->in.len && connection->head_size + body_size <= used);
    exchange->connection = connection;
    exchange->raw = connection->in;
    connection->in = (struct buffer){0};
    struct str rest = {exchange->raw.data + used, exchange->raw.len - used};
    if (rest.len > 0)
        buffer_add(connection->loop, &connection->in, rest);
    exchange->public.body = (struct str){exchange->raw.data + connection->head_size, body_size};
    if (exchange->raw.cap > BUFFER_SIZE)
        detach_head(exchange, connection->head_size);
    exchange->public.over_tls = connection->tls != NULL;
    if (connection->tls)
        exchange->public.tls_server_name = tls_server_name(connection);
    connection_move(connection, CONNECTION_HANDLING);
    if (connection->is_stranger)
        admission_busy(connection);
    deadline_set(connection, DEADLINE_NONE);
    server->config.handler(server->config.handler_context, &exchange->public);
    return true;
}

/* A client that waits for leave to send its body gets it, once. */
static bool need_more(struct http_connection *connection)
{
    if (connection->exchange->public.head.expect_continue && !connection->continued &&
        connection->in.len == connection->head_size)
        response_continue(connection);
    connection->continued = true;
    return false;
}

static bool step_length(struct http_connection *connection)
{
    uint64_t length = connection->exchange->public.head.content_length;
    size_t whole = connection->head_size + (size_t)length;
    if (connection->in.len < whole)
        return need_more(connection);
    return hand_over(connection, (size_t)length, whole);
}

static bool step_chunks(struct http_connection *connection)
{
    struct buffer *in = &connection->in;
    char *body = in->data + connection->head_size;
    size_t raw_at = connection->decoded;
    size_t size = in->len - connection->head_size;
    const char *reason = "";
    enum http1_result result =
        http1_decode_chunks(&connection->chunks, body, &connection->decoded, &raw_at, size,
                            connection->loop->server->config.body_max, &reason);
    if (result == HTTP1_DONE)
        return hand_over(connection, connection->decoded, connection->head_size + raw_at);
    if (result != HTTP1_MORE)
        return refuse(connection, result, true, reason);
    bool nothing_yet = size == 0;
    in->len = connection->head_size + connection->decoded;
    explicit_bzero(body + connection->decoded, raw_at - connection->decoded);
    if (nothing_yet)
        return need_more(connection);
    connection->continued = true;
    return false;
}

/* A request larger than usual is answered 429 while those that are being received, for which no
 * account is known yet, hold more memory than is left. */
static bool takes_too_much(const struct http_connection *connection)
{
    const struct server *server = connection->loop->server;
    bool receives = connection->state == CONNECTION_HEAD || connection->state == CONNECTION_BODY;
    return receives && connection->in.cap > BUFFER_SIZE && connection->writing.cap == 0 &&
           !memory_limit_has_room(server->memory, atomic_load(&server->large_bytes));
}

static bool step(struct http_connection *connection)
{
    if (connection->out.len > OUT_SOFT_MAX)
        output_flush(connection);
    if (connection->writing.cap > 0)
        return false;
    switch (connection->state) {
    case CONNECTION_IDLE:
        if (connection->in.len == 0)
            return false;
        connection_move(connection, CONNECTION_HEAD);
        connection->head_seen = 0;
        return true;
    case CONNECTION_HEAD:
        return step_head(connection);
    case CONNECTION_BODY:
        return connection->exchange->public.head.chunked ? step_chunks(connection)
                                                         : step_length(connection);
    case CONNECTION_HANDSHAKE:
    case CONNECTION_HANDLING:
    case CONNECTION_LINGER:
    case CONNECTION_CLOSED:
        break;
    }
    return false;
}

bool input_step(struct http_connection *connection)
{
    if (connection->over_limit && connection->state == CONNECTION_IDLE) {
        connection_refuse(connection, 429,
                          connection->over_share
                              ? "Rate exceeded: too many connections of one address are open."
                              : "Rate exceeded: too many connections are open.");
        return false;
    }
    if (step(connection))
        return true;
    if (takes_too_much(connection))
        connection_refuse(connection, 429, "Rate exceeded: too much is being received.");
    return false;
}
