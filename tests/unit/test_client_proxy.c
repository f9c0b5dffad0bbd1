/* Calls through the operator's HTTP proxy: what it sees, what goes past it, and whose fault is
 * told. */
#include "client_fixture.h"

#include "net/client/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- a proxy --- */

struct proxy_peer {
    struct peer *peer;
    int vendor_port;    /* where every CONNECT leads */
    const char *answer; /* instead of a tunnel; NULL: it opens one */
    char request[1024]; /* the last head */
};

static bool pass(int from, int to)
{
    char piece[16 * 1024];
    ssize_t got = recv(from, piece, sizeof(piece), 0);
    return got > 0 && send(to, piece, (size_t)got, MSG_NOSIGNAL) == got;
}

static void open_tunnel(struct peer_connection *c, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd ends[] = {{.fd = c->fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    peer_write(c, STR("HTTP/1.1 200 Connection established\r\nProxy-Agent: test\r\n\r\n"));
    while (poll(ends, 2, -1) > 0) {
        if ((ends[0].revents && !pass(c->fd, fd)) || (ends[1].revents && !pass(fd, c->fd)))
            break;
    }
    close(fd);
}

static void serve_proxy(struct peer_connection *c)
{
    struct proxy_peer *proxy = c->context;
    if (!peer_read_head(c))
        return;
    snprintf(proxy->request, sizeof(proxy->request), "%s", c->request);
    if (!proxy->answer) {
        open_tunnel(c, proxy->vendor_port);
        return;
    }
    peer_write(c, str_from(proxy->answer));
    if (proxy->answer[0] == '\0' || strstr(proxy->answer, "Content-Length: 3"))
        peer_wait_for_end(c);
}

static struct peer_authority authority;
static struct proxy_peer proxy_peer;
static struct proxy settings;

static void open_proxied(struct fixture *f, const char *user, const char *password,
                         const char *exceptions)
{
    proxy_peer = (struct proxy_peer){0};
    proxy_peer.peer = peer_start(serve_proxy, &proxy_peer, NULL, NULL);
    f->peer = peer_start(serve_ok, NULL, &authority, "vendor.example");
    proxy_peer.vendor_port = peer_port(f->peer);
    settings = (struct proxy){.host = "127.0.0.1", .port = peer_port(proxy_peer.peer)};
    snprintf(settings.user, sizeof(settings.user), "%s", user);
    snprintf(settings.password, sizeof(settings.password), "%s", password);
    struct client_config config = {.trust.pem = str_from(authority.pem),
                                   .proxy = &settings,
                                   .proxy_exceptions = str_from(exceptions)};
    open_client(f, NULL, &config);
}

static void close_proxied(struct fixture *f)
{
    client_free(f->client);
    f->client = NULL;
    peer_stop(proxy_peer.peer);
    close_all(f);
}

static enum client_outcome call_vendor(struct fixture *f, int64_t limit_ms)
{
    static const struct http_header secret[] = {{STR("Authorization"), STR("Bearer vendor-token")}};
    struct client_request request = {.method = STR("POST"),
                                     .url = STR("https://vendor.example/path?token=x"),
                                     .headers = secret,
                                     .header_count = 1,
                                     .body = STR("a=b"),
                                     .deadline_ms = clock_mono_ms() + limit_ms};
    client_call(f->client, &f->arena, &request, &f->response);
    return f->response.outcome;
}

/* "@" stands for the proxy's port. */
static void assert_proxys_fault(struct fixture *f, const char *expected)
{
    char text[512];
    const char *at = strchr(expected, '@');
    assert_outcome(f, CLIENT_PROXY);
    assert_false(f->response.connected);
    assert_false(f->response.sent);
    snprintf(text, sizeof(text), "vendor.example was not reached: %.*s%d%s", (int)(at - expected),
             expected, settings.port, at + 1);
    assert_string_equal(f->response.detail, text);
}

/* --- what it sees --- */

static void https_goes_through_the_proxy(void **state)
{
    (void)state;
    struct fixture f = {0};
    char expected[512];
    open_proxied(&f, "", "", NULL);
    for (int i = 0; i < 2; i++) { /* no name is resolved here: vendor.example does not exist */
        call_vendor(&f, LONG_MS);
        assert_outcome(&f, CLIENT_OK);
        assert_str(f.response.body, "ok");
        assert_int_equal(f.response.reused, i > 0);
    }
    snprintf(expected, sizeof(expected),
             "CONNECT vendor.example:443 HTTP/1.1\r\nHost: vendor.example:443\r\n"
             "User-Agent: headgate/%s\r\nProxy-Connection: Keep-Alive\r\n\r\n",
             HEADGATE_VERSION);
    assert_string_equal(proxy_peer.request, expected);
    assert_int_equal(peer_requests(f.peer), 2);
    assert_null(client_header(&f.response, STR("Proxy-Agent")));
    close_proxied(&f);
}

static void the_proxys_credentials_are_for_it_alone(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_proxied(&f, "us er", "p:a@ss", NULL);
    call_vendor(&f, LONG_MS);
    assert_outcome(&f, CLIENT_OK);
    assert_non_null(
        strstr(proxy_peer.request, "\r\nProxy-Authorization: Basic dXMgZXI6cDphQHNz\r\n"));
    assert_null(strstr(proxy_peer.request, "vendor-token"));
    close_proxied(&f);
}

/* --- its failures are its own --- */

static void refusals_are_the_proxys(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *user, *detail;
    } cases[] = {
        {"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
         "Content-Length: 0\r\n\r\n",
         "", "user and password needed by the proxy 127.0.0.1:@"},
        {"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
         "Content-Length: 0\r\n\r\n",
         "user", "user and password of --proxy not accepted by the proxy 127.0.0.1:@"},
        {"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!", "",
         "not allowed by the proxy 127.0.0.1:@ (HTTP 403)"},
        {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "",
         "no tunnel through the proxy 127.0.0.1:@, which answered HTTP 502"},
        {"SSH-2.0-OpenSSH\r\n\r\n", "", "no HTTP response from the proxy 127.0.0.1:@"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fixture f = {0};
        open_proxied(&f, cases[i].user, "hidden", NULL);
        proxy_peer.answer = cases[i].answer;
        call_vendor(&f, LONG_MS);
        assert_proxys_fault(&f, cases[i].detail);
        assert_null(strstr(f.response.detail, "hidden"));
        assert_int_equal(peer_connections(f.peer), 0);
        close_proxied(&f);
    }
}

static void a_proxy_that_is_away_or_silent_is_named(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_proxied(&f, "", "", NULL);
    proxy_peer.answer = "";
    call_vendor(&f, SHORT_MS);
    assert_proxys_fault(&f, "timed out waiting for the proxy 127.0.0.1:@");
    peer_stop(proxy_peer.peer);
    call_vendor(&f, LONG_MS);
    assert_proxys_fault(&f, "cannot connect to the proxy 127.0.0.1:@: Connection refused");
    proxy_peer.peer = peer_start(serve_proxy, &proxy_peer, NULL, NULL);
    snprintf(settings.host, sizeof(settings.host), "proxy.invalid");
    call_vendor(&f, LONG_MS);
    assert_proxys_fault(&f, "cannot resolve the proxy proxy.invalid:@");
    snprintf(settings.host, sizeof(settings.host), "169.254.169.254");
    call_vendor(&f, LONG_MS);
    assert_proxys_fault(&f, "the egress policy allows no address of the proxy 169.254.169.254:@");
    close_proxied(&f);
}

static void the_vendors_failures_stay_the_vendors(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_proxied(&f, "", "", NULL);
    call_within(&f, "GET", STR("https://other.example/"), STR_NULL, LONG_MS);
    assert_outcome(&f, CLIENT_TLS);
    assert_string_equal(f.response.detail, "TLS handshake with other.example failed: the "
                                           "certificate is for another name");
    close_proxied(&f);
}

/* --- what does not go through it --- */

static void private_hosts_are_refused_before_the_proxy_is_asked(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "127.0.0.1",    "10.1.2.3",        "0x7f.1",    "2130706433",
        "127.1",        "[::1]",           "[fd00::1]", "localhost",
        "a.LOCALHOST.", "169.254.169.254", "intranet",  "metadata.google.internal",
        "host.local",   "[::ffff:7f00:1]",
    };
    struct fixture f = {0};
    open_proxied(&f, "", "", NULL);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        char expected[128];
        call_within(&f, "GET", arena_printf(&f.arena, "https://%s/secret", hosts[i]), STR_NULL,
                    LONG_MS);
        if (f.response.outcome != CLIENT_REFUSED)
            fail_msg("%s gives outcome %d", hosts[i], f.response.outcome);
        snprintf(expected, sizeof(expected),
                 "connection to %s is not allowed by this server's egress policy", hosts[i]);
        assert_string_equal(f.response.detail, expected);
    }
    assert_int_equal(peer_connections(proxy_peer.peer), 0);
    close_proxied(&f);
}

