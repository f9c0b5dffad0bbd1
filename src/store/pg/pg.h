/* The PostgreSQL driver, for version 14 or later: libpq's extended protocol in pipeline mode
 * (manual, chapter "libpq - C Library"). */
#pragma once

#include "store/db/db.h"
#include "store/db/notice.h"
#include "vault/secret.h"

/* Where the database is. Any thread makes connections from it. */
struct pg_server;
struct pg_server *pg_server_new(const char *url, const struct secret *password,
                                db_notice_fn *notice);
/* Loads libpq and reads the URL: before the first connection, and before threads. */
_must_use_ bool pg_server_check(struct pg_server *server, struct error *error);
/* The process stops: from now on no wait for the database lasts beyond `mono_ms` (clock_mono_ms),
 * and no connection is begun that could. Any thread. */
void pg_server_stop_by(struct pg_server *server, int64_t mono_ms);
void pg_server_free(struct pg_server *server); /* NULL is fine */

/* DB_FIND makes no connection of its own. DB_READ connects at its first statement. DB_WRITE
 * connects at once, and gives the operator a notice of missing TLS or durability. */
_must_use_ bool pg_open(const struct pg_server *server, enum db_use use, struct db **ret_db,
                        struct error *error);
