/* Envelope encryption: each sealed value has a data key of its own (AES-256-GCM), which a key of
 * the keyring wraps. What the value belongs to is bound into it, so that a row which was moved,
 * renamed or rolled back does not open.
 *
 * Form: "HG1" | key id (16 hex) | nonce 12 | wrapped data key 32 + tag 16 | nonce 12 | text |
 * tag 16. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "vault/keyring.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SEAL_PLAIN_MAX = 1024 * 1024, /* bytes; a request's body is a quarter of it */
    SEAL_BINDING_MAX = 1024,      /* bytes of all parts of a binding together */
};

/* What a sealed value belongs to. Each part goes into the associated data with its length. */
struct seal_binding {
    struct str purpose; /* "profile-credentials", "exchange", "access-key", "service-secret" */
    struct str account;
    struct str region;
    struct str name;
    int64_t version;
};

/* ERR_TOO_LARGE past SEAL_PLAIN_MAX, else it always works. */
_must_use_ bool seal_close(const struct keyring *keyring, const struct seal_binding *binding,
                           struct str plain, struct arena *arena, struct str *ret_sealed,
                           struct error *error);

/* ERR_INTERNAL when the key is not in the ring, the value was changed, or belongs elsewhere; the
 * message says which of these as far as can be told. The plain text lives in the arena, which wipes
 * it. */
_must_use_ bool seal_open(const struct keyring *keyring, const struct seal_binding *binding,
                          struct str sealed, struct arena *arena, struct str *ret_plain,
                          struct error *error);

/* A keyed hash for comparing without keeping: HMAC-SHA-256 over the parts, each with its length. An
 * absent part (STR_NULL) differs from an empty one. */
enum { KEYED_HASH_SIZE = 32 };
void keyed_hash(const struct secret *key, const struct str *parts, size_t part_count,
                unsigned char out[KEYED_HASH_SIZE]);
