/* The table of metrics, the cells they are counted in, and Prometheus' text format. */
#include "base/metrics.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

typedef _Atomic uint64_t cell;

struct histogram {
    cell buckets[METRIC_BUCKETS + 1]; /* each for itself; the last has no end */
    cell sum;
};

/* Threads share a shard only when there are more than METRIC_SHARDS of them. */
struct cells {
    alignas(64) cell requests[METRIC_OPERATIONS_MAX][METRIC_OUTCOMES_MAX];
    cell verifications[METRIC_CONNECTORS_MAX][METRIC_VERDICTS_MAX];
    cell client_calls[METRIC_CONNECTIONS_MAX];
    cell throttled[METRIC_LIMITS_MAX];
    cell single[METRIC_COUNT]; /* metrics without labels, each at its own number */
    struct histogram request_seconds[METRIC_OPERATIONS_MAX];
    struct histogram verification_seconds[METRIC_CONNECTORS_MAX];
    struct histogram commit_seconds;
    struct histogram commit_writes;
    struct histogram stage_seconds[METRIC_STAGES_MAX];
};

static struct cells shards[METRIC_SHARDS];
static atomic_uint threads_seen;
static _Thread_local struct cells *own_shard;

static const struct {
    const char *name;
    size_t values;
} labels[LABEL_COUNT] = {
    [LABEL_NONE] = {"", 1},
    [LABEL_OPERATION] = {"operation", METRIC_OPERATIONS_MAX},
    [LABEL_OUTCOME] = {"outcome", METRIC_OUTCOMES_MAX},
    [LABEL_CONNECTOR] = {"connector", METRIC_CONNECTORS_MAX},
    [LABEL_VERDICT] = {"verdict", METRIC_VERDICTS_MAX},
    [LABEL_CONNECTION] = {"connection", METRIC_CONNECTIONS_MAX},
    [LABEL_LIMIT] = {"limit", METRIC_LIMITS_MAX},
    [LABEL_STAGE] = {"stage", METRIC_STAGES_MAX},
};

enum metric_kind { COUNTER, GAUGE, HISTOGRAM };
static const char *const kind_names[] = {"counter", "gauge", "histogram"};

/* Reads take microseconds, changes milliseconds, vendors up to many seconds. */
static const int64_t time_bounds[METRIC_BUCKETS] = {
    25,    50,    100,    250,    500,     1000,    2500,     5000,
    10000, 25000, 100000, 250000, 1000000, 2500000, 10000000, 30000000};
static const int64_t stage_bounds_ns[METRIC_BUCKETS] = {
    1000,   2000,    5000,    10000,   20000,    50000,     100000,     200000,
    500000, 1000000, 2000000, 5000000, 20000000, 100000000, 1000000000, 10000000000};
static const int64_t size_bounds[METRIC_BUCKETS] = {1,  2,  3,  4,  6,  8,   12,  16,
                                                    24, 32, 48, 64, 96, 128, 192, 256};

/* Where a metric's cells are, its labels, and for a histogram its bounds as observed and how much
 * of what is observed is 1 of what is written. */
#define LABELLED(member, ...) .at = offsetof(struct cells, member), .labels = {__VA_ARGS__}
#define SINGLE(metric) .at = offsetof(struct cells, single[metric])
#define TIMES .kind = HISTOGRAM, .bounds = time_bounds, .per_unit = 1000000
#define STAGES .kind = HISTOGRAM, .bounds = stage_bounds_ns, .per_unit = 1000000000
#define SIZES .kind = HISTOGRAM, .bounds = size_bounds, .per_unit = 1

