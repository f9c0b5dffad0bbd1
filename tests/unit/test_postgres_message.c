/* What libpq's words about a connection mean, and looking up addresses. */
#include "cmocka_all.h"

#include "base/clock.h"
#include "connectors/redshift/postgres_internal.h"
#include "net/client/internal.h"
#include "net/resolve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define AT "connection to server at \"acme.example\" (192.0.2.1), port 5439 failed: "

static const struct {
    const char *text;
    ConnStatusType status;
    enum postgres_result result;
    enum client_outcome outcome;
    const char *words; /* the server's, or our clause after the authority */
    const char *sqlstate;
} rows[] = {
    {AT "FATAL:  28P01: password authentication failed for user \"a\"\nLOCATION:  auth.c:338\n",
     CONNECTION_AWAITING_RESPONSE, POSTGRES_REFUSED, CLIENT_OK,
     "password authentication failed for user \"a\"", "28P01"},
    {AT "FATAL:  28000: x\n", CONNECTION_AUTH_OK, POSTGRES_REFUSED, CLIENT_OK, "x", "28000"},
    {AT "VERHÄNGNISVOLL:  3D000: Datenbank »x« existiert nicht\n", CONNECTION_AWAITING_RESPONSE,
     POSTGRES_REFUSED, CLIENT_OK, "Datenbank »x« existiert nicht", "3D000"},
    {AT "FATAL:  no such user\n", CONNECTION_AWAITING_RESPONSE, POSTGRES_REFUSED, CLIENT_OK,
     "no such user", NULL},
    {AT "authentication method 13 not supported\n", CONNECTION_AWAITING_RESPONSE,
     POSTGRES_UNKNOWN_METHOD, CLIENT_OK, NULL, NULL},
    {AT "none of the server's SASL authentication mechanisms are supported\n",
     CONNECTION_AWAITING_RESPONSE, POSTGRES_UNKNOWN_METHOD, CLIENT_OK, NULL, NULL},
    {AT "server does not support SSL, but SSL was required\n", CONNECTION_SSL_STARTUP,
     POSTGRES_NO_TLS, CLIENT_TLS, "offers no TLS", NULL},
    {AT "SSL error: certificate verify failed\n", CONNECTION_SSL_STARTUP, POSTGRES_FAILED,
     CLIENT_TLS, "shows a certificate that is not trusted here", NULL},
    {AT "server certificate for \"b.example\" does not match host name \"acme.example\"\n",
     CONNECTION_SSL_STARTUP, POSTGRES_FAILED, CLIENT_TLS,
     "shows a certificate for another host name", NULL},
    {AT "root certificate file \"/dev/null/none\" does not exist\n", CONNECTION_SSL_STARTUP,
     POSTGRES_FAILED, CLIENT_TLS,
     "was not asked for its certificate: this system's trusted certificates were not found", NULL},
    {AT "received invalid response to SSL negotiation: H\n", CONNECTION_SSL_STARTUP,
     POSTGRES_STRANGER, CLIENT_BROKEN, "does not speak PostgreSQL's protocol", NULL},
    {AT "expected authentication request from server, but received H\n",
     CONNECTION_AWAITING_RESPONSE, POSTGRES_STRANGER, CLIENT_BROKEN,
     "does not speak PostgreSQL's protocol", NULL},
    {AT "Connection refused\n\tIs the server running on that host?\n", CONNECTION_STARTED,
     POSTGRES_FAILED, CLIENT_CONNECT, "does not take connections: Connection refused", NULL},
    {AT "something new\n", CONNECTION_STARTED, POSTGRES_FAILED, CLIENT_CONNECT,
     "does not take connections", NULL},
    {AT "something:  newer\n", CONNECTION_SSL_STARTUP, POSTGRES_FAILED, CLIENT_TLS,
     "does not complete the TLS handshake", NULL},
    {AT "server closed the connection unexpectedly\n", CONNECTION_AWAITING_RESPONSE,
     POSTGRES_FAILED, CLIENT_BROKEN, "ended the conversation", NULL},
    {"", CONNECTION_AWAITING_RESPONSE, POSTGRES_FAILED, CLIENT_BROKEN, "ended the conversation",
     NULL},
};

