/* What a profile has sealed: its credentials, OAuth tokens and what a grant gave, each a JSON
 * object. With a data key of AWS KMS (auth/data_keys.h) the object is encrypted under that first,
 * and what the keyring seals is
 *
 *     {"outline":{…},"keyArn":"…","wrappedKey":"BASE64","text":"BASE64"}
 *
 * where the outline is the object with "*" in place of each text that may be secret: enough to say
 * which kinds of credentials there are, when AWS KMS is not to be asked, or cannot be. What stands
 * around the text is bound by the keyring's seal, so it is what this server wrote. The keyring's
 * key is rotated, and the binding to a row's columns replaced, without AWS KMS. */
#pragma once

#include "auth/data_keys.h"
#include "base/arena.h"
#include "base/error.h"
#include "profile/context.h"
#include "store/profile_key.h"
#include "vault/seal.h"
#include "wire/value.h"

enum { SEALED_PLAIN_MAX = 1024 * 1024 };

/* A profile's data key. `key` names the profile, and `arn` the key of AWS KMS. */
struct data_key_owner envelope_owner(const struct profile_key *key, struct str arn,
                                     struct arena *arena);

/* `data_key` NULL: the keyring's seal alone. */
_must_use_ bool envelope_seal(const struct keyring *keyring, const struct data_key *data_key,
                              const struct seal_binding *binding, struct str object,
                              struct arena *arena, struct str *ret_sealed, struct error *error);

/* The object; *ret_data_key: what it is encrypted under, NULL: nothing. ERR_INTERNAL: damaged, or
 * not in this place; else the errors of data_keys_unwrap, which will pass: envelope_key_is_away. */
_must_use_ bool envelope_open(const struct profile_context *context, const struct profile_key *key,
                              const struct seal_binding *binding, struct str sealed,
                              struct arena *arena, struct str *ret_object,
                              const struct data_key **ret_data_key, struct error *error);
static inline bool envelope_key_is_away(const struct error *error)
{
    return error->code != ERR_INTERNAL && error->code != ERR_TOO_LARGE;
}

/* The object, or its outline where it is encrypted under a data key. Asks the keyring alone. */
_must_use_ bool envelope_outline(const struct keyring *keyring, const struct seal_binding *binding,
                                 struct str sealed, struct arena *arena, struct str *ret_object,
                                 struct error *error);

/* The data key that an opened seal's text is encrypted under, still wrapped; false: under none. */
bool envelope_wrapped_key(struct str plain, struct arena *arena, struct str *ret_arn,
                          struct str *ret_wrapped);
