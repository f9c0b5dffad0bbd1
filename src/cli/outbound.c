/* From options and variables to a client. */
#include "cli/outbound.h"

#include "cli/egress_options.h"
#include "cli/node_options.h"

#include <stdlib.h>
#include <string.h>

static void read_proxy(const struct options *options, struct outbound *outbound,
                       struct client_config *config)
{
    const char *name;
    const char *text = node_proxy_text(options, &name);
    if (!text || !proxy_parse(str_from(text), &outbound->proxy, NULL))
        return; /* node_variables_check has refused what is malformed */
    outbound->proxy_source = name;
    outbound->no_proxy = options_joined(options, "no-proxy");
    config->proxy = &outbound->proxy;
    config->proxy_exceptions = outbound->no_proxy.len > 0 ? buf_str(&outbound->no_proxy)
                                                          : str_from(node_no_proxy_variable());
}

bool outbound_start(const struct options *options, const struct sandbox *sandbox,
                    struct outbound *ret_outbound, struct error *error)
{
    *ret_outbound = (struct outbound){0};
    if (!egress_from_options(options, &ret_outbound->egress, error))
        return false;
    struct client_config config = {.egress = ret_outbound->egress};
    if (sandbox) {
        config.trust.pem = sandbox_ca_pem(sandbox);
        config.sandbox_tls_port = sandbox_tls_port(sandbox);
        config.sandbox_plain_port = sandbox_http_port(sandbox);
        config.sandbox_postgres_port = sandbox_database_port(sandbox);
    } else {
        config.trust.file = getenv("SSL_CERT_FILE"); /* as OpenSSL has it */
        config.trust.extra_file = options_text(options, "vendor-ca");
        config.trust.files_are_checked = true; /* by node_variables_check and the option's check */
        read_proxy(options, ret_outbound, &config);
    }
    return client_start(&config, &ret_outbound->client, error);
}

void outbound_done(struct outbound *outbound)
{
    if (outbound->client)
        client_free(outbound->client);
    if (outbound->egress)
        egress_free(outbound->egress);
    explicit_bzero(&outbound->proxy, sizeof(outbound->proxy));
    buf_done(&outbound->no_proxy);
}
