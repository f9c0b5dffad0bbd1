/* A value is encrypted under a new data key, the data key under a wrapping key that is derived for
 * it, and both with the same associated data: what the value belongs to. */
#include "vault/seal.h"

#include "base/random.h"
#include "vault/crypto.h"
#include "vault/seal_internal.h"

#include <assert.h>
#include <string.h>

#define SEAL_MAGIC "HG2"
#define SEAL_MAGIC_OLD "HG1"
#define WRAP_LABEL "headgate wrap 2"

enum {
    SEAL_MAGIC_SIZE = sizeof(SEAL_MAGIC) - 1,
    WRAPPED_SIZE = CRYPTO_KEY_SIZE + CRYPTO_TAG_SIZE,
    SALT_SIZE = 32,
    WRAP_LABEL_SIZE = sizeof(WRAP_LABEL) - 1,
};

/* Sealed values as they lie in memory; nothing in them needs alignment. */
struct sealed_head {
    char magic[SEAL_MAGIC_SIZE];
    char key_id[KEYRING_ID_SIZE];
    unsigned char salt[SALT_SIZE];
    unsigned char wrapped_key[WRAPPED_SIZE];
    unsigned char nonce[CRYPTO_NONCE_SIZE];
    unsigned char text_and_tag[];
};

struct sealed_head_old {
    char magic[SEAL_MAGIC_SIZE];
    char key_id[KEYRING_ID_SIZE];
    unsigned char wrap_nonce[CRYPTO_NONCE_SIZE];
    unsigned char wrapped_key[WRAPPED_SIZE];
    unsigned char nonce[CRYPTO_NONCE_SIZE];
    unsigned char text_and_tag[];
};

_Static_assert(sizeof(struct sealed_head) == 3 + 16 + 32 + 48 + 12, "no padding in what is stored");
_Static_assert(sizeof(struct sealed_head_old) == 3 + 16 + 12 + 48 + 12, "likewise");

/* The wrapping key of a value is used once, so its nonce may be fixed. */
static const unsigned char wrap_nonce[CRYPTO_NONCE_SIZE];

/* --- associated data --- */

static unsigned char *put_part(unsigned char *out, struct str part)
{
    crypto_put_u64(out, part.len);
    if (part.len > 0)
        memcpy(out + 8, part.data, part.len);
    return out + 8 + part.len;
}

static bool add_size(struct str part, size_t *total)
{
    if (part.len > SEAL_BINDING_MAX - *total)
        return false;
    *total += part.len;
    return true;
}

bool seal_associate(struct str head, const struct seal_binding *binding, struct arena *arena,
                    struct str *ret_associated, struct error *error)
{
    const struct str parts[] = {head, binding->purpose, binding->account, binding->region,
                                binding->name};
    enum { PARTS = sizeof(parts) / sizeof(*parts) };
    size_t total = 0;
    bool fits = true;
    assert(binding->context_count <= SEAL_CONTEXT_MAX);
    for (size_t i = 0; fits && i < PARTS; i++)
        fits = add_size(parts[i], &total);
    for (size_t i = 0; fits && i < binding->context_count; i++)
        fits = add_size(binding->context[i], &total);
    if (!fits)
        return fail(error, ERR_TOO_LARGE,
                    "The names and properties that a sealed value is bound to are longer than %d "
                    "bytes.",
                    SEAL_BINDING_MAX);
    unsigned char *start = arena_alloc(arena, total + 8 * (PARTS + 1 + binding->context_count));
    unsigned char *out = start;
    for (size_t i = 0; i < PARTS; i++)
        out = put_part(out, parts[i]);
    crypto_put_u64(out, (uint64_t)binding->version);
    out += 8;
    for (size_t i = 0; i < binding->context_count; i++)
        out = put_part(out, binding->context[i]);
    *ret_associated = (struct str){(const char *)start, (size_t)(out - start)};
    return true;
}

/* --- keys --- */

static const unsigned char *key_bytes(const struct secret *key)
{
    return (const unsigned char *)secret_reveal(key).data;
}

