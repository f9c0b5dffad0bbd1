/* Circuit breakers by host, or by account and host, as the key says: after a few failures in a row
 * a host is left alone, but for one call from time to time, which tells whether it is back. A fixed
 * table: of keys with the same cell only the newest has a breaker. Thread-safe.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HOST_BREAKER_FAILURES = 5,         /* in a row, until the circuit opens */
    HOST_BREAKER_PROBE_MS = 30 * 1000, /* between calls to a host whose circuit is open */
    HOST_BREAKER_CELLS = 1024,
};

struct host_breakers;

struct host_breakers *host_breakers_new(void);
void host_breakers_free(struct host_breakers *breakers);

/* Whether the host may be called now (now_ms: on clock_mono_ms()). Of those who ask while the
 * circuit is open one may, each HOST_BREAKER_PROBE_MS. */
bool host_breaker_allows(struct host_breakers *breakers, struct str key, int64_t now_ms);
/* What came of a call. */
void host_breaker_note(struct host_breakers *breakers, struct str key, bool answered,
                       int64_t now_ms);
