/* Starting and stopping the client, and one call from its caller's point of view. */
#include "net/client/client.h"

#include "base/alloc.h"
#include "net/client/internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void route_init(struct client_route *route, int port)
{
    snprintf(route->text, sizeof(route->text), "::127.0.0.1:%d", port);
    route->entry.data = route->text;
    route->port = port;
}

/* A bundle that libcurl cannot read would only show when the first vendor is called. */
static bool holds_certificate(struct str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    bool found = certificate;
    X509_free(certificate);
    BIO_free(bio);
    ERR_clear_error();
    return found;
}

static bool copy_ca(struct client *client, struct str pem, struct error *error)
{
    if (!pem.data)
        return true;
    if (pem.len > CLIENT_CA_MAX)
        return fail(error, ERR_VALIDATION,
                    "The certificates to trust have %zu bytes; at most %d are taken.", pem.len,
                    CLIENT_CA_MAX);
    if (!holds_certificate(pem))
        return fail(error, ERR_VALIDATION,
                    "The certificates to trust are not in PEM form: no \"BEGIN CERTIFICATE\" block "
                    "in them can be read.");
    client->ca.data = memcpy(xmalloc(pem.len), pem.data, pem.len);
    client->ca.len = pem.len;
    client->ca.flags = CURL_BLOB_NOCOPY; /* it stays until the client is freed */
    client->ca_fd = memfd_create("certificates", MFD_CLOEXEC);
    if (client->ca_fd < 0 || write(client->ca_fd, pem.data, pem.len) != (ssize_t)pem.len)
        return fail(error, ERR_INTERNAL, "There is no memory for the certificates to trust.");
    return true;
}

/* The share goes last: calls that were cut short have their handles in it until they return. */
static void release(struct client *client)
{
    if (client->share)
        libcurl.share_cleanup(client->share);
    pthread_mutex_destroy(&client->lock);
    egress_free(client->inside);
    if (client->ca_fd >= 0)
        close(client->ca_fd);
    free(client->ca.data);
    free(client->watches);
    free(client);
}

bool client_start(const struct client_config *config, struct client **ret_client,
                  struct error *error)
{
    struct client *client = xcalloc(1, sizeof(*client));
    pthread_mutex_init(&client->lock, NULL);
    client->posted_end = &client->posted;
    client->ca_fd = -1;
    client->egress = config->egress;
    client->sandbox = config->sandbox_tls_port != 0 || config->sandbox_plain_port != 0;
    route_init(&client->tls_route, config->sandbox_tls_port);
    route_init(&client->plain_route, config->sandbox_plain_port);
    client->postgres_port = config->sandbox_postgres_port;
    if (!egress_new("0.0.0.0/0,::/0", &client->inside, error) ||
        !copy_ca(client, config->ca_pem, error)) {
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
    struct stream stream;
    stream_init(&stream, transfer->request);
    transfer->stream = &stream;
    transfer->loop_arena = transfer->body.arena = &stream.arena;
    call(transfer, ret_response);
    stream_done(&stream);
}

void client_call(struct client *client, struct arena *arena, const struct client_request *request,
                 struct client_response *ret_response)
{
    struct transfer transfer = {.client = client,
                                .arena = arena,
                                .loop_arena = arena,
                                .request = request,
                                .body = buf_in(arena, CLIENT_BODY_MAX)};
    *ret_response = (struct client_response){0};
    if (request->source || request->sink)
        call_streamed(&transfer, ret_response);
    else
        call_in_memory(&transfer, ret_response);
}

const struct str *client_header(const struct client_response *response, struct str name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (str_eq_nocase(response->headers[i].name, name))
            return &response->headers[i].value;
    }
    return NULL;
}
