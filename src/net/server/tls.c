/* TLS: contexts and their renewal, and the bytes of a connection through OpenSSL, which reads from
 * and writes to our buffers. */
#include "net/server/internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

/* TLS 1.2 with forward secrecy and authenticated encryption only; all of TLS 1.3 is like that. */
static const char CIPHERS_1_2[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

static BIO_METHOD *bio_method;
static pthread_once_t bio_once = PTHREAD_ONCE_INIT;

static int bio_read(BIO *bio, char *out, int size)
{
    struct http_connection *connection = BIO_get_data(bio);
    struct str *in = &connection->tls_in;
    BIO_clear_retry_flags(bio);
    if (in->len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t part = (size_t)size < in->len ? (size_t)size : in->len;
    memcpy(out, in->data, part);
    *in = (struct str){in->data + part, in->len - part};
    return (int)part;
}

static int bio_write(BIO *bio, const char *data, int size)
{
    struct http_connection *connection = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    buffer_add(connection->loop, &connection->out, (struct str){data, (size_t)size});
    return size;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static void bio_init(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");
    if (!bio_method)
        return;
    BIO_meth_set_read(bio_method, bio_read);
    BIO_meth_set_write(bio_method, bio_write);
    BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

/* A key with a passphrase must not make the server ask on a terminal. `context` points to a bool
 * that tells the caller that one was needed. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
    (void)writing;
    if (context)
        *(bool *)context = true;
    if (size > 0)
        out[0] = '\0';
    return -1;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *offered, unsigned int offered_size, void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl;
    (void)context;
    unsigned char *chosen;
    int result =
        SSL_select_next_proto(&chosen, out_size, ours, sizeof(ours) - 1, offered, offered_size);
    *out = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* OpenSSL calls this for every handshake, with or without a name. */
static int choose_context(SSL *ssl, int *alert, void *argument)
{
    struct server *server = argument;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *context =
        server->config.tls_context_for(server->config.tls_context_for_context, name ? name : "");
    if (context && SSL_set_SSL_CTX(ssl, context))
        return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static const char *tls_reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    return reason ? reason : "unknown reason";
}

/* What every context has. NULL when there is no memory or the library is not as we know it. */
static SSL_CTX *context_new(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) ||
        !SSL_CTX_set_cipher_list(context, CIPHERS_1_2)) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets hold the state */
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    return context;
}

/* OpenSSL reports a file that cannot be opened without its reason. */
static bool check_readable(const char *path, const char *what, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(error, ERR_VALIDATION, "The TLS %s %s cannot be read: %s.", what, path,
                    strerror(errno));
    fclose(file);
    return true;
}

/* After SSL_CTX_use_certificate_chain_file. What OpenSSL finds wrong with a certificate that it
 * could read (a key that is too short, say) is reported with its reason. */
static bool fail_certificate(const char *path, struct error *error)
{
    if (ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SSL)
        return fail(error, ERR_VALIDATION, "The TLS certificate %s cannot be used: %s.", path,
                    tls_reason());
    return fail(error, ERR_VALIDATION,
                "%s is not a TLS certificate in PEM format (-----BEGIN CERTIFICATE-----).", path);
}

static bool fail_mismatch(const char *cert_path, const char *path, struct error *error)
{
    return fail(error, ERR_VALIDATION,
                "The TLS key %s does not match the certificate %s. Use the key that the "
                "certificate was issued for.",
                path, cert_path);
}

/* After SSL_CTX_use_PrivateKey_file, which also compares the key with the certificate if both are
 * of one kind. */
static bool fail_key(const char *cert_path, const char *path, bool has_passphrase,
                     struct error *error)
{
    if (ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509)
        return fail_mismatch(cert_path, path, error);
    if (has_passphrase)
        return fail(error, ERR_VALIDATION,
                    "The TLS key %s is protected by a passphrase, which Headgate cannot ask for. "
                    "Use a key without one.",
                    path);
    return fail(error, ERR_VALIDATION,
                "%s is not a private key in PEM format (-----BEGIN PRIVATE KEY-----).", path);
}

static bool load_files(SSL_CTX *context, const char *cert_path, const char *key_path,
                       struct error *error)
{
    if (!check_readable(cert_path, "certificate", error) || !check_readable(key_path, "key", error))
        return false;
    if (SSL_CTX_use_certificate_chain_file(context, cert_path) != 1)
        return fail_certificate(cert_path, error);
    bool has_passphrase = false;
    SSL_CTX_set_default_passwd_cb_userdata(context, &has_passphrase);
    bool loaded = SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    if (!loaded)
        return fail_key(cert_path, key_path, has_passphrase, error);
    return SSL_CTX_check_private_key(context) == 1 || fail_mismatch(cert_path, key_path, error);
}

static bool context_load(const char *cert_path, const char *key_path, SSL_CTX **ret_context,
                         struct error *error)
{
    ERR_clear_error();
    SSL_CTX *context = context_new();
    bool loaded = context ? load_files(context, cert_path, key_path, error)
                          : fail(error, ERR_INTERNAL, "TLS cannot be set up: %s.", tls_reason());
    ERR_clear_error();
    if (loaded)
        *ret_context = context;
    else
        SSL_CTX_free(context);
    return loaded;
}

bool tls_open(struct server *server, struct error *error)
{
    const struct server_config *config = &server->config;
    if (!config->tls_context_for && !config->tls_cert_path)
        return true;
    pthread_once(&bio_once, bio_init);
    if (!bio_method)
        return fail(error, ERR_INTERNAL, "TLS cannot be set up: no memory.");
    if (!config->tls_context_for) {
        if (!config->tls_key_path)
            return fail(error, ERR_VALIDATION, "A TLS certificate was given without its key.");
        return context_load(config->tls_cert_path, config->tls_key_path, &server->tls, error);
    }
    server->tls = context_new();
    if (!server->tls)
        return fail(error, ERR_INTERNAL, "TLS cannot be set up: %s.", tls_reason());
    SSL_CTX_set_tlsext_servername_callback(server->tls, choose_context);
    SSL_CTX_set_tlsext_servername_arg(server->tls, server);
    return true;
}

bool server_check_tls(const char *cert_path, const char *key_path, struct error *error)
{
    SSL_CTX *context;
    if (!context_load(cert_path, key_path, &context, error))
        return false;
    SSL_CTX_free(context);
    return true;
}

bool server_reload_tls(struct server *server, struct error *error)
{
    const struct server_config *config = &server->config;
    if (config->tls_context_for || !config->tls_cert_path)
        return fail(error, ERR_VALIDATION, "The server has no certificate file to read again.");
    SSL_CTX *fresh;
    if (!context_load(config->tls_cert_path, config->tls_key_path, &fresh, error))
        return false;
    pthread_mutex_lock(&server->mutex);
    SSL_CTX *old = server->tls;
    server->tls = fresh;
    pthread_mutex_unlock(&server->mutex);
    SSL_CTX_free(old); /* connections that use it hold it */
    return true;
}

bool tls_attach(struct http_connection *connection)
{
    struct server *server = connection->loop->server;
    pthread_mutex_lock(&server->mutex);
    bool plain = !server->tls;
    SSL *ssl = plain ? NULL : SSL_new(server->tls);
    pthread_mutex_unlock(&server->mutex);
    if (plain)
        return true;
    BIO *bio = ssl ? BIO_new(bio_method) : NULL;
    if (!bio) {
        SSL_free(ssl);
        ERR_clear_error();
        return false;
    }
    BIO_set_data(bio, connection);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    connection->tls = ssl;
    connection_move(connection, CONNECTION_HANDSHAKE);
    return true;
}

/* After a call that did not give what it was asked for. */
static void judge(struct http_connection *connection, int result)
{
    int kind = SSL_get_error(connection->tls, result);
    if (kind == SSL_ERROR_ZERO_RETURN) {
        connection->eof = true;
    } else if (kind != SSL_ERROR_WANT_READ) {
        output_flush(connection); /* the alert, if the kernel takes it now */
        connection_close(connection);
    }
}

void tls_receive(struct http_connection *connection, struct str ciphertext)
{
    struct buffer *in = &connection->in;
    int result = 1;
    connection->tls_in = ciphertext;
    ERR_clear_error();
    if (connection->state == CONNECTION_HANDSHAKE) {
        result = SSL_do_handshake(connection->tls);
        if (result == 1)
            connection_move(connection, CONNECTION_IDLE);
    }
    while (result > 0) {
        input_reserve(connection, 1);
        result = SSL_read(connection->tls, in->data + in->len, (int)(in->cap - in->len));
        if (result > 0)
            in->len += (size_t)result;
    }
    judge(connection, result);
    connection->tls_in = STR_NULL;
}

void tls_send(struct http_connection *connection, struct str plain)
{
    ERR_clear_error();
    for (size_t sent = 0; sent < plain.len;) {
        size_t written = 0;
        if (SSL_write_ex(connection->tls, plain.data + sent, plain.len - sent, &written) != 1)
            return; /* the connection is unusable and its next read will say so */
        sent += written;
    }
}

void tls_send_end(struct http_connection *connection)
{
    ERR_clear_error();
    if (SSL_is_init_finished(connection->tls))
        SSL_shutdown(connection->tls);
    ERR_clear_error();
}

struct str tls_server_name(const struct http_connection *connection)
{
    const char *name = SSL_get_servername(connection->tls, TLSEXT_NAMETYPE_host_name);
    return str_from(name);
}
