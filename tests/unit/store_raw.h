/* The database file without the store, for the tests of the store. */
#pragma once

#include "cmocka_all.h"

#include "store/sqlite/internal.h"

#include <sqlite3.h>

/* Runs SQL on a database file by itself; gives the first column of the first row. */
static inline int64_t raw(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    int64_t value = -1;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, sqlite_vfs_name()),
                     SQLITE_OK);
    assert_int_equal(sqlite_add_functions(db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        value = sqlite3_column_int64(stmt, 0);
    assert_true(rc == SQLITE_ROW || rc == SQLITE_DONE);
    sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return value;
}
