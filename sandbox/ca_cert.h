/* Making X.509 certificates: an authority's own and those it gives to hosts. */
#pragma once

#include <openssl/x509.h>

/* NULL on failure. */
EVP_PKEY *ca_make_key(void);
X509 *ca_make_root(EVP_PKEY *key);
X509 *ca_make_leaf(X509 *root, EVP_PKEY *root_key, EVP_PKEY *leaf_key, const char *host);
