/* A connection from accept to close: reads, lets input become requests, writes, and decides after
 * each event what it waits for next. */
#include "net/server/internal.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { READ_LEAST = 1024 }; /* bytes of room, so that a read is worth its call */

static void on_closed(uv_handle_t *handle)
{
    struct http_connection *connection = handle->data;
    struct server_loop *loop = connection->loop;
    list_remove(&loop->connections, &connection->link);
    buffer_release(loop, &connection->writing);
    free(connection);
    atomic_fetch_sub(&loop->server->connection_count, 1);
    loop_end_if_done(loop);
}

void connection_move(struct http_connection *connection, enum connection_state to)
{
    enum {
        HANDSHAKE = 1 << CONNECTION_HANDSHAKE,
        IDLE = 1 << CONNECTION_IDLE,
        HEAD = 1 << CONNECTION_HEAD,
        BODY = 1 << CONNECTION_BODY,
        HANDLING = 1 << CONNECTION_HANDLING,
        LINGER = 1 << CONNECTION_LINGER,
        CLOSED = 1 << CONNECTION_CLOSED,
    };
    static const unsigned allowed[] = {
        [CONNECTION_HANDSHAKE] = IDLE | CLOSED,
        [CONNECTION_IDLE] = HANDSHAKE | HEAD | LINGER | CLOSED,
        [CONNECTION_HEAD] = BODY | LINGER | CLOSED,
        [CONNECTION_BODY] = HANDLING | LINGER | CLOSED,
        [CONNECTION_HANDLING] = IDLE | LINGER | CLOSED,
        [CONNECTION_LINGER] = CLOSED,
        [CONNECTION_CLOSED] = 0,
    };
    bool has_request = to == CONNECTION_BODY || to == CONNECTION_HANDLING;
    assert(allowed[connection->state] & 1U << to);
    assert(to == CONNECTION_CLOSED || has_request == (connection->exchange != NULL));
    (void)has_request;
    connection->state = to;
}

/* Lets go of all but what libuv holds. A handler's exchange stays until it is answered. */
static void let_go(struct http_connection *connection)
{
    memory_reservation_end(&connection->out_memory);
    connection_move(connection, CONNECTION_CLOSED);
    deadline_set(connection, DEADLINE_NONE);
    buffer_release(connection->loop, &connection->in);
    buffer_release(connection->loop, &connection->out);
    struct exchange *exchange = connection->exchange;
    connection->exchange = NULL;
    if (exchange && exchange->connection)
        exchange->connection = NULL;
    else if (exchange)
        exchange_release(exchange);
    SSL_free(connection->tls);
    connection->tls = NULL;
    if (connection->loop->server->admission)
        admission_leave(connection);
}

