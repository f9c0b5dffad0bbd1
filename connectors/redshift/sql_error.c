/* Classifying the database's own errors by the connector's rules: the same at the end of a
 * connection and in the Error of a statement that the Data API ran. */
#include "connector/http/classify.h"
#include "redshift.h"

enum { SQLSTATE_LEN = 5, SQLSTATE_CLASS_LEN = 2 };

bool redshift_fail(struct vendor_connection *connection, struct str sqlstate, struct str message)
{
    const struct vendor_connection_config *config = vendor_config(connection);
    struct arena *arena = config->arena;
    struct value *database = value_structure(arena);
    const struct call_context call = {.step = STEP_API};
    struct vendor_response response = {.http = {.outcome = CLIENT_OK},
                                       .json = value_structure(arena)};
    if (sqlstate.len == SQLSTATE_LEN) {
        value_put_text(arena, database, "sqlstate", sqlstate);
        value_put_text(arena, database, "class", (struct str){sqlstate.data, SQLSTATE_CLASS_LEN});
    }
    value_put_text(arena, database, "message", message);
    value_put(arena, response.json, "database", database);
    struct classification classification =
        classify(arena, config->target->connector, &call, &response);
    return vendor_fail(connection, classification.kind, STEP_API, message, classification.hint);
}
