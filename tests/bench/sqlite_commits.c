/* The yardstick for durable writes: how many single-row commits a second SQLite itself makes, one
 * after the other, with the server's own settings (WAL, full sync) and rows of a profile's size.
 *
 *     sqlite_commits DATABASE SECONDS insert|delete      prints commits per second */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 512, TO_DELETE = 20000, ROW_BYTES = 1500 };

static void must(int code, int expected, sqlite3 *db)
{
    if (code != expected) {
        fprintf(stderr, "sqlite_commits: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *const ways[][2] = {
    {"insert", "INSERT INTO t (id, name, data) VALUES ($1, 'name-' || $1, $2)"},
    {"delete", "DELETE FROM t WHERE id = $1 AND $2 IS NOT NULL"},
};

static const char *find_sql(const char *way)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        if (strcmp(ways[i][0], way) == 0)
            return ways[i][1];
    }
    exit(2);
}

static void put(sqlite3_stmt *stmt, sqlite3 *db, long id)
{
    static char row[ROW_BYTES];
    static int letter; /* SQLite does not write what is there already */
    letter = (letter + 1) % 26;
    memset(row, 'a' + letter, sizeof(row));
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_blob(stmt, 2, row, sizeof(row), SQLITE_STATIC);
    must(sqlite3_step(stmt), SQLITE_DONE, db);
    sqlite3_reset(stmt);
}

static sqlite3 *open_database(const char *path, sqlite3_stmt **ret_stmt, const char *way)
{
    sqlite3 *db;
    sqlite3_stmt *fill;
    must(sqlite3_open(path, &db), SQLITE_OK, db);
    must(sqlite3_exec(db,
                      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                      "DROP TABLE IF EXISTS t;"
                      "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB); BEGIN",
                      NULL, NULL, NULL),
         SQLITE_OK, db);
    must(sqlite3_prepare_v2(db, ways[0][1], -1, &fill, NULL), SQLITE_OK, db);
    for (long id = 0; id < (strcmp(way, "delete") == 0 ? TO_DELETE : ROWS); id++)
        put(fill, db, id);
    sqlite3_finalize(fill);
    must(sqlite3_exec(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL), SQLITE_OK,
         db);
    must(sqlite3_prepare_v2(db, find_sql(way), -1, ret_stmt, NULL), SQLITE_OK, db);
    return db;
}

int main(int argc, char **argv)
{
    sqlite3_stmt *stmt;
    if (argc != 4)
        return 2;
    int is_delete = strcmp(argv[3], "delete") == 0;
    sqlite3 *db = open_database(argv[1], &stmt, argv[3]);
    double start = now(), limit = atof(argv[2]);
    long commits = 0;
    for (; now() - start < limit && (!is_delete || commits < TO_DELETE); commits++)
        put(stmt, db, is_delete ? commits : ROWS + commits);
    printf("%.1f\n", (double)commits / (now() - start));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return 0;
}
