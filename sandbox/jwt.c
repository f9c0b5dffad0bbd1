/* Takes assertions apart and makes them. */
#include "sandbox/jwt.h"

#include "base/encode.h"
#include "base/random.h"
#include "wire/restjson.h"

#include <inttypes.h>

enum { JWT_MAX = 8000, SIGNATURE_SIZE = 256 };

static bool read_part(struct arena *arena, struct str part, struct value **ret_value)
{
    struct str json;
    return decode_base64url(arena, part, &json) && json_parse(json, arena, ret_value);
}

static struct str read_audience(const struct value *payload)
{
    const struct value *audience = value_get(payload, "aud");
    if (audience && audience->kind == VALUE_LIST && audience->count > 0)
        audience = audience->items[0];
    return audience && audience->kind == VALUE_STRING ? audience->text : STR_NULL;
}

bool jwt_read(struct arena *arena, struct str token, struct jwt_claims *ret_claims)
{
    struct str first, second, third, rest;
    struct value *header, *payload;
    if (token.len > JWT_MAX || !str_cut(token, '.', &first, &rest) ||
        !str_cut(rest, '.', &second, &third) || third.len == 0 || str_contains(third, STR(".")))
        return false;
    if (!read_part(arena, first, &header) || !read_part(arena, second, &payload) ||
        !str_starts(value_text(header, "alg"), STR("RS")))
        return false;
    *ret_claims = (struct jwt_claims){value_text(payload, "iss"), value_text(payload, "sub"),
                                      read_audience(payload), value_integer(payload, "exp", -1)};
    return ret_claims->issuer.data && ret_claims->subject.data && ret_claims->audience.data &&
           ret_claims->expires_at_s >= 0;
}

/* Base64url writes '-' only for bits that ASCII text has at a '>' or '~' (or past ASCII). */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c <= ' ' || c >= '~' || c == '>' || c == '"' || c == '\\')
            return false;
    }
    return text.len > 0;
}

struct str jwt_make(struct arena *arena, const struct jwt_claims *claims)
{
    unsigned char random[SIGNATURE_SIZE];
    if (!is_plain(claims->issuer) || !is_plain(claims->subject) || !is_plain(claims->audience))
        return STR_NULL;
    struct str payload = arena_printf(
        arena, "{\"iss\":\"%.*s\",\"sub\":\"%.*s\",\"aud\":\"%.*s\",\"exp\":%" PRId64 "}",
        STR_ARG(claims->issuer), STR_ARG(claims->subject), STR_ARG(claims->audience),
        claims->expires_at_s);
    random_bytes(random, sizeof(random));
    struct str signature = {(const char *)random, sizeof(random)};
    struct str first = encode_base64url(arena, STR("{\"alg\":\"RS256\"}"));
    struct str second = encode_base64url(arena, payload);
    struct str third = encode_base64url(arena, signature);
    return arena_printf(arena, "%.*s.%.*s.%.*s", STR_ARG(first), STR_ARG(second), STR_ARG(third));
}
