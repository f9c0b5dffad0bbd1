/* Making X.509 certificates: an authority's own and those it gives to hosts. */
#pragma once

#include <openssl/x509.h>

enum {
    CA_DAYS = 3650,         /* how long the authority is valid */
    CA_LEAF_DAYS = 397,     /* what clients take at most from a server */
    CA_HOST_NAME_MAX = 253, /* bytes, RFC 1035 */
};

/* NULL on failure. */
EVP_PKEY *ca_make_key(void);
X509 *ca_make_root(EVP_PKEY *key);
X509 *ca_make_leaf(X509 *root, EVP_PKEY *root_key, EVP_PKEY *leaf_key, const char *host);
