/* Where the server may connect to. Public addresses are allowed; private, loopback, link-local,
 * multicast, unspecified and metadata addresses only when the operator's list names them. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <sys/socket.h>

struct egress;

enum { EGRESS_ENTRIES_MAX = 256 };

/* `allowed` holds CIDR blocks ("127.0.0.0/8", "10.1.2.0/24", "fd00::/8") or single addresses,
 * separated by commas; NULL or "" for none. Strict: ERR_VALIDATION names the entry and what is
 * wrong with it. Addresses that hand out a machine's own credentials (169.254.169.254,
 * fd00:ec2::254 and the like; the table is in egress.c) are opened only by an entry that is that
 * one address: a block around them, even 0.0.0.0/0, does not. */
_must_use_ bool egress_new(const char *allowed, struct egress **ret_egress, struct error *error);
void egress_free(struct egress *egress);

/* Judged on the address that is about to be connected to, after resolution, so that a name which
 * resolves differently the second time gains nothing. IPv4-mapped, NAT64 and 6to4 forms are judged
 * by the IPv4 address inside. Anything but AF_INET and AF_INET6 is refused. Safe from any thread.
 */
bool egress_allows(const struct egress *egress, const struct sockaddr *address);

/* As far as a URL's host shows it without being resolved: false for a literal address, in any form
 * that inet_aton(3) reads or IPv6 in brackets, that may not be connected to, and for names that are
 * never public ("localhost", "metadata.google.internal", names without a dot). For calls whose
 * names another host resolves. */
bool egress_allows_host(const struct egress *egress, struct str host);

/* Whether the operator's list names the address: a public one need not be named to be allowed. */
bool egress_opens(const struct egress *egress, const struct sockaddr *address);
/* The same for a literal address as a URL's host. False for a name. */
bool egress_opens_host(const struct egress *egress, struct str host);
bool egress_is_empty(const struct egress *egress); /* the list */

/* Whether `block`, an address or a CIDR block, holds the literal address `host`, which may stand in
 * brackets. False when either is something else. */
bool egress_block_names(struct str block, struct str host);
