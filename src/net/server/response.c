/* Answers as bytes: the handler's, the server's own refusals, and those that break off. */
#include "net/server/internal.h"

#include <string.h>
#include <time.h>

/* Reason phrases (RFC 9110 15, RFC 6585). */
static const struct status {
    int status;
    struct str phrase;
} statuses[] = {
    {200, STR("OK")},
    {201, STR("Created")},
    {202, STR("Accepted")},
    {204, STR("No Content")},
    {206, STR("Partial Content")},
    {301, STR("Moved Permanently")},
    {302, STR("Found")},
    {303, STR("See Other")},
    {304, STR("Not Modified")},
    {307, STR("Temporary Redirect")},
    {308, STR("Permanent Redirect")},
    {400, STR("Bad Request")},
    {401, STR("Unauthorized")},
    {402, STR("Payment Required")},
    {403, STR("Forbidden")},
    {404, STR("Not Found")},
    {405, STR("Method Not Allowed")},
    {408, STR("Request Timeout")},
    {409, STR("Conflict")},
    {410, STR("Gone")},
    {412, STR("Precondition Failed")},
    {413, STR("Content Too Large")},
    {414, STR("URI Too Long")},
    {415, STR("Unsupported Media Type")},
    {416, STR("Range Not Satisfiable")},
    {417, STR("Expectation Failed")},
    {421, STR("Misdirected Request")},
    {422, STR("Unprocessable Content")},
    {429, STR("Too Many Requests")},
    {431, STR("Request Header Fields Too Large")},
    {500, STR("Internal Server Error")},
    {501, STR("Not Implemented")},
    {502, STR("Bad Gateway")},
    {503, STR("Service Unavailable")},
    {504, STR("Gateway Timeout")},
    {505, STR("HTTP Version Not Supported")},
};

static struct str reason_phrase(int status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        if (statuses[i].status == status)
            return statuses[i].phrase;
    }
    return STR("Status");
}

/* Where an answer is put together: the connection's output, or before encryption. */
struct writer {
    struct server_loop *loop;
    struct buffer *to;
};

static void add(struct writer *writer, struct str bytes)
{
    buffer_add(writer->loop, writer->to, bytes);
}

static void add_number(struct writer *writer, size_t number)
{
    char digits[24];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add(writer, (struct str){digits + at, sizeof(digits) - at});
}

/* A vendor's or caller's text in a header must not become a second header. */
static void add_on_one_line(struct writer *writer, struct str text)
{
    size_t start = writer->to->len;
    add(writer, text);
    for (size_t i = start; i < writer->to->len; i++) {
        unsigned char c = (unsigned char)writer->to->data[i];
        if (c < 0x20 || c == 0x7F)
            writer->to->data[i] = ' ';
    }
}

