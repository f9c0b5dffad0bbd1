/* Calls to AWS services: a signed POST, to the root of an endpoint in the JSON 1.1 protocol and the
 * query protocol, which differ by their headers and bodies only, and to a path in rest-json. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "net/client/client.h"
#include "vault/secret.h"
#include "wire/value.h"

#include <stdint.h>

enum { AWS_REGION_MAX = 32, AWS_URL_MAX = 2048, AWS_HEADERS_MAX = 4 }; /* bytes; a number */

/* Who calls. */
struct aws_access {
    struct client *client;
    struct str access_key_id;
    const struct secret *secret_access_key; /* NULL: no access to AWS is set up */
    const struct secret *session_token;     /* NULL: the access key is a lasting one */
    /* How calls are made; NULL: client_call. For tests. */
    void (*call)(struct client *client, struct arena *arena, const struct client_request *request,
                 struct client_response *ret_response);
};

struct aws_request {
    struct str url; /* of the endpoint; "{region}" in it becomes the region */
    struct str region;
    struct str service; /* as the signature names it */
    struct str content_type;
    struct str target; /* X-Amz-Target; STR_NULL: none */
    struct str body;
    struct str path;                   /* percent-encoded, begins with '/'; STR_NULL: the root */
    const struct http_header *headers; /* further ones of AWS_HEADERS_MAX at most, signed as well */
    size_t header_count;
    size_t answer_max; /* bytes; 0: CLIENT_BODY_MAX */
    int64_t deadline_ms;
};

/* Small letters, digits and '-': it becomes part of a host name. */
bool aws_region_is_valid(struct str region);
/* 12 digits. */
bool aws_account_is_valid(struct str account);

/* The Host header for a URL's authority: a port that is the scheme's own is not sent, so it is not
 * signed either. */
struct str aws_signed_host(struct str authority, bool tls);

/* The signed request, in the arena; the signature holds for minutes, so it may be sent again. False
 * only when there is nothing to send to: ERR_CONNECTOR_SERVER when the URL is not absolute, or
 * longer than AWS_URL_MAX with its region. */
_must_use_ bool aws_sign(const struct aws_access *access, const struct aws_request *request,
                         struct arena *arena, struct client_request *ret_request,
                         struct error *error);

/* Signs and sends. True when *ret_response says what came. */
_must_use_ bool aws_call(const struct aws_access *access, const struct aws_request *request,
                         struct arena *arena, struct client_response *ret_response,
                         struct error *error);

/* The name of the error in an answer of the JSON 1.1 protocol, "ThrottlingException", without the
 * namespace that may stand before it and the address that may follow; STR_NULL: none. */
struct str aws_error_name(const struct client_response *response, const struct value *answer);

/* Whether an error of that name, or the status, asks to come back later. */
bool aws_is_throttled(const struct client_response *response, struct str error_name);
/* Whether AWS refused the credentials that the request was signed with, or the signature, whatever
 * was asked (docs.aws.amazon.com, "Common Errors" of each service). */
bool aws_refuses_credentials(struct str error_name);
