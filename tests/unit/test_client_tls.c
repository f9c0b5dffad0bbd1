/* TLS, the sandbox in place of every host, and what is left in memory after a call. */
#include "client_fixture.h"
#include "temporary.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct peer_authority authority, stranger;

static void open_tls(struct fixture *f, peer_serve *serve, const char *name)
{
    struct client_config config = {.trust.pem = str_from(authority.pem)};
    f->peer = peer_start(serve, NULL, &authority, name);
    open_client(f, "127.0.0.1", &config);
}

static void call_localhost(struct fixture *f, int64_t limit_ms)
{
    call_within(f, "POST", url_of(f, "https", "localhost", "/path?token=x"), STR("a=b"), limit_ms);
}

static void trusted_certificates_are_taken_and_connections_kept(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_tls(&f, serve_ok, "localhost");
    for (int i = 0; i < 3; i++) {
        call_localhost(&f, LONG_MS);
        assert_outcome(&f, CLIENT_OK);
        assert_str(f.response.body, "ok");
        assert_int_equal(f.response.reused, i > 0);
    }
    assert_int_equal(peer_connections(f.peer), 1);
    close_all(&f);
}

static void certificates_for_another_name_are_refused(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_tls(&f, serve_ok, "other.example");
    call_localhost(&f, LONG_MS);
    assert_outcome(&f, CLIENT_TLS);
    assert_true(f.response.connected);
    assert_detail(&f, "TLS handshake with localhost failed: the certificate is for another name");
    assert_int_equal(peer_requests(f.peer), 0);
    close_all(&f);
}

static void certificates_of_strangers_are_refused(void **state)
{
    (void)state;
    struct fixture f = {.peer = peer_start(serve_ok, NULL, &stranger, "localhost")};
    struct client_config config = {.trust.pem = str_from(authority.pem)};
    open_client(&f, "127.0.0.1", &config);
    call_localhost(&f, LONG_MS);
    assert_outcome(&f, CLIENT_TLS);
    assert_non_null(strstr(f.response.detail, "TLS handshake with localhost"));
    assert_null(strstr(f.response.detail, "token"));
    assert_int_equal(peer_requests(f.peer), 0);
    close_all(&f);
}

static void the_systems_certificates_do_not_know_ours(void **state)
{
    (void)state;
    struct fixture f = {.peer = peer_start(serve_ok, NULL, &authority, "localhost")};
    open_client(&f, "127.0.0.1", NULL);
    call_localhost(&f, LONG_MS);
    assert_outcome(&f, CLIENT_TLS);
    assert_int_equal(peer_requests(f.peer), 0);
    close_all(&f);
}

static void serve_no_tls(struct peer_connection *c)
{
    peer_write(c, STR("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
    peer_wait_for_end(c);
}

static void serve_nothing(struct peer_connection *c)
{
    peer_wait_for_end(c);
}

static void peers_without_tls_are_told_apart(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, serve_no_tls, NULL);
    call_localhost(&f, LONG_MS);
    assert_outcome(&f, CLIENT_TLS);
    assert_true(f.response.connected);
    close_all(&f);
    open_plain(&f, serve_nothing, NULL);
    call_localhost(&f, SHORT_MS);
    assert_outcome(&f, CLIENT_TIMEOUT);
    assert_true(f.response.connected);
    assert_detail(&f, "timed out in the TLS handshake with localhost");
    close_all(&f);
}

/* Also on a system that would allow them: its configuration is not what holds them off. */
static void old_versions_are_refused(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
        struct fixture f = {.peer = peer_start_old(serve_ok, &authority, "localhost", versions[i])};
        struct client_config config = {.trust.pem = str_from(authority.pem)};
        open_client(&f, "127.0.0.1", &config);
        call_localhost(&f, LONG_MS);
        assert_outcome(&f, versions[i] >= TLS1_2_VERSION ? CLIENT_OK : CLIENT_TLS);
        assert_int_equal(peer_requests(f.peer), versions[i] >= TLS1_2_VERSION);
        close_all(&f);
    }
}

static void unreadable_certificates_do_not_start(void **state)
{
    (void)state;
    static const struct str unreadable[] = {
        STR(""), STR("/etc/ssl/ca.pem"),
        STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")};
    for (size_t i = 0; i < sizeof(unreadable) / sizeof(*unreadable); i++) {
        struct client_config config = {.trust.pem = unreadable[i]};
        struct client *client = NULL;
        struct error error = {0};
        assert_false(client_start(&config, &client, &error));
        assert_int_equal(error.code, ERR_VALIDATION);
        assert_non_null(strstr(error.message, "BEGIN CERTIFICATE"));
    }
}

/* --- sandbox --- */

/* Answers with the name that TLS asked for and the Host header. */
static void serve_names(struct peer_connection *c)
{
    while (peer_read(c)) {
        char answer[256];
        const char *host = strstr(c->request, "\r\nHost: ") + 8;
        int len = (int)strcspn(host, "\r");
        snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s|%.*s",
                 len + 1 + (int)strlen(c->server_name), c->server_name, len, host);
        peer_write(c, str_from(answer));
    }
}

