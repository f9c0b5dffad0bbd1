/* A client that may reach loopback, a peer for it to call, and calls in one line. */
#pragma once

#include "cmocka_all.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "net/client/client.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_MS = 60 * 1000, SHORT_MS = 300 }; /* more than any test takes; a wait that is tested */

struct fixture {
    struct arena arena;
    struct egress *egress;
    struct client *client;
    struct peer *peer;
    struct client_response response;
};

static inline void open_client_with(struct fixture *f, const struct egress_config *policy,
                                    const struct client_config *config)
{
    struct client_config own = config ? *config : (struct client_config){0};
    assert_true(egress_new(policy, &f->egress, NULL));
    own.egress = f->egress;
    assert_true(client_start(&own, &f->client, NULL));
}

static inline void open_client(struct fixture *f, const char *allowed,
                               const struct client_config *config)
{
    open_client_with(f, &(struct egress_config){.allowed = allowed}, config);
}

static inline void open_plain(struct fixture *f, peer_serve *serve, void *context)
{
    f->peer = peer_start(serve, context, NULL, NULL);
    open_client(f, "127.0.0.1", NULL);
}

static inline void close_all(struct fixture *f)
{
    if (f->client)
        client_free(f->client);
    if (f->peer)
        peer_stop(f->peer);
    egress_free(f->egress);
    arena_done(&f->arena);
    *f = (struct fixture){0};
}

static inline struct str url_of(struct fixture *f, const char *scheme, const char *host,
                                const char *path)
{
    return arena_printf(&f->arena, "%s://%s:%d%s", scheme, host, peer_port(f->peer), path);
}

static inline enum client_outcome call_within(struct fixture *f, const char *method, struct str url,
                                              struct str body, int64_t limit_ms)
{
    struct client_request request = {.method = str_from(method),
                                     .url = url,
                                     .body = body,
                                     .deadline_ms = clock_mono_ms() + limit_ms};
    client_call(f->client, &f->arena, &request, &f->response);
    return f->response.outcome;
}

static inline enum client_outcome get(struct fixture *f, const char *path)
{
    return call_within(f, "GET", url_of(f, "http", "127.0.0.1", path), STR_NULL, LONG_MS);
}

static inline enum client_outcome post(struct fixture *f, const char *path)
{
    return call_within(f, "POST", url_of(f, "http", "127.0.0.1", path), STR("a=b"), LONG_MS);
}

static inline void assert_outcome(const struct fixture *f, enum client_outcome expected)
{
    if (f->response.outcome != expected)
        fail_msg("outcome %d instead of %d: %s", f->response.outcome, expected,
                 f->response.detail ? f->response.detail : "(no detail)");
    assert_int_equal(f->response.detail != NULL, expected != CLIENT_OK);
}

/* The detail without the port, which differs from run to run. */
static inline void assert_detail(struct fixture *f, const char *expected)
{
    const char *detail = f->response.detail ? f->response.detail : "(none)";
    char port[16], *at;
    struct str copy = arena_copy(&f->arena, str_from(detail));
    snprintf(port, sizeof(port), ":%d", f->peer ? peer_port(f->peer) : 0);
    if ((at = strstr(copy.data, port)))
        memmove(at, at + strlen(port), strlen(at + strlen(port)) + 1);
    assert_string_equal(copy.data, expected);
}

static inline void assert_str(struct str actual, const char *expected)
{
    if (!str_eq(actual, str_from(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", STR_ARG(actual), expected);
}

/* Answers every request with 200 and "ok". */
static inline void serve_ok(struct peer_connection *c)
{
    while (peer_read(c) && peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")))
        ;
}