static void exceptions_and_plain_http_go_past_the_proxy(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_proxied(&f, "", "", "localhost");
    call_within(&f, "GET", url_of(&f, "https", "localhost", "/"), STR_NULL, LONG_MS);
    assert_outcome(&f, CLIENT_RESOLVE); /* by its address, as without a proxy */
    call_within(&f, "GET", url_of(&f, "http", "127.0.0.1", "/"), STR_NULL, LONG_MS);
    assert_outcome(&f, CLIENT_REFUSED);
    assert_int_equal(peer_connections(proxy_peer.peer), 0);
    close_proxied(&f);
}

static void private_routes_and_the_sandbox_go_past_the_proxy(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct private_routes *routes;
    open_proxied(&f, "", "", NULL);
    const char *text =
        arena_printf(&f.arena, "vendor.example=127.0.0.1:%d", peer_port(f.peer)).data;
    assert_true(private_routes_new(&text, 1, STR("*"), &routes, NULL));
    struct client_request request = {
        .method = STR("GET"),
        .url = STR("https://vendor.example/"),
        .route = private_routes_find(routes, STR("1"), STR(""), STR("vendor.example")),
        .deadline_ms = clock_mono_ms() + LONG_MS};
    client_call(f.client, &f.arena, &request, &f.response);
    assert_outcome(&f, CLIENT_OK);
    client_free(f.client);
    egress_free(f.egress);
    struct client_config config = {.trust.pem = str_from(authority.pem),
                                   .proxy = &settings,
                                   .sandbox_tls_port = peer_port(f.peer)};
    open_client(&f, NULL, &config);
    call_vendor(&f, LONG_MS);
    assert_outcome(&f, CLIENT_OK);
    assert_int_equal(peer_connections(proxy_peer.peer), 0);
    private_routes_free(routes);
    close_proxied(&f);
}

