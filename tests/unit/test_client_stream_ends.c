/* Streams that end early: by either side, the deadline or the server's stop. */
#include "stream_fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

/* --- ended early --- */

static void assert_serves_on(struct fixture *f)
{
    struct flow flow;
    flow_init(&flow, MIB, MIB);
    stream(f, "POST", here(f), &flow.source, NULL, LONG_MS);
    assert_outcome(f, CLIENT_OK);
    assert_str(f->response.body, "length right 1048576");
}

static void sources_can_abort(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct flow flow;
    open_plain(&f, serve_upload, NULL);
    flow_init(&flow, LARGE, LARGE);
    flow.fail_at = 3 * MIB;
    stream(&f, "POST", here(&f), &flow.source, NULL, LONG_MS);
    assert_outcome(&f, CLIENT_ABORTED);
    assert_detail(&f, "127.0.0.1: call aborted because the request's body could not be read");
    flow_init(&flow, MIB, LARGE);
    stream(&f, "POST", here(&f), &flow.source, NULL, LONG_MS);
    assert_outcome(&f, CLIENT_ABORTED);
    assert_detail(&f, "127.0.0.1: call aborted because the request's body ended early");
    assert_serves_on(&f);
    close_all(&f);
}

static void a_source_gives_no_more_than_its_length(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct flow flow;
    open_plain(&f, serve_upload, NULL);
    flow_init(&flow, LARGE, MIB);
    stream(&f, "POST", here(&f), &flow.source, NULL, LONG_MS);
    assert_outcome(&f, CLIENT_OK);
    assert_str(f.response.body, "length right 1048576");
    assert_int_equal(flow.pulled, MIB);
    close_all(&f);
}

static void sinks_can_abort(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct flow flow;
    open_plain(&f, serve_download, NULL);
    flow_init(&flow, 0, 0);
    flow.refuses_head = true;
    stream(&f, "GET", here(&f), NULL, &flow.sink, LONG_MS);
    assert_outcome(&f, CLIENT_ABORTED);
    assert_detail(&f, "127.0.0.1: call aborted because the response was not wanted");
    assert_int_equal(flow.pushed, 0);
    flow_init(&flow, 0, 0);
    flow.stop_at = 3 * MIB;
    stream(&f, "GET", here(&f), NULL, &flow.sink, LONG_MS);
    assert_outcome(&f, CLIENT_ABORTED);
    assert_detail(&f, "127.0.0.1: call aborted because the response was not wanted further");
    assert_in_range(flow.pushed, 3 * MIB, 3 * MIB + CLIENT_RING_SIZE);
    flow_init(&flow, 0, 0);
    flow.sink.size_max = LARGE - 1;
    stream(&f, "GET", here(&f), NULL, &flow.sink, LONG_MS);
    assert_outcome(&f, CLIENT_TOO_LARGE);
    assert_detail(&f, "127.0.0.1: response exceeds the size limit");
    flow_init(&flow, 0, 0);
    flow.sink.size_max = LARGE;
    stream(&f, "GET", here(&f), NULL, &flow.sink, LONG_MS);
    assert_outcome(&f, CLIENT_OK);
    close_all(&f);
}

/* Two MiB of a response that was to have 64; or of a request. */
static void serve_and_close(struct peer_connection *c)
{
    char piece[PIECE];
    if (!peer_read_head(c))
        return;
    if (strncmp(c->request, "GET ", 4) == 0) {
        peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n"));
        write_body(c, 2 * MIB, NULL);
        return;
    }
    struct body_reader reader = body_of(c);
    for (int64_t total = 0; total < 2 * MIB;)
        total += read_body(&reader, piece, sizeof(piece));
    if (strncmp(c->request, "PUT ", 4) == 0) {
        peer_write(c, STR("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"));
        peer_wait_for_end(c);
        return;
    }
    peer_reset_at_end(c);
}