static bool is_text(struct str text, const char *expected)
{
    return expected ? str_eq(text, str_from(expected)) : !text.data;
}

static void words_have_their_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct arena arena = {0};
        struct postgres_response answer = {0};
        struct postgres_session session = {.arena = &arena,
                                           .authority = "acme.example:5439",
                                           .response = &answer,
                                           .status = rows[i].status};
        postgres_classify(&session, rows[i].text);
        assert_int_equal(answer.result, rows[i].result);
        assert_true(is_text(answer.sqlstate, rows[i].sqlstate));
        if (rows[i].outcome != CLIENT_OK) {
            assert_int_equal(answer.outcome, rows[i].outcome);
            assert_int_equal(answer.connected, rows[i].status > CONNECTION_STARTED);
            assert_memory_equal(answer.detail, "acme.example:5439 ", 18);
            assert_string_equal(answer.detail + 18, rows[i].words);
        } else {
            assert_true(is_text(answer.message, rows[i].words));
        }
        arena_done(&arena);
    }
}

static void the_trusted_authorities_are_named(void **state)
{
    (void)state;
    char origin[] = "/etc/company.pem";
    struct client client = {.trust.origin = origin};
    struct arena arena = {0};
    struct postgres_response answer = {0};
    struct postgres_session session = {.client = &client,
                                       .arena = &arena,
                                       .authority = "acme.example:5439",
                                       .response = &answer,
                                       .status = CONNECTION_SSL_STARTUP};
    postgres_classify(&session, AT "SSL error: certificate verify failed\n");
    assert_int_equal(answer.outcome, CLIENT_TLS);
    assert_string_equal(answer.detail,
                        "acme.example:5439 shows a certificate that is not trusted here (trusted "
                        "are the authorities in /etc/company.pem; the operator can add one with "
                        "--vendor-ca)");
    postgres_classify(&session, AT "server does not support SSL, but SSL was required\n");
    assert_string_equal(answer.detail, "acme.example:5439 offers no TLS");
    arena_done(&arena);
}

static void literal_addresses_are_their_own(void **state)
{
    (void)state;
    struct resolved resolved;
    int64_t soon_ms = clock_mono_ms() + 60 * 1000;
    struct in_addr v4 = {htonl(0xC0000207)};
    assert_true(resolve_host(STR("192.0.2.7"), soon_ms, &resolved));
    assert_int_equal(resolved.count, 1);
    assert_memory_equal(&((struct sockaddr_in *)&resolved.addresses[0])->sin_addr, &v4, 4);
    assert_true(resolve_host(STR("2001:db8::7"), soon_ms, &resolved));
    assert_int_equal(resolved.addresses[0].ss_family, AF_INET6);
}

static void what_is_no_host_has_no_address(void **state)
{
    (void)state;
    char long_name[RESOLVE_HOST_MAX + 2];
    struct resolved resolved;
    int64_t soon_ms = clock_mono_ms() + 60 * 1000;
    memset(long_name, 'a', sizeof(long_name));
    assert_false(resolve_host(STR(""), soon_ms, &resolved));
    assert_false(resolve_host(STR("a\0b"), soon_ms, &resolved));
    assert_false(resolve_host((struct str){long_name, sizeof(long_name) - 1}, soon_ms, &resolved));
    assert_false(resolve_host(STR("[::1]"), soon_ms, &resolved));
    assert_false(resolved.timed_out);
}

/* Whether the look-up itself has ended meanwhile is its thread's affair. */
static void nobody_waits_past_the_deadline(void **state)
{
    (void)state;
    struct resolved resolved;
    bool found = resolve_host(STR("host.invalid"), clock_mono_ms() - 1, &resolved);
    assert_false(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_have_their_meaning),
        cmocka_unit_test(the_trusted_authorities_are_named),
        cmocka_unit_test(literal_addresses_are_their_own),
        cmocka_unit_test(what_is_no_host_has_no_address),
        cmocka_unit_test(nobody_waits_past_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
