/* SCRAM-SHA-256 (RFC 5802, RFC 7677): the arithmetic, which is the same for client and server, and
 * the attributes of its messages. Who sends what is the caller's. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

enum {
    SCRAM_KEY_SIZE = 32,
    SCRAM_NONCE_SIZE = 18,             /* random bytes of each side; a multiple of 3 for base64 */
    SCRAM_ITERATIONS_LEAST = 4096,     /* RFC 7677, 4: what a server should ask for */
    SCRAM_ITERATIONS_MAX = 100 * 1000, /* 0.02 to 0.1 s of one core; more is not computed */
    SCRAM_SLICE = 1024,                /* iterations between two calls of `may_continue` */
};

/* Asked every SCRAM_SLICE iterations; false ends the computation. It may wait. */
struct scram_watch {
    bool (*may_continue)(void *context);
    void *context;
};

/* SaltedPassword (RFC 5802, 3): PBKDF2-HMAC-SHA-256 in slices. False when `iterations` is not 1 to
 * SCRAM_ITERATIONS_MAX, when the watch ends it, or when OpenSSL has no memory; the output is zero
 * then. The caller wipes it. `watch` NULL: never interrupted. */
bool scram_salt_password(struct str password, struct str salt, int iterations,
                         const struct scram_watch *watch, unsigned char ret_salted[SCRAM_KEY_SIZE]);

/* What the two sides show each other. */
struct scram_proof {
    unsigned char client[SCRAM_KEY_SIZE]; /* ClientProof, base64 in "p=" */
    unsigned char server[SCRAM_KEY_SIZE]; /* ServerSignature, base64 in "v=" */
};

/* `auth_message` is client-first-message-bare "," server-first-message ","
 * client-final-message-without-proof. */
void scram_prove(const unsigned char salted[SCRAM_KEY_SIZE], struct str auth_message,
                 struct scram_proof *ret_proof);

/* In constant time. */
bool scram_is_key(struct str bytes, const unsigned char key[SCRAM_KEY_SIZE]);

/* Takes "NAME=VALUE" off the front of a message, with the comma after it. False when the message
 * begins with something else or the value is empty; nothing is taken then. */
bool scram_take(struct str *rest, char name, struct str *ret_value);
