/* The server's metrics: rows of the API's own, and the page of all rows. */
#pragma once

#include "api/service.h"
#include "base/metrics.h"

/* The limits of this room that answer 429. */
enum api_limit {
    LIMIT_QUEUE,
    LIMIT_ACCOUNT_SHARE, /* of workers, readers and their queue */
    LIMIT_VENDOR_SHARE,  /* the same of a vendor's host */
    LIMIT_ACCOUNT_UPDATES,
    LIMIT_REQUEST_MEMORY,
    LIMIT_ACCOUNT_READ_RATE,
    LIMIT_ACCOUNT_CHANGE_RATE,
    LIMIT_COUNT,
};

extern const struct metric metric_requests;        /* operation, outcome: an error code */
extern const struct metric metric_request_seconds; /* operation; observed in microseconds */
extern const struct metric metric_throttled;       /* enum api_limit */

/* Everything that this service and its HTTP server count, in Prometheus' text format; started_ms is
 * wall clock. */
void metrics_page(struct buf *out, const struct service *service, struct server *server,
                  int64_t started_ms);
