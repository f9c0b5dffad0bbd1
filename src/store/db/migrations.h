/* The schema and how it came to be. */
#pragma once

#include "store/db/db.h"

/* What this program writes. A file with a higher version is refused. */
int64_t schema_version(void);

/* Runs what is missing, all of it in one transaction. */
bool schema_migrate(struct db *db, struct error *error);
