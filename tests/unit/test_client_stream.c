/* Bodies that are streamed: of any size in flat memory, at the pace of the slower side. */
#include "stream_fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

enum {
    /* Rings, libcurl's buffers and the sockets' (tcp_rmem and tcp_wmem end at 6 and 4 MiB). */
    UNDER_WAY_MAX = 16 * MIB,
};

/* How much the process may grow while LARGE bytes pass. The address sanitizer gives nothing back
 * that was freed, so there it is all that libcurl's pauses allocate. */
#if defined(__SANITIZE_ADDRESS__)
enum { GROWTH_MAX = 48 * MIB };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { GROWTH_MAX = 48 * MIB };
#else
enum { GROWTH_MAX = 8 * MIB };
#endif
#else
enum { GROWTH_MAX = 8 * MIB };
#endif

/* --- how much memory a call takes --- */

static long read_status(const char *name)
{
    char line[256];
    long value = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtol(line + strlen(name), NULL, 10);
    }
    fclose(file);
    return value * 1024;
}

static long peak;

static void begin_measuring(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "we"); /* proc(5): 5 resets the peak */
    fputs("5", file);
    fclose(file);
    peak = read_status("VmHWM:");
}

static void assert_flat(void)
{
    assert_in_range(read_status("VmHWM:") - peak, 0, GROWTH_MAX);
}

static void serve_echo(struct peer_connection *c)
{
    char piece[PIECE], head[128];
    int got;
    while (peer_read_head(c)) {
        struct body_reader reader = body_of(c);
        snprintf(head, sizeof(head), "HTTP/1.1 201 Created\r\nContent-Length: %lld\r\n\r\n",
                 (long long)reader.left);
        peer_write(c, str_from(head));
        while ((got = read_body(&reader, piece, sizeof(piece))) > 0)
            peer_write(c, (struct str){piece, (size_t)got});
    }
}

/* --- any size --- */

static void assert_uploaded(struct fixture *f, int64_t size, int64_t length, const char *expected)
{
    struct flow flow;
    flow_init(&flow, size, length);
    stream(f, "POST", here(f), &flow.source, NULL, LONG_MS);
    assert_outcome(f, CLIENT_OK);
    assert_str(f->response.body, expected);
    assert_int_equal(flow.pulled, size);
}

static void uploads_of_any_size_pass(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_upload, NULL);
    assert_uploaded(&f, 0, 0, "length right 0");
    assert_uploaded(&f, 0, -1, "chunked right 0");
    assert_uploaded(&f, 1, 1, "length right 1");
    assert_uploaded(&f, 1, -1, "chunked right 1");
    assert_uploaded(&f, CLIENT_RING_SIZE + 1, CLIENT_RING_SIZE + 1, "length right 262145");
    begin_measuring();
    assert_uploaded(&f, LARGE, LARGE, "length right 67108864");
    assert_true(f.response.reused);
    assert_uploaded(&f, LARGE, -1, "chunked right 67108864");
    assert_flat();
    close_all(&f);
}

static void every_method_takes_a_source(void **state)
{
    (void)state;
    struct fixture f = {0};
    static const char *const methods[] = {"POST", "PUT", "PATCH", "GET", "DELETE"};
    open_plain(&f, serve_upload, NULL);
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        struct flow flow;
        flow_init(&flow, MIB, MIB);
        stream(&f, methods[i], here(&f), &flow.source, NULL, LONG_MS);
        assert_outcome(&f, CLIENT_OK);
        assert_str(f.response.body, "length right 1048576");
    }
    close_all(&f);
}

static void downloads_of_any_size_pass(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct flow flow;
    open_plain(&f, serve_download, NULL);
    begin_measuring();
    for (int i = 0; i < 2; i++) {
        flow_init(&flow, 0, 0);
        stream(&f, "GET", here(&f), NULL, &flow.sink, LONG_MS);
        assert_outcome(&f, CLIENT_OK);
        assert_int_equal(f.response.reused, i > 0);
        assert_int_equal(flow.pushed, LARGE);
        assert_false(flow.wrong);
        assert_int_equal(flow.heads, 1);
        assert_int_equal(flow.status, 200);
        assert_int_equal(f.response.status, 200);
        assert_str(*client_header(&f.response, STR("content-length")), "67108864");
        assert_int_equal(f.response.body.len, 0);
    }
    assert_flat();
    close_all(&f);
}

static void both_ways_at_once(struct fixture *f, struct str url, int64_t size)
{
    struct flow flow;
    flow_init(&flow, size, size);
    stream(f, "POST", url, &flow.source, &flow.sink, LONG_MS);
    assert_outcome(f, CLIENT_OK);
    assert_int_equal(flow.status, 201);
    assert_int_equal(flow.pushed, size);
    assert_false(flow.wrong);
}

