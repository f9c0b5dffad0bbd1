/* Two of the ways in which the database asks for a password: MD5 (PostgreSQL's manual, "Message
 * Flow"), and SHA-256 in the form that only Redshift has (aws/amazon-redshift-python-driver). */
#include "sandbox/postgres/internal.h"

#include "base/encode.h"
#include "base/random.h"

#include <openssl/evp.h>
#include <string.h>

enum {
    SALT_MD5 = 4,
    SALT_SHA256 = 16,
    HASH_SIZE = 32,
    MD5_HEX_SIZE = 33,
};

struct piece {
    const void *data;
    size_t size;
};

static void digest(const EVP_MD *kind, const struct piece *pieces, size_t count, unsigned char *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, kind, NULL);
    for (size_t i = 0; i < count; i++)
        EVP_DigestUpdate(context, pieces[i].data, pieces[i].size);
    EVP_DigestFinal_ex(context, out, NULL);
    EVP_MD_CTX_free(context);
}

static void md5_hex(const void *a, size_t a_size, const void *b, size_t b_size,
                    char out[MD5_HEX_SIZE])
{
    unsigned char hash[16];
    digest(EVP_md5(), (const struct piece[]){{a, a_size}, {b, b_size}}, 2, hash);
    encode_hex(hash, sizeof(hash), out);
}

/* "md5" and the hex of md5(hex of md5(password, user), salt). */
static bool prove_md5(struct wire *wire, const char *password, struct str user, bool *ret_good)
{
    char salt[SALT_MD5], inner[MD5_HEX_SIZE], outer[MD5_HEX_SIZE], type;
    struct str answer;
    random_bytes(salt, sizeof(salt));
    if (!send_authentication(wire, PG_AUTH_MD5, (struct str){salt, sizeof(salt)}) ||
        !wire_read_message(wire, &type, &answer))
        return false;
    md5_hex(password, strlen(password), user.data, user.len, inner);
    md5_hex(inner, strlen(inner), salt, sizeof(salt), outer);
    struct str expected = arena_printf(&wire->arena, "md5%s", outer);
    *ret_good = type == 'p' && answer.len == expected.len + 1 &&
                memcmp(answer.data, expected.data, expected.len) == 0;
    return true;
}

/* In the answer: the length of the digest, the digest, the length of a nonce, the nonce. */
static bool is_sha256_answer(struct str answer, const char *password, struct piece salt,
                             struct piece nonce)
{
    unsigned char stored[HASH_SIZE], expected[HASH_SIZE];
    size_t head = 4 + HASH_SIZE + 4;
    if (answer.len < head || pg_read_i32(answer.data) != HASH_SIZE ||
        pg_read_i32(answer.data + 4 + HASH_SIZE) != (int32_t)(answer.len - head))
        return false;
    struct piece theirs = {answer.data + head, answer.len - head};
    digest(EVP_sha256(), (const struct piece[]){{password, strlen(password)}, salt}, 2, stored);
    digest(EVP_sha256(), (const struct piece[]){{stored, HASH_SIZE}, nonce, theirs}, 3, expected);
    return memcmp(answer.data + 4, expected, HASH_SIZE) == 0;
}

static bool prove_sha256(struct wire *wire, const char *password, bool *ret_good)
{
    char salt[SALT_SHA256], nonce[SALT_SHA256], type;
    struct buf ask = buf_in(&wire->arena, MESSAGE_MAX);
    struct str answer;
    random_bytes(salt, sizeof(salt));
    random_bytes(nonce, sizeof(nonce));
    pg_message_i32(&ask, 0); /* the algorithm: SHA-256 */
    pg_message_i32(&ask, sizeof(salt));
    buf_add(&ask, (struct str){salt, sizeof(salt)});
    pg_message_i32(&ask, sizeof(nonce));
    buf_add(&ask, (struct str){nonce, sizeof(nonce)});
    if (!send_authentication(wire, PG_AUTH_SHA256, buf_str(&ask)) ||
        !wire_read_message(wire, &type, &answer))
        return false;
    *ret_good =
        type == 'd' && is_sha256_answer(answer, password, (struct piece){salt, sizeof(salt)},
                                        (struct piece){nonce, sizeof(nonce)});
    return true;
}

bool login_prove(struct wire *wire, const struct account *account, struct str user, bool *ret_good)
{
    /* An unknown user is asked for a password too, and no answer is right. */
    static const struct account unknown = {.password = NULL};
    const struct account *asked = account ? account : &unknown;
    const char *password = asked->password ? asked->password : "";
    bool over = false;
    *ret_good = false;
    switch (asked->method) {
    case METHOD_MD5:
        over = !prove_md5(wire, password, user, ret_good);
        break;
    case METHOD_SCRAM:
        over = !login_scram(wire, asked, ret_good);
        break;
    case METHOD_SHA256:
        over = !prove_sha256(wire, password, ret_good);
        break;
    }
    *ret_good = *ret_good && asked->password;
    return !over;
}
