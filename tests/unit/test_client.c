/* What is sent, and over which connection. */
#include "client_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

/* --- what is sent --- */

/* Answers with the request itself. */
static void serve_echo(struct peer_connection *c)
{
    char head[128];
    while (peer_read(c)) {
        snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nX-Name: %s\r\nContent-Length: %zu\r\n\r\n",
                 c->server_name, c->request_len);
        if (!peer_write(c, str_from(head)) ||
            !peer_write(c, (struct str){c->request, c->request_len}))
            return;
    }
}

static void assert_sent(struct fixture *f, const char *method, struct str body, const char *format)
{
    static const struct http_header headers[] = {{STR("Authorization"), STR("Bearer t0ken")},
                                                 {STR("Content-Type"), STR(" text/x ")},
                                                 {STR("X-Empty"), STR("")},
                                                 {STR("X-Twice"), STR("1")},
                                                 {STR("X-Twice"), STR("2")}};
    struct client_request request = {
        .method = str_from(method),
        .url = url_of(f, "http", "127.0.0.1", "/a/../b%2F?q=1&r=%20#fragment"),
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(*headers),
        .body = body,
        .deadline_ms = clock_mono_ms() + LONG_MS};
    client_call(f->client, &f->arena, &request, &f->response);
    assert_outcome(f, CLIENT_OK);
    char expected[1024];
    snprintf(expected, sizeof(expected),
             "%s /a/../b%%2F?q=1&r=%%20 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
             "User-Agent: headgate/" HEADGATE_VERSION "\r\nAccept: */*\r\n"
             "Accept-Encoding: gzip, deflate\r\n"
             "Authorization: Bearer t0ken\r\nContent-Type: text/x\r\nX-Empty:\r\nX-Twice: 1\r\n"
             "X-Twice: 2\r\n%s",
             method, peer_port(f->peer), format);
    assert_str(f->response.body, expected);
}

static void requests_are_sent_byte_by_byte(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_echo, NULL);
    assert_sent(&f, "GET", STR_NULL, "\r\n");
    assert_sent(&f, "DELETE", STR_NULL, "\r\n");
    assert_sent(&f, "OPTIONS", STR_NULL, "\r\n");
    assert_sent(&f, "POST", STR("{}"), "Content-Length: 2\r\n\r\n{}");
    assert_sent(&f, "POST", STR_NULL, "Content-Length: 0\r\n\r\n");
    assert_sent(&f, "PUT", STR("x"), "Content-Length: 1\r\n\r\nx");
    assert_sent(&f, "PATCH", STR("x"), "Content-Length: 1\r\n\r\nx");
    assert_sent(&f, "DELETE", STR("x"), "Content-Length: 1\r\n\r\nx");
    assert_sent(&f, "GET", STR("x"), "Content-Length: 1\r\n\r\nx");
    close_all(&f);
}

static void nothing_is_added_to_a_bare_request(void **state)
{
    (void)state;
    struct fixture f = {0};
    char expected[256];
    open_plain(&f, serve_echo, NULL);
    post(&f, "");
    assert_outcome(&f, CLIENT_OK);
    snprintf(expected, sizeof(expected),
             "POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: headgate/" HEADGATE_VERSION
             "\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\nContent-Length: 3\r\n\r\na=b",
             peer_port(f.peer));
    assert_str(f.response.body, expected);
    close_all(&f);
}

static void large_bodies_arrive_whole(void **state)
{
    (void)state;
    struct fixture f = {0};
    size_t size = 200000;
    char *body = arena_alloc(&f.arena, size);
    memset(body, 'b', size);
    open_plain(&f, serve_echo, NULL);
    call_within(&f, "POST", url_of(&f, "http", "127.0.0.1", "/"), (struct str){body, size},
                LONG_MS);
    assert_outcome(&f, CLIENT_OK);
    assert_true(str_ends(f.response.body, (struct str){body, size}));
    assert_false(str_contains(f.response.body, STR("Expect")));
    close_all(&f);
}

static void serve_head(struct peer_connection *c)
{
    while (peer_read(c)) {
        assert_true(strncmp(c->request, "HEAD ", 5) == 0);
        peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n"));
    }
}

static void head_has_no_body(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_head, NULL);
    for (int i = 0; i < 2; i++) {
        call_within(&f, "HEAD", url_of(&f, "http", "127.0.0.1", "/"), STR_NULL, LONG_MS);
        assert_outcome(&f, CLIENT_OK);
        assert_int_equal(f.response.body.len, 0);
    }
    assert_int_equal(peer_connections(f.peer), 1);
    close_all(&f);
}

