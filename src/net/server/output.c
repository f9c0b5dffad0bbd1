/* Writing: what was made is tried at once, in one call; only what the kernel does not take waits.
 */
#include "net/server/internal.h"

bool output_is_done(const struct http_connection *connection)
{
    return connection->out.len == 0 && connection->writing.cap == 0;
}

static void on_written(uv_write_t *write, int status)
{
    struct http_connection *connection = write->data;
    buffer_release(connection->loop, &connection->writing);
    if (connection->state == CONNECTION_CLOSED)
        return;
    if (status < 0) {
        connection_close(connection);
        return;
    }
    deadline_set(connection, DEADLINE_NONE);
    connection_advance(connection);
}

static void write_rest(struct http_connection *connection, size_t done)
{
    connection->writing = connection->out;
    connection->out = (struct buffer){0};
    connection->write.data = connection;
    uv_buf_t rest = uv_buf_init(connection->writing.data + done,
                                (unsigned int)(connection->writing.len - done));
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &rest, 1, on_written) != 0) {
        buffer_release(connection->loop, &connection->writing);
        connection_close(connection);
    }
}

void output_flush(struct http_connection *connection)
{
    if (connection->out.len == 0 || connection->writing.cap > 0)
        return;
    uv_buf_t all = uv_buf_init(connection->out.data, (unsigned int)connection->out.len);
    int done = uv_try_write((uv_stream_t *)&connection->tcp, &all, 1);
    if (done >= 0 && (size_t)done == connection->out.len)
        buffer_release(connection->loop, &connection->out);
    else if (done >= 0 || done == UV_EAGAIN)
        write_rest(connection, done > 0 ? (size_t)done : 0);
    else
        connection_close(connection);
}
