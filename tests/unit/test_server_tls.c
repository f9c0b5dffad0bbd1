/* TLS: handshakes, names, large answers, renewal of the certificate, clients that misbehave. */
#include "cmocka_all.h"

#include "server_fixture.h"
#include "temporary.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct files {
    char directory[TEMPORARY_SIZE];
    char cert[TEMPORARY_SIZE + 16];
    char key[TEMPORARY_SIZE + 16];
};

static EVP_PKEY *make_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    return key;
}

static X509 *make_cert(EVP_PKEY *key, const char *name, long serial)
{
    X509 *cert = X509_new();
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, subject);
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

static void write_pem(const char *path, X509 *cert, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(cert ? PEM_write_X509(file, cert)
                     : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
}

static void write_files(const struct files *files, const char *name, long serial)
{
    EVP_PKEY *key = make_key();
    X509 *cert = make_cert(key, name, serial);
    write_pem(files->cert, cert, NULL);
    write_pem(files->key, NULL, key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void files_make(struct files *files)
{
    assert_non_null(mkdtemp(temporary_template(files->directory, "test")));
    snprintf(files->cert, sizeof(files->cert), "%s/cert.pem", files->directory);
    snprintf(files->key, sizeof(files->key), "%s/key.pem", files->directory);
    write_files(files, "server", 1);
}

static void files_remove(const struct files *files)
{
    unlink(files->cert);
    unlink(files->key);
    rmdir(files->directory);
}

static void start(const struct files *files, struct server **ret_server)
{
    fixture_start(&(struct server_config){.tls_cert_path = files->cert,
                                          .tls_key_path = files->key,
                                          .loops = 2,
                                          .head_timeout_ms = 2000},
                  ret_server);
}

static void stop(struct server *server)
{
    assert_true(server_stop(server, WAIT_MS));
    server_free(server);
}

struct client {
    int fd;
    SSL_CTX *context;
    SSL *ssl;
};

/* `protocols` is in ALPN's wire form. */
static bool client_open(const struct server *server, int version, const char *name,
                        const char *protocols, struct client *ret_client)
{
    struct client client = {.fd = client_connect(server)};
    client.context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(client.context, version);
    SSL_CTX_set_max_proto_version(client.context, version);
    SSL_CTX_set_security_level(client.context, 0); /* so that what is refused, the server refuses */
    client.ssl = SSL_new(client.context);
    SSL_set_fd(client.ssl, client.fd);
    if (name)
        SSL_set_tlsext_host_name(client.ssl, name);
    if (protocols)
        SSL_set_alpn_protos(client.ssl, (const unsigned char *)protocols,
                            (unsigned int)strlen(protocols));
    *ret_client = client;
    return SSL_connect(client.ssl) == 1;
}

static void client_end(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    close(client->fd);
}

static void client_write(struct client *client, struct str bytes)
{
    assert_int_equal(SSL_write(client->ssl, bytes.data, (int)bytes.len), bytes.len);
}

/* To the end, which must be TLS's own. */
static struct buf client_read(struct client *client)
{
    struct buf stream = buf_on_heap(BIG_SIZE + (size_t)BIG_SIZE);
    char piece[16384];
    int got;
    while ((got = SSL_read(client->ssl, piece, sizeof(piece))) > 0)
        buf_add(&stream, (struct str){piece, (size_t)got});
    assert_int_equal(SSL_get_error(client->ssl, got), SSL_ERROR_ZERO_RETURN);
    return stream;
}

static long serial_seen(struct client *client)
{
    X509 *cert = SSL_get1_peer_certificate(client->ssl);
    long serial = ASN1_INTEGER_get(X509_get0_serialNumber(cert));
    X509_free(cert);
    return serial;
}

static void requests_are_answered_over_tls(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct files files;
    struct server *server;
    files_make(&files);
    start(&files, &server);
    for (int i = 0; i < 2; i++) {
        struct client client;
        assert_true(client_open(server, versions[i], "api.example", "\x02h2\x08http/1.1", &client));
        client_write(&client,
                     STR("POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab"));
        client_write(&client, STR("cGET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
        struct buf stream = client_read(&client);
        assert_int_equal(answer_count(buf_str(&stream)), 2);
        assert_true(str_contains(buf_str(&stream), STR("POST /later api.example abcHTTP/1.1 200")));
        assert_true(str_ends(buf_str(&stream), STR("GET /x api.example ")));
        const unsigned char *protocol;
        unsigned int size;
        SSL_get0_alpn_selected(client.ssl, &protocol, &size);
        assert_int_equal(size, 8);
        assert_memory_equal(protocol, "http/1.1", 8);
        buf_done(&stream);
        client_end(&client);
    }
    stop(server);
    files_remove(&files);
}

static void large_bodies_go_both_ways_over_tls(void **state)
{
    (void)state;
    struct files files;
    struct server *server;
    struct client client;
    files_make(&files);
    start(&files, &server);
    assert_true(client_open(server, TLS1_3_VERSION, NULL, NULL, &client));
    char *body = malloc(HTTP_BODY_MAX);
    memset(body, 'x', HTTP_BODY_MAX);
    client_write(&client, STR("POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 262144\r\n\r\n"));
    client_write(&client, (struct str){body, HTTP_BODY_MAX});
    fixture_wait_held(1);
    client_write(&client, STR("GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
    fixture_answer_held();
    struct buf stream = client_read(&client);
    assert_int_equal(answer_count(buf_str(&stream)), 2);
    assert_true(stream.len > HTTP_BODY_MAX + BIG_SIZE);
    buf_done(&stream);
    free(body);
    client_end(&client);
    stop(server);
    files_remove(&files);
}

static void refusals_are_readable_over_tls(void **state)
{
    (void)state;
    struct files files;
    struct server *server;
    struct client client;
    files_make(&files);
    start(&files, &server);
    assert_true(client_open(server, TLS1_3_VERSION, NULL, NULL, &client));
    client_write(&client, STR("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET / HTTP/1.1\r\n"));
    struct buf stream = client_read(&client);
    assert_int_equal(answer_status(buf_str(&stream)), 400);
    assert_int_equal(answer_count(buf_str(&stream)), 1);
    buf_done(&stream);
    client_end(&client);
    stop(server);
    files_remove(&files);
}

static void weak_handshakes_are_refused(void **state)
{
    (void)state;
    struct files files;
    struct server *server;
    struct client client;
    files_make(&files);
    start(&files, &server);
    assert_false(client_open(server, TLS1_1_VERSION, NULL, NULL, &client));
    client_end(&client);
    assert_false(client_open(server, TLS1_3_VERSION, NULL, "\x02h2", &client));
    client_end(&client);

    int fd = client_connect(server);
    client_send(fd, STR("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    struct buf stream = client_read_all(fd, NULL);
    assert_int_equal(answer_count(buf_str(&stream)), 0);
    buf_done(&stream);
    close(fd);

    fd = client_connect(server); /* a handshake that does not go on */
    client_send(fd, STR("\x16\x03\x01"));
    stream = client_read_all(fd, NULL);
    assert_int_equal(stream.len, 0);
    buf_done(&stream);
    close(fd);
    stop(server);
    files_remove(&files);
}

/* Past the limit a client is told so over TLS as well, before it has sent a request. */
static void one_connection_too_many_is_told_so(void **state)
{
    (void)state;
    struct files files;
    struct server *server;
    struct client held, other;
    files_make(&files);
    fixture_start(&(struct server_config){.tls_cert_path = files.cert,
                                          .tls_key_path = files.key,
                                          .connections_max = 1},
                  &server);
    assert_true(client_open(server, TLS1_2_VERSION, NULL, NULL, &held));
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        assert_true(client_open(server, version, NULL, NULL, &other));
        struct buf stream = client_read(&other);
        assert_int_equal(answer_status(buf_str(&stream)), 429);
        assert_true(str_contains(buf_str(&stream), STR("\r\nRetry-After: 1\r\n")));
        buf_done(&stream);
        client_end(&other);
    }
    client_end(&held);
    stop(server);
    files_remove(&files);
}

static void the_certificate_is_renewed(void **state)
{
    (void)state;
    struct files files;
    struct server *server;
    struct client before;
    struct client after;
    struct error error = {0};
    files_make(&files);
    start(&files, &server);
    assert_true(client_open(server, TLS1_3_VERSION, NULL, NULL, &before));
    assert_int_equal(serial_seen(&before), 1);

    EVP_PKEY *other = make_key();
    write_pem(files.key, NULL, other);
    EVP_PKEY_free(other);
    assert_false(server_reload_tls(server, &error));
    assert_int_equal(error.code, ERR_VALIDATION);
    assert_true(client_open(server, TLS1_3_VERSION, NULL, NULL, &after));
    assert_int_equal(serial_seen(&after), 1);
    client_end(&after);

    write_files(&files, "server", 2);
    assert_true(server_reload_tls(server, &error));
    assert_true(client_open(server, TLS1_3_VERSION, NULL, NULL, &after));
    assert_int_equal(serial_seen(&after), 2);
    client_end(&after);

    client_write(&before, STR("GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
    struct buf stream = client_read(&before);
    assert_int_equal(answer_status(buf_str(&stream)), 200);
    buf_done(&stream);
    client_end(&before);
    stop(server);
    files_remove(&files);
}

/* One certificate a name, as a stand-in for many hosts has; no name and unknown names get none. */
static void *context_for(void *argument, const char *server_name)
{
    SSL_CTX **contexts = argument;
    if (strcmp(server_name, "one.example") == 0)
        return contexts[0];
    return strcmp(server_name, "two.example") == 0 ? contexts[1] : NULL;
}

static void a_certificate_is_chosen_by_name(void **state)
{
    (void)state;
    static const char *names[] = {"one.example", "two.example"};
    SSL_CTX *contexts[2];
    for (int i = 0; i < 2; i++) {
        EVP_PKEY *key = make_key();
        X509 *cert = make_cert(key, names[i], 10 + i);
        contexts[i] = SSL_CTX_new(TLS_server_method());
        assert_int_equal(SSL_CTX_use_certificate(contexts[i], cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(contexts[i], key), 1);
        X509_free(cert);
        EVP_PKEY_free(key);
    }
    struct server *server;
    struct error error = {0};
    struct client client;
    fixture_start(&(struct server_config){.tls_context_for = context_for,
                                          .tls_context_for_context = contexts},
                  &server);
    for (int i = 0; i < 4; i++) {
        assert_true(client_open(server, i < 2 ? TLS1_2_VERSION : TLS1_3_VERSION, names[i % 2], NULL,
                                &client));
        assert_int_equal(serial_seen(&client), 10 + i % 2);
        client_write(&client, STR("GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
        struct buf stream = client_read(&client);
        assert_true(str_contains(buf_str(&stream), str_from(names[i % 2])));
        buf_done(&stream);
        client_end(&client);
    }
    assert_false(client_open(server, TLS1_3_VERSION, "three.example", NULL, &client));
    client_end(&client);
    assert_false(client_open(server, TLS1_3_VERSION, NULL, NULL, &client));
    client_end(&client);
    assert_false(server_reload_tls(server, &error));
    stop(server);
    SSL_CTX_free(contexts[0]);
    SSL_CTX_free(contexts[1]);
}

static void idle_connections_end_politely_at_the_stop(void **state)
{
    (void)state;
    struct files files;
    struct server *server;
    struct client client;
    files_make(&files);
    start(&files, &server);
    assert_true(client_open(server, TLS1_3_VERSION, NULL, NULL, &client));
    stop(server);
    struct buf stream = client_read(&client);
    assert_int_equal(stream.len, 0);
    buf_done(&stream);
    client_end(&client);
    files_remove(&files);
}

static void bad_files_are_told_at_the_start(void **state)
{
    (void)state;
    struct files files;
    struct server *server;
    struct error error = {0};
    files_make(&files);
    struct server_config config = {.host = "127.0.0.1", .loops = 1, .tls_cert_path = files.cert};
    assert_false(server_start(&config, &server, &error));
    assert_int_equal(error.code, ERR_VALIDATION);
    config.tls_key_path = "/nonexistent";
    assert_false(server_start(&config, &server, &error));
    assert_true(str_contains(str_from(error.message), STR("/nonexistent")));
    files_remove(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered_over_tls),
        cmocka_unit_test(large_bodies_go_both_ways_over_tls),
        cmocka_unit_test(refusals_are_readable_over_tls),
        cmocka_unit_test(weak_handshakes_are_refused),
        cmocka_unit_test(one_connection_too_many_is_told_so),
        cmocka_unit_test(the_certificate_is_renewed),
        cmocka_unit_test(a_certificate_is_chosen_by_name),
        cmocka_unit_test(idle_connections_end_politely_at_the_stop),
        cmocka_unit_test(bad_files_are_told_at_the_start),
    };
    return cmocka_run_group_tests_name("server-tls", tests, NULL, NULL);
}
