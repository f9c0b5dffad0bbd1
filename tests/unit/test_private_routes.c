/* Private routes: which ones are taken, and that a call which is given one goes there and nowhere
 * else, with the names of the URL. */
#include "client_fixture.h"

#include "net/private_routes.h"

#define OWN "123456789012"
#define OTHER "111122223333"
#define SERVICE "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b"

static struct peer_authority authority;

/* --- reading them --- */

static void assert_refused(const char *text, const char *reason)
{
    struct private_routes *routes = NULL;
    struct error error = {0};
    assert_false(private_routes_new(&text, 1, STR(OWN), &routes, &error));
    assert_int_equal(error.code, ERR_VALIDATION);
    assert_null(routes);
    if (!strstr(error.message, reason))
        fail_msg("%s: %s", text, error.message);
}

static void routes_are_found_by_name(void **state)
{
    (void)state;
    static const char *const texts[] = {
        SERVICE "=10.0.0.7:443",
        "acme.my.salesforce.com=salesforce-inside.example:8443",
        "six.example=[fd00::7]:443",
    };
    struct private_routes *routes;
    struct error error = {0};
    assert_true(private_routes_new(texts, 3, STR(OWN), &routes, &error));
    const struct private_route *route =
        private_routes_find(routes, STR(OWN), STR(SERVICE), STR("any.example"));
    assert_non_null(route);
    assert_string_equal(route->connect_to, "::10.0.0.7:443");
    route = private_routes_find(routes, STR(OWN), STR(""), STR("ACME.my.salesforce.com"));
    assert_non_null(route);
    assert_string_equal(route->connect_to, "::salesforce-inside.example:8443");
    route = private_routes_find(routes, STR(OWN), STR_NULL, STR("six.example"));
    assert_non_null(route);
    assert_string_equal(route->connect_to, "::[fd00::7]:443");
    assert_null(private_routes_find(routes, STR(OWN), STR(""), STR("my.salesforce.com")));
    assert_null(private_routes_find(routes, STR(OWN), STR(""), STR("")));
    assert_null(private_routes_find(NULL, STR(OWN), STR(""), STR("acme.my.salesforce.com")));
    private_routes_free(routes);
    assert_true(private_routes_new(NULL, 0, STR(OWN), &routes, &error));
    assert_null(private_routes_find(routes, STR(OWN), STR(""), STR("six.example")));
    private_routes_free(routes);
}

static void what_is_no_route_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "=10.0.0.7:443",
                                        "acme.example",
                                        "acme.example=",
                                        "acme=:443",
                                        "acme=10.0.0.7",
                                        "acme=10.0.0.7:",
                                        "acme=10.0.0.7:0",
                                        "acme=h:-1",
                                        "acme=h:65536",
                                        "acme=h:4 43",
                                        "a b=10.0.0.7:443",
                                        "acme=a b:1",
                                        "acme=fd00::7:443",
                                        "acme=[fd00::7:443",
                                        "acme=[10.0.0.7]:443",
                                        "acme=h/x:1",
                                        "acme=user@h:443",
                                        "acme=h:443:extra:1",
                                        "acme=[]:443",
                                        "acme=[::1]",
                                        "acme=10.0.0.7:443 ",
                                        "12345:acme=h:1",
                                        "1234567890123:acme=h:1",
                                        "123456789012:=h:1",
                                        "*:=h:1",
                                        "acme@=h:1",
                                        "acme@a b=h:1",
                                        "acme@*=h:1",
                                        "acme@*.=h:1",
                                        "acme@a*.b=h:1",
                                        "acme@*.*.b=h:1",
                                        "@a=h:1",
                                        "acme=https://h:1",
                                        "acme=HTTP://h:1",
                                        "acme=http://h",
                                        "acme=http://:1",
                                        "acme=http://h/x:1"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_refused(wrong[i], "is not [ACCOUNT:]NAME[@CALLED]=[http://]HOST:PORT");
    assert_refused(SERVICE "=http://10.0.0.7:80", "needs the host that is called, NAME@CALLED");
}

