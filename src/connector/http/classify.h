/* What an answer means: the connector's own rules first, then a table common to all. */
#pragma once

#include "base/arena.h"
#include "connector/http/http_connector.h"
#include "connector/http/response.h"

struct classification {
    enum verdict_kind kind;
    enum verdict_step step;            /* where it ended: the call's own, or one below it */
    bool renewable;                    /* a new access token may help */
    const char *hint;                  /* NULL: none */
    unsigned causes;                   /* of enum verdict_cause: what the hint gives as reasons */
    const struct connector_rule *rule; /* that decided; NULL: none did, the answer's form did */
};

/* The call that an answer is for. */
struct call_context {
    enum verdict_step step;
    unsigned grant;    /* enum connector_grant of a token request; else 0 */
    const char *needs; /* JSON pointer that a good answer has; NULL: any JSON is good */
};

struct classification classify(struct arena *arena, const struct connector *connector,
                               const struct call_context *call,
                               const struct vendor_response *response);

/* --- classify_rules.c --- */

/* What answers mean at any vendor: RFC 6749's errors of token endpoints, HTTP's statuses. */
struct connector_rules classify_common_rules(void);

/* The hint at an address in the profile's properties, by its own address: another takes its place
 * for connectors without such a property. */
extern const char classify_hint_url[];