static void derive_wrapping_key(const struct secret *key, const unsigned char salt[SALT_SIZE],
                                unsigned char out[CRYPTO_KEY_SIZE])
{
    char info[WRAP_LABEL_SIZE + SALT_SIZE];
    memcpy(info, WRAP_LABEL, WRAP_LABEL_SIZE);
    memcpy(info + WRAP_LABEL_SIZE, salt, SALT_SIZE);
    crypto_hkdf(key_bytes(key), (struct str){info, sizeof(info)}, out);
}

bool seal_close(const struct keyring *keyring, const struct seal_binding *binding, struct str plain,
                struct arena *arena, struct str *ret_sealed, struct error *error)
{
    if (plain.len > SEAL_PLAIN_MAX)
        return fail(error, ERR_TOO_LARGE, "A value of more than %d bytes cannot be sealed.",
                    SEAL_PLAIN_MAX);
    size_t size = sizeof(struct sealed_head) + plain.len + CRYPTO_TAG_SIZE;
    struct sealed_head *head = arena_alloc(arena, size);
    struct str key_id, associated;
    const struct secret *key = keyring_primary(keyring, &key_id);
    memcpy(head->magic, SEAL_MAGIC, SEAL_MAGIC_SIZE);
    memcpy(head->key_id, key_id.data, KEYRING_ID_SIZE);
    if (!seal_associate((struct str){head->magic, SEAL_MAGIC_SIZE + KEYRING_ID_SIZE}, binding,
                        arena, &associated, error))
        return false;

    unsigned char data_key[CRYPTO_KEY_SIZE], wrapping_key[CRYPTO_KEY_SIZE];
    random_bytes(data_key, sizeof(data_key));
    random_bytes(head->salt, sizeof(head->salt));
    random_bytes(head->nonce, sizeof(head->nonce));
    derive_wrapping_key(key, head->salt, wrapping_key);
    crypto_gcm_encrypt(wrapping_key, wrap_nonce, associated,
                       (struct str){(const char *)data_key, CRYPTO_KEY_SIZE}, head->wrapped_key);
    crypto_gcm_encrypt(data_key, head->nonce, associated, plain, head->text_and_tag);
    explicit_bzero(data_key, sizeof(data_key));
    explicit_bzero(wrapping_key, sizeof(wrapping_key));
    *ret_sealed = (struct str){(const char *)head, size};
    return true;
}

/* --- opening --- */

bool seal_is_old(struct str sealed)
{
    return str_starts(sealed, STR(SEAL_MAGIC_OLD));
}

