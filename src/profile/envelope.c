/* The keyring's seal around everything, and a data key's inside it where the profile has one. */
#include "profile/envelope.h"

#include "base/buf.h"
#include "base/encode.h"
#include "profile/arn.h"
#include "wire/restjson.h"

#include <assert.h>

#define OUTLINE_TEXT STR("*")

struct data_key_owner envelope_owner(const struct profile_key *key, struct str arn,
                                     struct arena *arena)
{
    return (struct data_key_owner){
        .account = key->account,
        .region = key->region,
        .profile_arn = profile_arn(arena, key),
        .arn = arn,
    };
}

/* --- the outline --- */

/* credentials.MEMBER, or credentials.CONNECTOR.MEMBER; the names in a credentialsMap, which users
 * choose, are deeper. */
enum { PLAIN_DEPTH_MAX = 3 };

/* What decides which method of authentication the credentials are for; not secret. */
static bool is_plain(struct str member, int depth)
{
    static const struct str names[] = {STR("authenticationType"), STR("oAuth2GrantType")};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (depth <= PLAIN_DEPTH_MAX && str_eq(member, names[i]))
            return true;
    }
    return false;
}

static struct value *outline_of(const struct value *value, struct str member, int depth,
                                struct arena *arena)
{
    struct value *outline = arena_new(arena, struct value);
    *outline = *value;
    if (value->kind == VALUE_STRING && value->text.len > 0 && !is_plain(member, depth))
        outline->text = OUTLINE_TEXT;
    if (value->count == 0)
        return outline;
    outline->items = arena_array(arena, struct value *, value->count);
    assert(value->count <= VALUE_ITEMS_MAX);
    outline->capacity = value->count & VALUE_ITEMS_MAX;
    for (size_t i = 0; i < value->count; i++)
        outline->items[i] =
            outline_of(value->items[i], value->names ? value->names[i] : member, depth + 1, arena);
    return outline;
}

/* --- sealing --- */

static bool fail_too_large(struct error *error)
{
    return fail(error, ERR_INTERNAL, "The profile's credentials or tokens are too large to keep.");
}

static bool wrap(const struct data_key *data_key, const struct seal_binding *binding,
                 struct str object, struct arena *arena, struct str *ret_plain, struct error *error)
{
    struct buf plain = buf_in(arena, SEALED_PLAIN_MAX);
    struct value *value;
    struct str text;
    if (!json_parse(object, arena, &value))
        return fail(error, ERR_INTERNAL, "What is to be sealed is no JSON.");
    if (!data_key_seal(data_key, binding, object, arena, &text, error))
        return false;
    struct value *envelope = value_structure(arena);
    value_put(arena, envelope, "outline", outline_of(value, STR(""), 0, arena));
    value_put_text(arena, envelope, "keyArn", data_key->arn);
    value_put_text(arena, envelope, "wrappedKey", encode_base64(arena, data_key->wrapped));
    value_put_text(arena, envelope, "text", encode_base64(arena, text));
    value_encode(&plain, envelope);
    *ret_plain = buf_str(&plain);
    return !plain.overflow || fail_too_large(error);
}

bool envelope_seal(const struct keyring *keyring, const struct data_key *data_key,
                   const struct seal_binding *binding, struct str object, struct arena *arena,
                   struct str *ret_sealed, struct error *error)
{
    struct str plain = object;
    return (!data_key || wrap(data_key, binding, object, arena, &plain, error)) &&
           seal_close(keyring, binding, plain, arena, ret_sealed, error);
}

/* --- opening --- */

/* What the keyring sealed; *ret_envelope NULL: the object itself. */
static bool open_seal(const struct keyring *keyring, const struct seal_binding *binding,
                      struct str sealed, struct arena *arena, struct str *ret_plain,
                      const struct value **ret_envelope, struct error *error)
{
    struct value *envelope = NULL;
    *ret_envelope = NULL;
    if (!seal_open(keyring, binding, sealed, arena, ret_plain, error))
        return false;
    if (str_starts(*ret_plain, STR("{\"outline\":")) && json_parse(*ret_plain, arena, &envelope) &&
        value_get(envelope, "wrappedKey"))
        *ret_envelope = envelope;
    return true;
}

