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
    /* The same, on a pool of its own: a worker may be waiting for a connector's function, which
     * waits for this request. */
    ON_INNER_WORKER,
};

enum operation_flag {
    OPERATION_CHANGES = 1, /* a change, not a read: its own rate; begins after reads; logged */
    OPERATION_AUDITED = 2, /* a failure leaves a row in the audit, as a success does by itself */
    OPERATION_LIMITED = 4, /* counts among the changes that one account may have in hand */
    OPERATION_READS_SECRET = 8, /* the one kind that a connector's process may ask for */
    OPERATION_TRIABLE = 16,     /* can be a dry run, see api/dry_run.h */
    OPERATION_ROLLS_BACK = 32,  /* can be a rollback, see api/request_flags.h */
    OPERATION_PREVIEWS = 64,    /* can be a preview, see api/flow_preview.h */
    OPERATION_QUOTAS = 128,     /* can be for vendors' limits, see api/vendor_quotas.h */
};

/* The vendor's hosts that an operation is going to call, so that one host which hangs can be kept
 * from taking all workers (work/host_share.h). */
enum operation_hosts {
    CALLS_NONE,
    CALLS_NEW_CONFIG,     /* those of the connectorProfileConfig that is given */
    CALLS_STORED_PROFILE, /* those of the stored profile that connectorProfileName names */
    CALLS_SOURCE,         /* those of the stored profile of the flow's source, for a preview */
    CALLS_FUNCTION,       /* of a connector: the ARN that is given, or the registered one */
};

struct operation {
    struct str name;
    operation_fn *run; /* NULL: not built, answered 501 */
    enum operation_thread thread;
    unsigned flags; /* enum operation_flag */
    /* The input's member that names what it is about. A member that the input does not have, or has
     * as a list, gives log and audit no name; it tells which kind of resource an access key's
     * policy is asked for. NULL: "*". */
    const char *resource;
    enum operation_hosts hosts;
    size_t metric; /* its number in metrics, see operation_metric_name */
};

/* One row for each operation of the API's model, at its place there. */
extern const struct operation appflow_operations[];

/* A request that no operation was found for, one for a page, and operations of other services have
 * numbers too. */
enum {
    METRIC_UNKNOWN_OPERATION = 25,
    METRIC_PAGE,
    METRIC_STS,                      /* the first of STS's, in the order of sts_operations */
    METRIC_SECRETS = METRIC_STS + 3, /* the first of secrets_operations */
    METRIC_OPERATIONS = METRIC_SECRETS + 2,
};
/* Each number's name; STR_NULL past the last. */
struct str operation_metric_name(size_t metric);
