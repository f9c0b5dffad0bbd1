/* Where a profile's traffic goes. A target is resolved once for a request, from the connector, the
 * profile's properties, the operator's configuration and the connection mode; the credentials then
 * choose the authentication. The check of a configuration, the host share that bounds concurrent
 * calls, the comparison of credential recipients, and the connection to the vendor all read it, so
 * that none of them can come to another address than the others. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "connector/env.h"
#include "net/private_routes.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stddef.h>

enum { TARGET_HOSTS_MAX = 64 * 1024 }; /* bytes of target_hosts */

struct connector;
struct http_target;

struct target {
    const struct connector *connector;
    const struct connector_env *env;
    struct arena *arena;             /* what was resolved lives here */
    const struct value *properties;  /* the connector's own structure; never NULL, may be empty */
    const struct value *credentials; /* likewise; NULL: none were given, or not set yet */
    /* Private mode: the operator's routes, one of which every call must take. NULL: Public. */
    const struct private_routes *private_routes;
    struct str account;         /* AWS account of the profile, to which routes may belong */
    struct str private_service; /* PrivateLink service whose route calls take; empty: the host's */
    bool tokens_are_public;     /* calls for tokens take no private route */
    struct str code_verifier;   /* of a code in the credentials (RFC 7636); STR_NULL: none */
    const struct error *fault;  /* why the properties lead nowhere; NULL: they lead somewhere */
    /* Who receives the credentials: the whole base URL of the API, path included, and whole token
     * URLs, sorted, without repeats. A host that a token's instance_url names is not among them. */
    struct str *origins;
    size_t origin_count;
    /* What else decides who receives them, for an implementation that cannot tell which of the
     * properties do; STR_NULL: nothing. */
    struct str receiver_settings;
    /* What the connector's implementation keeps: one of these. */
    struct http_target *http;
    void *custom;
};

/* What a target is resolved from. All of it must live as long as the target. */
struct target_source {
    const struct connector *connector;
    const struct connector_env *env;
    const struct value *properties;
    const struct private_routes *private_routes; /* NULL: Public mode */
    struct str account;                          /* AWS account of the profile */
};

/* Reads nothing but the source, so it may run on an event loop. Properties that lead nowhere are no
 * failure here: target->fault, or connector_check, says so. */
void target_resolve(struct target *target, const struct target_source *source, struct arena *arena);

/* Chooses the authentication that the credentials mean; once for a target. */
void target_set_credentials(struct target *target, const struct value *credentials);

/* The same again with other credentials, when a reference led to something else than before. */
void target_replace_credentials(struct target *target, const struct value *credentials);

/* Private mode: the operator's route that calls to a host take, one of the account's for that host.
 * NULL: there is none. */
const struct private_route *target_route(const struct target *target, struct str host);

/* For implementations: adds a copy of the pointer to origins. Room for `max` was made. */
void target_set_origins(struct target *target, struct str *origins, size_t count);

/* Scheme, host and port of each origin, a line each, in the target's arena: the key of the host
 * share. Empty when the target leads nowhere. */
struct str target_hosts(const struct target *target);

/* Whether credentials sent to one of the targets reach only recipients of the other. Recipients
 * that do not prove themselves by TLS are the same only when the route to them is the same, too. */
bool target_same_recipients(const struct target *a, const struct target *b);
