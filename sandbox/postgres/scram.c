/* SCRAM-SHA-256 from the server's side (RFC 5802, RFC 7677; PostgreSQL's manual, "SASL
 * Authentication"), without channel binding. */
#include "sandbox/postgres/internal.h"

#include "base/encode.h"
#include "base/random.h"
#include "wire/scram.h"

#include <string.h>

enum {
    SALT_SIZE = 16,
};

#define MECHANISM "SCRAM-SHA-256"

/* Our random part and the salt. */
struct challenge {
    struct str client_first; /* bare */
    struct str server_first;
    struct str nonce; /* both parts */
    unsigned char salt[SALT_SIZE];
};

/* The client's nonce: "n=,r=NONCE". PostgreSQL ignores the name, which the start-up packet has. */
static struct str client_nonce(struct str bare)
{
    struct str name, nonce;
    return str_cut(bare, ',', &name, &bare) && scram_take(&bare, 'r', &nonce) ? nonce : STR_NULL;
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
    return client_nonce(*ret_bare).len > 0;
}

static bool challenge_client(struct wire *wire, struct challenge *challenge)
{
    char type, random[SCRAM_NONCE_SIZE];
    struct str body;
    if (!send_authentication(wire, PG_AUTH_SASL, STR(MECHANISM "\0\0")) ||
        !wire_read_message(wire, &type, &body) || type != 'p' ||
        !read_first(body, &challenge->client_first))
        return false;
    random_bytes(random, sizeof(random));
    random_bytes(challenge->salt, sizeof(challenge->salt));
    struct str ours = encode_base64(&wire->arena, (struct str){random, sizeof(random)});
    struct str salt = encode_base64(
        &wire->arena, (struct str){(const char *)challenge->salt, sizeof(challenge->salt)});
    challenge->nonce = arena_printf(&wire->arena, "%.*s%.*s",
                                    STR_ARG(client_nonce(challenge->client_first)), STR_ARG(ours));
    challenge->server_first =
        arena_printf(&wire->arena, "r=%.*s,s=%.*s,i=%d", STR_ARG(challenge->nonce), STR_ARG(salt),
                     SCRAM_ITERATIONS_LEAST);
    return send_authentication(wire, PG_AUTH_SASL_CONTINUE, challenge->server_first);
}

static bool send_final(struct wire *wire, const struct scram_proof *proof)
{
    struct str signature = {(const char *)proof->server, SCRAM_KEY_SIZE};
    struct str encoded = encode_base64(&wire->arena, signature);
    return send_authentication(wire, PG_AUTH_SASL_FINAL,
                               arena_printf(&wire->arena, "v=%.*s", STR_ARG(encoded)));
}

/* "c=BINDING,r=NONCE,p=PROOF"; the first two are client-final-message-without-proof. */
static bool read_final(struct wire *wire, struct str final, struct str *ret_without,
                       struct str *ret_nonce, struct str *ret_proof)
{
    struct str binding, encoded, rest = final;
    if (!scram_take(&rest, 'c', &binding) || !scram_take(&rest, 'r', ret_nonce))
        return false;
    *ret_without = (struct str){final.data, final.len - rest.len - 1};
    return scram_take(&rest, 'p', &encoded) && decode_base64(&wire->arena, encoded, ret_proof);
}

bool login_scram(struct wire *wire, const struct account *account, bool *ret_good)
{
    unsigned char salted[SCRAM_KEY_SIZE];
    struct challenge challenge = {0};
    struct scram_proof expected;
    struct str final, without, nonce, proof;
    char type;
    if (!challenge_client(wire, &challenge) || !wire_read_message(wire, &type, &final) ||
        type != 'p' || !read_final(wire, final, &without, &nonce, &proof) ||
        !scram_salt_password(str_from(account->password ? account->password : ""),
                             (struct str){(const char *)challenge.salt, SALT_SIZE},
                             SCRAM_ITERATIONS_LEAST, NULL, salted))
        return false;
    struct str text = arena_printf(&wire->arena, "%.*s,%.*s,%.*s", STR_ARG(challenge.client_first),
                                   STR_ARG(challenge.server_first), STR_ARG(without));
    scram_prove(salted, text, &expected);
    *ret_good = str_eq(nonce, challenge.nonce) && scram_is_key(proof, expected.client);
    return !*ret_good || send_final(wire, &expected);
}