static bool read_wrapped(const struct value *envelope, struct arena *arena, struct str *ret_arn,
                         struct str *ret_wrapped)
{
    *ret_arn = value_text(envelope, "keyArn");
    return ret_arn->data && decode_base64(arena, value_text(envelope, "wrappedKey"), ret_wrapped) &&
           ret_wrapped->len <= DATA_KEY_WRAPPED_MAX;
}

static bool fail_damaged(const struct profile_key *key, struct error *error)
{
    return fail(error, ERR_INTERNAL, "What is sealed of profile %.*s opened, but cannot be read.",
                STR_ARG(key->name));
}

/* A key that was unwrapped and does not fit is AWS KMS's word against the seal of this server, so
 * it counts as a key that cannot be had now. */
static bool open_text(const struct profile_context *context, const struct profile_key *key,
                      const struct seal_binding *binding, const struct value *envelope,
                      struct arena *arena, struct str *ret_object, struct data_key *ret_data_key,
                      struct error *error)
{
    struct str arn, wrapped, text;
    struct error ignored;
    if (!read_wrapped(envelope, arena, &arn, &wrapped) ||
        !decode_base64(arena, value_text(envelope, "text"), &text))
        return fail_damaged(key, error);
    const struct data_key_owner owner = envelope_owner(key, arn, arena);
    if (!data_keys_unwrap(context->data_keys, &owner, wrapped, arena, ret_data_key, error))
        return false;
    if (data_key_open(ret_data_key, binding, text, arena, ret_object, &ignored))
        return true;
    data_keys_forget(context->data_keys, &owner, wrapped);
    return fail(error, ERR_UNAVAILABLE,
                "The data key that AWS KMS unwrapped for profile %.*s is not the one that its "
                "values are encrypted under.",
                STR_ARG(key->name));
}

bool envelope_open(const struct profile_context *context, const struct profile_key *key,
                   const struct seal_binding *binding, struct str sealed, struct arena *arena,
                   struct str *ret_object, const struct data_key **ret_data_key,
                   struct error *error)
{
    const struct value *envelope;
    *ret_data_key = NULL;
    if (!open_seal(context->keyring, binding, sealed, arena, ret_object, &envelope, error))
        return false;
    if (!envelope)
        return true;
    struct data_key *data_key = arena_new(arena, struct data_key);
    if (!open_text(context, key, binding, envelope, arena, ret_object, data_key, error))
        return false;
    *ret_data_key = data_key;
    return true;
}

bool envelope_outline(const struct keyring *keyring, const struct seal_binding *binding,
                      struct str sealed, struct arena *arena, struct str *ret_object,
                      struct error *error)
{
    const struct value *envelope;
    struct str arn, wrapped;
    struct buf outline = buf_in(arena, SEALED_PLAIN_MAX);
    if (!open_seal(keyring, binding, sealed, arena, ret_object, &envelope, error))
        return false;
    if (!envelope)
        return true;
    if (!read_wrapped(envelope, arena, &arn, &wrapped))
        return fail(error, ERR_INTERNAL, "A sealed value has no data key that can be read.");
    value_encode(&outline, value_get(envelope, "outline"));
    *ret_object = buf_str(&outline);
    return true;
}

bool envelope_wrapped_key(struct str plain, struct arena *arena, struct str *ret_arn,
                          struct str *ret_wrapped)
{
    struct value *envelope;
    return str_starts(plain, STR("{\"outline\":")) && json_parse(plain, arena, &envelope) &&
           read_wrapped(envelope, arena, ret_arn, ret_wrapped);
}
