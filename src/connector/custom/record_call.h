/* What calls to a registered connector's function about an entity's records have in common, whether
 * they read or write: the profile's settings and the flow's, and the entity's definition. */
#pragma once

#include "connector/custom/query_call.h"

struct record_flow {
    const char *end;                /* for messages: "source" or "destination" */
    const struct value *properties; /* the flow's, of this end: with customProperties */
    struct str api_version;         /* as query_call_begin has it */
    struct str entity;
};

/* Checks the flow's settings, before the function can read the secret, and describes the entity,
 * whose definition goes into each request as the function gave it. *ret_definition: the same as a
 * value, until the next call. False: the verdict says why. */
bool record_call_begin(struct vendor_connection *connection, const struct record_flow *flow,
                       struct query_call *ret_calls, const struct value **ret_definition);
