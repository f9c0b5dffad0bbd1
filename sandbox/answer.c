/* Turns a vendor's response into bytes on the connection. */
#include "sandbox/answer.h"

#include "base/encode.h"

#include <string.h>

enum { HOSTS_SHOWN_MAX = 200, HEAD_MAX = 64 * 1024 };

struct late {
    struct http_exchange *exchange;
    const struct sandbox_response *response;
    struct str body;
};

static struct str pad(struct arena *arena, struct str body, size_t pad_bytes)
{
    char *all = arena_alloc(arena, body.len + pad_bytes);
    if (body.len > 0)
        memcpy(all, body.data, body.len);
    memset(all + body.len, ' ', pad_bytes);
    return (struct str){all, body.len + pad_bytes};
}

/* The head promises all of the body; half of it comes. */
static void send_half(struct http_exchange *exchange, const struct sandbox_response *response,
                      struct str body)
{
    struct buf bytes = buf_in(&exchange->arena, HEAD_MAX + body.len);
    buf_printf(&bytes, "HTTP/1.1 %d Cut\r\nContent-Length: %zu\r\n", response->status, body.len);
    for (size_t i = 0; i < response->header_count; i++)
        buf_printf(&bytes, "%.*s: %.*s\r\n", STR_ARG(response->headers[i].name),
                   STR_ARG(response->headers[i].value));
    buf_add(&bytes, STR("\r\n"));
    buf_add(&bytes, (struct str){body.data, body.len / 2});
    http_respond_broken(exchange, buf_str(&bytes));
}

static void send_now(void *argument)
{
    const struct late *late = argument;
    const struct sandbox_response *response = late->response;
    struct http_response out = {.status = response->status,
                                .headers = response->headers,
                                .header_count = response->header_count,
                                .body = late->body};
    if (response->pad_bytes > 0)
        out.body = pad(&late->exchange->arena, late->body, response->pad_bytes);
    if (response->fault == FAULT_RESET)
        http_respond_broken(late->exchange, STR(""));
    else if (response->fault == FAULT_TRUNCATE)
        send_half(late->exchange, response, out.body);
    else
        http_respond(late->exchange, &out);
}

void answer_send(struct play *play, const struct sandbox_response *response,
                 struct http_exchange *exchange)
{
    struct late now = {exchange, response, play_body(play, response)};
    if (response->delay_ms == 0) {
        send_now(&now);
        return;
    }
    struct late *late = arena_new(&exchange->arena, struct late);
    *late = now;
    http_post(exchange, response->delay_ms, send_now, late);
}

void answer_unknown_host(const struct sandbox_request *request, struct http_exchange *exchange,
                         const struct str *hosts, size_t host_count)
{
    static const struct http_header json = {STR("Content-Type"), STR("application/json")};
    struct buf message = buf_in(&exchange->arena, VENDOR_TEXT_MAX);
    struct buf body = buf_in(&exchange->arena, VENDOR_TEXT_MAX);
    struct str asked = request->authority;
    buf_printf(&message, "The sandbox plays no vendor at the host \"%.*s\". It plays: ",
               utf8_is_valid(asked) ? (int)asked.len : 0, asked.data ? asked.data : "");
    for (size_t i = 0; i < host_count && i < HOSTS_SHOWN_MAX; i++)
        buf_printf(&message, "%s%.*s", i > 0 ? ", " : "", STR_ARG(hosts[i]));
    buf_add_char(&message, '.');
    buf_add_cstr(&body, "{\"message\":");
    encode_json_string(&body, buf_str(&message));
    buf_add_char(&body, '}');
    struct http_response out = {
        .status = 421, .headers = &json, .header_count = 1, .body = buf_str(&body)};
    http_respond(exchange, &out);
}
