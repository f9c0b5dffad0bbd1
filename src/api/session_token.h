/* Temporary credentials: an access key id, a secret and a session token, which end by themselves.
 *
 * Nothing of a session is stored. The token is a sealed text (vault/seal.h, purpose "session",
 * bound to the temporary access key id), so that every node can open it and a changed one opens
 * nowhere. It holds the id of the access key that the session descends from, the session's secret
 * and end, a mark of that key's secret, the role and the name that GetCallerIdentity shows, and the
 * session's policies. A session works while that access key does: it must be of the current
 * generation, have the same secret as when the session was made, and not have ended.
 *
 * A session that makes another one hands on its end and its policies: nothing that descends from a
 * session may do more, or for longer, than the session itself. */
#pragma once

#include "api/policy.h"
#include "base/arena.h"
#include "base/error.h"
#include "vault/keyring.h"
#include "vault/secret.h"

#include <stdint.h>

enum {
    SESSION_ID_SIZE = 21,         /* "ASIA", 16 letters and digits, NUL: AWS's form */
    SESSION_SECRET_SIZE = 41,     /* with NUL */
    SESSION_POLICY_MAX = 2048,    /* bytes of one; AWS's limit for a session policy */
    SESSION_POLICIES_MAX = 4096,  /* bytes of all that a session has from those before it, too */
    SESSION_TOKEN_MAX = 8 * 1024, /* bytes */
    SESSION_NAME_MAX = 64,        /* bytes of a role's name, and of a session's, as at AWS */
    SESSION_MARK_SIZE = 65,       /* with NUL */
    SESSION_LIFE_MAX_MS = 129600 * 1000, /* as GetSessionToken's at AWS: 36 hours */
};

/* An opened token. */
struct session_token {
    struct str parent_id; /* of the access key */
    struct str secret;
    struct str mark;     /* of the access key's secret, see session_mark */
    struct str role;     /* its name; empty: the identity is that of the access key */
    struct str name;     /* empty as well */
    struct str policies; /* one a line, each of which must allow a request; may be empty */
    int64_t end_ms;
};

/* Whether the token says that it is one of Headgate's; it may still be changed or too old. */
bool session_token_is_ours(struct str token);

/* Opens the token of the temporary access key `id`; the result lives in the arena.
 * ERR_UNRECOGNIZED_CLIENT, or ERR_EXPIRED_TOKEN after its end. */
_must_use_ bool session_open(const struct keyring *keyring, struct str id, struct str token,
                             struct arena *arena, struct session_token *ret_session,
                             struct error *error);

/* A keyed hash that tells whether an access key still has the secret that a session was made with.
 */
void session_mark(const struct secret *secret, char out[SESSION_MARK_SIZE]);

/* What a new session descends from. */
struct session_parent {
    struct str access_key_id; /* of the access key */
    struct str mark;          /* of its secret */
    struct str policies;      /* of the session that makes it; empty: none, or an access key does */
    int64_t end_ms;           /* of the access key, or the session that makes it; 0: none */
};

struct session_wish {
    struct str role, name;
    struct str policy; /* JSON; empty: none */
    int64_t duration_s;
};

struct session_credentials {
    char access_key_id[SESSION_ID_SIZE];
    char secret[SESSION_SECRET_SIZE];
    struct str token;
    int64_t end_ms; /* whole seconds; not later than the parent's */
};

/* Makes a session. The caller has checked role and name (session_name_is_valid) and duration.
 * ERR_VALIDATION for a policy. The credentials are to be wiped. */
_must_use_ bool session_make(const struct keyring *keyring, const struct session_parent *parent,
                             const struct session_wish *wish, struct arena *arena,
                             struct session_credentials *ret_credentials, struct error *error);

/* At most SESSION_NAME_MAX of letters, digits and "_+=,.@-"; not empty. */
bool session_name_is_valid(struct str name);

/* Takes the first policy off `policies`. False: there is none. */
bool session_next_policy(struct str *policies, struct str *ret_policy);
