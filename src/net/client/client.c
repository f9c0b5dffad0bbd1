/* Starting and stopping the client, and one call from its caller's point of view. */
#include "net/client/client.h"

#include "base/alloc.h"
#include "net/client/internal.h"
#include "net/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void route_init(struct client_route *route, int port)
{
    snprintf(route->text, sizeof(route->text), "::127.0.0.1:%d", port);
    route->entry.data = route->text;
    route->port = port;
}

/* The share goes last: calls that were cut short have their handles in it until they return. */
static void release(struct client *client)
{
    if (client->share)
        libcurl.share_cleanup(client->share);
    pthread_mutex_destroy(&client->lock);
    egress_free(client->inside);
    trust_close(&client->trust);
    free(client->watches);
    free(client);
}

bool client_start(const struct client_config *config, struct client **ret_client,
                  struct error *error)
{
    struct client *client = xcalloc(1, sizeof(*client));
    pthread_mutex_init(&client->lock, NULL);
    client->proxy = config->proxy;
    client->proxy_exceptions = config->proxy_exceptions;
    client->trust.fd = -1;
    client->connect_timeout_ms =
        config->connect_timeout_ms > 0 ? config->connect_timeout_ms : CLIENT_CONNECT_TIMEOUT_MS;
    client->egress = config->egress;
    client->sandbox = config->sandbox_tls_port != 0 || config->sandbox_plain_port != 0;
    route_init(&client->tls_route, config->sandbox_tls_port);
    route_init(&client->plain_route, config->sandbox_plain_port);
    client->postgres_port = config->sandbox_postgres_port;
    struct egress_config inside = {.allowed = "0.0.0.0/0,::/0"};
    if (!egress_new(&inside, &client->inside, error) ||
        !trust_open(&config->trust, &client->trust, error)) {
        release(client);
        return false;
    }
    *ret_client = client;
    return true;
}

void client_stop(struct client *client)
{
    client_loop_stop(client);
}

void client_free(struct client *client)
{
    client_loop_stop(client);
    release(client);
}

static void call(struct transfer *transfer, struct client_response *ret_response)
{
    if (transfer_prepare(transfer, ret_response)) {
        client_loop_run(transfer->client, transfer);
        if (transfer->code == CURLE_OK && transfer->own_outcome == CLIENT_OK)
            delivery_decode(transfer);
        transfer_judge(transfer, ret_response);
    }
    if (transfer->easy)
        libcurl.easy_cleanup(transfer->easy);
}

static void call_in_memory(struct transfer *transfer, struct client_response *ret_response)
{
    slot_wait_init(&transfer->done);
    call(transfer, ret_response);
    slot_wait_done(&transfer->done);
}

static void call_streamed(struct transfer *transfer, struct client_response *ret_response)
{
    struct stream *stream = arena_new(transfer->arena, struct stream);
    stream_init(stream, transfer->request);
    transfer->stream = stream;
    transfer->loop_arena = transfer->body.arena = &stream->arena;
    call(transfer, ret_response);
    stream_done(stream);
}

void client_call(struct client *client, struct arena *arena, const struct client_request *request,
                 struct client_response *ret_response)
{
    struct transfer transfer = {
        .client = client,
        .arena = arena,
        .loop_arena = arena,
        .request = request,
        .body = buf_in(arena, request->body_max > 0 ? request->body_max : (size_t)CLIENT_BODY_MAX)};
    *ret_response = (struct client_response){0};
    if (request->source || request->sink)
        call_streamed(&transfer, ret_response);
    else
        call_in_memory(&transfer, ret_response);
}

bool client_opens(const struct client *client, struct str account, struct str host,
                  int64_t deadline_ms, bool *ret_busy)
{
    struct resolved resolved = {0};
    *ret_busy = false;
    if (client->sandbox || egress_opens_host(client->egress, host))
        return true;
    if (egress_is_empty(client->egress))
        return false;
    if (!resolve_host(host, account, deadline_ms, &resolved)) {
        *ret_busy = resolved.busy;
        return false;
    }
    for (size_t i = 0; i < resolved.count; i++) {
        if (!egress_opens(client->egress, (const struct sockaddr *)&resolved.addresses[i]))
            return false;
    }
    return true;
}

const struct str *client_header(const struct client_response *response, struct str name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (str_eq_nocase(response->headers[i].name, name))
            return &response->headers[i].value;
    }
    return NULL;
}
