/* Looking up a host's addresses within a time limit. */
#pragma once

#include "base/arena.h"
#include "base/metrics.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    RESOLVE_HOST_MAX = 253,    /* bytes, RFC 1035 */
    RESOLVE_ADDRESSES_MAX = 8, /* more are left out */
    RESOLVE_LOOKUPS_MAX = 64,  /* at once; a look-up that was given up counts */
};

struct resolved {
    struct sockaddr_storage addresses[RESOLVE_ADDRESSES_MAX]; /* IPv4 and IPv6, without a port */
    size_t count;
    bool timed_out; /* when there are none */
    bool busy;      /* as well: the account has as many look-ups as it may, or all have */
};

extern const struct metric metric_lookups_throttled; /* those that were busy */

/* Asks the system's resolver, which may take longer than anybody wants to wait: a thread of its
 * own asks, and is left alone at the deadline (on clock_mono_ms()). Literal addresses, IPv6 without
 * brackets, come back as they are, and are no look-up. An account may have as many look-ups as it
 * leaves free. False when there is no address. */
bool resolve_host(struct str host, struct str account, int64_t deadline_ms,
                  struct resolved *ret_resolved);
