/* Entities: the schemas of the stage's database, nested in each its tables, and their columns. */
#pragma once

#include "connector/entities.h"
#include "connector/http/http_connector.h"

/* A statement; a good answer has what the pointer `needed` names. */
#define SNOWFLAKE_QUERY(text, needed)                                                              \
    {                                                                                              \
        .method = "POST", .path = "/queries/v1/query-request?requestId={random.uuid}",             \
        .body = "{\"sqlText\":\"" text "\",\"asyncExec\":false,\"sequenceId\":1}",                 \
        .content_type = "application/json", .needs = (needed),                                     \
    }

/* Of a row of an answer, which is a list of texts and nulls; STR_NULL: null, or the row is shorter.
 */
struct str snowflake_cell(const struct value *row, size_t index);

/* As connector_ops has them. */
bool snowflake_list(struct vendor_connection *connection, const struct entity_query *query,
                    struct entity_list *list);
bool snowflake_describe(struct vendor_connection *connection, const struct entity_query *query,
                        struct entity_fields *fields);
