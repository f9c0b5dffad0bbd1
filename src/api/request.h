/* One API request on its way through the service. */
#pragma once

#include "api/service.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/random.h"
#include "base/trace.h"
#include "store/access_keys.h"
#include "store/audit.h"
#include "wire/shape.h"
#include "wire/sigv4.h"
#include "wire/value.h"

#include <stdbool.h>

/* An access key as a worker read it for an event loop. */
struct fetched_key {
    struct str wanted; /* its id; STR_NULL: none is */
    bool fetched;      /* what follows is set */
    bool found;
    struct access_key row;
};

struct api_request {
    struct service *service;
    struct http_exchange *exchange;
    struct arena *arena; /* the exchange's */
    char request_id[UUID_SIZE];
    int64_t begun_us; /* monotonic */
    int64_t stage_ns; /* monotonic, when its stage began; 0: this one is not measured */
    struct sigv4_caller caller;
    const struct api_operation *operation;
    const struct operation *work; /* what is done for it; NULL: it is not built */
    struct value *input;          /* decoded, within every constraint of the model */
    /* On an event loop: the loop's; on a worker, for operations that could run on a loop: one for
     * the request; else NULL. */
    struct store_reader *reader;
    struct fetched_key key; /* see authenticator_fetch */
    bool key_is_wanted;     /* the signature cannot be verified before authenticator_fetch */
    struct str output;      /* the answer's JSON, when the operation returns true */
    struct error error;     /* when it returns false */
    int64_t retry_after_ms; /* for a client that is told to come back; 0: soon */
};

/* Does the work of one operation: sets request->output and returns true, or fails request->error.
 */
typedef bool operation_fn(struct api_request *request);

enum operation_thread {
    ON_LOOP,   /* reads only: never waits where the store is embedded */
    ON_WORKER, /* waits for a vendor or a commit */
};

struct operation {
    struct str name;
    operation_fn *run;
    enum operation_thread place;
};

/* NULL for an operation of the model that is not built. */
const struct operation *operation_find(struct str name);

/* What the audit keeps of this request. Points into the request. */
struct audit_entry request_audit_entry(const struct api_request *request, const char *outcome,
                                       struct str detail);
/* Adds an audit row for a change that failed, without waiting for it. */
void request_audit_failure(struct api_request *request);
