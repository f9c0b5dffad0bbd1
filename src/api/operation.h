/* The table of operations: what each one does, and the policy that it is done under, as data. The
 * dispatcher, rates, limits, log and audit read it; none of them knows an operation by name. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct api_request;

/* Does the work of one operation: sets request->output and returns true, or fails request->error.
 */
typedef bool operation_fn(struct api_request *request);

enum operation_thread {
    ON_LOOP,   /* the event loop that took the request: computes and never waits */
    ON_READER, /* waits for the store at most: the loop where the store is embedded, else a reader
                */
    ON_WORKER, /* waits for a vendor or a commit */
};

enum operation_flag {
    OPERATION_CHANGES = 1, /* a change, not a read: its own rate; begins after reads; logged */
    OPERATION_AUDITED = 2, /* a failure leaves a row in the audit, as a success does by itself */
    OPERATION_LIMITED = 4, /* counts among the changes that one account may have in hand */
};

/* The vendor's hosts that an operation is going to call, so that one host which hangs can be kept
 * from taking all workers (work/host_share.h). */
enum operation_hosts {
    CALLS_NONE,
    CALLS_NEW_CONFIG,     /* those of the connectorProfileConfig that is given */
    CALLS_STORED_PROFILE, /* those of the stored profile that connectorProfileName names */
};

struct operation {
    struct str name;
    operation_fn *run; /* NULL: not built, answered 501 */
    enum operation_thread thread;
    unsigned flags;       /* enum operation_flag */
    const char *resource; /* the input's member that names what it is about; NULL: none does */
    enum operation_hosts hosts;
    size_t metric; /* its number in metrics, see operation_metric_name */
};

/* One row for each operation of the API's model, at its place there. */
extern const struct operation appflow_operations[];

/* A request that no operation was found for, and one for a page, have numbers too. */
enum { METRIC_UNKNOWN_OPERATION = 25, METRIC_PAGE, METRIC_OTHER_SERVICES };
/* Each number's name; STR_NULL past the last. */
struct str operation_metric_name(size_t metric);