static void assert_reached(struct fixture *f, const char *url, const char *names)
{
    call_within(f, "GET", str_from(url), STR_NULL, LONG_MS);
    assert_outcome(f, CLIENT_OK);
    assert_str(f->response.body, names);
}

/* None of these names exists, so each call also shows that nothing is looked up. */
static void the_sandbox_stands_for_every_host(void **state)
{
    (void)state;
    struct fixture f = {.peer = peer_start(serve_names, NULL, &authority, "*.vendor.example")};
    struct peer *plain = peer_start(serve_names, NULL, NULL, NULL);
    struct client_config config = {.trust.pem = str_from(authority.pem),
                                   .sandbox_tls_port = peer_port(f.peer),
                                   .sandbox_plain_port = peer_port(plain)};
    open_client(&f, NULL, &config);
    assert_reached(&f, "https://a.vendor.example/", "a.vendor.example|a.vendor.example");
    assert_reached(&f, "https://b.vendor.example/x", "b.vendor.example|b.vendor.example");
    assert_reached(&f, "https://a.vendor.example:8443/", "a.vendor.example|a.vendor.example:8443");
    assert_reached(&f, "https://a.vendor.example/", "a.vendor.example|a.vendor.example");
    assert_int_equal(peer_connections(f.peer), 3);
    assert_reached(&f, "http://a.vendor.example/", "|a.vendor.example");
    assert_reached(&f, "http://10.1.2.3:99/", "|10.1.2.3:99");
    assert_reached(&f, "http://[fd00::1]/", "|[fd00::1]");
    assert_reached(&f, "http://localhost/", "|localhost");
    call_within(&f, "GET", STR("https://elsewhere.example/"), STR_NULL, LONG_MS);
    assert_outcome(&f, CLIENT_TLS);
    peer_stop(plain);
    close_all(&f);
}

static void a_sandbox_without_a_port_refuses_the_scheme(void **state)
{
    (void)state;
    struct fixture f = {.peer = peer_start(serve_ok, NULL, NULL, NULL)};
    struct client_config config = {.sandbox_plain_port = peer_port(f.peer)};
    open_client(&f, "127.0.0.1", &config);
    call_localhost(&f, LONG_MS);
    assert_outcome(&f, CLIENT_REFUSED);
    assert_string_equal(f.response.detail, "the sandbox has no TLS port");
    close_all(&f);
}

/* --- what is left behind --- */

enum { CANARY = 40, MASK = 0x5A };

/* The canaries are never spelled out in this process but where they have to be. */
static void make_canary(char *out, char kind)
{
    for (int i = 0; i < CANARY; i++)
        out[i] = (char)("qwertyuiopasdfghjklzxcvbnm"[(i * 7 + kind) % 26]);
}

static size_t count_in(const char *data, size_t size, const char *masked)
{
    size_t found = 0;
    for (size_t i = 0; i + CANARY <= size; i++) {
        size_t k = 0;
        while (k < CANARY && (data[i + k] ^ MASK) == masked[k])
            k++;
        found += k == CANARY;
    }
    return found;
}

/* In everything that this process may write to. */
static size_t count_in_memory(const char *masked)
{
    enum { WINDOW = 64 * 1024 * 1024 };
    char *window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FILE *maps = fopen("/proc/self/maps", "re");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    char line[512], *rest;
    size_t found = 0;
    while (fgets(line, sizeof(line), maps)) {
        unsigned long from = strtoul(line, &rest, 16), to = strtoul(rest + 1, &rest, 16);
        if (strncmp(rest, " rw", 3) != 0)
            continue;
        if ((from <= (uintptr_t)window && (uintptr_t)window < to) || to - from > WINDOW)
            continue;
        ssize_t got = pread(memory, window, to - from, (off_t)from);
        if (got > 0)
            found += count_in(window, (size_t)got, masked);
    }
    close(memory);
    fclose(maps);
    munmap(window, WINDOW);
    return found;
}

static void serve_canary(struct peer_connection *c)
{
    while (peer_read(c)) {
        char answer[256] = "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n";
        make_canary(answer + strlen(answer), 3);
        peer_write(c, str_from(answer));
    }
}

/* The peer is another process, since it too has the canaries in its memory. */
static pid_t fork_peer(bool tls, int *ret_port, int *ret_leash)
{
    int up[2], leash[2];
    assert_int_equal(pipe(up), 0);
    assert_int_equal(pipe(leash), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(leash[1]);
        struct peer *peer =
            peer_start(serve_canary, NULL, tls ? &authority : NULL, tls ? "localhost" : NULL);
        int port = peer_port(peer);
        char byte;
        if (write(up[1], &port, sizeof(port)) == sizeof(port))
            while (read(leash[0], &byte, 1) > 0)
                ;
        _exit(0);
    }
    close(leash[0]);
    assert_int_equal(read(up[0], ret_port, sizeof(*ret_port)), sizeof(*ret_port));
    close(up[0]);
    close(up[1]);
    *ret_leash = leash[1];
    return pid;
}

