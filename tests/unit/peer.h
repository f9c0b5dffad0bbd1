/* A small HTTP peer for tests: each connection has a thread that reads requests and writes bytes as
 * a test wants them, right or wrong. Plain or TLS, with a throw-away authority. */
#pragma once

#include "base/str.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

enum { PEER_REQUEST_MAX = 256 * 1024 };

struct peer;

struct peer_connection {
    struct peer *peer;
    void *context; /* as given to peer_start */
    int number;    /* 0 for the first connection */
    int fd;
    SSL *ssl;             /* NULL: plain */
    char server_name[64]; /* SNI, "" when there was none */
    char *request;        /* the last one read, raw, with a NUL after it */
    size_t request_len;
};

/* Runs on the connection's thread; the connection is closed when it returns. */
typedef void peer_serve(struct peer_connection *connection);

struct peer_authority {
    EVP_PKEY *key;
    X509 *certificate;
    char *pem; /* the certificate */
};

void peer_authority_init(struct peer_authority *authority);
void peer_authority_done(struct peer_authority *authority);

/* `authority` is NULL for plain HTTP; else the certificate is for `name`. */
struct peer *peer_start(peer_serve *serve, void *context, const struct peer_authority *authority,
                        const char *name);
/* The same, but that it speaks no version of TLS above this one, however insecure it is. */
struct peer *peer_start_old(peer_serve *serve, const struct peer_authority *authority,
                            const char *name, int max_version);
int peer_port(const struct peer *peer);
int peer_connections(const struct peer *peer); /* accepted so far */
int peer_requests(const struct peer *peer);    /* read whole so far */
void peer_stop(struct peer *peer);             /* cuts what is open, joins, frees */

/* One request into `request`, head and body; false at the end of the connection. */
bool peer_read(struct peer_connection *connection);
/* Only the head into `request`; the body is left to peer_receive. */
bool peer_read_head(struct peer_connection *connection);
int peer_receive(struct peer_connection *connection, char *out, size_t size); /* as recv(2) */
bool peer_write(struct peer_connection *connection, struct str bytes);
void peer_wait_for_end(struct peer_connection *connection); /* until the other side closes */
void peer_reset_at_end(struct peer_connection *connection); /* RST instead of FIN */