static bool check_form(struct str sealed, struct str magic, size_t head_size, struct error *error)
{
    if (seal_is_old(sealed) && !str_eq(magic, STR(SEAL_MAGIC_OLD)))
        return fail(error, ERR_INTERNAL,
                    "A stored value is sealed in the form of an older version, which is accepted "
                    "only while a database of that version is upgraded: the row was put back from "
                    "an older copy.");
    if (sealed.len < head_size + CRYPTO_TAG_SIZE || !str_starts(sealed, magic))
        return fail(
            error, ERR_INTERNAL,
            "A stored value is not sealed as this version seals: it was damaged, or written "
            "by a newer version.");
    if (sealed.len > head_size + SEAL_PLAIN_MAX + CRYPTO_TAG_SIZE)
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

/* What both forms have in common. */
struct opening {
    const unsigned char *wrapping_key;
    const unsigned char *wrap_nonce;
    const unsigned char *wrapped_key;
    const unsigned char *nonce;
    struct str text; /* with its tag */
    struct str associated;
};

static bool open_text(const struct opening *opening, struct arena *arena, struct str *ret_plain,
                      struct error *error)
{
    unsigned char data_key[CRYPTO_KEY_SIZE];
    struct str wrapped = {(const char *)opening->wrapped_key, WRAPPED_SIZE};
    if (!crypto_gcm_decrypt(opening->wrapping_key, opening->wrap_nonce, opening->associated,
                            wrapped, data_key))
        return fail(error, ERR_INTERNAL,
                    "Decryption failed: the sealed value was changed, or it belongs to another "
                    "account, region, name or version, or what it is used for was changed, such "
                    "as a profile's properties.");
    size_t size = opening->text.len - CRYPTO_TAG_SIZE;
    unsigned char *plain = arena_alloc(arena, size + 1);
    bool good =
        crypto_gcm_decrypt(data_key, opening->nonce, opening->associated, opening->text, plain);
    explicit_bzero(data_key, sizeof(data_key));
    if (!good)
        return fail(error, ERR_INTERNAL,
                    "Decryption failed: the sealed value was changed after it was sealed.");
    *ret_plain = (struct str){(const char *)plain, size};
    return true;
}

bool seal_open(const struct keyring *keyring, const struct seal_binding *binding, struct str sealed,
               struct arena *arena, struct str *ret_plain, struct error *error)
{
    const struct secret *key;
    struct str associated;
    unsigned char wrapping_key[CRYPTO_KEY_SIZE];
    if (!check_form(sealed, STR(SEAL_MAGIC), sizeof(struct sealed_head), error))
        return false;
    const struct sealed_head *head = (const struct sealed_head *)(const void *)sealed.data;
    if (!find_key(keyring, (struct str){head->key_id, KEYRING_ID_SIZE}, &key, error) ||
        !seal_associate((struct str){head->magic, SEAL_MAGIC_SIZE + KEYRING_ID_SIZE}, binding,
                        arena, &associated, error))
        return false;
    derive_wrapping_key(key, head->salt, wrapping_key);
    bool good = open_text(
        &(struct opening){
            .wrapping_key = wrapping_key,
            .wrap_nonce = wrap_nonce,
            .wrapped_key = head->wrapped_key,
            .nonce = head->nonce,
            .text = {(const char *)head->text_and_tag, sealed.len - sizeof(*head)},
            .associated = associated,
        },
        arena, ret_plain, error);
    explicit_bzero(wrapping_key, sizeof(wrapping_key));
    return good;
}

bool seal_open_old(const struct keyring *keyring, const struct seal_binding *binding,
                   struct str sealed, struct arena *arena, struct str *ret_plain,
                   struct error *error)
{
    const struct secret *key;
    struct seal_binding old = *binding;
    struct str associated;
    old.context_count = 0;
    if (!check_form(sealed, STR(SEAL_MAGIC_OLD), sizeof(struct sealed_head_old), error))
        return false;
    const struct sealed_head_old *head = (const struct sealed_head_old *)(const void *)sealed.data;
    if (!find_key(keyring, (struct str){head->key_id, KEYRING_ID_SIZE}, &key, error) ||
        !seal_associate((struct str){head->magic, SEAL_MAGIC_SIZE + KEYRING_ID_SIZE}, &old, arena,
                        &associated, error))
        return false;
    return open_text(
        &(struct opening){
            .wrapping_key = key_bytes(key),
            .wrap_nonce = head->wrap_nonce,
            .wrapped_key = head->wrapped_key,
            .nonce = head->nonce,
            .text = {(const char *)head->text_and_tag, sealed.len - sizeof(*head)},
            .associated = associated,
        },
        arena, ret_plain, error);
}

bool seal_renew(const struct keyring *keyring, const struct seal_binding *binding,
                struct str sealed, struct arena *arena, struct str *ret_sealed, struct error *error)
{
    struct str plain;
    return seal_open(keyring, binding, sealed, arena, &plain, error) &&
           seal_close(keyring, binding, plain, arena, ret_sealed, error);
}

struct str seal_key_id(struct str sealed)
{
    if (sealed.len < SEAL_MAGIC_SIZE + KEYRING_ID_SIZE)
        return STR_NULL;
    return (struct str){sealed.data + SEAL_MAGIC_SIZE, KEYRING_ID_SIZE};
}

void keyed_hash(const struct secret *key, const struct str *parts, size_t part_count,
                unsigned char out[KEYED_HASH_SIZE])
{
    crypto_hmac_parts(secret_reveal(key), parts, part_count, out);
}
