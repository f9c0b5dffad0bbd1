/* Blocking sockets, a thread a connection. */
#include "peer.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 512 };

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "test peer: %s\n", #condition);                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct peer {
    int listener;
    int port;
    peer_serve *serve;
    void *context;
    SSL_CTX *tls;
    pthread_t acceptor;
    pthread_mutex_t lock; /* guards the rest */
    bool stopping;
    int count;
    int requests;
    int open[CONNECTIONS_MAX]; /* descriptors; -1 once closed */
    pthread_t threads[CONNECTIONS_MAX];
};

/* --- certificates --- */

static X509 *make_certificate(EVP_PKEY *key, EVP_PKEY *signer, X509 *issuer, const char *name)
{
    X509 *certificate = X509_new();
    X509V3_CTX context;
    char alternative[128];
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate));
    X509V3_set_ctx(&context, issuer ? issuer : certificate, certificate, NULL, NULL, 0);
    snprintf(alternative, sizeof(alternative), "DNS:%s", name);
    X509_EXTENSION *extension =
        X509V3_EXT_conf_nid(NULL, &context, issuer ? NID_subject_alt_name : NID_basic_constraints,
                            issuer ? alternative : "critical,CA:TRUE");
    MUST(extension && X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
    MUST(X509_sign(certificate, signer, EVP_sha256()) > 0);
    return certificate;
}

void peer_authority_init(struct peer_authority *authority)
{
    static int count;
    BIO *bio = BIO_new(BIO_s_mem());
    char *text, name[32];
    snprintf(name, sizeof(name), "test CA %d", ++count);
    authority->key = EVP_EC_gen("P-256");
    authority->certificate = make_certificate(authority->key, authority->key, NULL, name);
    MUST(PEM_write_bio_X509(bio, authority->certificate));
    size_t size = (size_t)BIO_get_mem_data(bio, &text);
    authority->pem = xcalloc(1, size + 1);
    memcpy(authority->pem, text, size);
    BIO_free(bio);
}

void peer_authority_done(struct peer_authority *authority)
{
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
    free(authority->pem);
}

static SSL_CTX *make_tls(const struct peer_authority *authority, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key, authority->key, authority->certificate, name);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    MUST(SSL_CTX_use_certificate(tls, certificate) && SSL_CTX_use_PrivateKey(tls, key));
    X509_free(certificate);
    EVP_PKEY_free(key);
    return tls;
}

/* --- connections --- */

int peer_receive(struct peer_connection *c, char *out, size_t size)
{
    if (c->ssl)
        return SSL_read(c->ssl, out, (int)size);
    return (int)recv(c->fd, out, size, 0);
}

static size_t body_length(const char *head, const char *end)
{
    for (const char *line = head; line && line < end; line = strstr(line, "\r\n")) {
        line += line == head ? 0 : 2;
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            return strtoul(line + 15, NULL, 10);
    }
    return 0;
}

/* 0 until the head is whole. */
static size_t request_size(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    return end ? (size_t)(end + 4 - request) + body_length(request, end) : 0;
}

bool peer_read(struct peer_connection *c)
{
    size_t wanted = 0;
    c->request_len = 0;
    c->request[0] = '\0';
    while (wanted == 0 || c->request_len < wanted) {
        size_t room = wanted ? wanted - c->request_len : 1;
        MUST(c->request_len + room <= PEER_REQUEST_MAX);
        int got = peer_receive(c, c->request + c->request_len, room);
        if (got <= 0)
            return false;
        c->request_len += (size_t)got;
        c->request[c->request_len] = '\0';
        if (wanted == 0 && c->request_len >= 4)
            wanted = request_size(c->request);
        if (wanted == 0 && memchr(c->request, '\0', c->request_len))
            return false;
    }
    pthread_mutex_lock(&c->peer->lock);
    c->peer->requests++;
    pthread_mutex_unlock(&c->peer->lock);
    return true;
}

bool peer_read_head(struct peer_connection *c)
{
    c->request_len = 0;
    c->request[0] = '\0';
    while (!strstr(c->request, "\r\n\r\n")) {
        MUST(c->request_len < PEER_REQUEST_MAX);
        if (peer_receive(c, c->request + c->request_len, 1) <= 0)
            return false;
        c->request[++c->request_len] = '\0';
    }
    return true;
}

