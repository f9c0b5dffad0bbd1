/* Writing a registered connector's records: what its function answers to WriteData. */
#pragma once

#include "connector/connection.h"
#include "connector/writing.h"

/* connector_ops.write. Before the first batch of a connection the entity is described, since
 * WriteData gives the function its definition; it is kept for the connection's further batches,
 * which must be of the same query.
 *
 * A record's outcome is the result at its place in writeRecordResults, whether the function calls
 * the whole a success or not; without results, isSuccess says that all records were written. A
 * number of results that is not that of the records leaves all of them WRITE_UNKNOWN. */
bool custom_write(struct vendor_connection *connection, const struct write_query *query,
                  struct write_batch *batch);
