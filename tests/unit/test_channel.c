/* Channels: where they may go, whom they trust, and that nothing that a peer does makes them last:
 * silence, bytes without end, a handshake that stops in the middle. */
#include "client_fixture.h"
#include "temporary.h"

#include "net/client/channel.h"
#include "work/cpu_slots.h"

#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum { RECEIVED_MAX = 64 * 1024 };

static struct peer_authority authority, stranger;

static struct channel channel_to(struct fixture *f, const char *host, int64_t limit_ms)
{
    return (struct channel){.client = f->client,
                            .arena = &f->arena,
                            .host = str_from(host),
                            .port = peer_port(f->peer),
                            .deadline_ms = clock_mono_ms() + limit_ms,
                            .received_max = RECEIVED_MAX,
                            .fd = -1};
}

static void assert_failed(const struct channel *channel, enum client_outcome outcome,
                          const char *clause)
{
    if (channel->outcome != outcome || !channel->clause || strcmp(channel->clause, clause) != 0)
        fail_msg("outcome %d: %s", channel->outcome, channel->clause ? channel->clause : "none");
}

static void echo(struct peer_connection *c)
{
    char bytes[16];
    int len;
    while ((len = peer_receive(c, bytes, sizeof(bytes))) > 0 &&
           peer_write(c, (struct str){bytes, (size_t)len}))
        ;
}

static void talk_without_end(struct peer_connection *c)
{
    static const char bytes[4096];
    char begin;
    if (peer_receive(c, &begin, 1) != 1)
        return;
    while (peer_write(c, (struct str){bytes, sizeof(bytes)}))
        ;
}

static void open_tls(struct fixture *f, peer_serve *serve, const char *name)
{
    struct client_config config = {.trust.pem = str_from(authority.pem)};
    f->peer = peer_start(serve, NULL, &authority, name);
    open_client(f, "127.0.0.1", &config);
}

static void assert_echo(struct channel *channel)
{
    char bytes[16];
    assert_true(channel_write(channel, STR("hello")));
    assert_int_equal(channel_read(channel, bytes, 5), 5);
    assert_memory_equal(bytes, "hello", 5);
}

static void bytes_go_both_ways(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, echo, NULL);
    struct channel channel = channel_to(&f, "127.0.0.1", LONG_MS);
    unsigned char hash[CHANNEL_BINDING_MAX];
    assert_true(channel_open(&channel));
    assert_echo(&channel);
    assert_null(channel_binding(&channel, hash).data);
    channel_close(&channel);
    close_all(&f);
}

static const struct {
    const char *host, *certificate;
    bool trusted;
    enum channel_trust trust;
    const char *clause; /* NULL: the handshake succeeds */
} handshakes[] = {
    {"localhost", "localhost", true, CHANNEL_TRUST_HOST, NULL},
    {"localhost", "other.example", true, CHANNEL_TRUST_HOST,
     "shows a certificate for another host name"},
    {"127.0.0.1", "localhost", true, CHANNEL_TRUST_HOST,
     "shows a certificate for another host name"},
    {"localhost", "localhost", false, CHANNEL_TRUST_HOST,
     "shows a certificate that is not trusted here"},
    {"localhost", "other.example", true, CHANNEL_TRUST_ANY, NULL},
    {"localhost", "other.example", false, CHANNEL_TRUST_ANY,
     "shows a certificate that is not trusted here"},
    {"localhost", "other.example", false, CHANNEL_TRUST_NONE, NULL},
};

static void certificates_are_verified_as_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(handshakes) / sizeof(*handshakes); i++) {
        struct fixture f = {0};
        struct client_config config = {.trust.pem = str_from(authority.pem)};
        f.peer = peer_start(echo, NULL, handshakes[i].trusted ? &authority : &stranger,
                            handshakes[i].certificate);
        open_client(&f, "127.0.0.1", &config);
        struct channel channel = channel_to(&f, handshakes[i].host, LONG_MS);
        assert_true(channel_open(&channel));
        bool good = channel_start_tls(&channel, handshakes[i].trust);
        assert_int_equal(good, handshakes[i].clause == NULL);
        if (good)
            assert_echo(&channel);
        else
            assert_failed(&channel, CLIENT_TLS, handshakes[i].clause);
        channel_close(&channel);
        close_all(&f);
    }
}

