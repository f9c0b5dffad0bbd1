/* The sandbox's authority, its certificates, and how it starts and stops. */
#include "cmocka_all.h"

#include "sandbox_asker.h"
#include "temporary.h"

#include "sandbox/ca.h"
#include "wire/restjson.h"

#include <openssl/ssl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define GET_VERSIONS "GET /services/data/ HTTP/1.1"

static char dir[TEMPORARY_SIZE];

static const char *in_dir(struct arena *arena, const char *name)
{
    return arena_printf(arena, "%s/%s", dir, name).data;
}

static struct sandbox *start(const char *ca_dir)
{
    struct sandbox_config config = {.host = "127.0.0.1", .ca_dir = ca_dir};
    struct sandbox *sandbox;
    struct error error = {0};
    if (!sandbox_start(&config, &sandbox, &error))
        fail_msg("%s", error.message);
    return sandbox;
}

static void any_host_has_its_certificate(void **state)
{
    struct arena arena = {0};
    struct sandbox *sandbox = start(NULL);
    (void)state;
    static const char *const hosts[] = {"acme.my.salesforce.com", "login.salesforce.com",
                                        "a--b.sandbox.my.salesforce.com"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        assert_int_equal(
            ask_tls(sandbox, &arena, sandbox_ca_pem(sandbox), hosts[i], GET_VERSIONS).status, 200);
    assert_int_equal(
        ask_tls(sandbox, &arena, sandbox_ca_pem(sandbox), "vendor.example", GET_VERSIONS).status,
        421);
    assert_int_equal(
        ask_tls(sandbox, &arena, sandbox_ca_pem(sandbox), "bad name", GET_VERSIONS).status, 0);
    sandbox_stop(sandbox);
    arena_done(&arena);
}

static void another_authority_is_not_trusted(void **state)
{
    struct arena arena = {0};
    struct sandbox *one = start(NULL), *two = start(NULL);
    (void)state;
    assert_int_equal(
        ask_tls(one, &arena, sandbox_ca_pem(two), "login.salesforce.com", GET_VERSIONS).status, 0);
    sandbox_stop(one);
    sandbox_stop(two);
    arena_done(&arena);
}

static void the_authority_is_kept(void **state)
{
    struct arena arena = {0};
    struct stat status;
    (void)state;
    const char *ca_dir = in_dir(&arena, "ca");
    struct sandbox *sandbox = start(ca_dir);
    struct str first = arena_copy(&arena, sandbox_ca_pem(sandbox));
    sandbox_stop(sandbox);
    assert_int_equal(stat(in_dir(&arena, "ca/ca-key.pem"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    sandbox = start(ca_dir);
    assert_true(str_eq(first, sandbox_ca_pem(sandbox)));
    assert_int_equal(ask_tls(sandbox, &arena, first, "login.salesforce.com", GET_VERSIONS).status,
                     200);
    sandbox_stop(sandbox);
    arena_done(&arena);
}

static void a_broken_authority_is_refused(void **state)
{
    struct arena arena = {0};
    struct error error = {0};
    struct ca *ca;
    (void)state;
    const char *ca_dir = in_dir(&arena, "broken");
    assert_true(ca_open(ca_dir, &ca, &error));
    ca_free(ca);
    assert_int_equal(truncate(in_dir(&arena, "broken/ca-key.pem"), 100), 0);
    assert_false(ca_open(ca_dir, &ca, &error));
    assert_non_null(strstr(error.message, "Remove both"));
    assert_int_equal(unlink(in_dir(&arena, "broken/ca-key.pem")), 0);
    assert_false(ca_open(ca_dir, &ca, &error));
    assert_false(ca_open("/nonexistent/ca", &ca, &error));
    assert_non_null(strstr(error.message, "cannot be made"));
    arena_done(&arena);
}

static void certificates_are_kept_up_to_a_bound(void **state)
{
    struct ca *ca;
    struct error error = {0};
    char name[32];
    (void)state;
    assert_true(ca_open(NULL, &ca, &error));
    SSL_CTX *first = ca_context_for(ca, "first.example");
    assert_non_null(first);
    assert_ptr_equal(ca_context_for(ca, "FIRST.example"), first);
    SSL *connection = SSL_new(first);
    for (int i = 0; i < CA_HOSTS_MAX; i++) {
        snprintf(name, sizeof(name), "host-%d.example", i);
        assert_non_null(ca_context_for(ca, name));
    }
    /* The table has forgotten it, the connection has not. */
    assert_non_null(SSL_get_certificate(connection));
    assert_non_null(ca_context_for(ca, "first.example"));
    assert_non_null(ca_context_for(ca, ""));
    assert_non_null(ca_context_for(ca, "127.0.0.1"));
    assert_null(ca_context_for(ca, "a.example,DNS:b.example"));
    SSL_free(connection);
    ca_free(ca);
}

static void it_stops_with_a_slow_answer_on_its_way(void **state)
{
    struct arena arena = {0};
    char piece[16];
    struct sandbox *sandbox = start(NULL);
    (void)state;
    int fd = ask_only(sandbox, &arena, "acme.zendesk.com",
                      "GET /api/v2/users/me.json HTTP/1.1\r\n"
                      "Authorization: Bearer sandbox-token-slow");
    while (sandbox_request_count(sandbox, STR("Zendesk")) == 0)
        sched_yield();
    /* It is slow: whoever asks afterwards is answered before. */
    struct asker_answer other = ask(sandbox, &arena, "login.salesforce.com", GET_VERSIONS, "");
    assert_int_equal(other.status, 200);
    assert_int_equal(recv(fd, piece, sizeof(piece), MSG_DONTWAIT), -1);
    sandbox_stop(sandbox);
    assert_true(recv(fd, piece, sizeof(piece), 0) <= 0);
    close(fd);
    arena_done(&arena);
}

static void a_bad_address_is_told(void **state)
{
    struct sandbox *sandbox;
    struct error error = {0};
    struct sandbox_config config = {.host = "not an address"};
    (void)state;
    assert_false(sandbox_start(&config, &sandbox, &error));
    assert_true(error.message[0] != '\0');
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(temporary_template(dir, "sandbox")) ? 0 : -1;
}

static int remove_dir(void **state)
{
    static const char *const names[] = {"ca/ca.pem",     "ca/ca-key.pem", "ca",
                                        "broken/ca.pem", "broken",        ""};
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove(in_dir(&arena, names[i]));
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_host_has_its_certificate),
        cmocka_unit_test(another_authority_is_not_trusted),
        cmocka_unit_test(the_authority_is_kept),
        cmocka_unit_test(a_broken_authority_is_refused),
        cmocka_unit_test(certificates_are_kept_up_to_a_bound),
        cmocka_unit_test(it_stops_with_a_slow_answer_on_its_way),
        cmocka_unit_test(a_bad_address_is_told),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
