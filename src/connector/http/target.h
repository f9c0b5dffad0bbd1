/* A target as the declarative engine resolves it. */
#pragma once

#include "auth/oauth_tokens.h"
#include "connector/connector.h"
#include "connector/http/auth_choice.h"
#include "connector/http/endpoint.h"
#include "connector/http/template.h"

/* The part of a target that only this engine reads. */
struct http_target {
    struct scope scope;
    struct endpoint api;
    struct endpoint account; /* whose host a probe's response must name, where one is to */
    struct endpoint *tokens; /* of each row of the connector's `auth` that is OAuth */
    struct str *token_urls;  /* whole; STR_NULL where it cannot be called */
    /* What the credentials chose. */
    const struct connector_auth *auth; /* NULL: nothing to authenticate with, or not chosen yet */
    struct oauth2_material material;   /* where `auth` is OAuth, as the next two */
    const struct endpoint *token;
    struct str token_url;
};

void http_resolve(struct target *target);
void http_choose_auth(struct target *target);
_must_use_ bool http_check(const struct target *target, struct error *error);
/* ERR_VALIDATION when a URL of the properties would send credentials over http to a host that the
 * operator has not opened for it; names the member. May wait for a look-up. */
_must_use_ bool http_check_encrypted(const struct target *target, struct error *error);
/* The same of one URL. `is_private`: calls to it take private routes. */
_must_use_ bool http_check_endpoint_encrypted(const struct target *target,
                                              const struct endpoint *endpoint, bool is_private,
                                              struct error *error);

/* Whether the credentials authenticate by one of these grants (enum connector_grant) and by nothing
 * else. */
bool http_needs_grant(const struct target *target, unsigned grants);

/* A token's instance_url is used when it has the origin that the configuration leads to anyway, or
 * is https at one of the connector's `hosts` or `instances`, of which only the host is kept then:
 * nothing is sent to a third host because a response says so. */
bool target_trusts(const struct target *target, struct str instance_url, struct url *ret_url);

/* Where the API is for these tokens: their instance_url when it may be used, else as the target
 * has it. */
void target_api(const struct target *target, const struct oauth_tokens *tokens,
                struct endpoint *ret_endpoint);