/* No trusted authority has signed the certificate: the message names those that are trusted. */
static void the_trusted_authorities_are_named(void **state)
{
    (void)state;
    struct fixture f = {0};
    char path[TEMPORARY_SIZE];
    int file = mkstemp(temporary_template(path, "authority"));
    assert_int_equal(write(file, stranger.pem, strlen(stranger.pem)), strlen(stranger.pem));
    struct client_config config = {.trust.file = path};
    f.peer = peer_start(echo, NULL, &authority, "localhost");
    open_client(&f, "127.0.0.1", &config);
    struct channel channel = channel_to(&f, "localhost", LONG_MS);
    assert_true(channel_open(&channel));
    assert_false(channel_start_tls(&channel, CHANNEL_TRUST_HOST));
    assert_failed(&channel, CLIENT_TLS,
                  arena_printf(&f.arena,
                               "shows a certificate that is not trusted here (trusted are the "
                               "authorities in %s; the operator can add one with --vendor-ca)",
                               path)
                      .data);
    channel_close(&channel);
    close_all(&f);
    close(file);
    unlink(path);
}

static void the_binding_is_the_certificates_hash(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_tls(&f, echo, "localhost");
    struct channel channel = channel_to(&f, "localhost", LONG_MS);
    unsigned char hash[CHANNEL_BINDING_MAX], expected[EVP_MAX_MD_SIZE];
    unsigned size;
    assert_true(channel_open(&channel));
    assert_true(channel_start_tls(&channel, CHANNEL_TRUST_HOST));
    struct str binding = channel_binding(&channel, hash);
    X509 *certificate = SSL_get0_peer_certificate(channel.ssl);
    assert_int_equal(X509_digest(certificate, EVP_sha256(), expected, &size), 1);
    assert_int_equal(binding.len, size);
    assert_memory_equal(binding.data, expected, size);
    channel_close(&channel);
    close_all(&f);
}

static void answer_in_clear(struct peer_connection *c)
{
    char byte;
    if (peer_receive(c, &byte, 1) == 1 && peer_write(c, STR("HTTP/1.1 400 Bad Request\r\n\r\n")))
        peer_wait_for_end(c);
}

static void no_plain_server_completes_a_handshake(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_plain(&f, answer_in_clear, NULL);
    struct channel channel = channel_to(&f, "127.0.0.1", LONG_MS);
    assert_true(channel_open(&channel));
    assert_false(channel_start_tls(&channel, CHANNEL_TRUST_NONE));
    assert_failed(&channel, CLIENT_TLS, "does not complete the TLS handshake");
    channel_close(&channel);
    close_all(&f);
}

static void silence_ends_at_the_deadline(void **state)
{
    (void)state;
    for (int tls = 0; tls <= 1; tls++) {
        struct fixture f = {0};
        char byte;
        open_plain(&f, peer_wait_for_end, NULL);
        struct channel channel = channel_to(&f, "127.0.0.1", SHORT_MS);
        assert_true(channel_open(&channel));
        assert_false(tls ? channel_start_tls(&channel, CHANNEL_TRUST_NONE)
                         : channel_read(&channel, &byte, 1) > 0);
        assert_failed(&channel, CLIENT_TIMEOUT, "did not answer within the time limit");
        assert_false(channel_may_continue(&channel));
        channel_close(&channel);
        close_all(&f);
    }
}

static void bytes_without_end_are_bounded(void **state)
{
    (void)state;
    for (int tls = 0; tls <= 1; tls++) {
        struct fixture f = {0};
        char bytes[1024];
        size_t len, sum = 0;
        if (tls)
            open_tls(&f, talk_without_end, "localhost");
        else
            open_plain(&f, talk_without_end, NULL);
        struct channel channel = channel_to(&f, "localhost", LONG_MS);
        assert_true(channel_open(&channel));
        assert_true(!tls || channel_start_tls(&channel, CHANNEL_TRUST_HOST));
        assert_true(channel_write(&channel, STR("x")));
        while ((len = channel_read(&channel, bytes, sizeof(bytes))) > 0)
            sum += len;
        assert_failed(&channel, CLIENT_TOO_LARGE, "answers with more than is read");
        assert_true(sum <= RECEIVED_MAX + sizeof(bytes));
        channel_close(&channel);
        close_all(&f);
    }
}

static void hang_up(struct peer_connection *c)
{
    (void)c;
}

static void an_end_is_an_end(void **state)
{
    (void)state;
    struct fixture f = {0};
    char byte;
    open_plain(&f, hang_up, NULL);
    struct channel channel = channel_to(&f, "127.0.0.1", LONG_MS);
    assert_true(channel_open(&channel));
    assert_int_equal(channel_read(&channel, &byte, 1), 0);
    assert_failed(&channel, CLIENT_BROKEN, "ended the conversation");
    channel_close(&channel);
    close_all(&f);
}

static void *stop(void *client)
{
    client_stop(client);
    return NULL;
}

