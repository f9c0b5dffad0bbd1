/* One API request on its way through the service. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/random.h"
#include "service/service.h"
#include "store/audit.h"
#include "wire/shape.h"
#include "wire/sigv4.h"
#include "wire/value.h"

#include <stdbool.h>

struct call {
    struct service *service;
    struct http_exchange *exchange;
    struct arena *arena; /* the exchange's */
    char request_id[UUID_SIZE];
    int64_t begun_us; /* monotonic */
    struct sigv4_caller caller;
    const struct api_operation *operation;
    struct value *input;         /* decoded, within every constraint of the model */
    struct store_reader *reader; /* on an event loop: the loop's; NULL on a worker */
    struct str output;           /* the answer's JSON, when the operation returns true */
    struct error error;          /* when it returns false */
    int64_t retry_after_ms;      /* for a client that is told to come back; 0: soon */
};

/* Does the work of one operation: sets call->output and returns true, or fails call->error. */
typedef bool operation_fn(struct call *call);

enum operation_place {
    ON_LOOP,   /* reads the embedded store only, never waits */
    ON_WORKER, /* waits for a vendor or a commit */
};

struct operation {
    struct str name;
    operation_fn *run;
    enum operation_place place;
};

/* NULL for an operation of the model that is not built. */
const struct operation *operation_find(struct str name);

/* What the audit keeps of this call. Points into the call. */
struct audit_entry call_audit_entry(const struct call *call, const char *outcome,
                                    struct str detail);
/* Adds an audit row for a change that failed, without waiting for it. */
void call_audit_failure(struct call *call);
