/* The log's lines about requests. */
#pragma once

#include "api/request.h"

#include <stdint.h>

/* Level debug, each request: method, operation, status, time taken, the client's address. On the
 * request's loop, before it is answered. */
void access_log_request(const struct api_request *request, int status);

/* Level warn: a caller who was refused for what is wrong with the signature, with the client's
 * address, the access key id and the reason. At most REFUSED_LINES_PER_S of them a second, so that
 * who can reach the port cannot fill the log; the next line says how many were left out. */
enum { REFUSED_LINES_PER_S = 10 };
void access_log_refused(const struct api_request *request);

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