/* Clients do not need Date to be exact, so it is made once a second. */
static void add_date(struct writer *writer)
{
    struct server_loop *loop = writer->loop;
    time_t now = time(NULL);
    if (now != loop->date_at) {
        struct tm tm;
        loop->date_at = now;
        strftime(loop->date, sizeof(loop->date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    }
    add(writer, STR("\r\nDate: "));
    add(writer, str_from(loop->date));
}

static void add_response(struct writer *writer, const struct http_response *response,
                         bool keep_alive, bool to_head)
{
    int status = response->status >= 200 && response->status <= 999 ? response->status : 500;
    bool bodiless = status == 204 || status == 304;
    bool has_body = !bodiless && !to_head;
    buffer_reserve(writer->loop, writer->to, 512 + (has_body ? response->body.len : 0));
    add(writer, STR("HTTP/1.1 "));
    add_number(writer, (size_t)status);
    add(writer, STR(" "));
    add(writer, reason_phrase(status));
    add_date(writer);
    if (!bodiless) {
        add(writer, STR("\r\nContent-Length: "));
        add_number(writer, response->body.len);
    }
    if (!keep_alive)
        add(writer, STR("\r\nConnection: close"));
    for (size_t i = 0; i < response->header_count; i++) {
        add(writer, STR("\r\n"));
        add_on_one_line(writer, response->headers[i].name);
        add(writer, STR(": "));
        add_on_one_line(writer, response->headers[i].value);
    }
    add(writer, STR("\r\n\r\n"));
    if (has_body)
        add(writer, response->body);
}

static void send_response(struct http_connection *connection, const struct http_response *response,
                          bool keep_alive, bool to_head)
{
    struct server_loop *loop = connection->loop;
    if (!connection->tls) {
        add_response(&(struct writer){loop, &connection->out}, response, keep_alive, to_head);
        return;
    }
    struct buffer plain = {.is_reserved = connection->out.is_reserved};
    add_response(&(struct writer){loop, &plain}, response, keep_alive, to_head);
    tls_send(connection, (struct str){plain.data, plain.len});
    buffer_release(loop, &plain);
}

static void send_bytes(struct http_connection *connection, struct str bytes)
{
    if (connection->tls)
        tls_send(connection, bytes);
    else
        buffer_add(connection->loop, &connection->out, bytes);
}

void response_continue(struct http_connection *connection)
{
    send_bytes(connection, STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* What was reserved for an answer stays so until it is written. One before it that is not written
 * yet has at most OUT_SOFT_MAX bytes left. */
static void take_reservation(struct http_connection *connection, struct memory_reservation *memory)
{
    struct buffer *out = &connection->out;
    if (!memory)
        return;
    memory_reservation_end(&connection->out_memory);
    connection->out_memory = *memory;
    *memory = (struct memory_reservation){0};
    if (out->cap <= BUFFER_SIZE)
        out->is_reserved = true;
}

void http_respond(struct http_exchange *exchange, const struct http_response *response)
{
    struct exchange *mine = (struct exchange *)exchange;
    struct http_connection *connection = mine->connection;
    if (!connection) {
        if (response->memory)
            memory_reservation_end(response->memory);
        exchange_release(mine);
        return;
    }
    take_reservation(connection, response->memory);
    bool keep_alive = exchange->head.keep_alive && !connection->ends &&
                      !atomic_load(&connection->loop->server->stopping);
    send_response(connection, response, keep_alive, str_eq(exchange->head.method, STR("HEAD")));
    connection->exchange = NULL;
    connection_move(connection, CONNECTION_IDLE);
    exchange_release(mine);
    if (connection->is_stranger)
        admission_idle(connection);
    if (!keep_alive)
        connection_finish(connection);
    connection_advance(connection);
}

void http_respond_broken(struct http_exchange *exchange, struct str bytes)
{
    struct exchange *mine = (struct exchange *)exchange;
    struct http_connection *connection = mine->connection;
    if (connection) {
        send_bytes(connection, bytes);
        connection->exchange = NULL;
        connection_move(connection, CONNECTION_LINGER);
        connection->reset = true;
    }
    exchange_release(mine);
    if (connection)
        connection_advance(connection);
}

/* What a server without a hook answers. */
static void refuse_in_plain_text(const struct http_refusal *refusal,
                                 struct http_response *ret_response)
{
    static const struct http_header headers[] = {{STR("Content-Type"), STR("text/plain")},
                                                 {STR("Retry-After"), STR("1")}};
    ret_response->headers = headers;
    ret_response->header_count = refusal->status == 429 ? 2 : 1;
    ret_response->body = str_from(refusal->message);
}

void connection_refuse(struct http_connection *connection, int status, const char *message)
{
    const struct server_config *config = &connection->loop->server->config;
    const struct http_refusal refusal = {status, message};
    _cleanup_(arena_done) struct arena arena = {0};
    struct http_response response = {0};
    atomic_fetch_add(&connection->loop->server->refused_count, 1);
    if (config->refuse)
        config->refuse(config->handler_context, &refusal, &arena, &response);
    else
        refuse_in_plain_text(&refusal, &response);
    response.status = status;
    send_response(connection, &response, false, false);
    struct exchange *exchange = connection->exchange;
    connection->exchange = NULL;
    if (exchange)
        exchange_release(exchange);
    connection->discard_more = true;
    connection_finish(connection);
}
