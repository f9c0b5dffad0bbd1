/* How events are brought to a receiver, whatever it answers: what is tried again and when, what
 * counts as its silence, and what is counted of what waits (profile/event_delivery.h). */
#include "store_fixture.h"

#include "base/clock.h"
#include "job/job.h"
#include "profile/event_delivery.h"
#include "work/host_breaker.h"

#define HOUR_MS (3600 * 1000LL)

static const struct metric waiting = {"test_waiting", "What waits.", METRIC_GAUGE,
                                      METRIC_SERIES(1)};
static const struct metric outcomes = {
    "test_events_total",
    "What became of events.",
    .labels = {{"outcome", EVENT_OUTCOMES, event_outcome_names, NULL}},
    METRIC_SERIES(EVENT_OUTCOMES),
};

static const struct metric oldest = {"test_oldest_seconds", "How long it has waited.", METRIC_GAUGE,
                                     METRIC_SERIES(1)};

static struct {
    struct event_answer answer;
    int sent;
    const char *silent; /* a region whose host does not answer; NULL: none */
} peer;

static struct str host_of_region(const void *context, const struct job_key *subject,
                                 struct arena *arena)
{
    (void)context;
    return arena_printf(arena, "events.%.*s.example", STR_ARG(subject->region));
}

static void send_to_peer(void *context, const struct job_key *subject,
                         const struct queued_event *event, struct arena *arena,
                         struct event_answer *ret_answer)
{
    (void)context, (void)event, (void)arena;
    peer.sent++;
    *ret_answer = peer.answer;
    if (peer.silent)
        ret_answer->end =
            str_eq(subject->region, str_from(peer.silent)) ? EVENT_UNREACHED : EVENT_TAKEN;
}

static const struct event_receiver receiver = {
    .name = "the test",
    .host = {"peer.example", sizeof("peer.example") - 1},
    .host_of = host_of_region,
    .kinds = 1U << EVENTS_FOR_BUS,
    .send = send_to_peer,
    .events = &outcomes,
    .waiting = &waiting,
    .age = &oldest,
};

struct adding {
    const char *subject, *region;
    int count;
};

static bool apply_add(struct db *db, void *argument, struct error *error)
{
    const struct adding *adding = argument;
    const struct event_key key = {STR("123456789012"), str_from(adding->region),
                                  str_from(adding->subject)};
    for (int i = 0; i < adding->count; i++) {
        if (!event_queue_add(db, key, STR("{}"), error))
            return false;
    }
    return true;
}

static void add_in(struct fixture *f, const char *subject, const char *region, int count)
{
    struct adding adding = {subject, region, count};
    check(f, store_apply(f->store, apply_add, &adding, false, &f->error));
}

static void add(struct fixture *f, const char *subject, int count)
{
    add_in(f, subject, "us-east-1", count);
}

/* The one job of the kind in a region, whenever it is due. */
static struct job_row job_in(struct fixture *f, struct str kind, const char *region)
{
    const struct job_filter filter = {
        .kind = kind, .now_ms = clock_wall_ms() + 24 * HOUR_MS, .limit = 9};
    struct job_row *rows, *found = NULL;
    size_t count;
    check(f, job_list_due(f->reader, &f->arena, &filter, &rows, &count, &f->error));
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(rows[i].key.region, str_from(region)))
            continue;
        assert_null(found);
        found = &rows[i];
    }
    assert_non_null(found);
    return *found;
}

static struct job_row job_of(struct fixture *f, struct str kind)
{
    return job_in(f, kind, "us-east-1");
}

struct tried {
    struct event_delivery *delivery;
    struct job_runner *runner;
};

static enum job_end run_in(struct fixture *f, const struct tried *tried, const char *region)
{
    struct job_row job = job_in(f, EVENT_BUS_JOB, region);
    void *state = event_bus_kind.begin(tried->delivery, &job);
    enum job_end end = event_bus_kind.run(state, tried->runner);
    event_bus_kind.free(state);
    return end;
}

static enum job_end run_once(struct fixture *f, const struct tried *tried)
{
    return run_in(f, tried, "us-east-1");
}

static struct tried begin(struct fixture *f)
{
    struct event_delivery *delivery = event_delivery_new(f->store, &receiver);
    memset(&peer, 0, sizeof(peer));
    peer.answer.why = STR("no answer");
    return (struct tried){delivery, job_runner_new(&event_bus_kind, delivery, f->store)};
}

static void end(const struct tried *tried)
{
    job_runner_free(tried->runner);
    event_delivery_free(tried->delivery);
}

static void a_receiver_that_is_silent_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct tried tried = begin(f);
    add(f, EVENT_FOR_BUS "nightly", 1);
    peer.answer.end = EVENT_UNREACHED;
    for (int i = 0; i < HOST_BREAKER_FAILURES; i++)
        assert_int_equal(run_once(f, &tried), JOB_DONE);
    assert_int_equal(peer.sent, HOST_BREAKER_FAILURES);
    assert_int_equal(run_once(f, &tried), JOB_AGAIN);
    assert_int_equal(peer.sent, HOST_BREAKER_FAILURES);
    end(&tried);
}

