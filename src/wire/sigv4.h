/* AWS Signature Version 4, header form: each step of the specification is a pure function, so that
 * AWS's published vectors check it alone; verifying a request; signing one. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "net/http1.h"
#include "vault/secret.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SIGV4_SKEW_MS = 5 * 60 * 1000, /* either way */
    SHA256_SIZE = 32,
    SHA256_HEX_SIZE = 65, /* with NUL */
    SIGV4_HEADERS_MAX = 100,
};

/* What is signed. */
struct sigv4_request {
    struct str method;
    struct str path;  /* raw, as on the request line, without the query */
    struct str query; /* raw, after '?' */
    const struct http_header *headers;
    size_t header_count;
    struct str body;
};

struct sigv4_scope {
    struct str date; /* YYYYMMDD */
    struct str region;
    struct str service;
};

struct sigv4_authorization {
    struct str access_key_id;
    struct sigv4_scope scope;
    struct str signed_headers[SIGV4_HEADERS_MAX]; /* in the order given, lower case */
    size_t signed_count;
    struct str signed_list; /* the same as sent: "host;x-amz-date" */
    struct str signature;   /* 64 hex digits, lower case */
};

/* --- the steps --- */
void sha256_hex(struct str data, char out[SHA256_HEX_SIZE]);
void sigv4_canonical_request(const struct sigv4_request *request, struct str signed_list,
                             const struct str *signed_headers, size_t signed_count,
                             struct str payload_hash, bool normalize_path, struct buf *out);
void sigv4_string_to_sign(struct str timestamp, const struct sigv4_scope *scope,
                          struct str canonical_request, struct buf *out);
void sigv4_signing_key(struct str secret, const struct sigv4_scope *scope,
                       unsigned char out[SHA256_SIZE]);
void sigv4_signature(const unsigned char key[SHA256_SIZE], struct str string_to_sign,
                     char out[SHA256_HEX_SIZE]);

/* --- verifying --- */

/* ERR_INCOMPLETE_SIGNATURE with AWS's text for what is missing or malformed. */
bool sigv4_parse_authorization(struct str header, struct sigv4_authorization *ret_authorization,
                               struct error *error);

/* Finds an access key; sets its account (in the arena). NULL when unknown. The secret is the
 * finder's, which keeps it until the verification has ended. */
struct sigv4_keys {
    const struct secret *(*find)(void *context, struct str access_key_id, struct arena *arena,
                                 struct str *ret_account, struct error *error);
    void *context;
};

struct sigv4_caller {
    struct str account;
    struct str access_key_id;
    struct str region;
    struct str service;
};

struct sigv4_key_cache; /* derived signing keys, so that a request costs one HMAC; one a thread */
struct sigv4_key_cache *sigv4_key_cache_new(void);
void sigv4_key_cache_free(struct sigv4_key_cache *cache);

/* Checks everything at once, in constant time where a secret is compared. `service` is what the
 * scope must name ("appflow"). Errors carry AWS's own names and texts. */
bool sigv4_verify(const struct sigv4_request *request, struct str service, int64_t now_ms,
                  const struct sigv4_keys *keys, struct sigv4_key_cache *cache,
                  struct arena *arena, struct sigv4_caller *ret_caller, struct error *error);

/* --- signing --- */

/* Gives the values of X-Amz-Date and Authorization for a request whose headers (Host, Content-Type,
 * and any x-amz-… header) are all signed. */
void sigv4_sign(const struct sigv4_request *request, struct str access_key_id,
                const struct secret *secret, struct str region, struct str service, int64_t now_ms,
                struct arena *arena, struct str *ret_date, struct str *ret_authorization);
