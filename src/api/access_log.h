/* The log's lines about requests. */
#pragma once

#include "api/request.h"
#include "base/metrics.h"

#include <stdint.h>

/* Level debug, each request: method, operation, status, time taken, the client's address. On the
 * request's loop, before it is answered. */
void access_log_request(const struct api_request *request, int status);

/* Level warn, if the request failed because of its signature: the client's address, the access key
 * id as it was sent and the reason; counted in metric_refused_callers by reason. At most
 * REFUSED_LINES_PER_S lines a second of each reason, so that clients that can reach the port cannot
 * fill the log, and many of one kind do not hide another; the next line of the same reason says how
 * many were left out. */
enum { REFUSED_LINES_PER_S = 10 };
void access_log_refused(const struct api_request *request);
extern const struct metric metric_refused_callers;

/* Level info, or warn where the vendor refused: a change, with what came of it. What failed on this
 * side is logged when it is answered. */
void access_log_change(const struct api_request *request);

/* Level warn: a request that failed on this side. */
void access_log_failure(const struct api_request *request);

/* Lines of one second, and how many were left out before the one that may be written. Any thread.
 */
struct log_budget {
    _Atomic int64_t second;
    _Atomic unsigned lines;   /* of that second */
    _Atomic unsigned omitted; /* since the last line */
};
bool log_budget_take(struct log_budget *budget, int64_t now_ms, unsigned most,
                     unsigned *ret_omitted);