static void the_silence_of_one_region_holds_no_other_back(void **state)
{
    struct fixture *f = *state;
    struct tried tried = begin(f);
    add(f, EVENT_FOR_BUS "nightly", 1);
    add_in(f, EVENT_FOR_BUS "nightly", "eu-west-1", 1);
    peer.silent = "us-east-1";
    for (int i = 0; i < HOST_BREAKER_FAILURES; i++)
        assert_int_equal(run_once(f, &tried), JOB_DONE);
    assert_int_equal(run_once(f, &tried), JOB_AGAIN);
    assert_int_equal(run_in(f, &tried, "eu-west-1"), JOB_DONE);
    assert_int_equal(peer.sent, HOST_BREAKER_FAILURES + 1);
    end(&tried);
}

/* An answer, and what is missing at this end, say nothing of the receiver's silence. */
static void what_is_no_silence_is_tried_again_each_time(void **state)
{
    struct fixture *f = *state;
    static const enum event_end ends[] = {EVENT_REFUSED, EVENT_NOT_SENT};
    for (size_t i = 0; i < 2; i++) {
        struct tried tried = begin(f);
        if (i == 0)
            add(f, EVENT_FOR_BUS "nightly", 1);
        peer.answer.end = ends[i];
        for (int j = 0; j < 3 * HOST_BREAKER_FAILURES; j++)
            assert_int_equal(run_once(f, &tried), JOB_DONE);
        assert_int_equal(peer.sent, 3 * HOST_BREAKER_FAILURES);
        end(&tried);
    }
}

static void the_receivers_wait_is_kept(void **state)
{
    struct fixture *f = *state;
    struct tried tried = begin(f);
    add(f, EVENT_FOR_BUS "nightly", 2);
    peer.answer = (struct event_answer){EVENT_REFUSED, STR("busy"), HOUR_MS / 2};
    int64_t before_ms = clock_wall_ms();
    assert_int_equal(run_once(f, &tried), JOB_DONE);
    assert_int_equal(peer.sent, 1); /* the second event waits behind the first */
    struct job_row job = job_of(f, EVENT_BUS_JOB);
    assert_true(job.due_at_ms >= before_ms + HOUR_MS / 2);
    assert_true(job.due_at_ms < before_ms + HOUR_MS);
    peer.answer.retry_after_ms = 100 * HOUR_MS; /* more than is granted */
    assert_int_equal(run_once(f, &tried), JOB_DONE);
    assert_true(job_of(f, EVENT_BUS_JOB).due_at_ms <= clock_wall_ms() + EVENT_AFTER_MAX_MS);
    end(&tried);
}

static void each_receiver_counts_what_is_its_own(void **state)
{
    struct fixture *f = *state;
    struct tried tried = begin(f);
    struct buf text = buf_in(&f->arena, 4096);
    const struct metric *const metrics[] = {&waiting};
    add(f, EVENT_FOR_BUS "nightly", 4);
    add(f, EVENT_OF_FLOW "nightly", 2);
    add(f, "crm", 3);
    event_bus_kind.looked(tried.delivery);
    metrics_write(&text, metrics, 1);
    assert_true(str_contains(buf_str(&text), STR("\ntest_waiting 4\n")));
    end(&tried);
}

/* Of all events, the oldest counts; none waits: 0. */
static void how_long_the_oldest_waits_is_told(void **state)
{
    struct fixture *f = *state;
    struct tried tried = begin(f);
    struct buf text = buf_in(&f->arena, 4096);
    const struct metric *const metrics[] = {&oldest};
    event_bus_kind.looked(tried.delivery);
    metrics_write(&text, metrics, 1);
    assert_true(str_contains(buf_str(&text), STR("\ntest_oldest_seconds 0\n")));
    end(&tried);
    add(f, EVENT_FOR_BUS "nightly", 1);
    clock_nap_us(1100 * 1000);
    add(f, EVENT_FOR_BUS "hourly", 1);
    tried = begin(f);
    buf_clear(&text);
    event_bus_kind.looked(tried.delivery);
    metrics_write(&text, metrics, 1);
    assert_true(str_contains(buf_str(&text), STR("\ntest_oldest_seconds ")));
    assert_false(str_contains(buf_str(&text), STR("\ntest_oldest_seconds 0\n")));
    end(&tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(a_receiver_that_is_silent_is_left_alone),
        test_with_store(what_is_no_silence_is_tried_again_each_time),
        test_with_store(the_receivers_wait_is_kept),
        test_with_store(each_receiver_counts_what_is_its_own),
        test_with_store(the_silence_of_one_region_holds_no_other_back),
        test_with_store(how_long_the_oldest_waits_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
