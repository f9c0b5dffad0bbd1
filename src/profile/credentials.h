/* A profile's credentials in use. What the caller gave, references included, is what is stored and
 * compared; what references lead to at this moment is what is sent, and is secret like every other
 * credential, also where the member itself names a user or a client. It is never stored. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "connector/target.h"
#include "profile/context.h"
#include "store/profiles.h"
#include "wire/value.h"

enum {
    CREDENTIALS_REFERENCES_MAX = 32, /* in one profile */
    CREDENTIALS_SEED_SIZE = 65,      /* hex digits and a NUL */
};

struct profile_credentials {
    const struct value *given;
    const struct value *resolved; /* `given` itself where it has no reference */
    /* A keyed hash of what was got for the references among the members that tokens begin with: an
     * access or refresh token, a code, an assertion. Sealed beside the credentials: when it
     * changes, the tokens that were got earlier are not those of the credentials any more.
     * STR_NULL: there is no such reference. */
    struct str seed;
    const struct data_key *data_key; /* set by profile_credentials_open; NULL: there is none */
    bool key_is_away; /* profile_credentials_open failed since the data key cannot be unwrapped */
};

/* not_before_ms: what the cache still has of a secret is good enough. */
enum { CREDENTIALS_CACHED = 0 };

/* The time that all references of one profile together have: REFERENCE_TIME_MS, or that of the
 * vendor's calls if it is shorter. */
int64_t profile_credentials_time_ms(const struct profile_context *context);

/* Refuses what is meant as a reference and is none, or is not allowed to the account, before
 * anything is read; then resolves. What comes must be valid for its member. The error names the
 * reference and the member, and no secret. ERR_VALIDATION: a reference that leads nowhere, or is
 * not allowed; ERR_ACCESS_DENIED: AWS refuses it; ERR_THROTTLING, ERR_CONNECTOR_SERVER,
 * ERR_UNAVAILABLE: it may be good later (profile_credentials_may_recover). */
_must_use_ bool profile_credentials_resolve(const struct profile_context *context,
                                            struct profile_key key, struct str connector_key,
                                            const struct value *given, int64_t not_before_ms,
                                            struct arena *arena,
                                            struct profile_credentials *ret_credentials,
                                            struct error *error);
_must_use_ bool profile_credentials_may_recover(const struct error *error);

/* What references lead to is checked as credentials that are given are: the connector's own rules
 * for the target, which has them. Credentials without references were checked when they were given.
 * ERR_VALIDATION, in the words of the connector. */
_must_use_ bool profile_credentials_check(const struct profile_credentials *credentials,
                                          const struct target *target, struct error *error);

/* Opens the sealed credentials of a row, resolves them, gives them to its target and checks them.
 * Errors of the seal as envelope_open. */
_must_use_ bool profile_credentials_open(const struct profile_context *context,
                                         const struct profile *profile, struct target *target,
                                         struct profile_credentials *ret_credentials,
                                         struct error *error);

/* After the vendor rejected what was sent: reads again what references lead to. True, with the
 * target and *credentials as they are now, when something else came; to be tried once. */
bool profile_credentials_reread(const struct profile_context *context, struct profile_key key,
                                struct target *target, struct profile_credentials *credentials);
