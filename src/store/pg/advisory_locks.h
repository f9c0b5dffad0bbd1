/* Advisory locks that the nodes of one PostgreSQL database see: a lock has a name and ends with the
 * node's database session. They keep two nodes from doing the same work twice; that a change
 * happens once is ensured by its transaction, not by a lock. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct advisory_locks;
struct pg_server;

_must_use_ bool advisory_locks_start(const struct pg_server *server,
                                     struct advisory_locks **ret_locks, struct error *error);
void advisory_locks_stop(struct advisory_locks *locks); /* releases all; NULL is fine */

/* Blocks for the database's answer, not for the lock: *ret_taken false when another node holds it.
 * A name is a 64-bit hash; a node gets a lock that it holds already. Never call it on an event
 * loop. */
_must_use_ bool advisory_locks_try(struct advisory_locks *locks, int64_t name, bool *ret_taken,
                                   struct error *error);
void advisory_locks_release(struct advisory_locks *locks, int64_t name); /* does not wait */