static const struct row {
    const char *name;
    size_t at; /* in struct cells */
    enum metric_kind kind;
    enum metric_label labels[METRIC_LABELS_MAX];
    const int64_t *bounds;
    int64_t per_unit;
    const char *help;
} rows[METRIC_COUNT] = {
    [METRIC_REQUESTS] = {"headgate_requests_total",
                         LABELLED(requests, LABEL_OPERATION, LABEL_OUTCOME),
                         .help = "Requests by operation and outcome (ok, or the exception)."},
    [METRIC_VERIFICATIONS] =
        {"headgate_verifications_total", LABELLED(verifications, LABEL_CONNECTOR, LABEL_VERDICT),
         .help = "Credentials verified with their vendor, by connector and verdict."},
    [METRIC_CLIENT_CALLS] =
        {"headgate_client_calls_total", LABELLED(client_calls, LABEL_CONNECTION),
         .help = "Outbound calls by connection: new, reused, or none because none could be had."},
    [METRIC_THROTTLED] = {"headgate_throttled_total", LABELLED(throttled, LABEL_LIMIT),
                          .help = "Requests answered 429 because a limit was reached, "
                                  "by limit."},
    [METRIC_STORE_ERRORS] = {"headgate_store_errors_total", SINGLE(METRIC_STORE_ERRORS),
                             .help = "Errors of the store's database."},
    [METRIC_COMMITS_FAILED] = {"headgate_commits_failed_total", SINGLE(METRIC_COMMITS_FAILED),
                               .help = "Batches of writes that could not be made durable."},
    [METRIC_LOG_LINES_LOST] = {"headgate_log_lines_lost_total", SINGLE(METRIC_LOG_LINES_LOST),
                               .help =
                                   "Log lines lost because standard error was not read in time."},
    [METRIC_REQUEST_SECONDS] = {"headgate_request_duration_seconds",
                                LABELLED(request_seconds, LABEL_OPERATION), TIMES,
                                .help = "From a whole request to its answer, by operation."},
    [METRIC_VERIFICATION_SECONDS] = {"headgate_verification_duration_seconds",
                                     LABELLED(verification_seconds, LABEL_CONNECTOR), TIMES,
                                     .help =
                                         "Verifying credentials with their vendor, by connector."},
    [METRIC_COMMIT_SECONDS] = {"headgate_commit_duration_seconds",
                               LABELLED(commit_seconds, LABEL_NONE), TIMES,
                               .help = "Making one batch of writes durable."},
    [METRIC_STAGE_SECONDS] = {"headgate_stage_duration_seconds",
                              LABELLED(stage_seconds, LABEL_STAGE), STAGES,
                              .help = "What one request in 16 spent in each stage of its way."},
    [METRIC_COMMIT_WRITES] = {"headgate_commit_writes", LABELLED(commit_writes, LABEL_NONE), SIZES,
                              .help = "Writes that one commit made durable."},
    [METRIC_CONNECTIONS_OPEN] = {"headgate_connections_open", SINGLE(METRIC_CONNECTIONS_OPEN),
                                 .kind = GAUGE, .help = "Connections of clients of the API."},
    [METRIC_HTTP_LARGE_BYTES] =
        {"headgate_http_large_bytes", SINGLE(METRIC_HTTP_LARGE_BYTES), .kind = GAUGE,
         .help = "Bytes of buffers for requests and answers larger than usual ones."},
    [METRIC_HTTP_REFUSED] =
        {"headgate_http_refused_total", SINGLE(METRIC_HTTP_REFUSED),
         .help = "What came in and was no request: malformed, too large, too slow, or "
                 "past a limit of connections."},
    [METRIC_WORKERS] = {"headgate_workers", SINGLE(METRIC_WORKERS), .kind = GAUGE,
                        .help = "Worker threads that were started."},
    [METRIC_WORKERS_BUSY] = {"headgate_workers_busy", SINGLE(METRIC_WORKERS_BUSY), .kind = GAUGE,
                             .help = "Worker threads that have a change in hand."},
    [METRIC_WORKERS_QUEUED] = {"headgate_workers_queued", SINGLE(METRIC_WORKERS_QUEUED),
                               .kind = GAUGE, .help = "Changes that wait for a worker."},
    [METRIC_WORKERS_HELD] = {"headgate_workers_held", SINGLE(METRIC_WORKERS_HELD), .kind = GAUGE,
                             .help =
                                 "Of those, changes whose vendor has its share of the workers."},
    [METRIC_PROVISIONING] = {"headgate_provisioning", SINGLE(METRIC_PROVISIONING), .kind = GAUGE,
                             .help = "Private connections that are being made or wait for it."},
    [METRIC_PROVISIONING_QUEUED] = {"headgate_provisioning_queued",
                                    SINGLE(METRIC_PROVISIONING_QUEUED), .kind = GAUGE,
                                    .help = "Private connections that wait for a thread."},
    [METRIC_PROVISIONING_HELD] = {"headgate_provisioning_held", SINGLE(METRIC_PROVISIONING_HELD),
                                  .kind = GAUGE,
                                  .help = "Of those, that wait because their host has its share."},
    [METRIC_COMMITTER_QUEUED] = {"headgate_committer_queued", SINGLE(METRIC_COMMITTER_QUEUED),
                                 .kind = GAUGE, .help = "Writes that wait for a commit."},
    [METRIC_STORE_FAILING] = {"headgate_store_failing", SINGLE(METRIC_STORE_FAILING), .kind = GAUGE,
                              .help = "1 when the last batch of writes failed, else 0."},
    [METRIC_STORE_BYTES] = {"headgate_store_bytes", SINGLE(METRIC_STORE_BYTES), .kind = GAUGE,
                            .help = "Size of the embedded database's files."},
};

static char *shard(void)
{
    if (!own_shard)
        own_shard = &shards[atomic_fetch_add(&threads_seen, 1) % METRIC_SHARDS];
    return (char *)own_shard;
}

/* The place of a series among those of its metric. */
static size_t place(const struct row *row, size_t first, size_t second)
{
    size_t firsts = labels[row->labels[0]].values, seconds = labels[row->labels[1]].values;
    first = first < firsts ? first : firsts - 1;
    second = second < seconds ? second : seconds - 1;
    return first * seconds + second;
}

