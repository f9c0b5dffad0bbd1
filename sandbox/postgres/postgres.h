/* A database that speaks PostgreSQL's protocol as Redshift does, on a port of its own: it signs in
 * the users of its table, answers SELECT 1, lists its tables and columns, and refuses in the ways
 * that the table says. */
#pragma once

#include "base/error.h"
#include "sandbox/ca.h"
#include "sandbox/memory.h"
#include "sandbox/records/loaded.h"

#include <stdbool.h>

enum { DATABASE_CONNECTIONS_MAX = 64 }; /* at once, a thread each; another one is closed */

struct database;

/* Certificate authority, memory and what was loaded stay until database_stop. A port of 0: the
 * system picks. */
_must_use_ bool database_start(const char *host, int port, struct ca *ca, struct memory *memory,
                               struct loaded *loaded, struct database **ret_database,
                               struct error *error);
void database_stop(struct database *database); /* cuts what is going on; NULL is fine */
int database_port(const struct database *database);