static void what_is_sent_comes_back_meanwhile(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_echo, NULL);
    begin_measuring();
    both_ways_at_once(&f, here(&f), LARGE);
    assert_flat();
    close_all(&f);
}

static void streams_pass_through_tls(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct peer_authority authority;
    peer_authority_init(&authority);
    struct client_config config = {.trust.pem = str_from(authority.pem)};
    f.peer = peer_start(serve_echo, NULL, &authority, "localhost");
    open_client(&f, "127.0.0.1", &config);
    both_ways_at_once(&f, url_of(&f, "https", "localhost", "/"), 8 * MIB);
    close_all(&f);
    peer_authority_done(&authority);
}

enum { CROWD = 16 };

static void *crowd_member(void *argument)
{
    struct fixture own = *(struct fixture *)argument;
    own.arena = (struct arena){0};
    for (int i = 0; i < 4; i++)
        both_ways_at_once(&own, here(&own), MIB + i);
    arena_done(&own.arena);
    return NULL;
}

static void many_stream_at_once(void **state)
{
    (void)state;
    struct fixture f = {0};
    pthread_t threads[CROWD];
    open_plain(&f, serve_echo, NULL);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_member, &f), 0);
    for (size_t i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    close_all(&f);
}

/* --- the pace of the slower side --- */

struct slow_reader {
    struct flow flow;
    atomic_llong sent; /* by the peer */
    int64_t sent_while_waiting;
};

/* At its first bytes it waits until the peer can send no more. */
static bool push_slowly(void *context, struct str bytes)
{
    struct slow_reader *slow = context;
    if (slow->flow.pushed == 0) {
        long long before = -1;
        while (before != atomic_load(&slow->sent) && before < LARGE) {
            before = atomic_load(&slow->sent);
            usleep(200 * 1000);
        }
        slow->sent_while_waiting = before;
    }
    return push(&slow->flow, bytes);
}

static void a_slow_reader_slows_the_peer(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct slow_reader slow = {0};
    flow_init(&slow.flow, 0, 0);
    struct client_sink sink = {.push = push_slowly, .context = &slow};
    open_plain(&f, serve_download, &slow.sent);
    stream(&f, "GET", here(&f), NULL, &sink, LONG_MS);
    assert_outcome(&f, CLIENT_OK);
    assert_in_range(slow.sent_while_waiting, 1, UNDER_WAY_MAX);
    assert_int_equal(slow.flow.pushed, LARGE);
    assert_false(slow.flow.wrong);
    close_all(&f);
}

struct slow_writer {
    struct flow flow;
    sem_t arrived; /* a piece */
    int pieces;
};

static void serve_pieces(struct peer_connection *c)
{
    struct slow_writer *slow = c->context;
    char byte;
    if (!peer_read_head(c))
        return;
    struct body_reader reader = body_of(c);
    while (read_body(&reader, &byte, 1) > 0)
        sem_post(&slow->arrived);
    peer_receive(c, &byte, 1);
    peer_receive(c, &byte, 1);
    peer_write(c, STR("HTTP/1.1 204 No Content\r\n\r\n"));
}

/* One byte, and the next only when that one has arrived. */
static ssize_t pull_slowly(void *context, char *out, size_t size)
{
    struct slow_writer *slow = context;
    if (slow->pieces > 0)
        sem_wait(&slow->arrived);
    if (slow->pieces++ == 100)
        return 0;
    assert_true(size > 0);
    *out = 'x';
    return 1;
}

static void what_a_slow_source_gives_is_sent_at_once(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct slow_writer slow = {0};
    struct client_source source = {.pull = pull_slowly, .context = &slow, .length = -1};
    sem_init(&slow.arrived, 0, 0);
    open_plain(&f, serve_pieces, &slow);
    stream(&f, "PUT", here(&f), &source, NULL, LONG_MS);
    assert_outcome(&f, CLIENT_OK);
    assert_int_equal(f.response.status, 204);
    assert_int_equal(slow.pieces, 101);
    close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uploads_of_any_size_pass),
        cmocka_unit_test(every_method_takes_a_source),
        cmocka_unit_test(downloads_of_any_size_pass),
        cmocka_unit_test(what_is_sent_comes_back_meanwhile),
        cmocka_unit_test(streams_pass_through_tls),
        cmocka_unit_test(many_stream_at_once),
        cmocka_unit_test(a_slow_reader_slows_the_peer),
        cmocka_unit_test(what_a_slow_source_gives_is_sent_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
