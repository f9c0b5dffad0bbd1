/* Static pages over a real server: which requests are for a page, and what each gets. */
#include "cmocka_all.h"

#include "api/pages.h"
#include "server_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool small_or_none(struct str rest, struct arena *arena, struct page *ret_page)
{
    if (rest.len == 0)
        return false;
    *ret_page = (struct page){STR("text/css"), STR("max-age=60"),
                              arena_printf(arena, "/* %.*s */", STR_ARG(rest))};
    return true;
}

static bool as_large_as_it_says(struct str rest, struct arena *arena, struct page *ret_page)
{
    size_t size = str_eq(rest, STR("most")) ? PAGE_BODY_MAX : PAGE_BODY_MAX + 1;
    char *body = arena_alloc(arena, size);
    memset(body, 'x', size);
    *ret_page = (struct page){STR("text/plain"), STR("no-store"), {body, size}};
    return true;
}

static bool start(struct str rest, struct arena *arena, struct page *ret_page)
{
    (void)rest, (void)arena;
    *ret_page = (struct page){STR("text/html"), STR("no-cache"), STR("start")};
    return true;
}

static const struct page_route routes[] = {
    {STR("/"), start},
    {STR("/console/"), small_or_none},
    {STR("/large/"), as_large_as_it_says},
    {STR_NULL, NULL},
};

static void handle(void *context, struct http_exchange *exchange)
{
    (void)context;
    if (!page_respond(routes, exchange))
        http_respond(exchange,
                     &(struct http_response){.status = 202, .body = http_client_address(exchange)});
}

static struct server *server_on(const char *host)
{
    struct server *server;
    struct error error = {0};
    const struct server_config config = {.host = host, .loops = 1, .handler = handle};
    if (!server_start(&config, &server, &error))
        return NULL;
    return server;
}

static struct buf ask(const struct server *server, const char *method, const char *target,
                      const char *headers)
{
    int fd = client_connect(server);
    char request[512];
    snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: h\r\n%sConnection: close\r\n\r\n",
             method, target, headers);
    client_send(fd, str_from(request));
    struct buf answer = client_read_all(fd, NULL);
    close(fd);
    return answer;
}

static void each_request_gets_its_page(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target, *headers;
        int status;
        const char *words;
    } cases[] = {
        {"GET", "/", "", 200, "\r\nCache-Control: no-cache\r\n"},
        {"GET", "/?a=b", "", 200, "\r\n\r\nstart"},
        {"GET", "/console/a.css", "", 200,
         "\r\nContent-Type: text/css\r\nCache-Control: max-age=60"},
        {"GET", "/console/a/b?c", "", 200, "\r\n\r\n/* a/b */"},
        {"GET", "/console/", "", 404, "\r\nCache-Control: no-store\r\n"},
        {"POST", "/console/a", "", 405, "\r\nAllow: GET, HEAD\r\n"},
        {"DELETE", "/console/a", "", 405, "\r\nAllow: GET, HEAD\r\n"},
        {"GET", "/large/most", "", 200, "\r\nContent-Length: 1048576\r\n"},
        {"GET", "/large/more", "", 500, "too large"},
        /* The API's. */
        {"GET", "/console", "", 202, ""},
        {"GET", "/other", "", 202, ""},
        {"POST", "/", "", 202, ""},
        {"GET", "/", "Authorization: x\r\n", 202, ""},
        {"GET", "/console/a", "authorization: x\r\n", 202, ""},
    };
    struct server *server = server_on("127.0.0.1");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf answer = ask(server, cases[i].method, cases[i].target, cases[i].headers);
        if (answer_status(buf_str(&answer)) != cases[i].status ||
            !strstr(answer.data, cases[i].words))
            fail_msg("%s %s: %.300s", cases[i].method, cases[i].target, answer.data);
        buf_done(&answer);
    }
    assert_true(server_stop(server, WAIT_MS));
    server_free(server);
}

static void a_page_is_sent_again_only_when_it_changed(void **state)
{
    (void)state;
    struct server *server = server_on("127.0.0.1");
    char headers[128];
    struct buf one = ask(server, "GET", "/console/a", "");
    struct buf other = ask(server, "GET", "/console/b", "");
    const char *etag = strstr(one.data, "\r\nETag: ") + strlen("\r\nETag: ");
    snprintf(headers, sizeof(headers), "If-None-Match: W/\"x\", %.34s\r\n", etag);
    assert_null(strstr(other.data, etag));
    struct buf same = ask(server, "GET", "/console/a", headers);
    assert_int_equal(answer_status(buf_str(&same)), 304);
    assert_true(str_ends(buf_str(&same), STR("\r\n\r\n")));
    struct buf changed = ask(server, "GET", "/console/b", headers);
    assert_int_equal(answer_status(buf_str(&changed)), 200);
    struct buf head = ask(server, "HEAD", "/console/a", "");
    assert_int_equal(answer_status(buf_str(&head)), 200);
    assert_non_null(strstr(head.data, "\r\nContent-Length: 7\r\n"));
    assert_true(str_ends(buf_str(&head), STR("\r\n\r\n")));
    struct buf *all[] = {&one, &other, &same, &changed, &head};
    for (size_t i = 0; i < 5; i++)
        buf_done(all[i]);
    assert_true(server_stop(server, WAIT_MS));
    server_free(server);
}

static void a_client_s_address_is_told(void **state)
{
    (void)state;
    struct server *server = server_on("127.0.0.1");
    struct buf answer = ask(server, "GET", "/who", "");
    const char *body = strstr(answer.data, "\r\n\r\n") + 4;
    assert_true(str_starts(str_from(body), STR("127.0.0.1:")));
    assert_in_range(atoi(body + strlen("127.0.0.1:")), 1, 65535);
    buf_done(&answer);
    assert_true(server_stop(server, WAIT_MS));
    server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_gets_its_page),
        cmocka_unit_test(a_page_is_sent_again_only_when_it_changed),
        cmocka_unit_test(a_client_s_address_is_told),
    };
    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