static void unfit_urls_are_refused(void **state)
{
    (void)state;
    static const struct str urls[] = {
        STR_NULL,
        STR(""),
        STR("/path"),
        STR("127.0.0.1/"),
        STR("//127.0.0.1/"),
        STR("http:127.0.0.1"),
        STR("http:/127.0.0.1/"),
        STR("http:///127.0.0.1/"),
        STR("http://"),
        STR("http://?x"),
        STR("https://#x"),
        STR("ftp://127.0.0.1/"),
        STR("file:///etc/passwd"),
        STR("file://127.0.0.1/etc/passwd"),
        STR(" http://127.0.0.1/"),
        STR("http://user@127.0.0.1/"),
        STR("http://user:pass@127.0.0.1/"),
        STR("http://@127.0.0.1/"),
        STR("http://127.0.0.1/a b"),
        STR("http://127.0.0.1/a\r\nX: y"),
        STR("http://127.0.0.1/\0"),
        STR("http://127.0.0.1\\@acme.example/"),
        STR("http://\xC3\xA9.example/"),
        STR("http://127.0.0.1:99999/"),
        STR("http://127.0.0.1:x/"),
        STR("http://[::1/"),
    };
    struct fixture f = {0};
    open_client(&f, "127.0.0.1,::1", NULL);
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
        call_within(&f, "GET", urls[i], STR_NULL, LONG_MS);
        if (f.response.outcome != CLIENT_BAD_URL)
            fail_msg("\"%.*s\" gives outcome %d", STR_ARG(urls[i]), f.response.outcome);
    }
    struct str start = STR("http://127.0.0.1/");
    char *url = arena_alloc(&f.arena, CLIENT_URL_MAX + 1);
    memset(url, 'a', CLIENT_URL_MAX + 1);
    memcpy(url, start.data, start.len);
    call_within(&f, "GET", (struct str){url, CLIENT_URL_MAX + 1}, STR_NULL, LONG_MS);
    assert_outcome(&f, CLIENT_BAD_URL);
    close_all(&f);
}

static void unfit_headers_and_methods_are_refused(void **state)
{
    (void)state;
    static const struct http_header headers[] = {{STR("X"), STR("a\r\nY: b")},
                                                 {STR("X"), STR("a\nb")},
                                                 {STR("X"), STR("a\0b")},
                                                 {STR("X y"), STR("a")},
                                                 {STR("X:"), STR("a")},
                                                 {STR(""), STR("a")},
                                                 {STR("X\n"), STR("a")},
                                                 {STR("host"), STR("a")},
                                                 {STR("Content-Length"), STR("1")},
                                                 {STR("Connection"), STR("x")},
                                                 {STR("Expect"), STR("x")},
                                                 {STR("Transfer-Encoding"), STR("chunked")}};
    static const char *const methods[] = {"", "get", "GE T", "GET\r\n", "ABCDEFGHIJKLMNOPQ"};
    struct fixture f = {0};
    open_plain(&f, serve_ok, NULL);
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        struct client_request request = {.method = STR("GET"),
                                         .url = url_of(&f, "http", "127.0.0.1", "/"),
                                         .headers = &headers[i],
                                         .header_count = 1,
                                         .deadline_ms = clock_mono_ms() + LONG_MS};
        client_call(f.client, &f.arena, &request, &f.response);
        assert_outcome(&f, CLIENT_BAD_URL);
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        call_within(&f, methods[i], url_of(&f, "http", "127.0.0.1", "/"), STR_NULL, LONG_MS);
        assert_outcome(&f, CLIENT_BAD_URL);
    }
    assert_int_equal(peer_connections(f.peer), 0);
    close_all(&f);
}

/* --- connections --- */

static void connections_are_used_again(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_ok, NULL);
    for (int i = 0; i < 5; i++) {
        post(&f, "/");
        assert_outcome(&f, CLIENT_OK);
        assert_int_equal(f.response.reused, i > 0);
        assert_int_equal(f.response.times.connect_us > 0, i == 0);
        assert_int_equal(f.response.times.resolve_us > 0, i == 0);
        assert_true(f.response.times.exchange_us > 0);
    }
    assert_int_equal(peer_connections(f.peer), 1);
    close_all(&f);
}

/* Answers the first request of the first connection; takes a second one there and goes away. */
static void serve_once(struct peer_connection *c)
{
    if (peer_read(c) && peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) &&
        peer_read(c) && c->number > 0)
        peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
}

static void only_what_changes_nothing_is_sent_again(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_once, NULL);
    post(&f, "/first");
    assert_outcome(&f, CLIENT_OK);
    post(&f, "/code"); /* on the kept connection, which closes without an answer */
    assert_outcome(&f, CLIENT_BROKEN);
    assert_detail(&f, "127.0.0.1: connection closed before a response was received");
    assert_true(f.response.reused);
    assert_int_equal(peer_requests(f.peer), 2);
    close_all(&f);
    open_plain(&f, serve_once, NULL);
    post(&f, "/first");
    get(&f, "/again");
    assert_outcome(&f, CLIENT_OK);
    assert_int_equal(peer_requests(f.peer), 3);
    assert_int_equal(peer_connections(f.peer), 2);
    close_all(&f);
}

