/* The yardstick for durable writes: how many single-row commits a second SQLite itself makes, one
 * after the other, with the server's own settings (WAL, full sync) and rows of a profile's size.
 *
 *     sqlite_commits DATABASE SECONDS      prints commits per second */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 512, ROW_BYTES = 1500 };

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

int main(int argc, char **argv)
{
    static char row[ROW_BYTES];
    sqlite3 *db;
    sqlite3_stmt *put;
    if (argc != 3)
        return 2;
    must(sqlite3_open(argv[1], &db), SQLITE_OK, db);
    must(sqlite3_exec(db,
                      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                      "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, name TEXT UNIQUE,"
                      " data BLOB)",
                      NULL, NULL, NULL),
         SQLITE_OK, db);
    must(sqlite3_prepare_v2(db,
                            "INSERT INTO t (id, name, data) VALUES ($1, 'name-' || $1, $2)"
                            " ON CONFLICT (id) DO UPDATE SET data = excluded.data",
                            -1, &put, NULL),
         SQLITE_OK, db);
    double start = now(), limit = atof(argv[2]);
    long commits = 0;
    for (; now() - start < limit; commits++) {
        memset(row, (int)('a' + commits % 26), sizeof(row));
        sqlite3_bind_int64(put, 1, commits * 7919 % ROWS);
        sqlite3_bind_blob(put, 2, row, sizeof(row), SQLITE_STATIC);
        must(sqlite3_step(put), SQLITE_DONE, db);
        sqlite3_reset(put);
    }
    printf("%.1f\n", (double)commits / (now() - start));
    sqlite3_finalize(put);
    sqlite3_close(db);
    return 0;
}
