/* Builds the sandbox's certificates (RFC 5280). */
#include "sandbox/ca_cert.h"

#include "base/random.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>

enum { SERIAL_SIZE = 16, DAY_S = 24 * 3600, COMMON_NAME_MAX = 64 };

EVP_PKEY *ca_make_key(void)
{
    return EVP_EC_gen("P-256");
}

static bool set_serial(X509 *cert)
{
    unsigned char bytes[SERIAL_SIZE];
    random_bytes(bytes, sizeof(bytes));
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x01); /* positive and of full length */
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return ok;
}

/* A host name too long for a common name has only its subjectAltName. */
static bool set_subject(X509 *cert, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(cert);
    const unsigned char *text = (const unsigned char *)common_name;
    return str_from(common_name).len > COMMON_NAME_MAX ||
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

/* Valid from yesterday, for clocks that differ. */
static X509 *start(EVP_PKEY *key, const char *common_name, long days)
{
    X509 *cert = X509_new();
    if (cert && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
        X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S) &&
        X509_gmtime_adj(X509_getm_notAfter(cert), (days - 1) * DAY_S) &&
        set_subject(cert, common_name) && X509_set_pubkey(cert, key) == 1)
        return cert;
    X509_free(cert);
    return NULL;
}

static X509 *finish(X509 *cert, EVP_PKEY *signer, bool complete)
{
    if (complete && X509_sign(cert, signer, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

X509 *ca_make_root(EVP_PKEY *key)
{
    X509 *cert = start(key, "Headgate sandbox CA", CA_DAYS);
    bool complete =
        cert && X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
        add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(cert, cert, NID_subject_key_identifier, "hash");
    return finish(cert, key, complete);
}

static bool is_address(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

X509 *ca_make_leaf(X509 *root, EVP_PKEY *root_key, EVP_PKEY *leaf_key, const char *host)
{
    char names[CA_HOST_NAME_MAX + 64];
    /* Who gives no name came by address, or looks at "localhost". */
    if (!host[0])
        snprintf(names, sizeof(names), "DNS:localhost,IP:127.0.0.1,IP:::1");
    else
        snprintf(names, sizeof(names), "%s:%s", is_address(host) ? "IP" : "DNS", host);
    X509 *cert = start(leaf_key, host[0] ? host : "localhost", CA_LEAF_DAYS);
    bool complete = cert && X509_set_issuer_name(cert, X509_get_subject_name(root)) == 1 &&
                    add_extension(cert, root, NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(cert, root, NID_key_usage, "critical,digitalSignature") &&
                    add_extension(cert, root, NID_ext_key_usage, "serverAuth") &&
                    add_extension(cert, root, NID_subject_key_identifier, "hash") &&
                    add_extension(cert, root, NID_authority_key_identifier, "keyid:always") &&
                    add_extension(cert, root, NID_subject_alt_name, names);
    return finish(cert, root_key, complete);
}
