/* The sandbox's own certificate authority: a client that trusts it can speak TLS to any vendor's
 * host name here. Certificates are made when a host is first asked for. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

enum {
    CA_HOSTS_MAX = 256, /* certificates kept; past it the oldest is made anew when asked for */
};

struct ca;

/* `dir` is made when missing, and keeps ca.pem and ca-key.pem (0600) from then on; NULL: a new one,
 * in memory only. */
_must_use_ bool ca_open(const char *dir, struct ca **ret_ca, struct error *error);
void ca_free(struct ca *ca);
struct str ca_pem(const struct ca *ca);

/* For server_config's tls_context_for; `context` is the struct ca. Safe from any thread; the
 * SSL_CTX stays valid until ca_free. NULL for what is no host name. */
void *ca_context_for(void *context, const char *server_name);