static void call_with_canaries(struct fixture *f, const char *scheme, int port, size_t body_size)
{
    char *header = arena_alloc(&f->arena, CANARY + 1), *body = arena_alloc(&f->arena, body_size);
    char *query = arena_alloc(&f->arena, CANARY + 1), expected[CANARY];
    make_canary(query, 0);
    make_canary(header, 1);
    make_canary(body, 2);
    make_canary(body + body_size - CANARY, 2);
    struct http_header headers[] = {{STR("Authorization"), {header, CANARY}}};
    struct client_request request = {
        .method = STR("POST"),
        .url = arena_printf(&f->arena, "%s://localhost:%d/?token=%s", scheme, port, query),
        .headers = headers,
        .header_count = 1,
        .body = {body, body_size},
        .deadline_ms = clock_mono_ms() + LONG_MS};
    client_call(f->client, &f->arena, &request, &f->response);
    assert_outcome(f, CLIENT_OK);
    make_canary(expected, 3);
    assert_memory_equal(f->response.body.data, expected, CANARY);
    explicit_bzero(expected, sizeof(expected));
    arena_done(&f->arena);
}

static void nothing_is_left_of(bool tls, size_t body_size)
{
    struct fixture f = {0};
    struct client_config config = {.trust.pem = str_from(authority.pem)};
    int port, leash;
    pid_t pid = fork_peer(tls, &port, &leash);
    open_client(&f, "127.0.0.1", &config);
    call_with_canaries(&f, tls ? "https" : "http", port, body_size);
    call_with_canaries(&f, tls ? "https" : "http", port, body_size);
    for (char kind = 0; kind < 4; kind++) {
        char masked[CANARY];
        make_canary(masked, kind);
        for (int i = 0; i < CANARY; i++)
            masked[i] ^= MASK;
        size_t found = count_in_memory(masked);
        if (found > 0)
            fail_msg("%zu copies of canary %d are left (%s, body of %zu)", found, kind,
                     tls ? "TLS" : "plain", body_size);
    }
    close_all(&f);
    close(leash);
    waitpid(pid, NULL, 0);
}

/* Sanitizers' shadow memory is not for reading: there this test is of the plain build alone. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool memory_has_shadow = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
static const bool memory_has_shadow = true;
#else
static const bool memory_has_shadow = false;
#endif
#else
static const bool memory_has_shadow = false;
#endif

static void no_copy_of_a_secret_is_left(void **state)
{
    (void)state;
    nothing_is_left_of(false, 100);
    nothing_is_left_of(true, 100);
    nothing_is_left_of(false, 100000);
    nothing_is_left_of(true, 100000);
}

static char keylog[TEMPORARY_SIZE];

/* Asked for in main, before libcurl has started. */
static void no_keys_are_written_for_the_environment(void **state)
{
    (void)state;
    struct stat info;
    assert_int_equal(stat(keylog, &info), 0);
    assert_int_equal(info.st_size, 0);
}

/* A system's configuration of OpenSSL that allows everything. */
static char lax_system[TEMPORARY_SIZE];

static void make_lax_system(void)
{
    static const char text[] = "openssl_conf = all\n[all]\nssl_conf = ssl\n"
                               "[ssl]\nsystem_default = default\n"
                               "[default]\nMinProtocol = TLSv1\n"
                               "CipherString = ALL:@SECLEVEL=0\n";
    int fd = mkstemp(temporary_template(lax_system, "openssl"));
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    close(fd);
    setenv("OPENSSL_CONF", lax_system, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trusted_certificates_are_taken_and_connections_kept),
        cmocka_unit_test(certificates_for_another_name_are_refused),
        cmocka_unit_test(certificates_of_strangers_are_refused),
        cmocka_unit_test(the_systems_certificates_do_not_know_ours),
        cmocka_unit_test(peers_without_tls_are_told_apart),
        cmocka_unit_test(old_versions_are_refused),
        cmocka_unit_test(unreadable_certificates_do_not_start),
        cmocka_unit_test(the_sandbox_stands_for_every_host),
        cmocka_unit_test(a_sandbox_without_a_port_refuses_the_scheme),
        cmocka_unit_test(no_keys_are_written_for_the_environment),
    };
    const struct CMUnitTest of_memory[] = {cmocka_unit_test(no_copy_of_a_secret_is_left)};
    make_lax_system();
    close(mkstemp(temporary_template(keylog, "keylog")));
    setenv("SSLKEYLOGFILE", keylog, 1);
    peer_authority_init(&authority);
    peer_authority_init(&stranger);
    int failed = memory_has_shadow ? 0 : cmocka_run_group_tests(of_memory, NULL, NULL);
    failed += cmocka_run_group_tests(tests, NULL, NULL);
    peer_authority_done(&authority);
    peer_authority_done(&stranger);
    unlink(keylog);
    unlink(lax_system);
    return failed;
}