/* --- its settings --- */

static void proxies_are_read_from_urls(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        int port;
        const char *user, *password;
    } good[] = {
        {"http://proxy.example:3128", "proxy.example", 3128, "", ""},
        {"HTTP://proxy.example/", "proxy.example", 80, "", ""},
        {"proxy.example:8080", "proxy.example", 8080, "", ""},
        {"http://10.0.0.1:1", "10.0.0.1", 1, "", ""},
        {"http://[fd00::1]:3128", "[fd00::1]", 3128, "", ""},
        {"http://[fd00::1]", "[fd00::1]", 80, "", ""},
        {"http://us%20er:p%3Aw%40@proxy:3128/", "proxy", 3128, "us er", "p:w@"},
        {"http://user:p@ss:w@proxy:3128", "proxy", 3128, "user", "p@ss:w"},
        {"http://user@proxy", "proxy", 80, "user", ""},
        {" http://proxy:3128 ", "proxy", 3128, "", ""},
    };
    static const char *const bad[] = {
        "",
        "http://",
        "https://proxy:3128",
        "https://user:secret@proxy:3128",
        "socks5://proxy:1080",
        "http://proxy:0",
        "http://proxy:99999",
        "http://proxy:",
        "http://proxy:x",
        "http://proxy/path",
        "http://pro xy",
        "http://:secret@proxy",
        "http://user:secret%0A@proxy",
        "http://user:secret%2@proxy",
        "http://us%3Aer:secret@proxy",
        "http://[]:1",
        "http://user:secret@",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        struct proxy proxy;
        struct error error = {0};
        if (!proxy_parse(str_from(good[i].text), &proxy, &error))
            fail_msg("%s: %s", good[i].text, error.message);
        assert_string_equal(proxy.host, good[i].host);
        assert_int_equal(proxy.port, good[i].port);
        assert_string_equal(proxy.user, good[i].user);
        assert_string_equal(proxy.password, good[i].password);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct proxy proxy;
        struct error error = {0};
        if (proxy_parse(str_from(bad[i]), &proxy, &error))
            fail_msg("%s is taken", bad[i]);
        assert_int_equal(error.code, ERR_VALIDATION);
        assert_null(strstr(error.message, "secret"));
        assert_null(memmem(&proxy, sizeof(proxy), "secret", 6));
    }
}

