/* One AEAD under a key that is derived for each value. */
#include "vault/data_key.h"

#include "base/random.h"
#include "vault/crypto.h"
#include "vault/seal_internal.h"

#include <string.h>

#define DATA_MAGIC "HK1"
#define DATA_LABEL "headgate data 1"

enum {
    DATA_MAGIC_SIZE = sizeof(DATA_MAGIC) - 1,
    DATA_LABEL_SIZE = sizeof(DATA_LABEL) - 1,
    DATA_SALT_SIZE = 32,
};

struct data_head {
    char magic[DATA_MAGIC_SIZE];
    unsigned char salt[DATA_SALT_SIZE];
    unsigned char text_and_tag[];
};

_Static_assert(sizeof(struct data_head) == 3 + 32, "no padding in what is stored");

/* A derived key is used once, so its nonce may be fixed. */
static const unsigned char data_nonce[CRYPTO_NONCE_SIZE];

static void derive(const struct data_key *key, const unsigned char salt[DATA_SALT_SIZE],
                   unsigned char out[CRYPTO_KEY_SIZE])
{
    char info[DATA_LABEL_SIZE + DATA_SALT_SIZE];
    memcpy(info, DATA_LABEL, DATA_LABEL_SIZE);
    memcpy(info + DATA_LABEL_SIZE, salt, DATA_SALT_SIZE);
    crypto_hkdf(key->bytes, (struct str){info, sizeof(info)}, out);
}

static bool associate(const struct seal_binding *binding, struct arena *arena,
                      struct str *ret_associated, struct error *error)
{
    const struct seal_binding lasting = {.purpose = binding->purpose,
                                         .account = binding->account,
                                         .region = binding->region,
                                         .name = binding->name};
    return seal_associate(STR(DATA_MAGIC), &lasting, arena, ret_associated, error);
}

bool data_key_seal(const struct data_key *key, const struct seal_binding *binding, struct str plain,
                   struct arena *arena, struct str *ret_sealed, struct error *error)
{
    struct str associated;
    unsigned char derived[CRYPTO_KEY_SIZE];
    if (plain.len > SEAL_PLAIN_MAX)
        return fail(error, ERR_TOO_LARGE, "A value of more than %d bytes cannot be sealed.",
                    SEAL_PLAIN_MAX);
    if (!associate(binding, arena, &associated, error))
        return false;
    size_t size = sizeof(struct data_head) + plain.len + CRYPTO_TAG_SIZE;
    struct data_head *head = arena_alloc(arena, size);
    memcpy(head->magic, DATA_MAGIC, DATA_MAGIC_SIZE);
    random_bytes(head->salt, sizeof(head->salt));
    derive(key, head->salt, derived);
    crypto_gcm_encrypt(derived, data_nonce, associated, plain, head->text_and_tag);
    explicit_bzero(derived, sizeof(derived));
    *ret_sealed = (struct str){(const char *)head, size};
    return true;
}

bool data_key_open(const struct data_key *key, const struct seal_binding *binding,
                   struct str sealed, struct arena *arena, struct str *ret_plain,
                   struct error *error)
{
    struct str associated;
    unsigned char derived[CRYPTO_KEY_SIZE];
    if (sealed.len < sizeof(struct data_head) + CRYPTO_TAG_SIZE ||
        sealed.len > sizeof(struct data_head) + SEAL_PLAIN_MAX + CRYPTO_TAG_SIZE ||
        !str_starts(sealed, STR(DATA_MAGIC)))
        return fail(error, ERR_INTERNAL,
                    "A stored value is not sealed under its data key as this version seals.");
    if (!associate(binding, arena, &associated, error))
        return false;
    const struct data_head *head = (const struct data_head *)(const void *)sealed.data;
    struct str text = {(const char *)head->text_and_tag, sealed.len - sizeof(*head)};
    size_t size = text.len - CRYPTO_TAG_SIZE;
    unsigned char *plain = arena_alloc(arena, size + 1);
    derive(key, head->salt, derived);
    bool good = crypto_gcm_decrypt(derived, data_nonce, associated, text, plain);
    explicit_bzero(derived, sizeof(derived));
    if (!good)
        return fail(error, ERR_INTERNAL,
                    "Decryption failed: the value was changed, belongs to another profile, or was "
                    "sealed under another data key.");
    *ret_plain = (struct str){(const char *)plain, size};
    return true;
}
