/* A server for tests, whose handler does what the target says, and a client that shows the bytes.
 * Every wait is bounded by WAIT_MS; a test that waits longer fails. */
#pragma once

#include "base/buf.h"
#include "net/server/server.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    WAIT_MS = 20 * 1000,
    BIG_SIZE = 16 * 1024 * 1024, /* bytes that GET /big answers: more than sockets hold */
};

/* Targets:
 *   /later    the same as below, answered through another thread
 *   /delay    the same as below, answered 20 ms later
 *   /hold     kept until fixture_answer_held
 *   /broken   a head that promises 100 bytes, 5 of them, reset
 *   /big      BIG_SIZE bytes
 *   /nothing  204
 *   others    200, "METHOD TARGET SNI BODY" and a header with a line break in its value */
void fixture_start(const struct server_config *config, struct server **ret_server);

/* Waits until as many requests as `count` are being held, answers them from another thread. */
void fixture_wait_held(size_t count);
void fixture_answer_held(void);
size_t fixture_most_at_once(void); /* requests of one connection with the handler; should be 1 */

/* --- clients --- */
int client_connect(const struct server *server); /* a socket */
bool client_can_connect(int port);
void client_send(int fd, struct str bytes);
void client_try_send(int fd, struct str bytes); /* the other side may be gone */
void client_reset(int fd);                      /* closes with RST */
/* Until the end of the stream, or a reset, which is told. The buffer is on the heap. */
struct buf client_read_all(int fd, bool *ret_reset);
/* One answer with Content-Length, no more. */
struct buf client_read_answer(int fd);
int answer_status(struct str answer);
size_t answer_count(struct str stream); /* status lines in it */
