/* Envelope encryption: each sealed value has a data key of its own (AES-256-GCM). A key of the
 * keyring wraps it, through a wrapping key that is derived for this value alone: HKDF-SHA-256 of
 * the keyring's key and 32 random bytes. A key of the keyring therefore never meets a nonce,
 * however many values it seals. What the value belongs to and what it may be used for are bound
 * into it as associated data, so that a row which was moved, renamed, rolled back or redirected
 * does not open.
 *
 * Form 2: "HG2" | key id (16 hex) | salt 32 | wrapped data key 32 + tag 16 | nonce 12 | text |
 * tag 16. The wrapping key is HKDF-Expand(keyring's key, "headgate wrap 2" | salt), used once with
 * the nonce 0. Associated data, of both encryptions: "HG2" and key id, purpose, account, region,
 * name, each with its length before it, the version, then each part of the context.
 *
 * Form 1, before schema 10: "HG1" | key id | nonce 12 | wrapped data key 32 + tag 16 | nonce 12 |
 * text | tag 16. The wrapping key is the keyring's own; there is no context. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "vault/keyring.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SEAL_PLAIN_MAX = 1024 * 1024, /* bytes; a request's body is a quarter of it */
    /* Bytes of all parts of a binding together; a profile's properties come from a request. */
    SEAL_BINDING_MAX = 512 * 1024,
    SEAL_CONTEXT_MAX = 16, /* parts */
};

/* What a sealed value belongs to. Each part goes into the associated data with its length. An
 * absent part (STR_NULL) counts as an empty one. */
struct seal_binding {
    struct str purpose; /* "profile-credentials", "exchange", "access-key", "service-secret" … */
    struct str account;
    struct str region;
    struct str name;
    int64_t version;
    /* The plain columns that decide what the value is used for, such as where credentials go. Who
     * changes them without the keyring makes the value unreadable. */
    struct str context[SEAL_CONTEXT_MAX];
    size_t context_count;
};

/* In form 2. ERR_TOO_LARGE past SEAL_PLAIN_MAX or SEAL_BINDING_MAX, else it always works. */
_must_use_ bool seal_close(const struct keyring *keyring, const struct seal_binding *binding,
                           struct str plain, struct arena *arena, struct str *ret_sealed,
                           struct error *error);

/* Opens form 2 only. ERR_INTERNAL when the key is not in the ring, the value was changed, or
 * belongs elsewhere; the message says which of these as far as can be told. The plain text lives in
 * the arena, which wipes it. */
_must_use_ bool seal_open(const struct keyring *keyring, const struct seal_binding *binding,
                          struct str sealed, struct arena *arena, struct str *ret_plain,
                          struct error *error);

/* Opens form 1, whose binding has no context; the same errors. Only for the upgrade of a database
 * that has never been sealed in form 2 (see profile/upgrade.h). */
_must_use_ bool seal_open_old(const struct keyring *keyring, const struct seal_binding *binding,
                              struct str sealed, struct arena *arena, struct str *ret_plain,
                              struct error *error);
/* Opens a value and seals it again, with a new data key, under the keyring's key in use: for the
 * rotation of keys. The key's id is a part of the associated data of both encryptions, so that no
 * part of the old value can be kept. The errors of seal_open. */
_must_use_ bool seal_renew(const struct keyring *keyring, const struct seal_binding *binding,
                           struct str sealed, struct arena *arena, struct str *ret_sealed,
                           struct error *error);
/* The id of the key that a value says it is sealed with; STR_NULL for what has none. */
struct str seal_key_id(struct str sealed);

/* Whether the value says that it has form 1. */
bool seal_is_old(struct str sealed);

/* A keyed hash for comparing without keeping: HMAC-SHA-256 over the parts, each with its length. An
 * absent part (STR_NULL) differs from an empty one. */
enum { KEYED_HASH_SIZE = 32 };
void keyed_hash(const struct secret *key, const struct str *parts, size_t part_count,
                unsigned char out[KEYED_HASH_SIZE]);
