/* A value is encrypted under a new data key, the data key under the keyring's primary key, and both
 * with the same associated data: what the value belongs to. */
#include "vault/seal.h"

#include "base/random.h"
#include "vault/crypto.h"

#include <string.h>

#define SEAL_MAGIC "HG1"

enum {
    SEAL_MAGIC_SIZE = sizeof(SEAL_MAGIC) - 1,
    WRAPPED_SIZE = CRYPTO_KEY_SIZE + CRYPTO_TAG_SIZE,
};

/* A sealed value as it lies in memory; nothing in it needs alignment. */
struct sealed_head {
    char magic[SEAL_MAGIC_SIZE];
    char key_id[KEYRING_ID_SIZE];
    unsigned char wrap_nonce[CRYPTO_NONCE_SIZE];
    unsigned char wrapped_key[WRAPPED_SIZE];
    unsigned char nonce[CRYPTO_NONCE_SIZE];
    unsigned char text_and_tag[];
};

_Static_assert(sizeof(struct sealed_head) == 3 + 16 + 12 + 48 + 12, "no padding in what is stored");

struct associated {
    unsigned char bytes[SEAL_BINDING_MAX + 128];
    size_t size;
};

static void add_u64(struct associated *associated, uint64_t number)
{
    crypto_put_u64(associated->bytes + associated->size, number);
    associated->size += 8;
}

/* The head's magic and key id, then each part of the binding with its length, then the version. */
static bool associate(const struct sealed_head *head, const struct seal_binding *binding,
                      struct associated *out, struct error *error)
{
    const struct str parts[] = {
        {head->magic, SEAL_MAGIC_SIZE + KEYRING_ID_SIZE},
        binding->purpose,
        binding->account,
        binding->region,
        binding->name,
    };
    size_t total = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (parts[i].len > SEAL_BINDING_MAX - total)
            return fail(error, ERR_TOO_LARGE,
                        "The names that a sealed value is bound to are longer "
                        "than %d bytes.",
                        SEAL_BINDING_MAX);
        total += parts[i].len;
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        add_u64(out, parts[i].len);
        if (parts[i].len > 0)
            memcpy(out->bytes + out->size, parts[i].data, parts[i].len);
        out->size += parts[i].len;
    }
    add_u64(out, (uint64_t)binding->version);
    return true;
}

static struct str bytes_of(const struct associated *associated)
{
    return (struct str){(const char *)associated->bytes, associated->size};
}

static const unsigned char *key_bytes(const struct secret *key)
{
    return (const unsigned char *)secret_reveal(key).data;
}

bool seal_close(const struct keyring *keyring, const struct seal_binding *binding, struct str plain,
                struct arena *arena, struct str *ret_sealed, struct error *error)
{
    if (plain.len > SEAL_PLAIN_MAX)
        return fail(error, ERR_TOO_LARGE, "A value of more than %d bytes cannot be sealed.",
                    SEAL_PLAIN_MAX);
    size_t size = sizeof(struct sealed_head) + plain.len + CRYPTO_TAG_SIZE;
    struct sealed_head *head = arena_alloc(arena, size);
    struct str key_id = keyring_primary_id(keyring);
    memcpy(head->magic, SEAL_MAGIC, SEAL_MAGIC_SIZE);
    memcpy(head->key_id, key_id.data, KEYRING_ID_SIZE);
    struct associated associated = {.size = 0};
    if (!associate(head, binding, &associated, error))
        return false;

    unsigned char data_key[CRYPTO_KEY_SIZE];
    random_bytes(data_key, sizeof(data_key));
    random_bytes(head->wrap_nonce, sizeof(head->wrap_nonce));
    random_bytes(head->nonce, sizeof(head->nonce));
    crypto_gcm_encrypt(key_bytes(keyring_find(keyring, key_id)), head->wrap_nonce,
                       bytes_of(&associated), (struct str){(const char *)data_key, CRYPTO_KEY_SIZE},
                       head->wrapped_key);
    crypto_gcm_encrypt(data_key, head->nonce, bytes_of(&associated), plain, head->text_and_tag);
    explicit_bzero(data_key, sizeof(data_key));
    *ret_sealed = (struct str){(const char *)head, size};
    return true;
}

static bool check_form(struct str sealed, struct error *error)
{
    if (sealed.len < sizeof(struct sealed_head) + CRYPTO_TAG_SIZE ||
        memcmp(sealed.data, SEAL_MAGIC, SEAL_MAGIC_SIZE) != 0)
        return fail(
            error, ERR_INTERNAL,
            "A stored value is not sealed as this version seals: it was damaged, or written "
            "by a newer version.");
    if (sealed.len > sizeof(struct sealed_head) + SEAL_PLAIN_MAX + CRYPTO_TAG_SIZE)
        return fail(error, ERR_INTERNAL, "A sealed value is longer than any that was sealed.");
    return true;
}

static bool is_hex(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            return false;
    }
    return true;
}

static bool find_key(const struct keyring *keyring, struct str id, const struct secret **ret_key,
                     struct error *error)
{
    *ret_key = keyring_find(keyring, id);
    if (*ret_key)
        return true;
    if (!is_hex(id))
        return fail(error, ERR_INTERNAL, "A sealed value was damaged: its key's id is none.");
    return fail(error, ERR_INTERNAL,
                "A value is sealed with key %.*s, which is not in the keyring: start with the "
                "keyring that has it.",
                STR_ARG(id));
}

bool seal_open(const struct keyring *keyring, const struct seal_binding *binding, struct str sealed,
               struct arena *arena, struct str *ret_plain, struct error *error)
{
    const struct secret *key;
    if (!check_form(sealed, error))
        return false;
    const struct sealed_head *head = (const struct sealed_head *)(const void *)sealed.data;
    if (!find_key(keyring, (struct str){head->key_id, KEYRING_ID_SIZE}, &key, error))
        return false;
    struct associated associated = {.size = 0};
    if (!associate(head, binding, &associated, error))
        return false;

    unsigned char data_key[CRYPTO_KEY_SIZE];
    struct str wrapped = {(const char *)head->wrapped_key, WRAPPED_SIZE};
    if (!crypto_gcm_decrypt(key_bytes(key), head->wrap_nonce, bytes_of(&associated), wrapped,
                            data_key))
        return fail(error, ERR_INTERNAL,
                    "Decryption failed: the sealed value was changed, or it belongs to another "
                    "account, region, name or version.");
    struct str text = {(const char *)head->text_and_tag, sealed.len - sizeof(*head)};
    size_t size = text.len - CRYPTO_TAG_SIZE;
    unsigned char *plain = arena_alloc(arena, size + 1);
    bool good = crypto_gcm_decrypt(data_key, head->nonce, bytes_of(&associated), text, plain);
    explicit_bzero(data_key, sizeof(data_key));
    if (!good)
        return fail(error, ERR_INTERNAL,
                    "Decryption failed: the sealed value was changed after it was sealed.");
    *ret_plain = (struct str){(const char *)plain, size};
    return true;
}

void keyed_hash(const struct secret *key, const struct str *parts, size_t part_count,
                unsigned char out[KEYED_HASH_SIZE])
{
    crypto_hmac_parts(secret_reveal(key), parts, part_count, out);
}