bool peer_write(struct peer_connection *c, struct str bytes)
{
    while (bytes.len > 0) {
        int put = c->ssl ? SSL_write(c->ssl, bytes.data, (int)bytes.len)
                         : (int)send(c->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (put <= 0)
            return false;
        bytes.data += put;
        bytes.len -= (size_t)put;
    }
    return true;
}

void peer_wait_for_end(struct peer_connection *c)
{
    char rest[256];
    while (recv(c->fd, rest, sizeof(rest), 0) > 0)
        ;
}

void peer_reset_at_end(struct peer_connection *c)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static bool handshake(struct peer_connection *c)
{
    if (!c->peer->tls)
        return true;
    c->ssl = SSL_new(c->peer->tls);
    SSL_set_fd(c->ssl, c->fd);
    if (SSL_accept(c->ssl) != 1)
        return false;
    const char *name = SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(c->server_name, sizeof(c->server_name), "%s", name ? name : "");
    return true;
}

static void *connection_main(void *argument)
{
    struct peer_connection *c = argument;
    c->request = xcalloc(1, PEER_REQUEST_MAX + 1);
    if (handshake(c))
        c->peer->serve(c);
    SSL_free(c->ssl);
    pthread_mutex_lock(&c->peer->lock);
    c->peer->open[c->number] = -1;
    close(c->fd);
    pthread_mutex_unlock(&c->peer->lock);
    explicit_bzero(c->request, PEER_REQUEST_MAX);
    free(c->request);
    free(c);
    return NULL;
}

/* --- the peer --- */

static void accept_one(struct peer *peer, int fd)
{
    MUST(peer->count < CONNECTIONS_MAX);
    struct peer_connection *c = xcalloc(1, sizeof(*c));
    *c = (struct peer_connection){
        .peer = peer, .context = peer->context, .number = peer->count, .fd = fd};
    peer->open[peer->count] = fd;
    MUST(pthread_create(&peer->threads[peer->count], NULL, connection_main, c) == 0);
    peer->count++;
}

static void *acceptor_main(void *argument)
{
    struct peer *peer = argument;
    sigset_t pipe; /* a client that goes away must not end the test */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    for (;;) {
        int fd = accept(peer->listener, NULL, NULL);
        pthread_mutex_lock(&peer->lock);
        bool stopping = peer->stopping;
        if (fd >= 0 && stopping)
            close(fd);
        else if (fd >= 0)
            accept_one(peer, fd);
        pthread_mutex_unlock(&peer->lock);
        if (stopping)
            return NULL;
    }
}

static struct peer *start(peer_serve *serve, void *context, SSL_CTX *tls)
{
    struct peer *peer = xcalloc(1, sizeof(*peer));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    peer->serve = serve;
    peer->context = context;
    peer->tls = tls;
    pthread_mutex_init(&peer->lock, NULL);
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(bind(peer->listener, (struct sockaddr *)&address, size) == 0);
    MUST(listen(peer->listener, 256) == 0);
    MUST(getsockname(peer->listener, (struct sockaddr *)&address, &size) == 0);
    peer->port = ntohs(address.sin_port);
    MUST(pthread_create(&peer->acceptor, NULL, acceptor_main, peer) == 0);
    return peer;
}

struct peer *peer_start(peer_serve *serve, void *context, const struct peer_authority *authority,
                        const char *name)
{
    return start(serve, context, authority ? make_tls(authority, name) : NULL);
}

struct peer *peer_start_old(peer_serve *serve, const struct peer_authority *authority,
                            const char *name, int max_version)
{
    SSL_CTX *tls = make_tls(authority, name);
    SSL_CTX_set_security_level(tls, 0);
    MUST(SSL_CTX_set_min_proto_version(tls, TLS1_VERSION) &&
         SSL_CTX_set_max_proto_version(tls, max_version));
    return start(serve, NULL, tls);
}

int peer_port(const struct peer *peer)
{
    return peer->port;
}

static int read_count(const struct peer *peer, const int *count)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&peer->lock;
    pthread_mutex_lock(lock);
    int value = *count;
    pthread_mutex_unlock(lock);
    return value;
}

int peer_connections(const struct peer *peer)
{
    return read_count(peer, &peer->count);
}

int peer_requests(const struct peer *peer)
{
    return read_count(peer, &peer->requests);
}

void peer_stop(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    peer->stopping = true;
    shutdown(peer->listener, SHUT_RDWR);
    for (int i = 0; i < peer->count; i++) {
        if (peer->open[i] >= 0)
            shutdown(peer->open[i], SHUT_RDWR);
    }
    pthread_mutex_unlock(&peer->lock);
    pthread_join(peer->acceptor, NULL);
    for (int i = 0; i < peer->count; i++)
        pthread_join(peer->threads[i], NULL);
    close(peer->listener);
    SSL_CTX_free(peer->tls);
    pthread_mutex_destroy(&peer->lock);
    free(peer);
}
