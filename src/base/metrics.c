/* The cells that metrics are counted in, and Prometheus' text format. */
#include "base/metrics.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef _Atomic uint64_t cell;

static const char *const kind_names[] = {
    [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};

/* Reads take microseconds, changes milliseconds, vendors up to many seconds. */
const struct metric_scale metric_times = {
    .bounds = {25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 250000, 1000000,
               2500000, 10000000, 30000000},
    .per_unit = 1000000,
};

const struct metric_scale metric_stages = {
    .bounds = {1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000, 2000000,
               5000000, 20000000, 100000000, 1000000000, 10000000000},
    .per_unit = 1000000000,
};

const struct metric_scale metric_quantities = {
    .bounds = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256},
    .per_unit = 1,
};

/* Threads share a shard only when there are more than METRIC_SHARDS of them. */
static size_t shard(void)
{
    static atomic_uint threads_seen;
    static _Thread_local size_t own; /* + 1; 0: not chosen yet */
    if (own == 0)
        own = atomic_fetch_add(&threads_seen, 1) % METRIC_SHARDS + 1;
    return own - 1;
}

static size_t values_of(const struct metric_label *label)
{
    return label->name ? label->values : 1;
}

static size_t cells_of_series(const struct metric *metric)
{
    return metric->kind == METRIC_HISTOGRAM ? METRIC_HISTOGRAM_CELLS : 1;
}

/* The first cell of a series, counted in those of one shard. */
static size_t index_of(const struct metric *metric, size_t first, size_t second)
{
    size_t firsts = values_of(&metric->labels[0]), seconds = values_of(&metric->labels[1]);
    first = first < firsts ? first : firsts - 1;
    second = second < seconds ? second : seconds - 1;
    size_t index = (first * seconds + second) * cells_of_series(metric);
    assert(index < metric->shard_lines * METRIC_LINE_CELLS);
    return index;
}

static cell *cell_at(const struct metric *metric, size_t in_shard, size_t index)
{
    struct metric_line *lines = metric->lines + in_shard * metric->shard_lines;
    return &lines[index / METRIC_LINE_CELLS].cells[index % METRIC_LINE_CELLS];
}

static void add(cell *to, uint64_t number)
{
    atomic_fetch_add_explicit(to, number, memory_order_relaxed);
}

void metrics_count(const struct metric *metric, size_t first, size_t second)
{
    assert(metric->kind != METRIC_HISTOGRAM);
    add(cell_at(metric, shard(), index_of(metric, first, second)), 1);
}

void metrics_add(const struct metric *metric, size_t first, uint64_t count)
{
    assert(metric->kind != METRIC_HISTOGRAM);
    add(cell_at(metric, shard(), index_of(metric, first, 0)), count);
}

void metrics_observe(const struct metric *metric, size_t first, int64_t value)
{
    assert(metric->kind == METRIC_HISTOGRAM);
    size_t in_shard = shard(), begin = index_of(metric, first, 0), bucket = 0;
    while (bucket < METRIC_BUCKETS && value > metric->scale->bounds[bucket])
        bucket++;
    add(cell_at(metric, in_shard, begin + bucket), 1);
    add(cell_at(metric, in_shard, begin + METRIC_BUCKETS + 1), value > 0 ? (uint64_t)value : 0);
}

void metrics_set(const struct metric *metric, int64_t value)
{
    assert(!metric->labels[0].name || metric->labels[0].values == 1);
    atomic_store_explicit(cell_at(metric, 0, 0), (uint64_t)value, memory_order_relaxed);
}

/* --- writing --- */

/* One series: its values of the labels, and where its cells are. */
struct series {
    const struct metric *metric;
    size_t values[METRIC_LABELS_MAX];
    size_t index;
};

static uint64_t sum_of(const struct series *series, size_t number)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < METRIC_SHARDS; i++)
        sum += atomic_load_explicit(cell_at(series->metric, i, series->index + number),
                                    memory_order_relaxed);
    return sum;
}

static struct str value_name(const struct series *series, size_t label)
{
    const struct metric_label *of = &series->metric->labels[label];
    size_t value = series->values[label];
    return of->names ? str_from(of->names[value]) : of->name_of(value);
}

static bool is_named(const struct series *series)
{
    for (size_t i = 0; i < METRIC_LABELS_MAX; i++) {
        if (series->metric->labels[i].name && !value_name(series, i).data)
            return false;
    }
    return true;
}

/* {operation="…",outcome="…"}: values are names from the program's tables and need no escapes. */
static void write_labels(struct buf *out, const struct series *series, const char *le)
{
    char before = '{';
    for (size_t i = 0; i < METRIC_LABELS_MAX; i++) {
        const char *label = series->metric->labels[i].name;
        if (!label)
            continue;
        buf_printf(out, "%c%s=\"%.*s\"", before, label, STR_ARG(value_name(series, i)));
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
    buf_printf(out, "%s%s", series->metric->name, suffix);
    write_labels(out, series, le);
    write_number(out, value, per_unit);
}

static void write_histogram(struct buf *out, const struct series *series)
{
    const struct metric_scale *scale = series->metric->scale;
    uint64_t count = 0, below = 0;
    for (size_t i = 0; i < METRIC_BUCKETS + 1; i++)
        count += sum_of(series, i);
    if (count == 0 && series->metric->labels[0].name)
        return;
    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        char le[32];
        below += sum_of(series, i);
        snprintf(le, sizeof(le), "%.10g", (double)scale->bounds[i] / (double)scale->per_unit);
        write_sample(out, series, "_bucket", le, below < count ? below : count, 1);
    }
    write_sample(out, series, "_bucket", "+Inf", count, 1);
    write_sample(out, series, "_sum", NULL, sum_of(series, METRIC_BUCKETS + 1), scale->per_unit);
    write_sample(out, series, "_count", NULL, count, 1);
}

static void write_series(struct buf *out, const struct series *series)
{
    if (!is_named(series))
        return;
    if (series->metric->kind == METRIC_HISTOGRAM) {
        write_histogram(out, series);
        return;
    }
    uint64_t value = sum_of(series, 0);
    if (value > 0 || !series->metric->labels[0].name)
        write_sample(out, series, "", NULL, value, 1);
}

static void write_metric(struct buf *out, const struct metric *metric)
{
    for (size_t first = 0; first < values_of(&metric->labels[0]); first++) {
        for (size_t second = 0; second < values_of(&metric->labels[1]); second++) {
            struct series series = {.metric = metric,
                                    .values = {first, second},
                                    .index = index_of(metric, first, second)};
            write_series(out, &series);
        }
    }
}

void metrics_write(struct buf *out, const struct metric *const *metrics, size_t count)
{
    const char *before = "";
    for (size_t i = 0; i < count; i++) {
        const struct metric *metric = metrics[i];
        if (strcmp(before, metric->name) != 0)
            buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
                       metric->name, kind_names[metric->kind]);
        before = metric->name;
        write_metric(out, metric);
    }
}
