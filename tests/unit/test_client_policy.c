/* Where a call may go, names and connections that fail, and what stops a call. */
#include "client_fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

enum { WAITERS = 8 };

/* --- names, as this test wants them: libcurl resolves through these --- */

static atomic_int silent_lookups; /* under way */
static sem_t silent_answers;

static struct addrinfo *add_address(struct addrinfo *next, const char *text, const char *service)
{
    struct addrinfo *info = calloc(1, sizeof(*info) + sizeof(struct sockaddr_in));
    struct sockaddr_in *address = (struct sockaddr_in *)(info + 1);
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)(service ? strtoul(service, NULL, 10) : 0));
    inet_pton(AF_INET, text, &address->sin_addr);
    *info = (struct addrinfo){.ai_family = AF_INET,
                              .ai_socktype = SOCK_STREAM,
                              .ai_protocol = IPPROTO_TCP,
                              .ai_addrlen = sizeof(*address),
                              .ai_addr = (struct sockaddr *)address,
                              .ai_next = next};
    return info;
}

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **ret_info)
{
    (void)hints;
    if (strcmp(name, "acme.example") == 0 || strcmp(name, "other.example") == 0) {
        *ret_info = add_address(NULL, "127.0.0.1", service);
    } else if (strcmp(name, "inside.example") == 0) {
        *ret_info = add_address(add_address(NULL, "192.168.3.4", service), "10.1.2.3", service);
    } else if (strcmp(name, "mixed.example") == 0) {
        *ret_info = add_address(add_address(NULL, "127.0.0.1", service), "10.1.2.3", service);
    } else if (strcmp(name, "silent.example") == 0) {
        atomic_fetch_add(&silent_lookups, 1);
        sem_wait(&silent_answers);
        atomic_fetch_add(&silent_lookups, -1);
        return EAI_AGAIN;
    } else {
        return EAI_NONAME;
    }
    return 0;
}

__attribute__((visibility("default"))) void freeaddrinfo(struct addrinfo *info)
{
    while (info) {
        struct addrinfo *next = info->ai_next;
        free(info);
        info = next;
    }
}

/* For the one look-up that waits. */
static void end_silence(void)
{
    sem_post(&silent_answers);
    while (atomic_load(&silent_lookups) > 0)
        sched_yield();
}

/* --- policy --- */

static void private_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "0x7f.1", "2130706433",
                                        "127.1",     "[::1]",  "[::ffff:7f00:1]"};
    struct fixture f = {.peer = peer_start(serve_ok, NULL, NULL, NULL)};
    open_client(&f, "10.9.9.9", NULL);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        call_within(&f, "GET", url_of(&f, "http", hosts[i], "/secret?token=x"), STR_NULL, LONG_MS);
        assert_outcome(&f, CLIENT_REFUSED);
        assert_false(f.response.connected);
        char expected[128];
        snprintf(expected, sizeof(expected),
                 "connection to %s is not allowed by this server's egress policy", hosts[i]);
        assert_detail(&f, expected);
    }
    assert_int_equal(peer_connections(f.peer), 0);
    close_all(&f);
}

/* Whether a name exists inside the network is not said, nor why it is not called. */
static void closed_names_and_unknown_ones_are_the_same(void **state)
{
    (void)state;
    static const char *const hosts[] = {"localhost", "acme.example", "inside.example",
                                        "gone.example"};
    struct fixture f = {.peer = peer_start(serve_ok, NULL, NULL, NULL)};
    open_client(&f, "10.9.9.9", NULL);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        char expected[128];
        call_within(&f, "GET", url_of(&f, "http", hosts[i], "/"), STR_NULL, LONG_MS);
        assert_outcome(&f, CLIENT_RESOLVE);
        assert_false(f.response.connected);
        snprintf(expected, sizeof(expected), "%s has no address that this server may connect to",
                 hosts[i]);
        assert_detail(&f, expected);
    }
    assert_int_equal(peer_connections(f.peer), 0);
    close_all(&f);
}

/* Other ports than the policy's are refused at public addresses, and where it says so everywhere;
 * names and addresses that the operator denies are refused whatever else is said. */
