/* What one node holds and no other may, for as long as it lives: a lock has a name, and ends with
 * the node's connection to the database. It keeps two nodes from doing the same work twice; what
 * makes a change happen once is its transaction, not a lock.
 *
 * One connection and one thread serve all of a node's locks; requests that come together cost one
 * round trip. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct advisory_locks;
struct pg_server;

bool advisory_locks_start(const struct pg_server *server, struct advisory_locks **ret_locks,
                          struct error *error);
void advisory_locks_stop(struct advisory_locks *locks); /* gives all back; NULL is fine */

/* Waits for the database, not for whoever holds it: *ret_taken false. A name is a 64-bit hash; two
 * that are equal on one node are both its own. Never call it on an event loop. */
bool advisory_locks_try(struct advisory_locks *locks, int64_t name, bool *ret_taken,
                        struct error *error);
void advisory_locks_release(struct advisory_locks *locks, int64_t name); /* does not wait */