static void peers_can_end_it(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct flow flow;
    open_plain(&f, serve_and_close, NULL);
    flow_init(&flow, 0, 0);
    stream(&f, "GET", here(&f), NULL, &flow.sink, LONG_MS);
    assert_outcome(&f, CLIENT_BROKEN);
    assert_detail(&f, "127.0.0.1: connection closed before the response was complete");
    assert_int_equal(flow.status, 200);
    assert_false(flow.wrong);
    flow_init(&flow, LARGE, LARGE);
    stream(&f, "POST", here(&f), &flow.source, NULL, LONG_MS);
    assert_outcome(&f, CLIENT_BROKEN);
    assert_detail(&f, "127.0.0.1: connection closed before a response was received");
    assert_true(f.response.sent);
    flow_init(&flow, LARGE, LARGE);
    stream(&f, "PUT", here(&f), &flow.source, NULL, LONG_MS);
    assert_outcome(&f, CLIENT_OK);
    assert_int_equal(f.response.status, 403);
    assert_str(f.response.body, "no");
    assert_true(flow.pulled < LARGE);
    close_all(&f);
}

/* The first request of each connection is answered, the next one ends it. */
static void serve_once(struct peer_connection *c)
{
    if (peer_read(c) && peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")))
        peer_read(c);
}

static void what_a_source_gave_is_not_sent_again(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct flow flow;
    open_plain(&f, serve_once, NULL);
    get(&f, "/");
    assert_outcome(&f, CLIENT_OK);
    flow_init(&flow, 10, 10);
    stream(&f, "GET", here(&f), &flow.source, NULL, LONG_MS);
    assert_outcome(&f, CLIENT_BROKEN);
    assert_detail(&f, "127.0.0.1: connection closed before a response was received");
    assert_true(f.response.reused);
    assert_int_equal(peer_requests(f.peer), 2);
    close_all(&f);
}

/* --- the deadline and the server's stop --- */

static void serve_a_part(struct peer_connection *c)
{
    if (!peer_read_head(c))
        return;
    peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n"));
    write_body(c, MIB, NULL);
    peer_wait_for_end(c);
}

static bool push_past_the_deadline(void *context, struct str bytes)
{
    struct flow *flow = context;
    if (flow->pushed == 0)
        usleep(2 * SHORT_MS * 1000);
    return push(flow, bytes);
}

static void deadlines_end_streams(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct flow flow;
    open_plain(&f, serve_a_part, NULL);
    flow_init(&flow, 0, 0);
    stream(&f, "GET", here(&f), NULL, &flow.sink, SHORT_MS);
    assert_outcome(&f, CLIENT_TIMEOUT);
    assert_detail(&f, "timed out reading the response of 127.0.0.1");
    assert_int_equal(flow.pushed, MIB);
    close_all(&f);
    open_plain(&f, serve_download, NULL);
    flow_init(&flow, 0, 0);
    flow.sink.push = push_past_the_deadline; /* libcurl is paused then */
    stream(&f, "GET", here(&f), NULL, &flow.sink, SHORT_MS);
    assert_outcome(&f, CLIENT_TIMEOUT);
    assert_true(flow.pushed < LARGE);
    close_all(&f);
}

static ssize_t pull_past_the_deadline(void *context, char *out, size_t size)
{
    struct flow *flow = context;
    if (flow->pulled > 0)
        usleep(2 * SHORT_MS * 1000);
    flow->pulled++;
    (void)size;
    *out = 'x';
    return 1;
}

static void deadlines_end_uploads(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct flow flow;
    open_plain(&f, serve_upload, NULL);
    flow_init(&flow, LARGE, LARGE);
    flow.source.pull = pull_past_the_deadline;
    stream(&f, "POST", here(&f), &flow.source, NULL, SHORT_MS);
    assert_outcome(&f, CLIENT_TIMEOUT);
    assert_detail(&f, "timed out waiting for 127.0.0.1");
    assert_in_range(flow.pulled, 1, 2);
    flow_init(&flow, MIB, MIB);
    stream(&f, "POST", here(&f), &flow.source, &flow.sink, 0);
    assert_outcome(&f, CLIENT_TIMEOUT);
    assert_false(f.response.connected);
    close_all(&f);
}

struct stopped {
    struct fixture *f;
    struct flow flow;
    sem_t arrived;
};

static bool push_and_tell(void *context, struct str bytes)
{
    struct stopped *stopped = context;
    bool first = stopped->flow.pushed == 0;
    stopped->flow.pushed += (int64_t)bytes.len;
    if (first)
        sem_post(&stopped->arrived);
    return true;
}

static void *stream_until_stopped(void *argument)
{
    struct stopped *stopped = argument;
    struct client_sink sink = {.push = push_and_tell, .context = stopped};
    stream(stopped->f, "GET", here(stopped->f), NULL, &sink, LONG_MS);
    return NULL;
}

static void stopping_ends_streams(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct stopped stopped = {.f = &f};
    pthread_t thread;
    sem_init(&stopped.arrived, 0, 0);
    open_plain(&f, serve_a_part, NULL);
    assert_int_equal(pthread_create(&thread, NULL, stream_until_stopped, &stopped), 0);
    sem_wait(&stopped.arrived);
    client_stop(f.client);
    pthread_join(thread, NULL);
    assert_outcome(&f, CLIENT_STOPPED);
    stream(&f, "GET", here(&f), NULL, &stopped.flow.sink, LONG_MS);
    assert_outcome(&f, CLIENT_STOPPED);
    close_all(&f);
}

/* --- given up --- */

struct patience {
    int looks, most;
};

static bool goes_on(void *context)
{
    struct patience *patience = context;
    return ++patience->looks < patience->most;
}

/* Of a response of which nothing comes, or no more. */
static void give_up(peer_serve *serve, const char *method, bool is_streamed)
{
    struct fixture f = {0};
    struct flow flow;
    struct patience patience = {.most = 2};
    const struct client_watch watch = {goes_on, &patience};
    int64_t began_ms = clock_mono_ms();
    open_plain(&f, serve, NULL);
    flow_init(&flow, 0, 0);
    const struct client_request request = {
        .method = str_from(method),
        .url = here(&f),
        .sink = is_streamed ? &flow.sink : NULL,
        .watch = &watch,
        .deadline_ms = began_ms + LONG_MS,
    };
    client_call(f.client, &f.arena, &request, &f.response);
    assert_outcome(&f, CLIENT_ABORTED);
    assert_detail(&f, "127.0.0.1: call aborted because its caller is to end");
    assert_int_equal(patience.looks, 2);
    assert_in_range(clock_mono_ms() - began_ms, 2 * CLIENT_WATCH_MS - 10, LONG_MS / 2);
    close_all(&f);
}

static void a_watch_ends_calls(void **state)
{
    (void)state;
    give_up(peer_wait_for_end, "GET", false);
    give_up(peer_wait_for_end, "POST", false);
    give_up(peer_wait_for_end, "GET", true);
    give_up(serve_a_part, "GET", true);
}

static void a_watch_is_not_asked_about_a_call_that_ends(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct flow flow;
    struct patience patience = {.most = 1};
    const struct client_watch watch = {goes_on, &patience};
    open_plain(&f, serve_download, NULL);
    flow_init(&flow, 0, 0);
    const struct client_request request = {.method = STR("GET"),
                                           .url = here(&f),
                                           .sink = &flow.sink,
                                           .watch = &watch,
                                           .deadline_ms = clock_mono_ms() + LONG_MS};
    client_call(f.client, &f.arena, &request, &f.response);
    assert_outcome(&f, patience.looks == 0 ? CLIENT_OK : CLIENT_ABORTED); /* on a slow machine */
    close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_can_abort),
        cmocka_unit_test(a_source_gives_no_more_than_its_length),
        cmocka_unit_test(sinks_can_abort),
        cmocka_unit_test(peers_can_end_it),
        cmocka_unit_test(what_a_source_gave_is_not_sent_again),
        cmocka_unit_test(deadlines_end_streams),
        cmocka_unit_test(deadlines_end_uploads),
        cmocka_unit_test(stopping_ends_streams),
        cmocka_unit_test(a_watch_ends_calls),
        cmocka_unit_test(a_watch_is_not_asked_about_a_call_that_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
