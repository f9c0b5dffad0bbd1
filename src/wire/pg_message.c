/* PostgreSQL's messages as bytes. Numbers are in network order. */
#include "wire/pg_message.h"

#include <arpa/inet.h>
#include <string.h>

void pg_message_begin(struct buf *out, char type, size_t *ret_start)
{
    if (type != '\0')
        buf_add_char(out, type);
    *ret_start = out->len;
    pg_message_i32(out, 0);
}

void pg_message_end(struct buf *out, size_t start)
{
    uint32_t size = htonl((uint32_t)(out->len - start));
    if (!out->overflow)
        memcpy(out->data + start, &size, sizeof(size));
}

void pg_message_i32(struct buf *out, int32_t number)
{
    uint32_t bytes = htonl((uint32_t)number);
    buf_add(out, (struct str){(const char *)&bytes, sizeof(bytes)});
}

void pg_message_i16(struct buf *out, int16_t number)
{
    uint16_t bytes = htons((uint16_t)number);
    buf_add(out, (struct str){(const char *)&bytes, sizeof(bytes)});
}

void pg_message_text(struct buf *out, struct str text)
{
    buf_add(out, text);
    buf_add_char(out, '\0');
}

int32_t pg_read_i32(const char *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof(number));
    return (int32_t)ntohl(number);
}

bool pg_read_head(const char head[PG_HEAD_SIZE], char *ret_type, size_t *ret_len)
{
    int32_t size = pg_read_i32(head + 1);
    if (size < (int32_t)sizeof(size))
        return false;
    *ret_type = head[0];
    *ret_len = (size_t)size - sizeof(size);
    return true;
}

bool pg_take_bytes(struct str *body, size_t len, struct str *ret_bytes)
{
    if (len > body->len)
        return false;
    *ret_bytes = (struct str){body->data, len};
    *body = (struct str){body->data + len, body->len - len};
    return true;
}

bool pg_take_i32(struct str *body, int32_t *ret_number)
{
    struct str bytes;
    if (!pg_take_bytes(body, sizeof(*ret_number), &bytes))
        return false;
    *ret_number = pg_read_i32(bytes.data);
    return true;
}

bool pg_take_i16(struct str *body, int16_t *ret_number)
{
    struct str bytes;
    uint16_t number;
    if (!pg_take_bytes(body, sizeof(number), &bytes))
        return false;
    memcpy(&number, bytes.data, sizeof(number));
    *ret_number = (int16_t)ntohs(number);
    return true;
}

bool pg_take_text(struct str *body, struct str *ret_text)
{
    return str_cut(*body, '\0', ret_text, body);
}

bool pg_error_field(struct str body, char field, struct str *ret_text)
{
    struct str kind, text;
    while (pg_take_bytes(&body, 1, &kind) && kind.data[0] != '\0' && pg_take_text(&body, &text)) {
        if (kind.data[0] == field) {
            *ret_text = text;
            return true;
        }
    }
    return false;
}