static void serve_redirect(struct peer_connection *c)
{
    char head[256];
    snprintf(head, sizeof(head),
             "HTTP/1.1 302 Found\r\nLocation: http://localhost:%d/stolen\r\n"
             "Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n",
             peer_port(c->peer));
    while (peer_read(c)) {
        assert_null(strstr(c->request, "/stolen"));
        assert_null(strstr(c->request, "Cookie"));
        peer_write(c, str_from(head));
    }
}

static void redirects_and_cookies_are_not_followed(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_redirect, NULL);
    for (int i = 0; i < 2; i++) {
        get(&f, "/");
        assert_outcome(&f, CLIENT_OK);
        assert_int_equal(f.response.status, 302);
    }
    assert_int_equal(peer_requests(f.peer), 2);
    close_all(&f);
}

enum { CROWD = 64, CALLS_EACH = 4 };

struct crowd {
    struct fixture *f;
    struct str url;
    atomic_int good;
};

static void *crowd_member(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; i < CALLS_EACH; i++) {
        struct arena arena = {0};
        struct client_response response;
        struct str body = arena_printf(&arena, "caller %p call %d", (void *)&arena, i);
        struct client_request request = {.method = STR("POST"),
                                         .url = crowd->url,
                                         .body = body,
                                         .deadline_ms = clock_mono_ms() + LONG_MS};
        client_call(crowd->f->client, &arena, &request, &response);
        if (response.outcome == CLIENT_OK && str_ends(response.body, body))
            atomic_fetch_add(&crowd->good, 1);
        arena_done(&arena);
    }
    return NULL;
}

static void run_crowd(struct fixture *f, struct str url)
{
    struct crowd crowd = {.f = f, .url = url};
    pthread_t threads[CROWD];
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_member, &crowd), 0);
    for (size_t i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.good, CROWD * CALLS_EACH);
    assert_true(peer_connections(f->peer) <= CROWD);
}

static void many_callers_get_their_own_answers(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_echo, NULL);
    run_crowd(&f, url_of(&f, "http", "127.0.0.1", "/"));
    close_all(&f);
}

/* Calls that end in one step of libcurl's still count as under way at its limit, so that as many
 * connections more may lie unused. */
enum { HELD = CLIENT_CONNECTIONS_KEPT + 32, AT_ONCE = 8 };

struct held {
    struct fixture *f;
    struct str url;
    sem_t released;
    sem_t ended; /* connections */
};

static void serve_held(struct peer_connection *c)
{
    struct held *held = c->context;
    while (peer_read(c)) {
        if (strstr(c->request, "/held"))
            sem_wait(&held->released);
        peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    }
    sem_post(&held->ended);
}

static void *call_held(void *argument)
{
    struct held *held = argument;
    struct arena arena = {0};
    struct client_response response;
    struct client_request request = {
        .method = STR("GET"), .url = held->url, .deadline_ms = clock_mono_ms() + LONG_MS};
    client_call(held->f->client, &arena, &request, &response);
    bool good = response.outcome == CLIENT_OK;
    arena_done(&arena);
    return good ? held : NULL;
}

/* However many calls wait, those that do not keep their connection; when they all end, as many are
 * kept as may lie unused. */
static void connections_are_kept_beside_many_in_use(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct held held = {.f = &f};
    pthread_t threads[HELD];
    int more_ended;
    sem_init(&held.released, 0, 0);
    sem_init(&held.ended, 0, 0);
    open_plain(&f, serve_held, &held);
    held.url = url_of(&f, "http", "127.0.0.1", "/held");
    for (size_t i = 0; i < HELD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_held, &held), 0);
    while (peer_requests(f.peer) < HELD)
        sched_yield();
    for (int i = 0; i < 3; i++) {
        post(&f, "/");
        assert_outcome(&f, CLIENT_OK);
        assert_int_equal(f.response.reused, i > 0);
    }
    for (size_t i = 0; i < HELD; i++)
        sem_post(&held.released);
    for (size_t i = 0; i < HELD; i++) {
        void *good;
        pthread_join(threads[i], &good);
        assert_non_null(good);
    }
    for (int i = 0; i < HELD + 1 - CLIENT_CONNECTIONS_KEPT - AT_ONCE; i++)
        sem_wait(&held.ended);
    post(&f, "/");
    assert_true(f.response.reused);
    sem_getvalue(&held.ended, &more_ended);
    assert_in_range(more_ended, 0, AT_ONCE);
    close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_sent_byte_by_byte),
        cmocka_unit_test(nothing_is_added_to_a_bare_request),
        cmocka_unit_test(large_bodies_arrive_whole),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(unfit_urls_are_refused),
        cmocka_unit_test(unfit_headers_and_methods_are_refused),
        cmocka_unit_test(connections_are_used_again),
        cmocka_unit_test(only_what_changes_nothing_is_sent_again),
        cmocka_unit_test(redirects_and_cookies_are_not_followed),
        cmocka_unit_test(connections_are_kept_beside_many_in_use),
        cmocka_unit_test(many_callers_get_their_own_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
