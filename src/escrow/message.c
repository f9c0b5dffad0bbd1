/* A message is a row of numbers and texts without names; both sides go through it in one order. */
#include "escrow/message.h"

#include <string.h>

#define ABSENT UINT64_MAX /* the length of STR_NULL */

/* --- writing --- */

static void put_number(struct buf *out, uint64_t number)
{
    buf_add(out, (struct str){(const char *)&number, sizeof(number)});
}

static void put_text(struct buf *out, struct str text)
{
    put_number(out, text.data ? text.len : ABSENT);
    buf_add(out, text);
}

static void put_headers(struct buf *out, const struct http_header *headers, size_t count)
{
    put_number(out, count);
    for (size_t i = 0; i < count; i++) {
        put_text(out, headers[i].name);
        put_text(out, headers[i].value);
    }
}

void escrow_put_order(struct buf *out, const struct escrow_order *order)
{
    const struct client_request *request = &order->request;
    const struct private_route *route = request->route;
    put_number(out, (uint64_t)order->slot);
    buf_add(out, (struct str){(const char *)&order->key, sizeof(order->key)});
    put_text(out, request->method);
    put_text(out, request->url);
    put_headers(out, request->headers, request->header_count);
    put_text(out, request->body);
    put_number(out, (uint64_t)request->deadline_ms);
    put_number(out, request->fresh);
    put_number(out, request->opened_only);
    put_number(out, request->keeps_coding);
    put_number(out, request->body_max);
    put_text(out, route ? route->host : STR_NULL);
    put_text(out, route ? str_from(route->connect_to) : STR_NULL);
}

void escrow_put_reply(struct buf *out, const struct escrow_reply *reply)
{
    const struct client_response *response = &reply->response;
    put_number(out, reply->is_kept);
    put_number(out, response->outcome);
    put_number(out, (uint64_t)response->status);
    put_headers(out, response->headers, response->header_count);
    put_text(out, response->body);
    put_number(out, response->connected);
    put_number(out, response->sent);
    put_number(out, response->reused);
    put_text(out, str_from(response->detail));
    put_number(out, (uint64_t)response->times.resolve_us);
    put_number(out, (uint64_t)response->times.connect_us);
    put_number(out, (uint64_t)response->times.tls_us);
    put_number(out, (uint64_t)response->times.exchange_us);
}

/* --- reading --- */

/* What is left of a message. After a fault everything that is taken is 0 or absent. */
struct rest {
    struct str left;
    bool bad;
};

static struct str take_bytes(struct rest *rest, uint64_t size)
{
    if (rest->bad || size > rest->left.len) {
        rest->bad = true;
        return STR_NULL;
    }
    struct str bytes = {rest->left.data, (size_t)size};
    rest->left = (struct str){rest->left.data + size, rest->left.len - (size_t)size};
    return bytes;
}

static uint64_t take_number(struct rest *rest)
{
    uint64_t number = 0;
    struct str bytes = take_bytes(rest, sizeof(number));
    if (bytes.data)
        memcpy(&number, bytes.data, sizeof(number));
    return number;
}

static struct str take_text(struct rest *rest)
{
    uint64_t size = take_number(rest);
    return size == ABSENT ? STR_NULL : take_bytes(rest, size);
}

static const struct http_header *take_headers(struct rest *rest, struct arena *arena,
                                              size_t *ret_count)
{
    uint64_t count = take_number(rest);
    *ret_count = 0;
    rest->bad |= count > CLIENT_HEADER_COUNT_MAX;
    if (rest->bad)
        return NULL;
    struct http_header *headers = arena_array(arena, struct http_header, (size_t)count + 1);
    for (; *ret_count < count; ++*ret_count) {
        headers[*ret_count].name = take_text(rest);
        headers[*ret_count].value = take_text(rest);
    }
    return headers;
}

static void take_route(struct rest *rest, struct escrow_order *order)
{
    struct str connect_to;
    order->route.host = take_text(rest);
    connect_to = take_text(rest);
    if (!order->route.host.data)
        return;
    rest->bad |= !connect_to.data || connect_to.len >= sizeof(order->route.connect_to);
    if (rest->bad)
        return;
    memcpy(order->route.connect_to, connect_to.data, connect_to.len);
    order->request.route = &order->route;
}

bool escrow_take_order(struct arena *arena, struct str message, struct escrow_order *ret_order)
{
    struct rest rest = {.left = message};
    struct client_request *request = &ret_order->request;
    *ret_order = (struct escrow_order){.slot = (int)take_number(&rest)};
    struct str key = take_bytes(&rest, sizeof(ret_order->key));
    if (key.data)
        memcpy(&ret_order->key, key.data, sizeof(ret_order->key));
    request->method = take_text(&rest);
    request->url = take_text(&rest);
    request->headers = take_headers(&rest, arena, &request->header_count);
    request->body = take_text(&rest);
    request->deadline_ms = (int64_t)take_number(&rest);
    request->fresh = take_number(&rest) != 0;
    request->opened_only = take_number(&rest) != 0;
    request->keeps_coding = take_number(&rest) != 0;
    request->body_max = (size_t)take_number(&rest);
    take_route(&rest, ret_order);
    return !rest.bad && rest.left.len == 0 && ret_order->slot >= 0 &&
           ret_order->slot < ESCROW_SLOTS;
}

bool escrow_take_reply(struct arena *arena, struct str message, struct escrow_reply *ret_reply)
{
    struct rest rest = {.left = message};
    struct client_response *response = &ret_reply->response;
    ret_reply->is_kept = take_number(&rest) != 0;
    response->outcome = (enum client_outcome)take_number(&rest);
    response->status = (int)take_number(&rest);
    response->headers = take_headers(&rest, arena, &response->header_count);
    response->body = take_text(&rest);
    response->connected = take_number(&rest) != 0;
    response->sent = take_number(&rest) != 0;
    response->reused = take_number(&rest) != 0;
    struct str detail = take_text(&rest);
    response->detail = detail.data ? arena_cstr(arena, detail) : NULL;
    response->times.resolve_us = (int64_t)take_number(&rest);
    response->times.connect_us = (int64_t)take_number(&rest);
    response->times.tls_us = (int64_t)take_number(&rest);
    response->times.exchange_us = (int64_t)take_number(&rest);
    return !rest.bad && rest.left.len == 0 && response->outcome <= CLIENT_STOPPED;
}

bool escrow_is_kept(const struct client_response *response)
{
    return response->outcome == CLIENT_OK && response->status >= 200 && response->status < 300;
}
