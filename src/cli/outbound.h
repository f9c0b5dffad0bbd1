/* The outbound client that a server's options ask for: egress policy, proxy, trusted certificates.
 * The server has one, and its courier (escrow/courier.h) another one of the same options. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "cli/options.h"
#include "net/client/client.h"
#include "net/egress.h"
#include "sandbox/sandbox.h"

struct outbound {
    struct egress *egress;
    struct proxy proxy;       /* wiped by outbound_done; without a host: there is none */
    const char *proxy_source; /* the option or variable that named it; NULL: there is none */
    struct buf no_proxy;      /* what is called without it, separated by commas */
    struct client *client;
};

/* `sandbox` (NULL: none) is where every call goes then. Done with outbound_done, also after a
 * failure. */
_must_use_ bool outbound_start(const struct options *options, const struct sandbox *sandbox,
                               struct outbound *ret_outbound, struct error *error);
void outbound_done(struct outbound *outbound); /* no call may be under way */
