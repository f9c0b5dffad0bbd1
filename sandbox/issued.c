/* Makes and recognises the sandbox's own tokens: prefix, random part, check value. */
#include "sandbox/issued.h"

#include "base/encode.h"
#include "base/random.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

enum {
    NONCE_SIZE = 12,
    CHECK_SIZE = ISSUED_CHECK_HEX / 2,
    NONCE_HEX = NONCE_SIZE * 2,
    MESSAGE_MAX = 256,
};

static const struct str prefixes[] = {
    [ISSUED_ACCESS] = {"sandbox-issued-access-", 22},
    [ISSUED_REFRESH] = {"sandbox-issued-refresh-", 23},
    [ISSUED_REFRESH_ROTATING] = {"sandbox-issued-rotating-", 24},
};

/* Not a secret: it only tells tokens of the sandbox from anything else. */
static const char check_key[] = "headgate sandbox";

bool issued_check_value(struct str message, char out[ISSUED_CHECK_HEX + 1])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    const unsigned char *done = HMAC(EVP_sha256(), check_key, (int)sizeof(check_key) - 1,
                                     (const unsigned char *)message.data, message.len, mac, NULL);
    if (done)
        encode_hex(mac, CHECK_SIZE, out);
    return done != NULL;
}

static bool check_value(struct str issuer, enum issued_kind kind, struct str nonce,
                        char out[ISSUED_CHECK_HEX + 1])
{
    struct buf message = buf_on_heap(MESSAGE_MAX);
    buf_printf(&message, "%.*s %d %.*s", STR_ARG(issuer), (int)kind, STR_ARG(nonce));
    bool done = issued_check_value(buf_str(&message), out);
    buf_done(&message);
    return done;
}

struct str issued_make(struct arena *arena, struct str issuer, enum issued_kind kind)
{
    unsigned char random[NONCE_SIZE];
    char nonce[NONCE_HEX + 1], check[ISSUED_CHECK_HEX + 1];
    random_bytes(random, sizeof(random));
    encode_hex(random, sizeof(random), nonce);
    if (!check_value(issuer, kind, str_from(nonce), check))
        return STR_NULL;
    return arena_printf(arena, "%.*s%s-%s", STR_ARG(prefixes[kind]), nonce, check);
}

bool issued_check(struct str issuer, enum issued_kind kind, struct str token)
{
    struct str prefix = prefixes[kind];
    if (token.len != prefix.len + NONCE_HEX + 1 + ISSUED_CHECK_HEX || !str_starts(token, prefix) ||
        token.data[prefix.len + NONCE_HEX] != '-')
        return false;
    char check[ISSUED_CHECK_HEX + 1];
    struct str nonce = {token.data + prefix.len, NONCE_HEX};
    return check_value(issuer, kind, nonce, check) &&
           CRYPTO_memcmp(check, token.data + token.len - ISSUED_CHECK_HEX, ISSUED_CHECK_HEX) == 0;
}
