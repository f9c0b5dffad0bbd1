/* JWS in compact form (RFC 7515, 7.1) over claims of RFC 7519. */
#include "auth/assertion_key.h"

#include "auth/reference.h"
#include "base/buf.h"
#include "base/encode.h"
#include "vault/signing_key.h"
#include "wire/json_value.h"

#include <assert.h>

enum {
    CLAIM_MAX = 2048, /* bytes of a claim, each of which takes six in JSON at most */
    CLAIMS_MAX = 32 * CLAIM_MAX,
};

bool assertion_key_is_meant(struct str text)
{
    size_t i = 0;
    while (i < text.len && (text.data[i] == ' ' || text.data[i] == '\n' || text.data[i] == '\r' ||
                            text.data[i] == '\t'))
        i++;
    return i < text.len && text.data[i] == '{' && !reference_is_meant(text);
}

static bool check_claim(const struct value *object, const char *name, bool is_needed,
                        struct error *error)
{
    struct str claim = value_text(object, name);
    if (claim.len > CLAIM_MAX)
        return fail(error, ERR_VALIDATION, "its member %s has more than %d bytes", name, CLAIM_MAX);
    return claim.len > 0 || (!is_needed && !value_get(object, name)) ||
           fail(error, ERR_VALIDATION, "its member %s must be a text that is not empty", name);
}

static bool read_object(struct str text, struct arena *arena, const struct value **ret_object,
                        struct signing_key **ret_key, struct error *error)
{
    struct value *object;
    if (!json_parse(text, arena, &object) || object->kind != VALUE_STRUCTURE)
        return fail(error, ERR_VALIDATION, "it is no JSON object with privateKey, iss and sub");
    *ret_object = object;
    return check_claim(object, "iss", true, error) && check_claim(object, "sub", true, error) &&
           check_claim(object, "aud", false, error) && check_claim(object, "kid", false, error) &&
           signing_key_read(value_text(object, "privateKey"), ret_key, error);
}

bool assertion_key_check(struct str text, struct error *error)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_signing_key_ struct signing_key *key = NULL;
    const struct value *object;
    return read_object(text, &arena, &object, &key, error);
}

static struct str encoded(struct arena *arena, const struct value *part)
{
    struct buf json = buf_in(arena, CLAIMS_MAX);
    value_encode(&json, part);
    assert(!json.overflow);
    return encode_base64url(arena, buf_str(&json));
}

static struct str header_of(const struct value *object, struct arena *arena)
{
    struct value *header = value_structure(arena);
    value_put_text(arena, header, "alg", STR("RS256"));
    value_put_text(arena, header, "typ", STR("JWT"));
    value_put_text(arena, header, "kid", value_text(object, "kid"));
    return encoded(arena, header);
}

static struct str claims_of(const struct value *object, const struct assertion_terms *terms,
                            struct arena *arena)
{
    struct value *claims = value_structure(arena);
    struct str audience = value_text(object, "aud");
    value_put_text(arena, claims, "iss", value_text(object, "iss"));
    value_put_text(arena, claims, "sub", value_text(object, "sub"));
    value_put_text(arena, claims, "aud", audience.len > 0 ? audience : terms->audience);
    value_put_integer(arena, claims, "exp", terms->now_ms / 1000 + terms->life_s);
    return encoded(arena, claims);
}

bool assertion_sign(struct str text, const struct assertion_terms *terms, struct arena *arena,
                    struct str *ret_assertion, struct error *error)
{
    _cleanup_signing_key_ struct signing_key *key = NULL;
    const struct value *object = NULL;
    struct str signature;
    if (!read_object(text, arena, &object, &key, error))
        return false;
    struct str header = header_of(object, arena), claims = claims_of(object, terms, arena);
    struct str signed_text = arena_printf(arena, "%.*s.%.*s", STR_ARG(header), STR_ARG(claims));
    if (!signing_key_sign(key, signed_text, arena, &signature, error))
        return false;
    signature = encode_base64url(arena, signature);
    *ret_assertion = arena_printf(arena, "%.*s.%.*s", STR_ARG(signed_text), STR_ARG(signature));
    return true;
}