static void a_name_leads_to_one_place(void **state)
{
    (void)state;
    static const char *const texts[] = {"acme.example=10.0.0.7:443", "Acme.example=10.0.0.8:443"};
    struct private_routes *routes = NULL;
    struct error error = {0};
    assert_false(private_routes_new(texts, 2, STR(OWN), &routes, &error));
    assert_string_equal(error.message, "There are two private routes for Acme.example.");
}

/* Whose a route is, what it may be called for, and whether without TLS. */
static void routes_belong_to_accounts_and_hosts(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "acme.example=h:1",
        OTHER ":theirs.example=h:2",
        "*:all.example=h:3",
        OTHER ":" SERVICE "@sap.acme.example=h:4",
        OTHER ":" SERVICE "@*.ACME.example=http://h:5",
        "*:" SERVICE "=h:6",
        "plain.example=http://h:7",
        "name.example@host.example=h:8",
        "[::1]=h:9",
    };
    static const struct {
        const char *account, *service, *host, *connect_to;
        bool plain;
    } cases[] = {
        {OWN, "", "acme.example", "::h:1", false},
        {OTHER, "", "acme.example", NULL, false},
        {"*", "", "acme.example", NULL, false},
        {"", "", "acme.example", NULL, false},
        {OTHER, "", "theirs.example", "::h:2", false},
        {OWN, "", "theirs.example", NULL, false},
        {OWN, "", "all.example", "::h:3", false},
        {OTHER, "", "all.example", "::h:3", false},
        {OTHER, SERVICE, "sap.acme.example", "::h:4", false},
        {OTHER, SERVICE, "other.acme.example", "::h:5", true},
        {OTHER, SERVICE, "a.b.acme.example", "::h:6", false},
        {OTHER, SERVICE, "intranet.corp", "::h:6", false},
        {OWN, SERVICE, "sap.acme.example", "::h:6", false},
        {OWN, "", "plain.example", "::h:7", true},
        {OWN, SERVICE "x", "plain.example", NULL, false},
        {OWN, "plain.example", "intranet.corp", NULL, false},
        {OWN, "plain.example", "plain.example", "::h:7", true},
        {OWN, "", "name.example", NULL, false},
        {OWN, "name.example", "host.example", "::h:8", false},
        {OWN, "", "[::1]", "::h:9", false},
    };
    struct private_routes *routes;
    assert_true(private_routes_new(texts, sizeof(texts) / sizeof(*texts), STR(OWN), &routes, NULL));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct private_route *route =
            private_routes_find(routes, str_from(cases[i].account), str_from(cases[i].service),
                                str_from(cases[i].host));
        if (!route != !cases[i].connect_to)
            fail_msg("%s %s %s", cases[i].account, cases[i].service, cases[i].host);
        if (route) {
            assert_string_equal(route->connect_to, cases[i].connect_to);
            assert_int_equal(route->plain, cases[i].plain);
        }
    }
    private_routes_free(routes);
}

/* --- going there --- */

/* Answers with the name that TLS asked for and the Host header. */
static void serve_names(struct peer_connection *c)
{
    while (peer_read(c)) {
        char body[256], answer[512];
        const char *host = strstr(c->request, "\r\nHost: ") + 8;
        snprintf(body, sizeof(body), "%s|%.*s", c->server_name, (int)strcspn(host, "\r"), host);
        snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(body), body);
        peer_write(c, str_from(answer));
    }
}

static struct private_routes *route_to(struct fixture *f, const char *host, int port)
{
    const char *text = arena_printf(&f->arena, "acme.example=%s:%d", host, port).data;
    struct private_routes *routes;
    assert_true(private_routes_new(&text, 1, STR(OWN), &routes, NULL));
    return routes;
}

