/* Counting from many threads, and what is written of it. */
#include "cmocka_all.h"

#include "base/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 12, TIMES = 5000 };

static struct str number_name(size_t value)
{
    static const struct str names[] = {STR("zero"), STR("one"), STR("two")};
    return value < 3 ? names[value] : STR_NULL;
}

#define OPERATION                                                                                  \
    {                                                                                              \
        "operation", 4, .name_of = number_name                                                     \
    }

static const struct metric requests = {
    "test_requests_total", "Requests.",
    .labels = {OPERATION, {"outcome", 3, .name_of = number_name}}, METRIC_SERIES(12)};
static const struct metric more_requests = {
    "test_requests_total", .labels = {{"from", 1, (const char *const[]){"elsewhere"}, NULL}},
    METRIC_SERIES(1)};
static const struct metric verifications = {
    "test_verifications_total", "Verifications.",
    .labels = {{"connector", 4, .name_of = number_name}, {"verdict", 10, .name_of = number_name}},
    METRIC_SERIES(40)};
static const struct metric request_seconds = {"test_request_duration_seconds", "Times.",
                                              .labels = {OPERATION}, .scale = &metric_times,
                                              METRIC_HISTOGRAMS(4)};
static const struct metric verification_seconds = {"test_verification_duration_seconds", "Times.",
                                                   .labels = {OPERATION}, .scale = &metric_times,
                                                   METRIC_HISTOGRAMS(4)};
static const struct metric commit_writes = {"test_commit_writes", "Writes.",
                                            .scale = &metric_quantities, METRIC_HISTOGRAMS(1)};
static const struct metric workers = {"test_workers", "Workers.", .kind = METRIC_GAUGE,
                                      METRIC_SERIES(1)};

static const struct metric *const rows[] = {&requests,        &more_requests,        &verifications,
                                            &request_seconds, &verification_seconds, &commit_writes,
                                            &workers};

static void expect(const char *line, bool wanted)
{
    struct buf out = buf_on_heap(METRICS_TEXT_MAX);
    metrics_write(&out, rows, sizeof(rows) / sizeof(*rows));
    assert_false(out.overflow);
    bool found = strstr(out.data, line) != NULL;
    if (found != wanted)
        print_error("%s\nin\n%s", line, out.data);
    buf_done(&out);
    assert_int_equal(found, wanted);
}

static void *count_much(void *argument)
{
    (void)argument;
    for (int i = 0; i < TIMES; i++) {
        metrics_count(&requests, 1, 2);
        metrics_observe(&commit_writes, 0, 3);
    }
    return NULL;
}

static void no_count_is_lost_between_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_much, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    expect("\ntest_requests_total{operation=\"one\",outcome=\"two\"} 60000\n", true);
    expect("\ntest_commit_writes_sum 180000\n", true);
    expect("\ntest_commit_writes_count 60000\n", true);
}

static void buckets_hold_what_is_at_most_their_bound(void **state)
{
    (void)state;
    static const int64_t observed_us[] = {-5, 0, 25, 26, 1000000, 30000001};
    for (size_t i = 0; i < sizeof(observed_us) / sizeof(*observed_us); i++)
        metrics_observe(&request_seconds, 2, observed_us[i]);
    const char *name = "test_request_duration_seconds";
    static const char *const ends[] = {
        "_bucket{operation=\"two\",le=\"2.5e-05\"} 3\n",
        "_bucket{operation=\"two\",le=\"5e-05\"} 4\n",
        "_bucket{operation=\"two\",le=\"0.25\"} 4\n",
        "_bucket{operation=\"two\",le=\"1\"} 5\n",
        "_bucket{operation=\"two\",le=\"30\"} 5\n",
        "_bucket{operation=\"two\",le=\"+Inf\"} 6\n",
        "_sum{operation=\"two\"} 31.000052\n",
        "_count{operation=\"two\"} 6\n",
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        char line[200];
        snprintf(line, sizeof(line), "\n%s%s", name, ends[i]);
        expect(line, true);
    }
}

static void series_without_a_name_or_a_count_are_left_out(void **state)
{
    (void)state;
    metrics_count(&verifications, 0, 7);
    metrics_count(&verifications, 1000, 1000);
    expect("test_verifications_total{", false);
    expect("# TYPE test_verifications_total counter\n", true);
    expect("test_verification_duration_seconds_count", false);
}

static void a_set_number_is_the_last_one_set(void **state)
{
    (void)state;
    expect("\ntest_workers 0\n", true);
    metrics_set(&workers, 7);
    metrics_set(&workers, 5);
    expect("\ntest_workers 5\n", true);
}

/* Their series must stand together, under one head. */
static void rows_of_one_name_are_one_metric(void **state)
{
    (void)state;
    metrics_count(&requests, 0, 0);
    metrics_count(&more_requests, 0, 0);
    struct buf out = buf_on_heap(METRICS_TEXT_MAX);
    metrics_write(&out, rows, 2);
    assert_string_equal(out.data + strlen(out.data) - strlen("{from=\"elsewhere\"} 1\n"),
                        "{from=\"elsewhere\"} 1\n");
    char *head = strstr(out.data, "# TYPE test_requests_total counter\n");
    assert_non_null(head);
    assert_null(strstr(head + 1, "# TYPE"));
    buf_done(&out);
}

static const char *const letters[] = {"a", "b", "c", "d", "e"};
static const struct metric all = {
    "test_all_total", "All.", .labels = {{"first", 5, letters, NULL}, {"second", 5, letters, NULL}},
    METRIC_SERIES(25)};

/* A series' cells are its own, also at the end of the array and for the last value of each label.
 */
static void no_series_shares_a_cell_with_another(void **state)
{
    (void)state;
    static const struct metric *const row[] = {&all};
    for (size_t first = 0; first < 5; first++) {
        for (size_t second = 0; second < 5; second++) {
            for (size_t i = 0; i <= first * 5 + second; i++)
                metrics_count(&all, first, second);
        }
    }
    struct buf out = buf_on_heap(METRICS_TEXT_MAX);
    metrics_write(&out, row, 1);
    for (size_t i = 0; i < 25; i++) {
        char line[100];
        snprintf(line, sizeof(line), "\ntest_all_total{first=\"%s\",second=\"%s\"} %zu\n",
                 letters[i / 5], letters[i % 5], i + 1);
        assert_non_null(strstr(out.data, line));
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_count_is_lost_between_threads),
        cmocka_unit_test(buckets_hold_what_is_at_most_their_bound),
        cmocka_unit_test(series_without_a_name_or_a_count_are_left_out),
        cmocka_unit_test(a_set_number_is_the_last_one_set),
        cmocka_unit_test(rows_of_one_name_are_one_metric),
        cmocka_unit_test(no_series_shares_a_cell_with_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
