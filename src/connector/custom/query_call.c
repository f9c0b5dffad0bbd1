/* Calls about entities and records. */
#include "connector/custom/query_call.h"

#include "connector/custom/call.h"
#include "connector/custom/declared.h"
#include "connector/http/internal.h"

static struct str version_of(const struct target *target, struct str api_version)
{
    const struct value *versions = custom_declared_versions(target);
    if (api_version.data || !versions || versions->count == 0)
        return api_version;
    return custom_version_at(versions, 0);
}

/* Tokens that were got just now are not committed yet: see function_call.secret_is_new. */
bool query_call_begin(struct vendor_connection *connection, struct str api_version,
                      struct query_call *ret_query)
{
    const struct target *target = connection->target;
    *ret_query = (struct query_call){.connection = connection};
    ret_query->call = custom_call_new(connection, true);
    ret_query->call.secret_is_new = connection->granted;
    ret_query->context = (struct contract_context){
        .settings = value_get(target->properties, "profileProperties"),
        .api_version = version_of(target, api_version),
        .profile_name = connection->config->profile_name,
    };
    return custom_call_place_secret(connection, &ret_query->call, STEP_API,
                                    &ret_query->context.credentials);
}

bool query_call_ask(struct query_call *query, enum contract_function function, struct str payload)
{
    struct vendor_connection *connection = query->connection;
    struct arena *arena = &connection->answer;
    query->call.payload = payload;
    if (!custom_call(connection, function, &query->call, STEP_API, true, &query->answer))
        return false;
    struct contract_check check = contract_check_new(arena);
    struct contract_place whole = contract_whole(&check, query->answer.body);
    contract_check_answer(function, &whole, &query->page);
    return check.count == 0 ||
           vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                       contract_check_message(&check, contract_function_name(function), arena),
                       "`headgate connector test` shows what the function answers.");
}

bool query_call_fail(const struct query_call *query)
{
    struct verdict verdict = vendor_verdict(query->connection);
    return query->answer.absent &&
           vendor_fail(query->connection, VERDICT_ABSENT, STEP_API, verdict.message,
                       "ListConnectorEntities shows the entities that there are.");
}