static void add(cell *to, uint64_t number)
{
    atomic_fetch_add_explicit(to, number, memory_order_relaxed);
}

void metrics_count(enum metric metric, size_t first, size_t second)
{
    const struct row *row = &rows[metric];
    add((cell *)(void *)(shard() + row->at) + place(row, first, second), 1);
}

void metrics_observe(enum metric metric, size_t first, int64_t value)
{
    const struct row *row = &rows[metric];
    struct histogram *histogram =
        (struct histogram *)(void *)(shard() + row->at) + place(row, first, 0);
    size_t bucket = 0;
    while (bucket < METRIC_BUCKETS && value > row->bounds[bucket])
        bucket++;
    add(&histogram->buckets[bucket], 1);
    add(&histogram->sum, value > 0 ? (uint64_t)value : 0);
}

void metrics_set(enum metric metric, int64_t value)
{
    atomic_store_explicit(&shards[0].single[metric], (uint64_t)value, memory_order_relaxed);
}

/* --- writing --- */

static uint64_t sum_of(size_t at)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < METRIC_SHARDS; i++)
        sum +=
            atomic_load_explicit((cell *)(void *)((char *)&shards[i] + at), memory_order_relaxed);
    return sum;
}

/* One series: what stands between its braces, and where its cells are. */
struct series {
    const struct row *row;
    size_t at;
    const struct metric_names *names;
    size_t values[METRIC_LABELS_MAX];
};

static bool is_named(const struct series *series)
{
    for (size_t i = 0; i < METRIC_LABELS_MAX; i++) {
        enum metric_label label = series->row->labels[i];
        if (label != LABEL_NONE && !series->names->of[label](series->values[i]).data)
            return false;
    }
    return true;
}

/* {operation="…",outcome="…"}: values are names from our own tables and need no escapes. */
static void write_labels(struct buf *out, const struct series *series, const char *le)
{
    char before = '{';
    for (size_t i = 0; i < METRIC_LABELS_MAX; i++) {
        enum metric_label label = series->row->labels[i];
        if (label == LABEL_NONE)
            continue;
        buf_printf(out, "%c%s=\"%.*s\"", before, labels[label].name,
                   STR_ARG(series->names->of[label](series->values[i])));
        before = ',';
    }
    if (le) {
        buf_printf(out, "%cle=\"%s\"", before, le);
        before = ',';
    }
    if (before == ',')
        buf_add_char(out, '}');
}

static void write_number(struct buf *out, uint64_t value, int64_t per_unit)
{
    buf_printf(out, " %.15g\n", (double)value / (double)per_unit);
}

static void write_sample(struct buf *out, const struct series *series, const char *suffix,
                         const char *le, uint64_t value, int64_t per_unit)
{
    buf_printf(out, "%s%s", series->row->name, suffix);
    write_labels(out, series, le);
    write_number(out, value, per_unit);
}

static void write_histogram(struct buf *out, const struct series *series)
{
    uint64_t count = 0;
    size_t buckets = series->at + offsetof(struct histogram, buckets);
    for (size_t i = 0; i < METRIC_BUCKETS + 1; i++)
        count += sum_of(buckets + i * sizeof(cell));
    if (count == 0 && series->row->labels[0] != LABEL_NONE)
        return;
    uint64_t below = 0;
    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        char le[32];
        below += sum_of(buckets + i * sizeof(cell));
        snprintf(le, sizeof(le), "%.10g",
                 (double)series->row->bounds[i] / (double)series->row->per_unit);
        write_sample(out, series, "_bucket", le, below < count ? below : count, 1);
    }
    write_sample(out, series, "_bucket", "+Inf", count, 1);
    write_sample(out, series, "_sum", NULL, sum_of(series->at + offsetof(struct histogram, sum)),
                 series->row->per_unit);
    write_sample(out, series, "_count", NULL, count, 1);
}

static void write_series(struct buf *out, const struct series *series)
{
    if (!is_named(series))
        return;
    if (series->row->kind == HISTOGRAM) {
        write_histogram(out, series);
        return;
    }
    uint64_t value = sum_of(series->at);
    if (value > 0 || series->row->labels[0] == LABEL_NONE)
        write_sample(out, series, "", NULL, value, 1);
}

static void write_row(struct buf *out, const struct row *row, const struct metric_names *names)
{
    size_t size = row->kind == HISTOGRAM ? sizeof(struct histogram) : sizeof(cell);
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
               kind_names[row->kind]);
    for (size_t first = 0; first < labels[row->labels[0]].values; first++) {
        for (size_t second = 0; second < labels[row->labels[1]].values; second++) {
            struct series series = {.row = row,
                                    .at = row->at + place(row, first, second) * size,
                                    .names = names,
                                    .values = {first, second}};
            write_series(out, &series);
        }
    }
}

void metrics_write(struct buf *out, const struct metric_names *names)
{
    for (size_t i = 0; i < METRIC_COUNT; i++)
        write_row(out, &rows[i], names);
}
