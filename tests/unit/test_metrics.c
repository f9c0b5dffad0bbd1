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

static const struct metric_names names = {.of = {
                                              [LABEL_OPERATION] = number_name,
                                              [LABEL_OUTCOME] = number_name,
                                              [LABEL_CONNECTOR] = number_name,
                                              [LABEL_VERDICT] = number_name,
                                              [LABEL_CONNECTION] = number_name,
                                              [LABEL_STAGE] = number_name,
                                              [LABEL_LIMIT] = number_name,
                                          }};

static void expect(const char *line, bool wanted)
{
    struct buf out = buf_on_heap(METRICS_TEXT_MAX);
    metrics_write(&out, &names);
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
        metrics_count(METRIC_REQUESTS, 1, 2);
        metrics_observe(METRIC_COMMIT_WRITES, 0, 3);
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
    expect("\nheadgate_requests_total{operation=\"one\",outcome=\"two\"} 60000\n", true);
    expect("\nheadgate_commit_writes_sum 180000\n", true);
    expect("\nheadgate_commit_writes_count 60000\n", true);
}

static void buckets_hold_what_is_at_most_their_bound(void **state)
{
    (void)state;
    static const int64_t observed_us[] = {-5, 0, 25, 26, 1000000, 30000001};
    for (size_t i = 0; i < sizeof(observed_us) / sizeof(*observed_us); i++)
        metrics_observe(METRIC_REQUEST_SECONDS, 2, observed_us[i]);
    const char *name = "headgate_request_duration_seconds";
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
    metrics_count(METRIC_VERIFICATIONS, 0, 7);
    metrics_count(METRIC_VERIFICATIONS, 1000, 1000);
    expect("headgate_verifications_total{", false);
    expect("# TYPE headgate_verifications_total counter\n", true);
    expect("headgate_verification_duration_seconds_count", false);
}

static void a_set_number_is_the_last_one_set(void **state)
{
    (void)state;
    expect("\nheadgate_workers 0\n", true);
    metrics_set(METRIC_WORKERS, 7);
    metrics_set(METRIC_WORKERS, 5);
    expect("\nheadgate_workers 5\n", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_count_is_lost_between_threads),
        cmocka_unit_test(buckets_hold_what_is_at_most_their_bound),
        cmocka_unit_test(series_without_a_name_or_a_count_are_left_out),
        cmocka_unit_test(a_set_number_is_the_last_one_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
