/* Brings a database to the newest schema: the rows of migrations.inc that it has not run yet, in
 * order, forward only.
 *
 * All missing rows run in one transaction together with the new version number, so a crash leaves
 * the old schema or the new one. db_lock_schema keeps two processes from migrating at once; the
 * second one reads the version again under the lock and finds nothing to do. */
#include "store/db/migrations.h"

static const char *const migrations[] = {
#define MIGRATION(version, sql) [(version)-1] = (sql),
#include "store/db/migrations.inc"
#undef MIGRATION
};

/* The highest version is the number of rows exactly when none is missing. */
enum {
    MIGRATION_ROWS = 0
#define MIGRATION(version, sql) +1
#include "store/db/migrations.inc"
#undef MIGRATION
};
_Static_assert(sizeof(migrations) / sizeof(*migrations) == MIGRATION_ROWS,
               "versions are consecutive");

int64_t schema_version(void)
{
    return MIGRATION_ROWS;
}

static bool run_missing(struct db *db, struct error *error)
{
    int64_t version;
    if (!db_lock_schema(db, error) || !db_version(db, &version, error))
        return false;
    if (version >= schema_version())
        return true;
    for (int64_t i = version; i < schema_version(); i++) {
        if (!db_script(db, migrations[i], error))
            return false;
    }
    return db_set_version(db, schema_version(), error) && db_commit(db, error);
}

bool schema_migrate(struct db *db, struct error *error)
{
    if (!db_begin_write(db, error))
        return false;
    bool ok = run_missing(db, error);
    db_rollback(db); /* does nothing after a commit */
    return ok;
}