static enum client_outcome call_by(struct fixture *f, const char *url,
                                   const struct private_routes *routes)
{
    struct client_request request = {
        .method = STR("GET"),
        .url = str_from(url),
        .deadline_ms = clock_mono_ms() + LONG_MS,
        .route = private_routes_find(routes, STR(OWN), STR(""), STR("acme.example"))};
    client_call(f->client, &f->arena, &request, &f->response);
    return f->response.outcome;
}

/* No name is looked up, and no entry of the egress list lets the client go to loopback. */
static void a_routed_call_keeps_its_names(void **state)
{
    (void)state;
    struct fixture f = {.peer = peer_start(serve_names, NULL, &authority, "acme.example")};
    struct client_config config = {.trust.pem = str_from(authority.pem)};
    open_client(&f, NULL, &config);
    struct private_routes *routes = route_to(&f, "127.0.0.1", peer_port(f.peer));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(call_by(&f, "https://acme.example/", routes), CLIENT_OK);
        assert_str(f.response.body, "acme.example|acme.example");
        assert_int_equal(f.response.reused, i > 0);
    }
    assert_int_equal(call_by(&f, "https://acme.example:8443/", routes), CLIENT_OK);
    assert_str(f.response.body, "acme.example|acme.example:8443");
    assert_int_equal(call_by(&f, "https://other.example/", routes), CLIENT_TLS);
    private_routes_free(routes);
    close_all(&f);
}

/* A connection that was opened by a private route is no way for a call without one, also where the
 * route leads to the host that the URL names. */
static void connections_are_not_shared_with_public_calls(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    struct fixture f = {.peer = peer_start(serve_names, NULL, NULL, NULL)};
    open_client(&f, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        struct private_routes *routes = route_to(&f, hosts[i], peer_port(f.peer));
        for (int k = 0; k < 2; k++) {
            const char *url = url_of(&f, "http", hosts[k], "/").data;
            assert_int_equal(call_by(&f, url, routes), CLIENT_OK);
            assert_int_equal(call_by(&f, url, NULL), k == 0 ? CLIENT_REFUSED : CLIENT_RESOLVE);
            assert_int_equal(call_by(&f, url, routes), CLIENT_OK);
            assert_int_equal(f.response.reused, i != k);
        }
        private_routes_free(routes);
    }
    close_all(&f);
}

static void a_route_leads_to_no_metadata_service(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_client(&f, NULL, NULL);
    struct private_routes *routes = route_to(&f, "169.254.169.254", 80);
    assert_int_equal(call_by(&f, "http://acme.example/", routes), CLIENT_REFUSED);
    private_routes_free(routes);
    close_all(&f);
}

/* Whatever the operator's route says: nothing leaves the machine. */
static void in_sandbox_mode_the_sandbox_stands_at_its_end(void **state)
{
    (void)state;
    struct fixture f = {.peer = peer_start(serve_names, NULL, &authority, "acme.example")};
    struct client_config config = {.trust.pem = str_from(authority.pem),
                                   .sandbox_tls_port = peer_port(f.peer)};
    open_client(&f, NULL, &config);
    struct private_routes *routes = route_to(&f, "10.1.2.3", 443);
    assert_int_equal(call_by(&f, "https://acme.example/", routes), CLIENT_OK);
    assert_str(f.response.body, "acme.example|acme.example");
    private_routes_free(routes);
    close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_are_found_by_name),
        cmocka_unit_test(what_is_no_route_is_refused),
        cmocka_unit_test(a_name_leads_to_one_place),
        cmocka_unit_test(routes_belong_to_accounts_and_hosts),
        cmocka_unit_test(a_routed_call_keeps_its_names),
        cmocka_unit_test(connections_are_not_shared_with_public_calls),
        cmocka_unit_test(a_route_leads_to_no_metadata_service),
        cmocka_unit_test(in_sandbox_mode_the_sandbox_stands_at_its_end),
    };
    peer_authority_init(&authority);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    peer_authority_done(&authority);
    return failed;
}