static void a_stop_ends_every_wait(void **state)
{
    (void)state;
    struct fixture f = {0};
    pthread_t thread;
    char byte;
    open_plain(&f, peer_wait_for_end, NULL);
    struct channel channel = channel_to(&f, "127.0.0.1", LONG_MS);
    assert_true(channel_open(&channel));
    assert_int_equal(pthread_create(&thread, NULL, stop, f.client), 0);
    assert_int_equal(channel_read(&channel, &byte, 1), 0);
    assert_failed(&channel, CLIENT_STOPPED, "was left: the server is stopping");
    assert_false(channel_may_continue(&channel));
    pthread_join(thread, NULL);
    channel_close(&channel);
    close_all(&f);
}

static bool goes_on_twice(void *context)
{
    int *looks = context;
    return ++*looks < 3;
}

static void a_watch_ends_a_wait(void **state)
{
    (void)state;
    struct fixture f = {0};
    int looks = 0;
    const struct client_watch watch = {goes_on_twice, &looks};
    char byte;
    open_plain(&f, peer_wait_for_end, NULL);
    struct channel channel = channel_to(&f, "127.0.0.1", LONG_MS);
    assert_true(channel_open(&channel));
    channel.watch = &watch;
    assert_int_equal(channel_read(&channel, &byte, 1), 0);
    assert_failed(&channel, CLIENT_ABORTED, "was left: the caller is to end");
    assert_int_equal(looks, 3);
    channel_close(&channel);
    close_all(&f);
}

static struct {
    struct cpu_slots *slots;
    int granted;
} turns;

/* Has its slot, and passes it on. */
static void take_turn(struct slot_request *request)
{
    (void)request;
    turns.granted++;
    assert_null(cpu_slots_pass(turns.slots));
}

/* Between two slices of a computation the other thread goes first, and past the deadline the
 * computation does not go on. */
static void a_computation_shares_its_cpu_slot(void **state)
{
    (void)state;
    struct fixture f = {.peer = peer_start(echo, NULL, NULL, NULL)};
    struct slot_request own = {.granted = take_turn}, other = {.granted = take_turn};
    open_client(&f, "127.0.0.1", NULL);
    struct channel channel = channel_to(&f, "127.0.0.1", LONG_MS);
    turns.slots = cpu_slots_new(1);
    assert_true(cpu_slots_take(turns.slots, &own));
    assert_false(cpu_slots_take(turns.slots, &other));
    cpu_slots_use(turns.slots);
    assert_true(channel_may_continue(&channel));
    assert_int_equal(turns.granted, 1);
    channel.deadline_ms = clock_mono_ms() - 1;
    assert_false(channel_may_continue(&channel));
    assert_failed(&channel, CLIENT_TIMEOUT, "did not answer within the time limit");
    cpu_slots_use(NULL);
    assert_null(cpu_slots_pass(turns.slots));
    cpu_slots_free(turns.slots);
    channel_close(&channel);
    close_all(&f);
}

static const struct {
    const char *allowed, *host;
    int port; /* 0: the peer's */
    enum client_outcome outcome;
    const char *clause;
} addresses[] = {
    {"", "127.0.0.1", 0, CLIENT_REFUSED, "is an address that this server may not connect to"},
    {"10.0.0.0/8", "localhost", 0, CLIENT_RESOLVE,
     "has no address that this server may connect to"},
    {"127.0.0.1", "127.0.0.1", 1, CLIENT_CONNECT, "does not take connections: Connection refused"},
    {"127.0.0.1", "host.invalid", 0, CLIENT_RESOLVE,
     "has no address that this server may connect to"},
};

static void the_policy_judges_each_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
        struct fixture f = {.peer = peer_start(echo, NULL, NULL, NULL)};
        open_client(&f, addresses[i].allowed, NULL);
        struct channel channel = channel_to(&f, addresses[i].host, LONG_MS);
        channel.port = addresses[i].port ? addresses[i].port : channel.port;
        assert_false(channel_open(&channel));
        assert_failed(&channel, addresses[i].outcome, addresses[i].clause);
        assert_false(channel.connected);
        assert_int_equal(peer_connections(f.peer), 0);
        channel_close(&channel);
        close_all(&f);
    }
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as the server has it */
    peer_authority_init(&authority);
    peer_authority_init(&stranger);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    peer_authority_done(&authority);
    peer_authority_done(&stranger);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways),
        cmocka_unit_test(certificates_are_verified_as_asked),
        cmocka_unit_test(the_trusted_authorities_are_named),
        cmocka_unit_test(the_binding_is_the_certificates_hash),
        cmocka_unit_test(no_plain_server_completes_a_handshake),
        cmocka_unit_test(silence_ends_at_the_deadline),
        cmocka_unit_test(bytes_without_end_are_bounded),
        cmocka_unit_test(an_end_is_an_end),
        cmocka_unit_test(a_stop_ends_every_wait),
        cmocka_unit_test(a_watch_ends_a_wait),
        cmocka_unit_test(a_computation_shares_its_cpu_slot),
        cmocka_unit_test(the_policy_judges_each_address),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
