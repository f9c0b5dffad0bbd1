/* PostgreSQL's driver: the schema's version and changes. Tables are in a schema of their own, so
 * that a database can be shared with others. Beside the store's tables there are two of this
 * driver: the version, and the writers of commit.c. */
#include "store/pg/internal.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* pg_advisory_xact_lock's key: a number of our own. */
#define LOCK_SCHEMA "SELECT pg_advisory_xact_lock(7521962890163582053)"

/* Asked for first, so that a role without the right to make a schema can use one that is there. */
static const char *const own_tables =
    "DO $$ BEGIN IF to_regnamespace('headgate') IS NULL THEN CREATE SCHEMA headgate; END IF;"
    " END $$;"
    "CREATE TABLE IF NOT EXISTS headgate.schema_version (version BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS headgate.writers (id TEXT NOT NULL PRIMARY KEY,"
    " batch BIGINT NOT NULL, at_ms BIGINT NOT NULL) WITH (fillfactor = 50);";

static bool read_number(struct pg_db *db, const char *query, int64_t *ret_number,
                        struct error *error)
{
    if (!pg_say(db, query, error))
        return false;
    bool there = libpq.ntuples(db->last) == 1 && !libpq.getisnull(db->last, 0, 0);
    *ret_number = there ? strtoll(libpq.getvalue(db->last, 0, 0), NULL, 10) : 0;
    return true;
}

bool pg_version(struct db *base, int64_t *ret_version, struct error *error)
{
    struct pg_db *db = pg_of(base);
    int64_t table;
    if (!read_number(db, "SELECT CAST(to_regclass('headgate.schema_version') AS oid)", &table,
                     error))
        return false;
    if (table != 0)
        return read_number(db, "SELECT max(version) FROM headgate.schema_version", ret_version,
                           error);
    *ret_version = 0;
    return true;
}

bool pg_set_version(struct db *db, int64_t version, struct error *error)
{
    char text[160];
    snprintf(text, sizeof(text),
             "DELETE FROM headgate.schema_version;"
             "INSERT INTO headgate.schema_version (version) VALUES (%lld);",
             (long long)version);
    return pg_simple(pg_of(db), text, error);
}

bool pg_lock_schema(struct db *db, struct error *error)
{
    return pg_say(pg_of(db), LOCK_SCHEMA, error) && pg_simple(pg_of(db), own_tables, error);
}

/* Names are compared and sorted bytewise, as SQLite does, whatever the database's locale. */
bool pg_script(struct db *db, const char *sql, struct error *error)
{
    static const char word[] = " TEXT";
    struct buf text = buf_on_heap(64 * 1024);
    const char *found;
    while ((found = strstr(sql, word)) != NULL) {
        buf_add(&text, (struct str){sql, (size_t)(found - sql)});
        buf_add_cstr(&text, " TEXT COLLATE \"C\"");
        sql = found + sizeof(word) - 1;
    }
    buf_add_cstr(&text, sql);
    bool ok = pg_simple(pg_of(db), buf_str(&text).data, error);
    buf_done(&text);
    return ok;
}
