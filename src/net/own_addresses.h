/* The addresses of this machine itself, public ones included: a connection to one of them comes to
 * a service behind the machine's own outer firewall. */
#pragma once

#include "net/ip_block.h"

#include <stdbool.h>

enum {
    OWN_ADDRESSES_MAX = 4096,        /* more are not kept */
    OWN_ADDRESSES_REFRESH_MS = 5000, /* age at which the list is read again */
};

/* Whether an interface has the address (getifaddrs(3), read again when the list is older than
 * OWN_ADDRESSES_REFRESH_MS), or the system would connect to it from the address itself, which is so
 * for addresses that came since and for routes of type "local". Sends nothing. Any thread. */
bool own_addresses_have(const struct ip *ip);
