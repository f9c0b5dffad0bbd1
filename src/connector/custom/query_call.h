/* Calls to a registered connector's function about its entities or their records: what the calls of
 * one query have in common, and the way from a call to an answer that keeps to the contract. */
#pragma once

#include "connector/connection.h"
#include "connector/custom/contract.h"
#include "connector/custom/contract_checks.h"

#include <stdbool.h>

/* A query that is answered: the secret is placed once for all of its calls. */
struct query_call {
    struct vendor_connection *connection;
    struct function_call call;
    struct contract_context context;
    struct contract_answer answer; /* of the last call; until the next one */
    struct contract_page page;     /* what was found in it */
};

/* Places the secret and sets what every request says: the profile's settings and `api_version`, the
 * first that the connector declares when it is STR_NULL. False: the connection's verdict says why
 * the function could not read the secret. */
bool query_call_begin(struct vendor_connection *connection, struct str api_version,
                      struct query_call *ret_query);

/* `payload` is the request of `function`. False: the verdict says why there is no answer, or names
 * each fault of one that does not keep to the contract (VERDICT_UNREACHABLE). */
bool query_call_ask(struct query_call *query, enum contract_function function, struct str payload);

/* After query_call_ask returned false for a request that names an entity: ResourceNotFoundError
 * makes the verdict VERDICT_ABSENT. Always false. */
bool query_call_fail(const struct query_call *query);
