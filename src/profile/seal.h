/* A profile's secrets: the credentials as the caller gave them and the tokens got for them, sealed
 * together and bound to account, region, name and version of the row. */
#pragma once

#include "auth/oauth_tokens.h"
#include "base/arena.h"
#include "store/profiles.h"
#include "vault/seal.h"

struct profile_secrets {
    const struct value *credentials; /* the connector's own structure */
    struct oauth_tokens tokens;      /* all absent when none were got */
};

/* What they are sealed to: key and version of `profile`. */
struct seal_binding profile_seal_binding(const struct profile *profile);

/* For the row as it is going to be: key and version of `profile` must be set. */
bool profile_seal(const struct keyring *keyring, const struct profile *profile,
                  const struct value *credentials, const struct oauth_tokens *tokens,
                  struct arena *arena, struct str *ret_sealed, struct error *error);
bool profile_unseal(const struct keyring *keyring, const struct profile *profile,
                    struct arena *arena, struct profile_secrets *ret_secrets, struct error *error);

/* *ret_same: the credentials are these, as value_encode writes them; then *ret_tokens is what was
 * got for them. Compared in constant time for equal lengths, and not decoded. */
bool profile_unseal_same(const struct keyring *keyring, const struct profile *profile,
                         const struct value *credentials, struct arena *arena, bool *ret_same,
                         struct oauth_tokens *ret_tokens, struct error *error);

enum { SEALED_PLAIN_MAX = 1024 * 1024 };
