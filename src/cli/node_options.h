/* A server's options beyond what one row of their table says. */
#pragma once

#include "auth/reference_rules.h"
#include "base/buf.h"
#include "base/error.h"
#include "cli/options.h"
#include "net/egress.h"

/* Rules across these options, as a command's `check`. */
_must_use_ bool node_options_check(const struct options *options, struct error *error);

/* Those of --reference. */
_must_use_ bool node_reference_rules(const struct options *options,
                                     struct reference_rules **ret_rules, struct error *error);

/* The same for variables that are not ours and count as options: HTTPS_PROXY, SSL_CERT_FILE. Not
 * for sandbox mode, which calls no vendor. */
_must_use_ bool node_variables_check(const struct options *options, struct error *error);

/* That nothing is given which sandbox mode cannot use. */
_must_use_ bool node_sandbox_check(const struct options *options, struct error *error);

#define GLUE_URL_DEFAULT "https://glue.{region}.amazonaws.com"
#define S3_URL_DEFAULT "https://{bucket}.s3.{region}.amazonaws.com"

/* --proxy, or else the usual variables, and which of them it is; NULL: there is no proxy. */
const char *node_proxy_text(const struct options *options, const char **ret_name);
const char *node_no_proxy_variable(void); /* what stands for --no-proxy; NULL: nothing does */

/* Without '/' at its end, as paths are put behind it; empty: not given. */
struct str options_url(const struct options *options, const char *name);

/* A list's values with commas between, as the modules that use them read them. On the heap. */
struct buf options_joined(const struct options *options, const char *name);
/* A list of addresses and CIDR blocks. */
_must_use_ bool options_addresses(const struct options *options, const char *name,
                                  struct egress **ret_list, struct error *error);
