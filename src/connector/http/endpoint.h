/* One address of a target: chosen from a connector's rows of URLs, or named by a token. */
#pragma once

#include "base/error.h"
#include "connector/http/http_connector.h"
#include "connector/http/template.h"
#include "connector/http/url.h"
#include "connector/target.h"

struct endpoint {
    struct url url;
    /* That the URL was made from; NULL: it is the operator's, or a token's. */
    const struct connector_url *row;
    const struct connector_call *probe; /* what proves credentials there; NULL: the usual probes */
    const struct error *fault;          /* why the properties make no URL; NULL: they do */
    const struct error *unusable;       /* why it cannot be called all the same; NULL: it can */
};

/* The first row that applies, in the target's arena. Never fails: see the members above. */
void endpoint_choose(const struct target *target, const struct connector_urls *urls,
                     const struct scope *scope, struct endpoint *ret_endpoint);

/* Whether its form is good, and whether it can be called, too. Else ERR_VALIDATION. */
_must_use_ bool endpoint_check(const struct endpoint *endpoint, struct error *error);
_must_use_ bool endpoint_use(const struct endpoint *endpoint, struct error *error);

/* A token's instance_url is used when it is https within the vendor's domains, or the origin that
 * the configuration leads to anyway: nothing is sent to a third host because an answer says so. */
bool endpoint_is_trusted(const struct target *target, struct str instance_url, struct url *ret_url);

/* Where the API is for these tokens: their instance_url when it may be used, else as the target
 * has it. */
void endpoint_for_tokens(const struct target *target, const struct oauth_tokens *tokens,
                         struct endpoint *ret_endpoint);

/* Whether the operator's endpoint map names a URL for the target's connector. */
bool endpoint_is_overridden(const struct target *target);
