/* Session credentials of the local processes that run connectors' functions, and what they may do:
 * read one secret, while the call that the secret belongs to lasts, and nothing else.
 *
 * They are known in the memory of this process alone: what starts a connector's process makes a
 * session, gives the credentials to the process in its environment (AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), grants it a secret when a call begins, revokes that
 * when the call has ended, however it ended, and frees the session with the process. A request that
 * is signed with credentials of no session, or while nothing is granted, is refused. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "vault/secret.h"

#include <stdbool.h>

enum {
    FUNCTION_SESSION_ID_SIZE = 21,     /* "ASIA", 16 letters and digits, NUL: AWS's form */
    FUNCTION_SESSION_SECRET_SIZE = 41, /* with NUL */
    FUNCTION_SESSION_TOKEN_SIZE = 70,  /* "HGFS.", 64 letters and digits, NUL */
    FUNCTION_REQUESTS_MAX = 100, /* that a process may make in one call: readings are audited */
};

/* All sessions of a server. Thread-safe. */
struct function_sessions;
struct function_sessions *function_sessions_new(void);
void function_sessions_free(
    struct function_sessions *sessions); /* none may be left; NULL is fine */

/* For the environment of a process; to be wiped (explicit_bzero) when it was started. */
struct function_credentials {
    char access_key_id[FUNCTION_SESSION_ID_SIZE];
    char secret_access_key[FUNCTION_SESSION_SECRET_SIZE];
    char session_token[FUNCTION_SESSION_TOKEN_SIZE];
};

/* One process's. `account` and `function_arn`, the Lambda function that it stands in for, are
 * copied. */
struct function_session;
struct function_session *function_session_new(struct function_sessions *sessions,
                                              struct str account, struct str function_arn,
                                              struct function_credentials *ret_credentials);
/* From here on the credentials are unknown. NULL is fine. */
void function_session_free(struct function_session *session);

/* The same members of a function_call. */
struct function_grant {
    struct str account;
    struct str secret_arn;  /* STR_NULL: the call has none, and nothing can be read */
    struct str secret_text; /* STR_NULL: what the store holds when it is read */
    struct str request_id;
};
/* Replaces what was granted before. Copies; the text is kept in locked memory. */
void function_session_grant(struct function_session *session, const struct function_grant *grant);
/* Wipes the text. */
void function_session_revoke(struct function_session *session);

/* --- for what verifies a request's signature --- */

/* Whether the token says that it is of such a session; it may have ended. */
bool function_token_is_ours(struct str token);

/* Who calls, as it was when the session was found. In the arena. */
struct function_caller {
    struct str account;
    struct str function_arn;
    struct str secret_arn;  /* STR_NULL: it may read nothing now */
    struct str secret_text; /* in the arena, which must wipe it */
    struct str request_id;  /* of the call that it works on */
    /* Of the process since the secret was granted, with this one; counted to one beyond
     * FUNCTION_REQUESTS_MAX. */
    int requests;
};

/* Counts a request. The secret access key, to be freed; NULL: there is no such session, or the
 * token is not its. */
struct secret *function_session_find(struct function_sessions *sessions, struct str access_key_id,
                                     struct str token, struct arena *arena,
                                     struct function_caller *ret_caller);