static void exceptions_are_hosts_domains_and_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *list, *host;
        int port;
        bool excepted;
    } cases[] = {
        {"", "a.example", 443, false},
        {"*", "a.example", 443, true},
        {"a.example", "a.example", 443, true},
        {"a.example", "A.EXAMPLE.", 443, true},
        {"a.example", "sub.a.example", 443, true},
        {"a.example", "xa.example", 443, false},
        {".a.example", "sub.a.example", 443, true},
        {".a.example", "a.example", 443, true},
        {"b.example, a.example", "a.example", 443, true},
        {"b.example a.example", "a.example", 443, true},
        {"a.example:8443", "a.example", 8443, true},
        {"a.example:8443", "a.example", 443, false},
        {".", "a.example", 443, false},
        {",,", "a.example", 443, false},
        {"10.1.2.3", "10.1.2.3", 443, true},
        {"10.1.2.3:443", "10.1.2.3", 443, true},
        {"10.1.2.3", "10.1.2.30", 443, false},
        {"10.0.0.0/8", "10.1.2.3", 443, true},
        {"10.9.9.9/8", "10.1.2.3", 443, true},
        {"10.0.0.0/8", "11.1.2.3", 443, false},
        {"10.0.0.0/8", "a.example", 443, false},
        {"10.0.0.0/33", "10.1.2.3", 443, false},
        {"fd00::1", "[fd00::1]", 443, true},
        {"[fd00::1]", "[fd00::1]", 443, true},
        {"[fd00::1]:8443", "[fd00::1]", 443, false},
        {"fd00::/8", "[fd12::1]", 443, true},
        {"0.0.0.0/0", "[fd12::1]", 443, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        bool excepted =
            proxy_excepts(str_from(cases[i].list), str_from(cases[i].host), cases[i].port);
        if (excepted != cases[i].excepted)
            fail_msg("\"%s\" and %s:%d", cases[i].list, cases[i].host, cases[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(https_goes_through_the_proxy),
        cmocka_unit_test(the_proxys_credentials_are_for_it_alone),
        cmocka_unit_test(refusals_are_the_proxys),
        cmocka_unit_test(a_proxy_that_is_away_or_silent_is_named),
        cmocka_unit_test(the_vendors_failures_stay_the_vendors),
        cmocka_unit_test(private_hosts_are_refused_before_the_proxy_is_asked),
        cmocka_unit_test(exceptions_and_plain_http_go_past_the_proxy),
        cmocka_unit_test(private_routes_and_the_sandbox_go_past_the_proxy),
        cmocka_unit_test(proxies_are_read_from_urls),
        cmocka_unit_test(exceptions_are_hosts_domains_and_blocks),
    };
    peer_authority_init(&authority);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    peer_authority_done(&authority);
    return failed;
}
