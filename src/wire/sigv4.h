/* AWS Signature Version 4, header form: each step of the specification is a pure function, so that
 * AWS's published vectors check it alone; verifying a request; signing one. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "net/http1/parser.h"
#include "vault/secret.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SIGV4_SKEW_MS = 5 * 60 * 1000, /* either way */
    SHA256_SIZE = 32,
    SHA256_HEX_SIZE = 65, /* with NUL */
    SIGV4_HEADERS_MAX = 100,
    SIGV4_QUERY_PARTS_MAX = 256,      /* parameters; TagKeys, the longest list, has 50 */
    SIGV4_CANONICAL_MAX = 128 * 1024, /* bytes; percent-encoding may treble a target */
    SIGV4_TIMESTAMP_SIZE = 17,        /* "20150830T123600Z" and NUL */
    SIGV4_ACCESS_KEY_ID_MAX = 128,    /* bytes */
    SIGV4_REGION_MAX = 32,            /* bytes */
};

/* What is signed. */
struct sigv4_request {
    struct str method;
    struct str path;  /* raw, as on the request line, without the query */
    struct str query; /* raw, after '?' */
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    /* Amazon S3's two exceptions: the path holds an object's key, so it is neither normalized nor
     * encoded twice; and the payload's hash is what the header x-amz-content-sha256 says, which
     * need not be a hash ("UNSIGNED-PAYLOAD"), so that comparing it with the body is the caller's.
     */
    bool s3;
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
    struct str signature;   /* as sent: what is not 64 lower-case hex digits never matches */
};

/* --- the steps --- */
void sha256_hex(struct str data, char out[SHA256_HEX_SIZE]);

/* Path: `normalize_path` drops empty and dot segments as every service but S3 wants it; then each
 * byte but unreserved ones and '/' is percent-encoded, also the '%' that the raw path holds, so
 * that
 * "/tags/arn%3Aaws" is signed as "/tags/arn%253Aaws"; of S3 it is decoded and encoded once. Query:
 * each parameter decoded, encoded again, sorted. Headers: those of `signed_headers` (lower case,
 * sorted), blanks folded, values of one name joined with commas. More parameters than
 * SIGV4_QUERY_PARTS_MAX set out->overflow. */
void sigv4_canonical_request(const struct sigv4_request *request, struct str signed_list,
                             const struct str *signed_headers, size_t signed_count,
                             struct str payload_hash, bool normalize_path, struct buf *out);
/* The target with its path as the signature covers it: without empty and dot segments, but not
 * encoded again. What routes a request must read this one: another spelling of a signed path must
 * not name another resource. In `arena` if it differs from `target`. */
struct str sigv4_normalized_target(struct arena *arena, struct str target);
void sigv4_string_to_sign(struct str timestamp, const struct sigv4_scope *scope,
                          struct str canonical_request, struct buf *out);
void sigv4_signing_key(struct str secret, const struct sigv4_scope *scope,
                       unsigned char out[SHA256_SIZE]);
void sigv4_signature(const unsigned char key[SHA256_SIZE], struct str string_to_sign,
                     char out[SHA256_HEX_SIZE]);

/* --- verifying --- */

/* ERR_INCOMPLETE_SIGNATURE with AWS's text for what is missing or malformed. The header itself is
 * never told. Slices point into `header`. */
_must_use_ bool sigv4_parse_authorization(struct str header,
                                          struct sigv4_authorization *ret_authorization,
                                          struct error *error);

/* What an Authorization header says before anything of it was checked, for choosing the form of an
 * error and for the log: the service and the access key id of its Credential. "" where it has none.
 */
struct str sigv4_scope_service(struct str header);
struct str sigv4_scope_access_key_id(struct str header);

/* Letters, digits, '_', '-' and '.', not longer than SIGV4_ACCESS_KEY_ID_MAX; no other is looked
 * up. */
bool sigv4_access_key_id_is_valid(struct str access_key_id);

/* Finds an access key; sets its account (in the arena). NULL when unknown, and then `error` is left
 * alone; NULL with an error set (never a NULL `error`) when the keys could not be read. The secret
 * is the finder's, which keeps it until the verification has ended. */
struct sigv4_keys {
    const struct secret *(*find)(void *context, struct str access_key_id, struct arena *arena,
                                 struct str *ret_account, struct error *error);
    void *context;
    /* The same for a request with a session token (X-Amz-Security-Token), which must be signed as
     * every header of that kind: NULL with no error set when the token is not one of this server's.
     * NULL instead of a function: no session token is. */
    const struct secret *(*find_session)(void *context, struct str access_key_id, struct str token,
                                         struct arena *arena, struct str *ret_account,
                                         struct error *error);
};

struct sigv4_caller {
    struct str account;
    struct str access_key_id;
    struct str region;
    struct str service;
};

/* Derived signing keys, so that a request costs one HMAC; one a thread, since it has no lock. A key
 * enters after a signature was right; one whose secret was replaced is not found. */
struct sigv4_key_cache;
struct sigv4_key_cache *sigv4_key_cache_new(void);
void sigv4_key_cache_free(struct sigv4_key_cache *cache); /* wipes; NULL is fine */

/* The services that a scope may name; error messages name the first. */
struct sigv4_services {
    const struct str *names; /* one at least */
    size_t count;
};

/* Checks everything, in constant time where a secret is compared. `cache` may be NULL. What the
 * caller receives is copied to the arena. Errors carry AWS's own texts, as far as they are known:
 * - ERR_MISSING_AUTHENTICATION: no Authorization header.
 * - ERR_INCOMPLETE_SIGNATURE: it, or the date, is missing a part, malformed, or there twice; or the
 *   request is signed in its query, which is not supported.
 * - ERR_INVALID_SIGNATURE: scope, date, signed headers, payload hash or signature are wrong.
 * - ERR_UNRECOGNIZED_CLIENT: an unknown access key, or a session token of another server.
 * - what keys->find and keys->find_session fail with. */
_must_use_ bool sigv4_verify(const struct sigv4_request *request,
                             const struct sigv4_services *services, int64_t now_ms,
                             const struct sigv4_keys *keys, struct sigv4_key_cache *cache,
                             struct arena *arena, struct sigv4_caller *ret_caller,
                             struct error *error);

/* --- signing --- */

/* Gives the values of X-Amz-Date and Authorization for a request whose headers (Host, Content-Type,
 * and any x-amz-… header) are all signed, but for Authorization and X-Amz-Date themselves, which
 * may be there already. At most SIGV4_HEADERS_MAX - 1 headers. The payload's hash is computed, but
 * for S3. */
void sigv4_sign(const struct sigv4_request *request, struct str access_key_id,
                const struct secret *secret, struct str region, struct str service, int64_t now_ms,
                struct arena *arena, struct str *ret_date, struct str *ret_authorization);
