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

/* The URL of the first row that applies, as the table has it; STR_NULL: none does. */
struct str endpoint_first_url(const struct connector_urls *urls, const struct scope *scope,
                              struct arena *arena);

/* Whether the properties decide nothing about it but, where the connector's table of hosts says so,
 * one label of the host: it is the vendor's own, in that table, or the operator's. Only there is a
 * secret sent that the owner of the profile does not have. */
bool endpoint_is_fixed(const struct endpoint *endpoint);

/* Whether the operator's endpoint map names a URL for the target's connector. */
bool endpoint_is_overridden(const struct target *target);

/* For a URL that somebody else chose: true when it is https at one of the hosts. Then it is cut
 * down to what may be called with a secret that is not theirs, the host at port 443. */
bool endpoint_keep_host(struct url *url, const struct connector_texts *hosts);