static void ports_and_denied_hosts_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct egress_config policy;
        const char *url;
        enum client_outcome outcome;
        const char *detail;
    } cases[] = {
        {{.ports = "443"},
         "https://8.8.8.8:22/",
         CLIENT_REFUSED,
         "connection to 8.8.8.8:22 is not allowed by this server's egress policy"},
        {{.ports = "443"},
         "https://gone.example:22/",
         CLIENT_RESOLVE,
         "gone.example:22 has no address that this server may connect to at this port"},
        {{.ports = "1", .allowed = "127.0.0.1"}, "http://127.0.0.1:@/", CLIENT_OK, NULL},
        {{.ports = "1", .allowed = "127.0.0.1", .ports_for_allowed = true},
         "http://127.0.0.1:@/",
         CLIENT_REFUSED,
         "connection to 127.0.0.1:@ is not allowed by this server's egress policy"},
        {{.denied = "127.0.0.1", .allowed = "127.0.0.0/8"},
         "http://127.0.0.1:@/",
         CLIENT_REFUSED,
         "connection to 127.0.0.1:@ is not allowed by this server's egress policy"},
        {{.denied = "acme.example", .allowed = "127.0.0.0/8"},
         "http://ACME.example.:@/",
         CLIENT_REFUSED,
         "connection to ACME.example.:@ is not allowed by this server's egress policy"},
        {{.denied = "example", .allowed = "127.0.0.0/8"},
         "http://acme.example:@/",
         CLIENT_REFUSED,
         "connection to acme.example:@ is not allowed by this server's egress policy"},
        {{.denied = "cme.example", .allowed = "127.0.0.0/8"},
         "http://acme.example:@/",
         CLIENT_OK,
         NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fixture f = {.peer = peer_start(serve_ok, NULL, NULL, NULL)};
        struct str before, after = STR_NULL, url = str_from(cases[i].url);
        open_client_with(&f, &cases[i].policy, NULL);
        if (str_cut(url, '@', &before, &after))
            url = arena_printf(&f.arena, "%.*s%d%.*s", STR_ARG(before), peer_port(f.peer),
                               STR_ARG(after));
        call_within(&f, "GET", url, STR_NULL, LONG_MS);
        assert_outcome(&f, cases[i].outcome);
        if (cases[i].detail) {
            struct str words = str_from(cases[i].detail);
            if (str_cut(words, '@', &before, &after))
                words = arena_printf(&f.arena, "%.*s%d%.*s", STR_ARG(before), peer_port(f.peer),
                                     STR_ARG(after));
            assert_string_equal(f.response.detail, arena_cstr(&f.arena, words));
        }
        close_all(&f);
    }
}

static void serve_no_tls(struct peer_connection *c)
{
    peer_write(c, STR("SSH-2.0-OpenSSH_9.2p1\r\n"));
    peer_wait_for_end(c);
}

/* Nor whether a port is open there. */
static void open_ports_inside_look_like_closed_ones(void **state)
{
    (void)state;
    static const struct egress_config policy = {.allowed = "127.0.0.1", .hides_allowed = true};
    struct fixture f = {.peer = peer_start(serve_no_tls, NULL, NULL, NULL)};
    open_client_with(&f, &policy, NULL);
    for (int closed = 0; closed < 2; closed++) {
        static struct str url;
        if (!closed)
            url = url_of(&f, "https", "127.0.0.1", "/");
        call_within(&f, "GET", url, STR_NULL, LONG_MS);
        assert_outcome(&f, CLIENT_CONNECT);
        assert_memory_equal(f.response.detail, "no TLS connection to 127.0.0.1:", 31);
        assert_null(strchr(f.response.detail + 31, ':'));
        assert_int_equal(f.response.times.connect_us, 1); /* no more than "was tried" */
        assert_int_equal(f.response.times.tls_us, 0);
        if (!closed)
            peer_stop(f.peer);
        f.peer = NULL;
    }
    close_all(&f);
}

static void allowed_addresses_of_a_name_are_used(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_ok, NULL);
    call_within(&f, "GET", url_of(&f, "http", "mixed.example", "/"), STR_NULL, LONG_MS);
    assert_outcome(&f, CLIENT_OK);
    close_all(&f);
}

static void the_environment_names_no_proxy(void **state)
{
    (void)state;
    struct fixture f = {0};
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("https_proxy", "http://127.0.0.1:1",
           1); /* it is the program's to read, not the client's */
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    open_plain(&f, serve_ok, NULL);
    get(&f, "/");
    assert_outcome(&f, CLIENT_OK);
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
    close_all(&f);
}

/* --- names and connections that fail --- */

static void unknown_names_and_closed_ports_are_told_apart(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_ok, NULL);
    struct str closed = url_of(&f, "http", "127.0.0.1", "/path?token=x");
    call_within(&f, "GET", url_of(&f, "http", "gone.example", "/path?token=x"), STR_NULL, LONG_MS);
    assert_outcome(&f, CLIENT_RESOLVE);
    assert_false(f.response.connected);
    assert_detail(&f, "gone.example has no address that this server may connect to");
    peer_stop(f.peer);
    f.peer = NULL;
    call_within(&f, "GET", closed, STR_NULL, LONG_MS);
    assert_outcome(&f, CLIENT_CONNECT);
    assert_false(f.response.connected);
    assert_non_null(strstr(f.response.detail, ": Connection refused"));
    assert_null(strstr(f.response.detail, "path"));
    close_all(&f);
}

static void a_silent_name_server_holds_up_nobody_else(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_ok, NULL);
    call_within(&f, "GET", url_of(&f, "http", "silent.example", "/"), STR_NULL, SHORT_MS);
    assert_outcome(&f, CLIENT_TIMEOUT);
    assert_false(f.response.connected);
    assert_detail(&f, "timed out looking up silent.example");
    get(&f, "/");
    assert_outcome(&f, CLIENT_OK);
    int waiting = silent_lookups;
    close_all(&f);
    assert_int_equal(waiting, 1);
    end_silence();
}

