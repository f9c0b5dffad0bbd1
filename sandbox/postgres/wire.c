/* Messages of PostgreSQL's protocol 3.0 over a socket, in clear or through TLS. */
#include "sandbox/postgres/internal.h"

#include <arpa/inet.h>
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

int32_t read_i32(const char *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof(number));
    return (int32_t)ntohl(number);
}

bool wire_read_message(struct wire *wire, char *ret_type, struct str *ret_body)
{
    char head[5];
    if (!wire_read(wire, head, sizeof(head)))
        return false;
    int32_t size = read_i32(head + 1);
    if (size < 4 || size > MESSAGE_MAX)
        return false;
    size_t len = (size_t)size - 4;
    char *body = arena_alloc(&wire->arena, len + 1);
    *ret_type = head[0];
    *ret_body = (struct str){body, len};
    return wire_read(wire, body, len);
}

void message_i32(struct buf *out, int32_t number)
{
    uint32_t bytes = htonl((uint32_t)number);
    buf_add(out, (struct str){(const char *)&bytes, sizeof(bytes)});
}

void message_i16(struct buf *out, int16_t number)
{
    uint16_t bytes = htons((uint16_t)number);
    buf_add(out, (struct str){(const char *)&bytes, sizeof(bytes)});
}

void message_text(struct buf *out, const char *text)
{
    buf_add(out, (struct str){text, strlen(text) + 1});
}

void message_begin(struct buf *out, char type, size_t *ret_start)
{
    buf_add_char(out, type);
    *ret_start = out->len;
    message_i32(out, 0);
}

/* The length counts itself, not the type. */
void message_end(struct buf *out, size_t start)
{
    uint32_t size = htonl((uint32_t)(out->len - start));
    memcpy(out->data + start, &size, sizeof(size));
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
    message_begin(&out, 'E', &start);
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        buf_add_char(&out, fields[i].field);
        message_text(&out, fields[i].text);
    }
    buf_add_char(&out, '\0');
    message_end(&out, start);
    return wire_write(wire, buf_str(&out));
}

bool send_authentication(struct wire *wire, int32_t code, struct str more)
{
    struct buf out = buf_in(&wire->arena, MESSAGE_MAX);
    size_t start;
    message_begin(&out, 'R', &start);
    message_i32(&out, code);
    buf_add(&out, more);
    message_end(&out, start);
    return wire_write(wire, buf_str(&out));
}
