/* Visits of browsers, whose requests are not signed (api/consent_visit.h): what the dispatcher does
 * for them, in its queues, limits and threads, and what they do for it. */
#pragma once

#include "api/request.h"

/* The beginning of a visit's own structure. */
struct api_visit {
    /* On a worker, after request->operation ran. */
    void (*end)(struct api_request *request);
    /* Makes the answer. On the request's loop. */
    void (*answer)(struct api_request *request, struct http_response *ret_response);
    int failed; /* enum error_code of an operation whose failure a page tells; for the metric */
};

/* Runs `job` on a worker; the sender's address takes the part of an account. What cannot be queued
 * is answered at once with request->error. On the request's loop. */
void dispatch_visit(struct api_request *request, void (*job)(void *request));

/* Answers on the request's loop; the caller's last touch of the request. */
void dispatch_visit_end(struct api_request *request);

/* Hands request->operation to a worker as a signed request's, with the account's share, and then
 * calls visit->end there. False, with request->error: it cannot be queued, and the request
 * is still the caller's. */
bool dispatch_visit_operation(struct api_request *request);