/* --- the connection's own time limit, which is shorter than the call's --- */

static void open_hasty(struct fixture *f, peer_serve *serve)
{
    struct client_config config = {.connect_timeout_ms = SHORT_MS};
    f->peer = peer_start(serve, NULL, NULL, NULL);
    open_client(f, "127.0.0.1", &config);
}

static void serve_no_handshake(struct peer_connection *c)
{
    peer_wait_for_end(c);
}

static void a_connection_has_a_time_limit_of_its_own(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_hasty(&f, serve_no_handshake);
    call_within(&f, "GET", url_of(&f, "http", "silent.example", "/"), STR_NULL, LONG_MS);
    assert_outcome(&f, CLIENT_RESOLVE);
    assert_false(f.response.connected);
    assert_detail(&f, "timed out looking up silent.example");
    call_within(&f, "GET", url_of(&f, "https", "acme.example", "/"), STR_NULL, LONG_MS);
    assert_outcome(&f, CLIENT_TLS);
    assert_true(f.response.connected);
    assert_false(f.response.sent);
    assert_detail(&f, "timed out in the TLS handshake with acme.example");
    close_all(&f);
    end_silence();
}

/* A listener whose queue is full lets further connections wait. */
static void a_host_that_takes_no_connection_is_not_waited_for(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), waiting[4];
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    for (size_t i = 0; i < 4; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(waiting[i], (struct sockaddr *)&address, size);
    }
    open_hasty(&f, serve_ok);
    struct str url = arena_printf(&f.arena, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    call_within(&f, "GET", url, STR_NULL, LONG_MS);
    assert_outcome(&f, CLIENT_CONNECT);
    assert_false(f.response.connected);
    char expected[64];
    snprintf(expected, sizeof(expected), "timed out connecting to 127.0.0.1:%d",
             ntohs(address.sin_port));
    assert_string_equal(f.response.detail, expected);
    close_all(&f);
    for (size_t i = 0; i < 4; i++)
        close(waiting[i]);
    close(listener);
}

/* --- stopping --- */

struct waiter {
    struct fixture *f;
    struct str url;
    struct arena arena;
    struct client_response response;
};

static void *wait_for_answer(void *argument)
{
    struct waiter *w = argument;
    struct client_request request = {
        .method = STR("POST"), .url = w->url, .deadline_ms = clock_mono_ms() + LONG_MS};
    client_call(w->f->client, &w->arena, &request, &w->response);
    return NULL;
}

static void serve_and_tell(struct peer_connection *c)
{
    if (peer_read(c))
        sem_post(c->context);
    peer_wait_for_end(c);
}

static void stopping_ends_waiting_calls(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct waiter waiters[WAITERS] = {0};
    pthread_t threads[WAITERS];
    sem_t arrived;
    sem_init(&arrived, 0, 0);
    open_plain(&f, serve_and_tell, &arrived);
    for (size_t i = 0; i < WAITERS; i++) {
        waiters[i].f = &f;
        waiters[i].url = url_of(&f, "http", i == WAITERS - 1 ? "silent.example" : "127.0.0.1", "/");
    }
    for (size_t i = 0; i < WAITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_answer, &waiters[i]), 0);
    for (size_t i = 0; i < WAITERS - 1; i++)
        sem_wait(&arrived);
    while (atomic_load(&silent_lookups) == 0)
        sched_yield();
    client_free(f.client);
    f.client = NULL;
    for (size_t i = 0; i < WAITERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(waiters[i].response.outcome, CLIENT_STOPPED);
        assert_string_equal(waiters[i].response.detail, "the server is stopping");
        arena_done(&waiters[i].arena);
    }
    end_silence();
    close_all(&f);
    sem_destroy(&arrived);
}

static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

static void a_client_that_calls_nobody_has_no_thread(void **state)
{
    (void)state;
    struct fixture f = {0};
    int before = count_threads();
    open_client(&f, NULL, NULL);
    assert_int_equal(count_threads(), before);
    close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_addresses_are_refused),
        cmocka_unit_test(closed_names_and_unknown_ones_are_the_same),
        cmocka_unit_test(ports_and_denied_hosts_are_refused),
        cmocka_unit_test(open_ports_inside_look_like_closed_ones),
        cmocka_unit_test(allowed_addresses_of_a_name_are_used),
        cmocka_unit_test(the_environment_names_no_proxy),
        cmocka_unit_test(unknown_names_and_closed_ports_are_told_apart),
        cmocka_unit_test(a_silent_name_server_holds_up_nobody_else),
        cmocka_unit_test(a_connection_has_a_time_limit_of_its_own),
        cmocka_unit_test(a_host_that_takes_no_connection_is_not_waited_for),
        cmocka_unit_test(stopping_ends_waiting_calls),
        cmocka_unit_test(a_client_that_calls_nobody_has_no_thread),
    };
    sem_init(&silent_answers, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
