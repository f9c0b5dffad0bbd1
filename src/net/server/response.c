/* Answers as bytes: the handler's, the server's own refusals, and those that break off. */
#include "net/server/internal.h"

#include "base/random.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Reason phrases, and for those that the server itself refuses with, the exception's name. */
static const struct status {
    int status;
    struct str phrase;
    const char *exception;
} statuses[] = {
    {200, STR("OK"), NULL},
    {201, STR("Created"), NULL},
    {202, STR("Accepted"), NULL},
    {204, STR("No Content"), NULL},
    {301, STR("Moved Permanently"), NULL},
    {302, STR("Found"), NULL},
    {303, STR("See Other"), NULL},
    {304, STR("Not Modified"), NULL},
    {307, STR("Temporary Redirect"), NULL},
    {308, STR("Permanent Redirect"), NULL},
    {400, STR("Bad Request"), "BadRequestException"},
    {401, STR("Unauthorized"), NULL},
    {402, STR("Payment Required"), NULL},
    {403, STR("Forbidden"), NULL},
    {404, STR("Not Found"), NULL},
    {405, STR("Method Not Allowed"), NULL},
    {408, STR("Request Timeout"), "RequestTimeoutException"},
    {409, STR("Conflict"), NULL},
    {410, STR("Gone"), NULL},
    {413, STR("Content Too Large"), "RequestEntityTooLargeException"},
    {414, STR("URI Too Long"), "RequestUriTooLongException"},
    {415, STR("Unsupported Media Type"), NULL},
    {417, STR("Expectation Failed"), "ExpectationFailedException"},
    {421, STR("Misdirected Request"), "MisdirectedRequestException"},
    {422, STR("Unprocessable Content"), NULL},
    {429, STR("Too Many Requests"), "ThrottlingException"},
    {431, STR("Request Header Fields Too Large"), "RequestHeaderFieldsTooLargeException"},
    {500, STR("Internal Server Error"), NULL},
    {501, STR("Not Implemented"), NULL},
    {502, STR("Bad Gateway"), NULL},
    {503, STR("Service Unavailable"), NULL},
    {504, STR("Gateway Timeout"), NULL},
    {505, STR("HTTP Version Not Supported"), "HttpVersionNotSupportedException"},
};

static const struct status *find_status(int status)
{
    static const struct status unknown = {0, STR("Status"), "BadRequestException"};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        if (statuses[i].status == status)
            return &statuses[i];
    }
    return &unknown;
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
    buffer_reserve(writer->loop, writer->to, 512 + response->body.len);
    add(writer, STR("HTTP/1.1 "));
    add_number(writer, (size_t)status);
    add(writer, STR(" "));
    add(writer, find_status(status)->phrase);
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
    if (!bodiless && !to_head)
        add(writer, response->body);
}

static void send_response(struct connection *connection, const struct http_response *response,
                          bool keep_alive, bool to_head)
{
    struct server_loop *loop = connection->loop;
    if (!connection->tls) {
        add_response(&(struct writer){loop, &connection->out}, response, keep_alive, to_head);
        return;
    }
    struct buffer plain = {0};
    add_response(&(struct writer){loop, &plain}, response, keep_alive, to_head);
    tls_send(connection, (struct str){plain.data, plain.len});
    buffer_release(loop, &plain);
}

static void send_bytes(struct connection *connection, struct str bytes)
{
    if (connection->tls)
        tls_send(connection, bytes);
    else
        buffer_add(connection->loop, &connection->out, bytes);
}

void response_continue(struct connection *connection)
{
    send_bytes(connection, STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

void http_respond(struct http_exchange *exchange, const struct http_response *response)
{
    struct exchange *mine = (struct exchange *)exchange;
    struct connection *connection = mine->connection;
    if (!connection) {
        exchange_release(mine);
        return;
    }
    bool keep_alive =
        exchange->head.keep_alive && !atomic_load(&connection->loop->server->stopping);
    send_response(connection, response, keep_alive, str_eq(exchange->head.method, STR("HEAD")));
    connection->exchange = NULL;
    connection->state = CONNECTION_IDLE;
    exchange_release(mine);
    if (!keep_alive)
        connection_finish(connection);
    connection_advance(connection);
}

void http_respond_broken(struct http_exchange *exchange, struct str bytes)
{
    struct exchange *mine = (struct exchange *)exchange;
    struct connection *connection = mine->connection;
    if (connection) {
        send_bytes(connection, bytes);
        connection->exchange = NULL;
        connection->state = CONNECTION_LINGER;
        connection->reset = true;
    }
    exchange_release(mine);
    if (connection)
        connection_advance(connection);
}

void connection_refuse(struct connection *connection, int status, const char *message)
{
    char id[UUID_SIZE];
    char body[256];
    random_uuid(id);
    atomic_fetch_add(&connection->loop->server->refused_count, 1);
    int length = snprintf(body, sizeof(body), "{\"message\":\"%s\"}", message);
    const struct http_header headers[] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("x-amzn-RequestId"), str_from(id)},
        {STR("x-amzn-ErrorType"), str_from(find_status(status)->exception)},
        {STR("Retry-After"), STR("1")},
    };
    size_t header_count = sizeof(headers) / sizeof(*headers);
    struct http_response response = {
        .status = status,
        .headers = headers,
        .header_count = status == 429 ? header_count : header_count - 1,
        .body = {body, length > 0 ? (size_t)length : 0},
    };
    send_response(connection, &response, false, false);
    struct exchange *exchange = connection->exchange;
    connection->exchange = NULL;
    connection->state = CONNECTION_LINGER;
    if (exchange)
        exchange_release(exchange);
    connection->discard_more = true;
    connection_finish(connection);
}
