/* Messages of PostgreSQL's protocol 3.0 over a socket, in clear or through TLS. */
#include "sandbox/postgres/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

bool wire_read(struct wire *wire, void *out, size_t size)
{
    char *at = out;
    while (size > 0) {
        ssize_t count =
            wire->ssl ? SSL_read(wire->ssl, at, (int)size) : recv(wire->fd, at, size, 0);
        if (count < 0 && !wire->ssl && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        at += count;
        size -= (size_t)count;
    }
    return true;
}

bool wire_write(struct wire *wire, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t count = wire->ssl ? SSL_write(wire->ssl, bytes.data, (int)bytes.len)
                                  : send(wire->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (count < 0 && !wire->ssl && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes = (struct str){bytes.data + count, bytes.len - (size_t)count};
    }
    return true;
}

bool wire_read_message(struct wire *wire, char *ret_type, struct str *ret_body)
{
    char head[PG_HEAD_SIZE];
    size_t len;
    if (!wire_read(wire, head, sizeof(head)) || !pg_read_head(head, ret_type, &len) ||
        len > MESSAGE_MAX)
        return false;
    char *body = arena_alloc(&wire->arena, len + 1);
    *ret_body = (struct str){body, len};
    return wire_read(wire, body, len);
}

bool send_error(struct wire *wire, const char *severity, const char *sqlstate, const char *message)
{
    struct buf out = buf_in(&wire->arena, MESSAGE_MAX);
    const struct {
        char field;
        const char *text;
    } fields[] = {{'S', severity},    {'C', sqlstate}, {'M', message},
                  {'F', "sandbox.c"}, {'L', "1"},      {'R', "sandbox"}};
    size_t start;
    pg_message_begin(&out, 'E', &start);
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        buf_add_char(&out, fields[i].field);
        pg_message_text(&out, str_from(fields[i].text));
    }
    buf_add_char(&out, '\0');
    pg_message_end(&out, start);
    return wire_write(wire, buf_str(&out));
}

bool send_authentication(struct wire *wire, int32_t code, struct str more)
{
    struct buf out = buf_in(&wire->arena, MESSAGE_MAX);
    size_t start;
    pg_message_begin(&out, 'R', &start);
    pg_message_i32(&out, code);
    buf_add(&out, more);
    pg_message_end(&out, start);
    return wire_write(wire, buf_str(&out));
}
