/* What a driver implements: the functions of db.h for one kind of database. The struct of a
 * connection begins with a struct db, so that a driver can cast between them. A NULL member means
 * the behaviour that its comment gives. */
#pragma once

#include "store/db/db.h"

struct db_driver {
    void (*close)(struct db *db);
    bool (*version)(struct db *db, int64_t *ret_version, struct error *error);
    bool (*set_version)(struct db *db, int64_t version, struct error *error);
    bool (*lock_schema)(struct db *db,
                        struct error *error); /* NULL: a write transaction locks it */
    bool (*script)(struct db *db, const char *sql, struct error *error);
    bool (*now_ms)(struct db *db, int64_t *ret_ms, struct error *error); /* NULL: this machine's */

    bool (*begin_read)(struct db *db, struct error *error);
    bool (*begin_write)(struct db *db, struct error *error);
    bool (*commit)(struct db *db, struct error *error);
    void (*rollback)(struct db *db);
    bool (*savepoint)(struct db *db, struct error *error);
    bool (*savepoint_keep)(struct db *db, struct error *error);
    bool (*savepoint_undo)(struct db *db, struct error *error);
    bool (*lock_counts)(struct db *db, struct error *error); /* NULL: a write transaction does */
    bool (*is_lost)(const struct db *db);

    bool (*begin_pipelined)(struct db *db, struct error *error); /* NULL: begin_write */
    bool (*commit_pipelined)(struct db *db, bool *ret_held, struct error *error); /* NULL: commit */
    enum db_failure (*failure)(const struct db *db); /* NULL: always DB_FAILED */
    /* NULL: failure never is DB_FATE_UNKNOWN. */
    bool (*resolve_commit)(struct db *db, int64_t until_ms, bool *ret_committed,
                           struct error *error);

    struct stmt (*open)(struct db *db, enum sql sql);
    void (*done)(struct stmt *stmt);
    void (*text)(struct stmt *stmt, int number, struct str text);
    void (*bytes)(struct stmt *stmt, int number, struct str bytes);
    void (*i64)(struct stmt *stmt, int number, int64_t value);
    bool (*step)(struct stmt *stmt, bool *ret_row, struct error *error);
    bool (*change)(struct stmt *stmt, bool *ret_changed, struct error *error);
    int64_t (*changes)(struct stmt *stmt);
    struct str (*column_text)(const struct stmt *stmt, int column, struct arena *arena);
    struct str (*column_bytes)(const struct stmt *stmt, int column, struct arena *arena);
    int64_t (*column_i64)(const struct stmt *stmt, int column);
};

struct db {
    const struct db_driver *driver;
    struct audit_chain *audit; /* of a connection that writes */
};
