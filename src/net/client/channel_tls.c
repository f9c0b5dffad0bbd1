/* Channels: the TLS handshake, the peer's certificate, and what binds a sign-in to it. */
#include "net/client/channel.h"

#include "net/client/channel_internal.h"
#include "net/client/internal.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>

static bool is_address(const char *host)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* Without SSL_MODE_AUTO_RETRY a call returns after each record that carries no data, such as a
 * session ticket: a peer that sends them without end meets the channel's bound. */
static SSL_CTX *context_new(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION)) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return context;
}

static bool expect_host(struct channel *channel, const char *host)
{
    X509_VERIFY_PARAM *expected = SSL_get0_param(channel->ssl);
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return is_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(expected, host) == 1
                            : X509_VERIFY_PARAM_set1_host(expected, host, 0) == 1;
}

static bool prepare(struct channel *channel, enum channel_trust trust)
{
    const char *host = arena_cstr(channel->arena, channel->host);
    const char *bundle = channel->client->trust.path;
    channel->tls = context_new();
    if (!channel->tls)
        return channel_fail(channel, CLIENT_TLS, "was not called: TLS could not be set up");
    if (trust != CHANNEL_TRUST_NONE) {
        if (!bundle || SSL_CTX_load_verify_file(channel->tls, bundle) != 1)
            return channel_fail(channel, CLIENT_TLS,
                                "was not asked for its certificate: this system's trusted "
                                "certificates were not found");
        SSL_CTX_set_verify(channel->tls, SSL_VERIFY_PEER, NULL);
    }
    channel->ssl = SSL_new(channel->tls);
    if (!channel->ssl || SSL_set_fd(channel->ssl, channel->fd) != 1 ||
        (!is_address(host) && SSL_set_tlsext_host_name(channel->ssl, host) != 1) ||
        (trust == CHANNEL_TRUST_HOST && !expect_host(channel, host)))
        return channel_fail(channel, CLIENT_TLS, "was not called: TLS could not be set up");
    SSL_set_connect_state(channel->ssl);
    return true;
}

/* No trusted authority has signed the certificate: it matters which are trusted. */
static const char *untrusted_clause(const struct channel *channel)
{
    const char *origin = channel->client->trust.origin;
    if (!origin)
        return "shows a certificate that is not trusted here";
    return arena_printf(channel->arena,
                        "shows a certificate that is not trusted here (trusted are the authorities "
                        "in %s; the operator can add one with --vendor-ca)",
                        origin)
        .data;
}

static bool fail_handshake(struct channel *channel, enum channel_trust trust)
{
    long reason = trust == CHANNEL_TRUST_NONE ? X509_V_OK : SSL_get_verify_result(channel->ssl);
    if (reason == X509_V_ERR_HOSTNAME_MISMATCH || reason == X509_V_ERR_IP_ADDRESS_MISMATCH)
        return channel_fail(channel, CLIENT_TLS, "shows a certificate for another host name");
    if (reason != X509_V_OK)
        return channel_fail(channel, CLIENT_TLS, untrusted_clause(channel));
    return channel_fail(channel, CLIENT_TLS, "does not complete the TLS handshake");
}

bool channel_start_tls(struct channel *channel, enum channel_trust trust)
{
    int result;
    if (!prepare(channel, trust))
        return false;
    do {
        ERR_clear_error();
        result = SSL_do_handshake(channel->ssl);
        int reason = result == 1 ? SSL_ERROR_NONE : SSL_get_error(channel->ssl, result);
        if (reason != SSL_ERROR_NONE && reason != SSL_ERROR_WANT_READ &&
            reason != SSL_ERROR_WANT_WRITE)
            return fail_handshake(channel, trust);
        if (result != 1 && !channel_await(channel, reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT,
                                          channel->connect_end_ms))
            return false;
    } while (result != 1);
    return true;
}

/* MD5 and SHA-1 are replaced by SHA-256 (RFC 5929, 4.1). */
struct str channel_binding(const struct channel *channel, unsigned char out[CHANNEL_BINDING_MAX])
{
    unsigned int size = 0;
    int digest;
    X509 *certificate = channel->ssl ? SSL_get0_peer_certificate(channel->ssl) : NULL;
    if (!certificate || X509_get_signature_info(certificate, &digest, NULL, NULL, NULL) != 1 ||
        digest == NID_undef)
        return STR_NULL;
    if (digest == NID_md5 || digest == NID_sha1)
        digest = NID_sha256;
    const EVP_MD *kind = EVP_get_digestbynid(digest);
    if (!kind || X509_digest(certificate, kind, out, &size) != 1)
        return STR_NULL;
    return (struct str){(const char *)out, size};
}
