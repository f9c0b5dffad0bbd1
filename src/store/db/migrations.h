/* The schema's version and how a database gets to it. The steps are in migrations.inc. */
#pragma once

#include "store/db/db.h"

/* The version that this program reads and writes. A database with a higher one is refused. */
int64_t schema_version(void);

/* Runs the missing steps in one transaction; does nothing for a current database. Errors are the
 * driver's. */
_must_use_ bool schema_migrate(struct db *db, struct error *error);
