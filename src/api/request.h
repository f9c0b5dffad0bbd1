/* One API request on its way through the service. */
#pragma once

#include "api/service.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/random.h"
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

struct call {
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
     * the call; else NULL. */
    struct store_reader *reader;
    struct fetched_key key; /* see access_fetch */
    bool key_is_wanted;     /* the signature cannot be verified before access_fetch */
    struct str output;      /* the answer's JSON, when the operation returns true */
    struct error error;     /* when it returns false */
    int64_t retry_after_ms; /* for a client that is told to come back; 0: soon */
};

/* Does the work of one operation: sets call->output and returns true, or fails call->error. */
typedef bool operation_fn(struct call *call);

enum operation_place {
    ON_LOOP,   /* reads only: never waits where the store is embedded */
    ON_WORKER, /* waits for a vendor or a commit */
};

struct operation {
    struct str name;
    operation_fn *run;
    enum operation_place place;
};

/* NULL for an operation of the model that is not built. */
const struct operation *operation_find(struct str name);

/* Measuring one request in STAGES_EVERY tells as much as measuring all. */
enum { STAGES_EVERY = 16 };
void call_stages_begin(struct call *call);
/* That stage is over, and the next one begins. */
void call_stage_end(struct call *call, enum metric_stage stage);
void stage_end(int64_t *stage_ns, enum metric_stage stage); /* for a call that is gone */

/* What the audit keeps of this call. Points into the call. */
struct audit_entry call_audit_entry(const struct call *call, const char *outcome,
                                    struct str detail);
/* Adds an audit row for a change that failed, without waiting for it. */
void call_audit_failure(struct call *call);
