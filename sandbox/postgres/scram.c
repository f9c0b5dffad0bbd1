/* SCRAM-SHA-256 from the server's side (RFC 5802, RFC 7677; PostgreSQL's manual, "SASL
 * Authentication"), without channel binding. */
#include "sandbox/postgres/internal.h"

#include "base/encode.h"
#include "base/random.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

enum {
    ASK_SASL = 10,
    ASK_CONTINUE = 11,
    ASK_FINAL = 12,
    ROUNDS = 4096,
    KEY_SIZE = 32,
    NONCE_SIZE = 18,
};

#define MECHANISM "SCRAM-SHA-256"

/* Our random part and the salt. */
struct challenge {
    struct str client_first; /* bare */
    struct str server_first;
    struct str nonce; /* both parts */
    unsigned char salt[16];
};

static void hmac(const unsigned char key[KEY_SIZE], struct str text, unsigned char out[KEY_SIZE])
{
    HMAC(EVP_sha256(), key, KEY_SIZE, (const unsigned char *)text.data, text.len, out, NULL);
}

/* The value of "NAME=…" up to a comma; STR_NULL when there is none. */
static struct str attribute(struct str message, char name)
{
    struct str part, rest = message;
    bool more = true;
    while (more) {
        part = rest;
        more = str_cut(rest, ',', &part, &rest);
        if (part.len >= 2 && part.data[0] == name && part.data[1] == '=')
            return (struct str){part.data + 2, part.len - 2};
    }
    return STR_NULL;
}

/* Mechanism with its NUL, length, then "n,," or "y,," and the bare message. */
static bool read_first(struct str body, struct str *ret_bare)
{
    size_t head = sizeof(MECHANISM) + 4;
    if (body.len < head + 3 || memcmp(body.data, MECHANISM, sizeof(MECHANISM)) != 0 ||
        (body.data[head] != 'n' && body.data[head] != 'y') || body.data[head + 1] != ',' ||
        body.data[head + 2] != ',')
        return false;
    *ret_bare = (struct str){body.data + head + 3, body.len - head - 3};
    return attribute(*ret_bare, 'r').len > 0;
}

static bool challenge_client(struct wire *wire, struct challenge *challenge)
{
    char type, random[NONCE_SIZE];
    struct str body;
    if (!send_authentication(wire, ASK_SASL, STR(MECHANISM "\0\0")) ||
        !wire_read_message(wire, &type, &body) || type != 'p' ||
        !read_first(body, &challenge->client_first))
        return false;
    random_bytes(random, sizeof(random));
    random_bytes(challenge->salt, sizeof(challenge->salt));
    struct str ours = encode_base64(&wire->arena, (struct str){random, sizeof(random)});
    struct str salt = encode_base64(
        &wire->arena, (struct str){(const char *)challenge->salt, sizeof(challenge->salt)});
    challenge->nonce = arena_printf(
        &wire->arena, "%.*s%.*s", STR_ARG(attribute(challenge->client_first, 'r')), STR_ARG(ours));
    challenge->server_first = arena_printf(&wire->arena, "r=%.*s,s=%.*s,i=%d",
                                           STR_ARG(challenge->nonce), STR_ARG(salt), ROUNDS);
    return send_authentication(wire, ASK_CONTINUE, challenge->server_first);
}

/* Whether the proof shows the password; `text` is RFC 5802's AuthMessage. */
static bool is_proof(const unsigned char salted[KEY_SIZE], struct str text, struct str proof)
{
    unsigned char client_key[KEY_SIZE], stored[KEY_SIZE], signature[KEY_SIZE];
    if (proof.len != KEY_SIZE)
        return false;
    hmac(salted, STR("Client Key"), client_key);
    EVP_Digest(client_key, KEY_SIZE, stored, NULL, EVP_sha256(), NULL);
    hmac(stored, text, signature);
    for (size_t i = 0; i < KEY_SIZE; i++) {
        if ((unsigned char)proof.data[i] != (client_key[i] ^ signature[i]))
            return false;
    }
    return true;
}

static bool send_final(struct wire *wire, const unsigned char salted[KEY_SIZE], struct str text)
{
    unsigned char key[KEY_SIZE], signature[KEY_SIZE];
    hmac(salted, STR("Server Key"), key);
    hmac(key, text, signature);
    struct str encoded =
        encode_base64(&wire->arena, (struct str){(const char *)signature, KEY_SIZE});
    return send_authentication(wire, ASK_FINAL,
                               arena_printf(&wire->arena, "v=%.*s", STR_ARG(encoded)));
}

bool login_scram(struct wire *wire, const struct account *account, bool *ret_good)
{
    const char *password = account->password ? account->password : "";
    unsigned char salted[KEY_SIZE];
    struct challenge challenge = {0};
    struct str final, proof;
    char type;
    if (!challenge_client(wire, &challenge) || !wire_read_message(wire, &type, &final) ||
        type != 'p')
        return false;
    PKCS5_PBKDF2_HMAC(password, (int)strlen(password), challenge.salt, sizeof(challenge.salt),
                      ROUNDS, EVP_sha256(), KEY_SIZE, salted);
    const char *end = memmem(final.data, final.len, ",p=", 3);
    if (!end)
        return false;
    struct str without = {final.data, (size_t)(end - final.data)};
    struct str text = arena_printf(&wire->arena, "%.*s,%.*s,%.*s", STR_ARG(challenge.client_first),
                                   STR_ARG(challenge.server_first), STR_ARG(without));
    *ret_good = str_eq(attribute(final, 'r'), challenge.nonce) &&
                decode_base64(&wire->arena, attribute(final, 'p'), &proof) &&
                is_proof(salted, text, proof);
    return !*ret_good || send_final(wire, salted, text);
}
