/* Counters, gauges and histograms of a running server. Each metric is a row of one table
 * (name, help, labels); counting is one relaxed addition to a cell that few threads share, so it
 * may stand on any path. Reading adds the cells up, and is as exact as numbers that move can be. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/* The label that separates the series of one metric. Values are small numbers here; the code that
 * writes the metrics has their names. */
enum metric_label {
    LABEL_NONE,
    LABEL_OPERATION,
    LABEL_OUTCOME,
    LABEL_CONNECTOR,
    LABEL_VERDICT,
    LABEL_CONNECTION,
    LABEL_LIMIT,
    LABEL_STAGE,
    LABEL_COUNT,
};

/* Values of each label; what lies beyond is counted as the last. */
enum {
    METRIC_OPERATIONS_MAX = 32,
    METRIC_OUTCOMES_MAX = 24,
    METRIC_CONNECTORS_MAX = 32,
    METRIC_VERDICTS_MAX = 10,
    METRIC_CONNECTIONS_MAX = 3,
    METRIC_LIMITS_MAX = 8,
    METRIC_STAGES_MAX = 12,
    METRIC_LABELS_MAX = 2,
    METRIC_BUCKETS = 16, /* of a histogram, without the one that has no end */
    METRIC_SHARDS = 8,
    METRICS_TEXT_MAX = 1024 * 1024, /* bytes of all metrics written out */
};

enum metric {
    /* Counters: metrics_count. */
    METRIC_REQUESTS,      /* operation, outcome */
    METRIC_VERIFICATIONS, /* connector, verdict */
    METRIC_CLIENT_CALLS,  /* connection */
    METRIC_THROTTLED,     /* limit */
    METRIC_STORE_ERRORS,
    METRIC_COMMITS_FAILED,
    METRIC_LOG_LINES_LOST,
    /* Histograms: metrics_observe. */
    METRIC_REQUEST_SECONDS,      /* operation; observed in microseconds */
    METRIC_VERIFICATION_SECONDS, /* connector; observed in microseconds */
    METRIC_COMMIT_SECONDS,       /* observed in microseconds */
    METRIC_STAGE_SECONDS,        /* stage; observed in nanoseconds */
    METRIC_COMMIT_WRITES,
    /* What others keep: metrics_set, before they are written out. */
    METRIC_CONNECTIONS_OPEN,
    METRIC_HTTP_LARGE_BYTES,
    METRIC_HTTP_REFUSED,
    METRIC_WORKERS,
    METRIC_WORKERS_BUSY,
    METRIC_WORKERS_QUEUED,
    METRIC_WORKERS_HELD,
    METRIC_PROVISIONING,
    METRIC_PROVISIONING_QUEUED,
    METRIC_PROVISIONING_HELD,
    METRIC_COMMITTER_QUEUED,
    METRIC_STORE_FAILING,
    METRIC_STORE_BYTES,
    METRIC_COUNT,
};

/* The limits that answer 429. */
enum metric_limit {
    LIMIT_QUEUE,
    LIMIT_ACCOUNT_UPDATES,
    LIMIT_ACCOUNT_READ_RATE,
    LIMIT_ACCOUNT_CHANGE_RATE,
    LIMIT_PRIVATE_CONNECTIONS,
    LIMIT_COMMITTER,
};

/* What a request goes through, in this order; each has some of them only. */
enum metric_stage {
    STAGE_SIGNATURE, /* from the whole request on */
    STAGE_DECODE,    /* the operation, the account's rate, the body, the model's constraints */
    STAGE_HAND_OVER, /* until a worker has it */
    STAGE_CHECK,     /* the configuration, and whether its credentials are the stored ones */
    STAGE_LOAD,      /* what the store has */
    STAGE_VERIFY,    /* with the vendor */
    STAGE_SEAL,
    STAGE_COMMIT,    /* until it is durable */
    STAGE_HAND_BACK, /* until the event loop has it again; with the line of the log */
    STAGE_ANSWER,    /* made, and where it was waited for written */
};

/* How an outbound call got its connection. */
enum metric_connection { CONNECTION_OF_NEW, CONNECTION_OF_REUSED, CONNECTION_OF_NONE };

void metrics_count(enum metric metric, size_t first, size_t second);   /* 0 for no label */
void metrics_observe(enum metric metric, size_t first, int64_t value); /* below 0 counts as 0 */
void metrics_set(enum metric metric, int64_t value);                   /* by one thread at a time */

/* The name of a label's value, or STR_NULL when it has none: `of[label](value)`. */
struct metric_names {
    struct str (*of[LABEL_COUNT])(size_t value); /* NULL only for LABEL_NONE */
};

/* Everything in Prometheus' text format 0.0.4. Series that nothing was counted in are left out,
 * unless they are a metric's only one. */
void metrics_write(struct buf *out, const struct metric_names *names);
