/* A profile's credentials as the caller gave them: sealed and bound to account, region, name and
 * version of the row. */
#pragma once

#include "auth/oauth_tokens.h"
#include "base/arena.h"
#include "store/profiles.h"
#include "vault/seal.h"

/* What they are sealed to: key and version of `profile`. */
struct seal_binding profile_seal_binding(const struct profile *profile);

/* For the row as it is going to be: key and version of `profile` must be set. */
_must_use_ bool profile_seal(const struct keyring *keyring, const struct profile *profile,
                             const struct value *credentials, struct arena *arena,
                             struct str *ret_sealed, struct error *error);
/* *ret_tokens, unless NULL: what is sealed beside the credentials in a profile that was written
 * before tokens had a table of their own; all absent in others. */
_must_use_ bool profile_unseal(const struct keyring *keyring, const struct profile *profile,
                               struct arena *arena, const struct value **ret_credentials,
                               struct oauth_tokens *ret_tokens, struct error *error);

/* *ret_same: the credentials are these, as value_encode writes them. Compared in constant time for
 * equal lengths, and not decoded. */
_must_use_ bool profile_unseal_same(const struct keyring *keyring, const struct profile *profile,
                                    const struct value *credentials, struct arena *arena,
                                    bool *ret_same, struct error *error);

enum { SEALED_PLAIN_MAX = 1024 * 1024 };
