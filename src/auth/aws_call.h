/* Calls to AWS services: a signed POST to the root of an endpoint, in the JSON 1.1 protocol or the
 * query protocol, which differ by their headers and bodies only. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "net/client/client.h"
#include "vault/secret.h"
#include "wire/value.h"

#include <stdint.h>

enum { AWS_REGION_MAX = 32, AWS_URL_MAX = 2048 }; /* bytes */

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
    int64_t deadline_ms;
};

/* Small letters, digits and '-': it becomes part of a host name. */
bool aws_region_is_valid(struct str region);

/* The signed request, in the arena; the signature holds for minutes, so it may be sent again. False
 * only when there is nothing to send to: ERR_CONNECTOR_SERVER when the URL is not absolute. */
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
