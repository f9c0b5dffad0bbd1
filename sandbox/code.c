/* "sandbox-issued-code-EXPIRES-NONCE-CHECKS": when it ends, in seconds, a random part, and a check
 * value for the code itself and for each thing that it is bound to, so that a refusal can name the
 * one that differs. */
#include "sandbox/code.h"

#include "base/encode.h"
#include "base/random.h"
#include "sandbox/issued.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

enum {
    NONCE_SIZE = 12,
    EXPIRES_DIGITS = 10,
    CHECKS = 4,
    HEAD_LEN = EXPIRES_DIGITS + 1 + 2 * NONCE_SIZE,
    VERIFIER_LEAST = 43,
    VERIFIER_MOST = 128,
};

static const struct str prefix = STR("sandbox-issued-code-");

static bool add_check(struct buf *out, struct arena *arena, struct str issuer, struct str head,
                      const char *what, struct str value)
{
    char check[ISSUED_CHECK_HEX + 1];
    struct str message = arena_printf(arena, "%.*s code %.*s %s %.*s", STR_ARG(issuer),
                                      STR_ARG(head), what, STR_ARG(value));
    if (!issued_check_value(message, check))
        return false;
    buf_add_cstr(out, check);
    return true;
}

/* The check values of a code with this head, one after the other. STR_NULL: cannot be computed. */
static struct str checks_of(struct arena *arena, struct str issuer, struct str head,
                            const struct code_binding *binding)
{
    struct buf checks = buf_in(arena, (size_t)CHECKS * ISSUED_CHECK_HEX);
    bool done = add_check(&checks, arena, issuer, head, "itself", STR("")) &&
                add_check(&checks, arena, issuer, head, "client", binding->client_id) &&
                add_check(&checks, arena, issuer, head, "redirect", binding->redirect_uri) &&
                add_check(&checks, arena, issuer, head, "challenge", binding->challenge);
    return done ? buf_str(&checks) : STR_NULL;
}

struct str code_make(struct arena *arena, struct str issuer, const struct code_binding *binding,
                     int64_t now_s)
{
    unsigned char random[NONCE_SIZE];
    char nonce[2 * NONCE_SIZE + 1];
    random_bytes(random, sizeof(random));
    encode_hex(random, sizeof(random), nonce);
    struct str head =
        arena_printf(arena, "%0*" PRId64 "-%s", EXPIRES_DIGITS, now_s + CODE_LIFE_S, nonce);
    struct str checks = checks_of(arena, issuer, head, binding);
    return checks.data ? arena_printf(arena, "%.*s%.*s-%.*s", STR_ARG(prefix), STR_ARG(head),
                                      STR_ARG(checks))
                       : STR_NULL;
}

static bool is_same_check(struct str one, struct str other, int index)
{
    size_t at = (size_t)index * ISSUED_CHECK_HEX;
    return memcmp(one.data + at, other.data + at, ISSUED_CHECK_HEX) == 0;
}

/* Its digits, which the first check value vouches for. */
static int64_t expires_of(struct str head)
{
    int64_t seconds = 0;
    for (size_t i = 0; i < EXPIRES_DIGITS; i++)
        seconds = 10 * seconds + (head.data[i] - '0');
    return seconds;
}

enum code_verdict code_check(struct arena *arena, struct str issuer, struct str code,
                             const struct code_binding *binding, int64_t now_s)
{
    static const enum code_verdict others[CHECKS] = {CODE_UNKNOWN, CODE_OTHER_CLIENT,
                                                     CODE_OTHER_REDIRECT_URI, CODE_OTHER_VERIFIER};
    const size_t len = prefix.len + HEAD_LEN + 1 + (size_t)CHECKS * ISSUED_CHECK_HEX;
    if (code.len != len || !str_starts(code, prefix) || code.data[prefix.len + HEAD_LEN] != '-')
        return CODE_UNKNOWN;
    struct str head = {code.data + prefix.len, HEAD_LEN};
    struct str given = {head.data + HEAD_LEN + 1, (size_t)CHECKS * ISSUED_CHECK_HEX};
    struct str wanted = checks_of(arena, issuer, head, binding);
    if (!wanted.data || !is_same_check(given, wanted, 0))
        return CODE_UNKNOWN;
    if (expires_of(head) <= now_s)
        return CODE_EXPIRED;
    for (int i = 1; i < CHECKS; i++) {
        if (!is_same_check(given, wanted, i))
            return others[i];
    }
    return CODE_GOOD;
}

struct str code_challenge(struct arena *arena, struct str verifier)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (verifier.len < VERIFIER_LEAST || verifier.len > VERIFIER_MOST ||
        EVP_Digest(verifier.data, verifier.len, hash, &size, EVP_sha256(), NULL) != 1)
        return STR("");
    return encode_base64url(arena, (struct str){(const char *)hash, size});
}
