/* A profile's credentials as the caller gave them: sealed, and bound to account, region, name and
 * version of the row and to every column that decides where they are sent: connector, connection
 * mode and all properties, from which the receivers are derived. A row that something else than the
 * server changed does not open. Properties are bound rather than the addresses derived from them,
 * since these also depend on the release and on the operator's options. */
#pragma once

#include "auth/oauth_tokens.h"
#include "base/arena.h"
#include "profile/context.h"
#include "profile/envelope.h"
#include "store/profiles.h"
#include "vault/seal.h"

/* What they are sealed to: every column of `profile` but the state of its private connection. */
struct seal_binding profile_seal_binding(const struct profile *profile, struct arena *arena);

/* What a profile's seal holds. */
struct profile_sealed {
    const struct value *credentials;
    struct str seed;                 /* see profile/credentials.h; STR_NULL: there is none */
    const struct data_key *data_key; /* of AWS KMS (profile/envelope.h); NULL: none */
};

/* For the row as it is going to be. */
_must_use_ bool profile_seal(const struct keyring *keyring, const struct profile *profile,
                             const struct profile_sealed *what, struct arena *arena,
                             struct str *ret_sealed, struct error *error);
/* Errors as envelope_open. */
_must_use_ bool profile_unseal(const struct profile_context *context, const struct profile *profile,
                               struct arena *arena, struct profile_sealed *ret_what,
                               struct error *error);
/* The credentials, or their outline where they are encrypted under a data key: without AWS KMS. */
_must_use_ bool profile_unseal_outline(const struct keyring *keyring, const struct profile *profile,
                                       struct arena *arena, const struct value **ret_credentials,
                                       struct error *error);
/* What is sealed of `before`, for the row as it is going to be: without AWS KMS. */
_must_use_ bool profile_seal_again(const struct keyring *keyring, const struct profile *before,
                                   const struct profile *after, struct arena *arena,
                                   struct str *ret_sealed, struct error *error);

/* The AWS KMS key that the credentials are encrypted under, and their data key as that wrapped it;
 * *ret_arn STR_NULL: none. */
_must_use_ bool profile_wrapped_key(const struct keyring *keyring, const struct profile *profile,
                                    struct arena *arena, struct str *ret_arn,
                                    struct str *ret_wrapped, struct error *error);

/* For the upgrade of a row that was sealed in form 1 (vault/seal.h). *ret_tokens: what is sealed
 * beside the credentials in a profile that was written before tokens had a table of their own; all
 * absent in others. */
_must_use_ bool profile_unseal_old(const struct keyring *keyring, const struct profile *profile,
                                   struct arena *arena, const struct value **ret_credentials,
                                   struct oauth_tokens *ret_tokens, struct error *error);

/* *ret_same: the credentials are these, as value_encode writes them, with this seed. Compared in
 * constant time for equal lengths, and not decoded. *ret_data_key: what they are encrypted under;
 * NULL: nothing. Errors as envelope_open. */
_must_use_ bool profile_unseal_same(const struct profile_context *context,
                                    const struct profile *profile, const struct value *credentials,
                                    struct str seed, struct arena *arena, bool *ret_same,
                                    const struct data_key **ret_data_key, struct error *error);
