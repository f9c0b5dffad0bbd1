/* Checks the signature of a request that was signed with a shared secret. */
#include "sandbox/request.h"

#include "base/buf.h"
#include "base/encode.h"
#include "vault/crypto.h"

enum { SIGNED_TEXT_MAX = 1024 * 1024 };

static struct str header_or_empty(const struct sandbox_request *request, struct str name)
{
    const struct str *value = http_find_header(request->head, name);
    return value ? *value : STR("");
}

/* Date, method, target and, if there is one, body and its type, in small letters. */
static struct str expected_signature(const struct sandbox_request *request, struct str date,
                                     struct str secret)
{
    unsigned char hash[CRYPTO_HASH_SIZE];
    struct buf text = buf_in(request->arena, SIGNED_TEXT_MAX);
    buf_add(&text, date);
    buf_add(&text, request->head->method);
    buf_add(&text, request->head->target);
    if (request->body.len > 0) {
        buf_add(&text, request->body);
        buf_add(&text, header_or_empty(request, STR("Content-Type")));
    }
    crypto_hmac(secret, arena_lower(request->arena, buf_str(&text)), hash);
    return encode_base64(request->arena, (struct str){(const char *)hash, sizeof(hash)});
}

struct str request_signed(const struct sandbox_request *request, struct str how)
{
    struct str date_header, secret, scheme, key_id, signature, user;
    struct str header = header_or_empty(request, STR("Authorization"));
    if (!str_cut(how, ':', &date_header, &secret) || !str_cut(header, ' ', &scheme, &header) ||
        !str_eq(scheme, STR("HMAC_1")) || !str_cut(header, ':', &key_id, &header) ||
        !str_cut(header, ':', &signature, &user))
        return STR_NULL;
    struct str date = header_or_empty(request, date_header);
    if (date.len == 0 || !str_eq(signature, expected_signature(request, date, secret)))
        return STR_NULL;
    return arena_printf(request->arena, "%.*s:%.*s", STR_ARG(key_id), STR_ARG(user));
}
