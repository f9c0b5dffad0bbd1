/* PostgreSQL's driver: version 14 or later, through libpq, over its extended protocol in pipeline
 * mode (manual, chapter "libpq - C Library"). */
#pragma once

#include "store/db/db.h"
#include "vault/secret.h"

/* Where the database is: as many connections as wanted are made from it, by any thread. */
struct pg_server;
struct pg_server *pg_server_new(const char *url, const struct secret *password);
/* Loads libpq and reads the URL: before the first connection, and before threads. */
bool pg_server_check(struct pg_server *server, struct error *error);
void pg_server_free(struct pg_server *server); /* NULL is fine */

/* One that finds makes no connection of its own. One that reads connects at its first statement;
 * one that writes at once, and finds out here what the operator should hear: no TLS, no durability.
 */
bool pg_open(const struct pg_server *server, enum db_use use, struct db **ret_db,
             struct error *error);

struct lock_swap {
    const int64_t *released;
    size_t released_count;
    const int64_t *wanted;
    size_t wanted_count;
};
/* Locks that belong to a connection (pg_advisory_lock) and end with it, shared with nobody. Gives
 * back what is released, then tries to take each of what is wanted: ret_taken says which. */
bool pg_swap_locks(struct db *db, const struct lock_swap *swap, bool *ret_taken,
                   struct error *error);
/* How many connections there were; another number than before means that its locks are gone. */
int64_t pg_connections(const struct db *db);
