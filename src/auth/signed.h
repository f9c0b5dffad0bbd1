/* Requests signed with a secret that both sides have: the scheme HMAC_1, in pure steps. Each part
 * of the request that is signed is put behind the one before, without anything between, and all of
 * it in small letters; the signature is its HMAC-SHA-256 under the secret, in base64. No standard
 * describes it: it is what public clients of services with this scheme do, and agree on. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdint.h>

enum { SIGNED_MESSAGE_MAX = 256 * 1024 }; /* bytes of what is signed */

struct signed_request {
    struct str date;         /* as sent */
    struct str method;       /* "GET" */
    struct str url;          /* whole, as sent */
    struct str body;         /* STR_NULL or empty: none, and its type is not signed */
    struct str content_type; /* of the body */
};

/* "2024-01-01T00:00:00.000Z", from milliseconds since 1970. */
struct str signed_date(struct arena *arena, int64_t wall_ms);

/* What follows the authority: path and query, as sent. */
struct str signed_target(struct str url);

/* What is signed. Only ASCII letters become small. */
struct str signed_message(struct arena *arena, const struct signed_request *request);

struct str signed_signature(struct arena *arena, struct str secret, struct str message);

/* "SCHEME KEY-ID:SIGNATURE:USER". */
struct str signed_authorization(struct arena *arena, struct str scheme, struct str key_id,
                                struct str signature, struct str user);
