/* Counters, gauges and histograms of a running server. A metric is a row of data (name, help, kind,
 * labels, cells) in the file that counts it; the program lists the rows in the order in which they
 * are written out. Counting is one relaxed addition to a cell that few threads share, so it may
 * stand on any path. Reading adds the cells up, and is as exact as numbers that move can be. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    METRIC_LABELS_MAX = 2,
    METRIC_BUCKETS = 16,                         /* of a histogram, without the one with no end */
    METRIC_HISTOGRAM_CELLS = METRIC_BUCKETS + 2, /* buckets, each for itself, and the sum */
    METRIC_SHARDS = 8,                           /* copies of a metric's cells */
    METRIC_LINE_CELLS = 8,                       /* of a cache line */
    METRICS_TEXT_MAX = 1024 * 1024,              /* bytes of all metrics written out */
};

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* What separates the series of one metric. Values are small numbers, from 0; a series without a
 * name is not written. */
struct metric_label {
    const char *name;                    /* NULL: the metric has no such label */
    size_t values;                       /* what lies beyond is counted as the last */
    const char *const *names;            /* of each value; NULL: `name_of` says it */
    struct str (*name_of)(size_t value); /* STR_NULL: it has none */
};

/* How a histogram reads what it observes. */
struct metric_scale {
    int64_t bounds[METRIC_BUCKETS]; /* of the buckets, as observed */
    int64_t per_unit;               /* so much of what is observed is 1 of what is written */
};

extern const struct metric_scale metric_times;      /* observed in microseconds, up to 30 s */
extern const struct metric_scale metric_stages;     /* observed in nanoseconds, up to 10 s */
extern const struct metric_scale metric_quantities; /* up to 256 */

/* Shards begin at a cache line of their own. */
struct metric_line {
    alignas(64) _Atomic uint64_t cells[METRIC_LINE_CELLS];
};

/* Rows of the same name are one metric whose series several files count: they are written next to
 * each other, and the first one's help counts. */
struct metric {
    const char *name;
    const char *help;
    enum metric_kind kind;
    struct metric_label labels[METRIC_LABELS_MAX];
    const struct metric_scale *scale; /* of a histogram */
    struct metric_line *lines;        /* METRIC_SHARDS times `shard_lines` */
    size_t shard_lines;
};

#define METRIC_LINES(count) (((count) + METRIC_LINE_CELLS - 1) / METRIC_LINE_CELLS)
#define METRIC_CELLS(count)                                                                        \
    .lines = (struct metric_line[METRIC_SHARDS * METRIC_LINES(count)]){{{0}}},                     \
    .shard_lines = METRIC_LINES(count)

/* The cells of a row: so many series of a counter or a gauge, or of a histogram. */
#define METRIC_SERIES(series) METRIC_CELLS(series)
#define METRIC_HISTOGRAMS(series)                                                                  \
    METRIC_CELLS((series)*METRIC_HISTOGRAM_CELLS), .kind = METRIC_HISTOGRAM

/* A value for each label, 0 for one that the metric does not have. */
void metrics_count(const struct metric *metric, size_t first, size_t second);
void metrics_add(const struct metric *metric, size_t first, uint64_t count);    /* of one label */
void metrics_observe(const struct metric *metric, size_t first, int64_t value); /* below 0 is 0 */
/* For what is kept elsewhere, of a metric of one series: sets it, by one thread at a time, before
 * it is written out. */
void metrics_set(const struct metric *metric, int64_t value);

/* These rows in Prometheus' text format 0.0.4. Series that nothing was counted in are left out,
 * unless they are a metric's only one. */
void metrics_write(struct buf *out, const struct metric *const *metrics, size_t count);
