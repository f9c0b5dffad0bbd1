/* Where the server may connect to. Public addresses are allowed, at the usual ports; private,
 * loopback, link-local, multicast, unspecified and metadata addresses, and those of the machine
 * itself, only when the operator's list names them; and none that the operator denies. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <sys/socket.h>

struct egress;

enum {
    EGRESS_ENTRIES_MAX = 256, /* of the allowed list, and of the denied one */
    EGRESS_PORTS_MAX = 512,   /* single ports or ranges */
};

/* Of public addresses: HTTPS at its own port and at those where vendors' documents have it (8443;
 * 9999, gateways that a customer runs; 44300 and the number of an application server's instance);
 * PostgreSQL, and the ranges of AWS's managed data warehouses, 5431-5455 and 8191-8215. */
#define EGRESS_PORTS "443,8443,9999,44300-44399,5431-5455,8191-8215"

/* Lists are separated by commas; NULL or "" for none. */
struct egress_config {
    /* CIDR blocks ("127.0.0.0/8", "10.1.2.0/24", "fd00::/8") or single addresses. Addresses that
     * hand out a machine's own credentials (169.254.169.254, fd00:ec2::254 and the like; the table
     * is in egress.c) and, with `closes_own`, the machine's own ones but loopback are opened only
     * by an entry that is that one address: a block around them, even 0.0.0.0/0, does not. */
    const char *allowed;
    /* The same, or names: "example.com" is that host and every host under it. Goes before all that
     * is allowed. */
    const char *denied;
    const char *ports;      /* "443,44300-44399": of public addresses; NULL: every port */
    bool ports_for_allowed; /* `ports` counts for the addresses in `allowed`, too */
    bool closes_own;        /* public addresses of the machine itself are refused */
    bool hides_allowed;     /* see egress_hides */
};

/* Strict: ERR_VALIDATION names the entry and what is wrong with it. */
_must_use_ bool egress_new(const struct egress_config *config, struct egress **ret_egress,
                           struct error *error);
void egress_free(struct egress *egress);

/* Judged on the address and port that are about to be connected to, after resolution, so that a
 * name which resolves differently the second time gains nothing. IPv4-mapped, NAT64, 6to4 and
 * ISATAP forms are judged by the IPv4 address inside. Anything but AF_INET and AF_INET6 is refused.
 * Safe from any thread. */
bool egress_allows(const struct egress *egress, const struct sockaddr *address);

/* As far as a URL's host and port show it without being resolved: false for a literal address, in
 * any form that inet_aton(3) reads or IPv6 in brackets, that may not be connected to, for names
 * that are never public ("localhost", "metadata.google.internal", names without a dot) or are
 * denied, and for a port that is not allowed. For calls whose names another host resolves. */
bool egress_allows_host(const struct egress *egress, struct str host, int port);

/* Whether the host, as a URL has it, is a name or a literal address that the operator denies. */
bool egress_denies_host(const struct egress *egress, struct str host);

/* Whether the port may be connected to at a public address. */
bool egress_has_port(const struct egress *egress, int port);

/* Whether the operator's list opens the address: a public one need not be opened to be allowed. */
bool egress_opens(const struct egress *egress, const struct sockaddr *address);
/* The same for a literal address as a URL's host. False for a name. */
bool egress_opens_host(const struct egress *egress, struct str host);
bool egress_is_empty(const struct egress *egress); /* the allowed list */

/* Whether failures to connect to the address shall look alike to callers: with `hides_allowed`, and
 * where the address is allowed only because the operator's list opens it. What answers there is
 * inside the operator's network. */
bool egress_hides(const struct egress *egress, const struct sockaddr *address);

/* Whether the host, as a URL has it, is an address rather than a name. */
bool egress_is_literal(struct str host);

/* Whether `block`, an address or a CIDR block, holds the literal address `host`, which may stand in
 * brackets. False when either is something else. */
bool egress_block_names(struct str block, struct str host);
