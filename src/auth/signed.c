/* Signing requests, step by step. */
#include "auth/signed.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/url.h"
#include "vault/crypto.h"

#include <time.h>

struct str signed_date(struct arena *arena, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                        tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                        (int)(wall_ms % 1000));
}

struct str signed_target(struct str url)
{
    struct url_parts parts;
    return url_split(url, &parts) ? parts.rest : STR_NULL;
}

struct str signed_message(struct arena *arena, const struct signed_request *request)
{
    struct buf message = buf_in(arena, SIGNED_MESSAGE_MAX);
    buf_add(&message, arena_lower(arena, request->date));
    buf_add(&message, arena_lower(arena, request->method));
    buf_add(&message, arena_lower(arena, signed_target(request->url)));
    if (request->body.len > 0) {
        buf_add(&message, arena_lower(arena, request->body));
        buf_add(&message, arena_lower(arena, request->content_type));
    }
    return buf_str(&message);
}

struct str signed_signature(struct arena *arena, struct str secret, struct str message)
{
    unsigned char signature[CRYPTO_HASH_SIZE];
    crypto_hmac(secret, message, signature);
    return encode_base64(arena, (struct str){(const char *)signature, sizeof(signature)});
}

struct str signed_authorization(struct arena *arena, struct str scheme, struct str key_id,
                                struct str signature, struct str user)
{
    return arena_printf(arena, "%.*s %.*s:%.*s:%.*s", STR_ARG(scheme), STR_ARG(key_id),
                        STR_ARG(signature), STR_ARG(user));
}
