/* The connector engine's two doors: checking a configuration before any call, and verifying it with
 * its vendor. What differs between vendors is data in connectors/NAME/connector.c. */
#pragma once

#include "auth/oauth_app.h"
#include "auth/oauth_tokens.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "connector/http/http_connector.h"
#include "connector/verdict.h"
#include "net/client/client.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stdint.h>

/* What the engine needs of the house around it; one for the process. */
struct connector_env {
    struct client *client;
    /* The operator's endpoint map: a base URL instead of a vendor's own, by connector type. */
    struct str (*endpoint_override)(void *context, struct str connector_type); /* STR_NULL: none */
    void *endpoint_context;
    struct oauth_apps *apps;      /* NULL: no apps are set up */
    const struct aws_access *aws; /* the server's own; NULL, or without a secret: it has none */
    struct str sts_url;           /* see aws_role_assume; STR_NULL or empty: AWS's own */
    /* How calls are made and waits are spent; NULL: client_call, and sleeping. For tests. */
    void (*call)(struct client *client, struct arena *arena, const struct client_request *request,
                 struct client_response *ret_response);
    void (*pause)(int64_t duration_ms);
    int64_t (*wall_ms)(void); /* the time that goes into requests; NULL: clock_wall_ms */
};

/* A change of one-time credentials into tokens is remembered before the tokens are used; that of a
 * code before it is shown to the vendor, too. The service implements this over the store; every
 * call may wait. */
enum grant_journal_state {
    GRANT_JOURNAL_NEW,    /* not exchanged yet: exchange it, then save */
    GRANT_JOURNAL_RESUME, /* exchanged by an earlier try that did not finish: *ret_tokens is what
                             came */
    GRANT_JOURNAL_USED,   /* exchanged, and a finished change has used it */
    GRANT_JOURNAL_LOST,   /* shown to the vendor, perhaps; whoever did never learned what came of it
                           */
    GRANT_JOURNAL_BUSY,   /* another request is exchanging it and did not end in time */
    GRANT_JOURNAL_FAILED, /* error is set */
};

/* What came of an exchange. */
enum token_grant_end {
    TOKEN_GRANT_VOID,  /* the vendor was not shown the credential, or answered and gave nothing */
    TOKEN_GRANT_SAVED, /* he gave tokens, and `save` has them */
    TOKEN_GRANT_LOST,  /* he may have given tokens, but they did not come, or are not saved */
};

struct token_grant_journal {
    void *context;
    /* One-time credential `secret` (a code, an assertion, a refresh token) for `grant` (RFC 6749's
     * grant_type) at `token_url`. After GRANT_JOURNAL_NEW the caller holds the exchange until
     * `end`. A refresh token may work again after it was used: it is never GRANT_JOURNAL_USED or
     * GRANT_JOURNAL_LOST. */
    enum grant_journal_state (*begin)(void *context, struct str grant, struct str token_url,
                                      struct str secret, struct arena *arena,
                                      struct oauth_tokens *ret_tokens, struct error *error);
    /* Durable when it returns. After GRANT_JOURNAL_NEW; also after GRANT_JOURNAL_RESUME of a
     * refresh token, when what was resumed is not accepted any more and the exchange was made once
     * again. */
    bool (*save)(void *context, const struct oauth_tokens *tokens, struct error *error);
    void (*end)(void *context, enum token_grant_end how); /* nothing to do when nothing is held */
};

struct verification {
    const struct connector_env *env;
    const struct connector *connector;
    const struct value *properties;    /* the connector's own structure; never NULL, may be empty */
    const struct value *credentials;   /* the connector's own structure */
    const struct oauth_tokens *stored; /* got for these credentials earlier; NULL: none */
    const struct token_grant_journal *journal;
    struct str region; /* where the profile is */
    /* Private mode: the operator's ways, of which every call to the vendor must take one. NULL: the
     * profile is Public. */
    const struct private_routes *private_routes;
    struct arena *arena;
    int64_t deadline_ms; /* on clock_mono_ms() */
};

/* Rules across members that the model cannot say: ERR_VALIDATION before any call, with the real
 * service's text where it is known. `credentials` is NULL when the caller gave none. */
bool connector_check(const struct connector *connector, const struct value *properties,
                     const struct value *credentials, struct arena *arena, struct error *error);

/* Calls the vendor, for credentials that connector_check let pass, of a connector that is built.
 * *ret_tokens is what shall be stored beside the credentials (`stored` when no exchange took place,
 * empty when there was none). True only for VERDICT_ACCEPTED. Waits; never on an event loop. */
bool connector_verify(const struct verification *verification, struct verdict *ret_verdict,
                      struct oauth_tokens *ret_tokens);

/* Everywhere that verifying would send the credentials: "scheme://host:port" of the API, and the
 * whole token URL, sorted, without repeats. Two configurations that differ here are different
 * receivers. A connector's own receiver is among them. The hosts that a token's instance_url names
 * are not among them: see target.h. */
void connector_origins(const struct connector_env *env, const struct connector *connector,
                       const struct value *properties, struct arena *arena,
                       struct str **ret_origins, size_t *ret_count);

/* The scheme, host and port of each place that verifying would send credentials to, a line each, in
 * the arena. `properties` is the connector's own structure; never NULL, may be empty. */
struct str connector_hosts(const struct connector_env *env, const struct connector *connector,
                           const struct value *properties, struct arena *arena);
