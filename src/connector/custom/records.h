/* A registered connector's records: what its function answers to QueryData. */
#pragma once

#include "connector/connection.h"
#include "connector/reading.h"

/* connector_ops.read and read_next. Before the first page of a connection the entity is described,
 * since QueryData gives the function its definition; it is kept for the connection's further pages,
 * which must be of the same query. A cursor is the function's nextToken.
 *
 * A page is {"nextToken": …, "records": [ … ]}: the records are the texts that the function gave,
 * each checked to be one JSON object. An answer that does not keep to the contract is
 * VERDICT_UNREACHABLE; the message names each fault by its JSON pointer. */
bool custom_read(struct vendor_connection *connection, const struct read_query *query,
                 struct str cursor, struct read_page *ret_page);
bool custom_read_next(struct vendor_connection *connection, const struct read_query *query,
                      const struct read_page_end *end, struct arena *arena, struct str *ret_cursor);
