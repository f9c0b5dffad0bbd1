/* Sealing in form 1 (vault/seal.h), as versions with a schema before 10 did. */
#pragma once

#include "base/random.h"
#include "vault/crypto.h"
#include "vault/keyring.h"
#include "vault/seal.h"

#include <string.h>

static unsigned char *old_part(unsigned char *out, struct str part)
{
    crypto_put_u64(out, part.len);
    if (part.len > 0)
        memcpy(out + 8, part.data, part.len);
    return out + 8 + part.len;
}

static struct str seal_close_old(const struct keyring *keyring, const struct seal_binding *binding,
                                 struct str plain, struct arena *arena)
{
    enum { HEAD = 19, WRAPPED = HEAD + 12, NONCE = WRAPPED + 48, TEXT = NONCE + 12 };
    struct str key_id = keyring_primary_id(keyring);
    const struct str parts[] = {binding->purpose, binding->account, binding->region, binding->name};
    unsigned char *sealed = arena_alloc(arena, TEXT + plain.len + CRYPTO_TAG_SIZE);
    unsigned char *bound = arena_alloc(arena, 2048), *end;
    unsigned char data_key[CRYPTO_KEY_SIZE];
    memcpy(sealed, "HG1", 3);
    memcpy(sealed + 3, key_id.data, KEYRING_ID_SIZE);
    end = old_part(bound, (struct str){(const char *)sealed, HEAD});
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        end = old_part(end, parts[i]);
    crypto_put_u64(end, (uint64_t)binding->version);
    struct str associated = {(const char *)bound, (size_t)(end + 8 - bound)};
    struct str key = secret_reveal(keyring_find(keyring, key_id));
    random_bytes(data_key, sizeof(data_key));
    random_bytes(sealed + HEAD, 12);
    random_bytes(sealed + NONCE, 12);
    crypto_gcm_encrypt((const unsigned char *)key.data, sealed + HEAD, associated,
                       (struct str){(const char *)data_key, sizeof(data_key)}, sealed + WRAPPED);
    crypto_gcm_encrypt(data_key, sealed + NONCE, associated, plain, sealed + TEXT);
    return (struct str){(const char *)sealed, TEXT + plain.len + CRYPTO_TAG_SIZE};
}