void connection_close(struct http_connection *connection)
{
    if (connection->state == CONNECTION_CLOSED)
        return;
    let_go(connection);
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

void connection_abort(struct http_connection *connection)
{
    if (connection->state == CONNECTION_CLOSED)
        return;
    let_go(connection);
    if (uv_tcp_close_reset(&connection->tcp, on_closed) != 0)
        uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

void connection_finish(struct http_connection *connection)
{
    connection_move(connection, CONNECTION_LINGER);
    connection->discard_more |= connection->in.len > 0;
    buffer_release(connection->loop, &connection->in);
    if (connection->tls)
        tls_send_end(connection);
}

void connection_expired(struct http_connection *connection, enum deadline kind)
{
    bool slow_request =
        connection->state == CONNECTION_HEAD || connection->state == CONNECTION_BODY;
    if (kind == DEADLINE_WRITE) {
        connection_abort(connection);
    } else if (slow_request) {
        connection_refuse(connection, 408, "The request did not arrive in time.");
        connection_advance(connection);
    } else if (connection->state == CONNECTION_IDLE) {
        connection_finish(connection);
        connection_advance(connection);
    } else {
        connection_close(connection);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct http_connection *connection = handle->data;
    struct buffer *in = &connection->in;
    if (connection->tls || connection->state == CONNECTION_LINGER) {
        *buf = uv_buf_init(connection->loop->scratch, SCRATCH_SIZE);
        return;
    }
    bool bounded = connection->state == CONNECTION_HANDLING && in->cap > in->len;
    if (!bounded && in->cap - in->len < READ_LEAST)
        input_reserve(connection, READ_LEAST);
    *buf = uv_buf_init(in->data + in->len, (unsigned int)(in->cap - in->len));
}

static void discard(struct http_connection *connection, size_t size)
{
    connection->discarded += size;
    if (connection->discarded > LINGER_BYTES_MAX)
        connection_close(connection);
}

static void receive(struct http_connection *connection, size_t size)
{
    char *scratch = connection->loop->scratch;
    if (connection->state == CONNECTION_LINGER) {
        discard(connection, size);
        explicit_bzero(scratch, size);
        return;
    }
    if (connection->tls)
        tls_receive(connection, (struct str){scratch, size});
    else
        connection->in.len += size;
    connection_advance(connection);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    (void)buf;
    struct http_connection *connection = stream->data;
    if (connection->state == CONNECTION_CLOSED)
        return;
    if (size > 0) {
        receive(connection, (size_t)size);
    } else if (size == UV_EOF) {
        connection->eof = true;
        connection_advance(connection);
    } else if (size < 0) {
        connection_close(connection);
    } else if (connection->in.len == 0) {
        buffer_release(connection->loop, &connection->in);
    }
}

static bool wants_input(const struct http_connection *connection)
{
    if (connection->eof)
        return false;
    if (connection->state == CONNECTION_LINGER)
        return connection->discard_more;
    if (connection->writing.cap > 0)
        return false;
    return connection->state != CONNECTION_HANDLING || connection->in.len < PIPELINED_MAX;
}

static void read_or_not(struct http_connection *connection)
{
    bool wanted = wants_input(connection);
    if (wanted == connection->reading)
        return;
    connection->reading = wanted;
    if (!wanted)
        uv_read_stop((uv_stream_t *)&connection->tcp);
    else if (uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read) != 0)
        connection_close(connection);
}

static enum deadline deadline_wanted(const struct http_connection *connection)
{
    if (connection->writing.cap > 0)
        return DEADLINE_WRITE;
    switch (connection->state) {
    case CONNECTION_IDLE:
        return connection->is_stranger ? DEADLINE_FIRST : DEADLINE_IDLE;
    case CONNECTION_HANDSHAKE:
    case CONNECTION_HEAD:
        return DEADLINE_HEAD;
    case CONNECTION_BODY:
        return DEADLINE_BODY;
    case CONNECTION_LINGER:
        return DEADLINE_LINGER;
    case CONNECTION_HANDLING:
    case CONNECTION_CLOSED:
        break;
    }
    return DEADLINE_NONE;
}

/* Everything was written: is that all? */
static void end_if_over(struct http_connection *connection)
{
    bool last = connection->state == CONNECTION_LINGER;
    bool ended_by_client = connection->eof && connection->state != CONNECTION_HANDLING;
    bool stopped = connection->loop->drained && connection->state == CONNECTION_HANDSHAKE;
    if (connection->reset) {
        connection_abort(connection);
    } else if (ended_by_client || stopped || (last && !connection->discard_more)) {
        connection_close(connection);
    } else if (last && !connection->shut) {
        /* A close now would answer what the client still sends with a reset, which may reach it
         * before it has read our answer. */
        uv_os_fd_t fd;
        if (uv_fileno((uv_handle_t *)&connection->tcp, &fd) == 0)
            shutdown(fd, SHUT_WR);
        connection->shut = true;
    }
}

static void settle(struct http_connection *connection)
{
    if (connection->loop->drained && connection->state == CONNECTION_IDLE)
        connection_finish(connection);
    output_flush(connection);
    if (connection->state == CONNECTION_CLOSED)
        return;
    if (output_is_done(connection)) {
        memory_reservation_end(&connection->out_memory);
        end_if_over(connection);
    }
    if (connection->state == CONNECTION_CLOSED)
        return;
    if (connection->in.len == 0)
        buffer_release(connection->loop, &connection->in);
    enum deadline wanted = deadline_wanted(connection);
    if (wanted != connection->deadline)
        deadline_set(connection, wanted);
    read_or_not(connection);
}

void connection_advance(struct http_connection *connection)
{
    if (connection->advancing || connection->state == CONNECTION_CLOSED)
        return;
    connection->advancing = true;
    while (input_step(connection)) {
    }
    connection->advancing = false;
    if (connection->state != CONNECTION_CLOSED)
        settle(connection);
}

/* False when the connection is gone. */
static bool read_peer(struct http_exchange *exchange, struct sockaddr_storage *ret_address,
                      char ret_text[INET6_ADDRSTRLEN])
{
    const struct http_connection *connection = ((struct exchange *)exchange)->connection;
    int size = sizeof(*ret_address);
    return connection &&
           uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)ret_address, &size) == 0 &&
           uv_ip_name((struct sockaddr *)ret_address, ret_text, INET6_ADDRSTRLEN) == 0;
}

struct str http_client_host(struct http_exchange *exchange)
{
    struct sockaddr_storage address;
    char text[INET6_ADDRSTRLEN] = "";
    if (!read_peer(exchange, &address, text))
        return STR("?");
    return arena_copy(&exchange->arena, str_from(text));
}

struct str http_client_address(struct http_exchange *exchange)
{
    struct sockaddr_storage address;
    char text[INET6_ADDRSTRLEN] = "";
    if (!read_peer(exchange, &address, text))
        return STR("?");
    bool v6 = address.ss_family == AF_INET6;
    uint16_t port = v6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                       : ((struct sockaddr_in *)&address)->sin_port;
    return arena_printf(&exchange->arena, v6 ? "[%s]:%d" : "%s:%d", text, ntohs(port));
}

void http_client_is_known(struct http_exchange *exchange)
{
    struct http_connection *connection = ((struct exchange *)exchange)->connection;
    if (connection)
        connection->is_stranger = false;
}

static bool has_place(struct http_connection *connection, size_t count)
{
    const struct server *server = connection->loop->server;
    return server->admission ? admission_enter(connection) : count < server->config.connections_max;
}

void connection_accept(struct server_loop *loop)
{
    struct server *server = loop->server;
    struct http_connection *connection = xcalloc(1, sizeof(*connection));
    connection->loop = loop;
    connection->state = CONNECTION_IDLE;
    connection->tcp.data = connection;
    size_t count = atomic_fetch_add(&server->connection_count, 1);
    uv_tcp_init(&loop->uv, &connection->tcp);
    list_append(&loop->connections, &connection->link);
    int result = uv_accept((uv_stream_t *)&loop->listener, (uv_stream_t *)&connection->tcp);
    connection->over_limit = result == 0 && !has_place(connection, count);
    bool far_over =
        connection->over_limit && count >= server->config.connections_max + OVER_LIMIT_MAX;
    if (result != 0 || far_over || !tls_attach(connection)) {
        connection_close(connection);
        return;
    }
    connection_advance(connection);
}
