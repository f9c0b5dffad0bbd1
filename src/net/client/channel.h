/* A connection for a protocol that is not HTTP, through the client's one door: its egress policy,
 * its sandbox mode, its certificates. It goes through no HTTP proxy.
 *
 * Each call blocks, on a worker; never on an event loop. Every wait gives the CPU slot back, and
 * ends at the deadline or when the client stops. The peer cannot send more than `received_max`. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "net/client/client.h"

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    CHANNEL_BINDING_MAX = 64, /* bytes: of the longest hash */
};

enum channel_trust {
    CHANNEL_TRUST_HOST, /* a trusted certificate for this host */
    CHANNEL_TRUST_ANY,  /* a trusted certificate for any host */
    CHANNEL_TRUST_NONE, /* encrypted; the certificate is not verified */
};

struct channel {
    struct client *client; /* set by the caller, as the members up to `watch` */
    struct arena *arena;
    struct str account; /* whose share of look-ups counts */
    struct str host;    /* a name, or an address without brackets */
    int port;
    int64_t deadline_ms;  /* on clock_mono_ms(); connection and TLS handshake may end earlier */
    int64_t received_max; /* bytes, those of TLS included, about */
    const struct client_watch *watch; /* NULL: it is not given up */

    int fd; /* -1: not connected */
    SSL_CTX *tls;
    SSL *ssl;               /* NULL: in clear */
    int64_t connect_end_ms; /* connection and TLS handshake end by then */
    bool connected;         /* an address took the connection */
    /* Why a function failed. The clause follows the host's name: "offers no TLS". */
    enum client_outcome outcome;
    const char *clause;
};

/* Looks the host up and connects to one address after the other until one takes the connection. The
 * egress policy checks each address right where it is connected to. Call channel_close in any case.
 */
_must_use_ bool channel_open(struct channel *channel);
void channel_close(struct channel *channel);

/* The handshake, TLS 1.2 or later. */
_must_use_ bool channel_start_tls(struct channel *channel, enum channel_trust trust);

/* All of the bytes. */
_must_use_ bool channel_write(struct channel *channel, struct str bytes);
/* 1 to `size` bytes, as soon as there are any. 0: the channel failed, or the peer ended it. */
size_t channel_read(struct channel *channel, void *out, size_t size);

/* For long computations, between two slices: false when the deadline passed or the client stops,
 * with outcome and clause set. Lets other threads have the CPU slot first. */
bool channel_may_continue(void *channel);

/* Sets outcome and clause; always false. For what the caller finds wrong. */
bool channel_fail(struct channel *channel, enum client_outcome outcome, const char *clause);

/* The channel binding "tls-server-end-point" (RFC 5929, 4.1): a hash of the peer's certificate.
 * STR_NULL without TLS, or when the certificate's signature names no hash. */
struct str channel_binding(const struct channel *channel, unsigned char out[CHANNEL_BINDING_MAX]);
