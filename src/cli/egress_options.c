/* Options as an egress policy. */
#include "cli/egress_options.h"

#include "base/buf.h"
#include "base/url.h"
#include "cli/node_options.h"

/* The URL may have "{region}" in its host. */
static void add_port(struct buf *ports, struct str text)
{
    struct url_parts parts;
    if (!url_split(text, &parts))
        return;
    struct str host = url_host_of(parts.authority);
    struct str after = {parts.authority.data + host.len, parts.authority.len - host.len};
    unsigned long long port;
    if (after.len > 1 && str_to_u64((struct str){after.data + 1, after.len - 1}, 65535, &port))
        buf_printf(ports, ",%llu", port);
    else if (str_eq_nocase(parts.scheme, STR("http")))
        buf_add_cstr(ports, ",80");
}

/* The ports of URLs that the operator gave are among those that may be connected to. */
static void add_operators_ports(const struct options *options, struct buf *ports)
{
    static const char *const urls[] = {
        "secrets-manager-url", "sts-url", "lambda-url", "kms-url", "s3-url", "glue-url",
        "events-url"};
    const struct option_value *endpoints = options_list(options, "endpoint");
    for (int i = 0; i < endpoints->count; i++) {
        struct str type, url;
        if (str_cut(str_from(endpoints->texts[i]), '=', &type, &url))
            add_port(ports, url);
    }
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++)
        add_port(ports, str_from(options_text(options, urls[i])));
}

bool egress_from_options(const struct options *options, struct egress **ret_egress,
                         struct error *error)
{
    struct buf allowed = options_joined(options, "egress-allow");
    struct buf denied = options_joined(options, "egress-deny");
    struct buf ports = options_joined(options, "egress-ports");
    struct egress_config config = {
        .allowed = allowed.data,
        .denied = denied.data,
        .ports_for_allowed = ports.len > 0,
        .closes_own = true,
        .hides_allowed = true,
    };
    if (ports.len == 0)
        buf_add_cstr(&ports, EGRESS_PORTS);
    add_operators_ports(options, &ports);
    config.ports = ports.data;
    bool ok = egress_new(&config, ret_egress, error);
    buf_done(&allowed);
    buf_done(&denied);
    buf_done(&ports);
    return ok;
}
